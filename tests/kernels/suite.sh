#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What runs inside every virtual machine (as root, in the project's folder, FLIGHTREC_TEST_SLOW set):
# what this kernel offers, what its verifier counted, and then the whole end-to-end suite.
set -u
status=0

echo "== doctor"
build/flightrec doctor || { echo "suite.sh: doctor: exit $?"; status=1; }

echo "== verifier"
# Lines "verifier: PROGRAM COUNT": init hands them to run.sh, which compares them with verifier.counts.
build/flightrec doctor --verifier || { echo "suite.sh: doctor --verifier: exit $?"; status=1; }

echo "== end to end"
tests/e2e/run.sh || status=1
exit $status
