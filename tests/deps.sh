#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs what the build, the tests and the demo need.
set -eu

if command -v apt-get >/dev/null; then
	export DEBIAN_FRONTEND=noninteractive
	packages="gcc g++ clang llvm lld binutils make pkg-config libbpf-dev bpftool libelf-dev
		zlib1g-dev libjansson-dev uthash-dev libcmocka-dev libhiredis-dev redis-server
		redis-tools git ca-certificates procps jq qemu-system-x86 busybox-static cpio"
	missing=
	for package in $packages; do
		dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' ||
			missing="$missing $package"
	done
	[ -z "$missing" ] && exit 0
	# A server that the package starts would outlive the demo: keep it from starting.
	policy=/usr/sbin/policy-rc.d
	made_policy=
	if [ ! -e "$policy" ]; then
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod 755 "$policy"
		made_policy=1
	fi
	trap '[ -z "$made_policy" ] || rm -f "$policy"' EXIT
	apt-get update -q
	# shellcheck disable=SC2086
	apt-get install -q -y --no-install-recommends $missing
elif command -v dnf >/dev/null; then
	dnf install -y gcc gcc-c++ clang llvm lld binutils make pkgconf-pkg-config libbpf-devel \
		bpftool elfutils-libelf-devel zlib-devel jansson-devel uthash-devel \
		libcmocka-devel hiredis-devel redis git procps-ng jq
else
	echo "make deps: no apt-get and no dnf here: install the packages of tests/deps.sh by hand" >&2
	exit 1
fi
