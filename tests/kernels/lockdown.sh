#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs inside a virtual machine whose kernel withholds what flightrec needs (lockdown=confidentiality):
# the command must say so in one clear line and end with status 4, at once and without a trace of work.
set -u
passed=0 failed=0

check() # DESCRIPTION CONDITION...
{
	local what=$1
	shift
	if "$@"; then
		echo "ok - $what"
		passed=$((passed + 1))
	else
		echo "not ok - $what"
		failed=$((failed + 1))
	fi
}

# Else all that follows would be said of an ordinary kernel.
grep -F '[confidentiality]' /sys/kernel/security/lockdown ||
	{ echo 'lockdown.sh: this kernel is not locked down'; exit 1; }

timeout 60 build/flightrec doctor >/tmp/doctor.out 2>&1
doctor=$?
cat /tmp/doctor.out
check "doctor exits with 4 (is $doctor)" [ $doctor = 4 ]
check "doctor names lockdown" grep -qi lockdown /tmp/doctor.out

timeout 60 build/flightrec run -q -- touch /tmp/started >/tmp/run.out 2>/tmp/run.err
run=$?
cat /tmp/run.out /tmp/run.err
check "run exits with 4 (is $run)" [ $run = 4 ]
check "run says it in one line" [ "$(wc -l </tmp/run.err)" = 1 ]
check "the line names lockdown" grep -qi lockdown /tmp/run.err
check "nothing on standard output" [ ! -s /tmp/run.out ]
check "the command was not started unwatched" [ ! -e /tmp/started ]

echo "$passed passed, $failed failed"
[ $failed = 0 ]
