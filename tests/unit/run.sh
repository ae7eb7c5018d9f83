#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh DIRECTORY: runs the unit tests built there
#
# One line for each program, and all of its output where something failed or was skipped. A
# program that ends without its summary (a crash, a sanitizer) counts as one failure more.
set -u
limit=$((300 * ${FLIGHTREC_TEST_SLOW:-1}))
output=$(mktemp)
trap 'rm -f "$output"' EXIT
total_passed=0 total_failed=0 total_skipped=0
# What a sanitizer finds ends the program; leaks of the children that tests fork are no news.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:allocator_may_return_null=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# sum PATTERN: adds up the numbers that follow it
sum() { sed -n "s/^\[  $1 \] \([0-9]*\) test(s).*/\1/p" "$output" | awk '{ n += $1 } END { print n + 0 }'; }

for program in "$1"/test_*; do
	[[ -f $program && -x $program ]] || continue
	# One that its source left behind is not a test any more.
	[[ -f tests/unit/$(basename "$program").c ]] || continue
	timeout -k 5 "$limit" "$program" >"$output" 2>&1 </dev/null
	status=$?
	passed=$(sum 'PASSED ') failed=$(sum 'FAILED ') skipped=$(sum 'SKIPPED')
	if [[ $status != 0 && $failed = 0 ]] || [[ $((passed + failed + skipped)) = 0 ]]; then
		failed=$((failed + 1))
		echo "(exit status $status)" >>"$output"
	fi
	total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed))
	total_skipped=$((total_skipped + skipped))
	if [[ $failed != 0 ]]; then
		grep -vE '^\[ (RUN     |      OK) \]' "$output"
		echo "FAIL $program: $failed failed, $passed passed"
	elif [[ $skipped != 0 ]]; then
		grep -vE '^\[ (RUN     |      OK) \]' "$output"
		echo "ok   $program: $passed passed, $skipped skipped"
	else
		echo "ok   $program: $passed passed"
	fi
done
[[ -z ${FLIGHTREC_TEST_COUNTS:-} ]] ||
	echo "$total_passed $total_failed $total_skipped" >>"$FLIGHTREC_TEST_COUNTS"
echo "$total_passed passed, $total_failed failed$([[ $total_skipped = 0 ]] ||
	echo ", $total_skipped skipped")"
[[ $total_failed = 0 && $total_passed != 0 ]]
