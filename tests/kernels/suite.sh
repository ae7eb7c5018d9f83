#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# suite.sh [short]: what runs inside every virtual machine (as root, in the project's folder,
# FLIGHTREC_TEST_SLOW set): what this kernel offers, what its verifier counted, and then the
# end-to-end suite.
set -u
status=0
FLIGHTREC_TEST_COUNTS=$(mktemp)
export FLIGHTREC_TEST_COUNTS

echo "== doctor"
build/flightrec doctor || { echo "suite.sh: doctor: exit $?"; status=1; }

echo "== verifier"
# Lines "verifier: PROGRAM COUNT": init hands them to run.sh, which compares them with verifier.counts.
build/flightrec doctor --verifier || { echo "suite.sh: doctor --verifier: exit $?"; status=1; }

by_probes=() by_memory='attach blind extend memory recorders rewritten where'
# Emulated, all of them take twenty minutes.
[[ ${1:-} != short ]] || by_probes=(-f 'attach recorders scale shares') by_memory='extend memory where'

echo "== end to end, by probes"
tests/e2e/run.sh --probes "${by_probes[@]}" || status=1

# What is different by kernel is in the BPF programs, which the above goes through: of the other way
# those tests that tell whether it works.
echo "== end to end, by memory"
tests/e2e/run.sh -f "$by_memory" || status=1
awk '{ p += $1; f += $2; s += $3 } END { print p + 0 " passed, " f + 0 " failed" (s ? ", " s " skipped" : "") }' \
	"$FLIGHTREC_TEST_COUNTS"
exit $status
