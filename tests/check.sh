#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check.sh SUITE...: runs suites (lint, unit, sanitized, e2e), each to its end, and adds up
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
export FLIGHTREC_TEST_COUNTS=$counts
ended_well=yes

for suite; do
	case $suite in
	lint) tests/lint/test.sh || ended_well='' ;;
	unit) tests/unit/run.sh build/unit || ended_well='' ;;
	sanitized) tests/unit/run.sh build/san || ended_well='' ;;
	e2e)
		tests/e2e/run.sh || ended_well=''
		tests/e2e/run.sh --probes || ended_well=''
		;;
	esac
done
[[ $# -gt 1 || $1 = e2e ]] || { [[ $ended_well ]]; exit; }

passed=0 failed=0 skipped=0
while read -r p f s; do
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done <"$counts"
echo
echo "$passed passed, $failed failed$([[ $skipped = 0 ]] || echo ", $skipped skipped")"
[[ $ended_well && $failed = 0 ]]
