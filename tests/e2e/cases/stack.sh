# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# What a call takes of the stack, as flightrec.h promises it to signal handlers.

# takes_little FILE: what each call of programs/stack.c takes
takes_little()
{
	local call bytes lines=0

	while read -r call bytes; do
		lines=$((lines + 1))
		[[ $bytes -le 3072 ]] || fail "$call takes $bytes bytes of the stack"
	done <"$1"
	[[ $lines = 14 ]] || fail "$lines calls"
}

test_calls_take_little_stack()
{
	try 0 "$FLIGHTREC_TESTS/stack"
	takes_little "$T/try.out"
}

# The program's calls are bound when they are made, which is where the dynamic linker would come in.
test_calls_take_little_stack_when_watched()
{
	try 0 "$FLIGHTREC" run "$FLIGHTREC_TESTS/stack"
	takes_little "$T/try.out"
	expect_lines "$T/try.err" '\) signal 10 in worker$' 1
	try 0 "$FLIGHTREC" run env FLIGHTREC_MEMORY=0 "$FLIGHTREC_TESTS/stack"
	takes_little "$T/try.out"
}
