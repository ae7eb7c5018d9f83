#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the peers to compare with, as far as they are missing and can be had.
set -u

if command -v bpftrace >/dev/null && command -v lttng-sessiond >/dev/null &&
	command -v redis-check-rdb >/dev/null && command -v redis-benchmark >/dev/null &&
	command -v taskset >/dev/null && command -v jq >/dev/null &&
	printf '#include <lttng/tracepoint.h>\n' | cc -E - >/dev/null 2>&1; then
	exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo 'bench: not all of bpftrace, LTTng and redis are here, and cannot be had' >&2
	exit 0
fi
# No daemon is to start on its own for this.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null &&
	apt-get install -q -y --no-install-recommends bpftrace lttng-tools liblttng-ust-dev \
		redis-tools jq util-linux procps >/dev/null ||
	echo 'bench: not all peers could be installed' >&2
exit 0
