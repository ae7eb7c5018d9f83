# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Bad input: one clear line on standard error, and the right exit status.

test_bad_options()
{
	try 2 "$FLIGHTREC" frobnicate
	one_line "unknown command 'frobnicate'"
	try 2 "$FLIGHTREC" run --frobnicate true
	one_line "unrecognized option '--frobnicate'"
	try 2 "$FLIGHTREC" attach --frobnicate
	one_line "unrecognized option '--frobnicate'"
	try 2 "$FLIGHTREC" run
	one_line "which COMMAND"
	try 2 "$FLIGHTREC" attach
	one_line "with -p, or all with -a"
	try 2 "$FLIGHTREC" attach -a -p 1
	one_line "with -p, or all with -a"
	try 2 "$FLIGHTREC" attach -p 1 something
	one_line "something"
	try 2 "$FLIGHTREC" doctor something
	one_line "something"
	try 2 "$FLIGHTREC" run --json=yes true
	one_line "option '--json' takes no value"
	try 2 "$FLIGHTREC" run --max 3 true
	one_line "option '--max' could be --max-reports or --max-recorders"
}

test_slips_are_understood()
{
	try 2 "$FLIGHTREC" atach -a
	one_line "^flightrec: unknown command 'atach'; did you mean 'attach'\\?$"
	try 2 "$FLIGHTREC" help docter
	one_line "unknown command 'docter'; did you mean 'doctor'\\?$"
	try 2 "$FLIGHTREC" --verison
	one_line "unrecognized option '--verison'; did you mean '--version'\\?$"
	try 2 "$FLIGHTREC" attach --jsno -a
	one_line "unrecognized option '--jsno'; did you mean '--json'\\?$"
	try 2 "$FLIGHTREC" run -json true
	one_line "unrecognized option '-json'; did you mean '--json'\\?$"
	# An option before the command.
	try 2 "$FLIGHTREC" --json attach -a
	one_line "options follow it"
}

test_bad_values()
{
	local value

	for value in 0 10 abc -5s 0s '' 10x 1e400s 30m1h 0.1ns 9223372036854775808ns 1h30; do
		try 2 "$FLIGHTREC" run --timeout "$value" true
		one_line "--timeout: '$value' is not a duration such as 250ms, 10s or 1h30m"
		try 2 "$FLIGHTREC" run --duration "$value" true
		one_line "--duration: '$value' is not a duration"
	done
	for value in 0 -1 x 12Q '' 17G 1.3K 99999999999999999999G; do
		try 2 "$FLIGHTREC" run --buffer "$value" true
		one_line "--buffer: '$value' is not a size such as 512K or 64M"
	done
	for value in 0 -1 x '' 1.5 16777217 4294967297; do
		try 2 "$FLIGHTREC" run --max-recorders "$value" true
		one_line "--max-recorders: '$value' is not a number"
	done
	for value in 0 many '' 18446744073709551616; do
		try 2 "$FLIGHTREC" run --max-reports "$value" true
		one_line "--max-reports: '$value' is not a number"
	done
	try 2 "$FLIGHTREC" run --min-severity loud true
	one_line "--min-severity: 'loud' is not debug, info, warning, error or critical"
	try 2 "$FLIGHTREC" run --format xml true
	one_line "--format: 'xml' is not text, detail, json or short"
	for value in x -1 0 1,,x 99999999999; do
		try 2 "$FLIGHTREC" attach -p "$value"
		one_line "-p: '$value' is not a process number"
	done
}

test_no_such_process()
{
	# A number that was in use, and whose process is reaped.
	true &
	local gone=$!
	wait $gone
	try 3 "$FLIGHTREC" attach -p $gone
	one_line "^flightrec: no such process: $gone$"
}

# What ps(1) shows, and nothing can be attached to.
test_numbers_of_no_use()
{
	local zombie

	# It ends when its parent is no shell any more, which would ask for its status.
	# shellcheck disable=SC2016 # the inner shell's
	bash -c '(until [[ $(</proc/$$/comm) = sleep ]]; do :; done) & echo $!; exec sleep 1000' \
		>"$T/zombie" &
	until_true test -s "$T/zombie"
	zombie=$(cat "$T/zombie")
	until_true grep -q '^State:.*zombie' "/proc/$zombie/status"
	try 3 "$FLIGHTREC" attach -p "$zombie"
	one_line "^flightrec: process $zombie has ended$"
	# shellcheck disable=SC2016 # the inner shell's
	try 3 bash -c 'exec "$0" attach -p $$' "$FLIGHTREC"
	one_line '^flightrec: process [0-9]+ is this flightrec itself$'
	[[ ! -e /proc/2/exe ]] && [[ -e /proc/2 ]] || return 0
	try 3 "$FLIGHTREC" attach -p 2
	one_line '^flightrec: process 2 is a kernel thread$'
}

# However often it is named, a process is watched once.
test_one_process_by_many_numbers()
{
	local worker_pid thread

	start_worker w
	tell w thread t print "there is a thread"
	tell w pid
	worker_pid=$ANSWER
	thread=$(find "/proc/$worker_pid/task" -mindepth 1 -maxdepth 1 ! -name "$worker_pid" -printf '%f\n')
	attach a -p "$worker_pid,$thread" -p "$thread $worker_pid" "$worker_pid"
	expect_lines "$T/a.err" "^flightrec: watching 1 process$" 1
	finish w
	join a
	[[ $STATUS = 0 ]] || fail "exit status $STATUS"
}

test_process_without_the_library()
{
	mkfifo "$T/hold"
	cat <"$T/hold" &
	local other=$!
	exec 9>"$T/hold"
	try 3 "$FLIGHTREC" attach -p $other
	one_line "^flightrec: process $other does not use the flightrec library$"
}

# What llvm-strip leaves of a program is not said to be one without the library.
test_process_without_its_notes()
{
	objcopy --remove-section=.note.stapsdt "$worker-archive" "$T/stripped"
	start_worker w "$T/stripped"
	tell w pid
	try 3 "$FLIGHTREC" attach -p "$ANSWER"
	one_line "^flightrec: process $ANSWER has probes, but their notes \\(.note.stapsdt\\) were removed"
	finish w
	launch r "$FLIGHTREC" run -q -- "$T/stripped"
	await r err 'flightrec: * has probes, but their notes *'
	await r err 'flightrec: watching*'
	finish r
}

# The same of one that the command starts.
test_child_without_its_notes()
{
	objcopy --remove-section=.note.stapsdt "$worker-archive" "$T/stripped"
	run_worker r -- sh -c "'$T/stripped'; true"
	await r err "flightrec: process * is not watched in $T/stripped: it has probes, but their notes (.note.stapsdt) were removed, as llvm-strip does"
	finish r
	expect_lines "$T/r.err" neither 0
	totals "$T/r.err" 0 0 0 0
}

# If one of two is wrong, the other is still watched.
test_one_of_two_is_no_process()
{
	start_worker w
	tell w pid
	true &
	local gone=$!
	wait $gone
	attach a -p "$gone,$ANSWER"
	expect_lines "$T/a.err" "^flightrec: no such process: $gone$" 1
	expect_lines "$T/a.err" "^flightrec: watching 1 process$" 1
	stop a
	finish w
}

test_command_not_found()
{
	try 127 "$FLIGHTREC" run -q no-such-command-anywhere
	one_line "^flightrec: cannot run 'no-such-command-anywhere': No such file or directory$"
	try 127 "$FLIGHTREC" run -q "$T/no-such-file"
	one_line "^flightrec: cannot run '$T/no-such-file': No such file or directory$"
}

test_command_not_executable()
{
	echo "not a program" >"$T/file"
	try 126 "$FLIGHTREC" run -q "$T/file"
	one_line "^flightrec: cannot run '$T/file': Permission denied$"
	try 126 "$FLIGHTREC" run -q "$T"
	one_line "^flightrec: cannot run '$T': Permission denied$"
	printf '#!/no/such/interpreter\n' >"$T/script"
	chmod 755 "$T/script"
	try 127 "$FLIGHTREC" run -q "$T/script"
	one_line "^flightrec: cannot run '$T/script': No such file or directory$"
}

test_output_not_writable()
{
	try 1 "$FLIGHTREC" run -o "$T/no/such/folder" true
	one_line "^flightrec: cannot write to $T/no/such/folder: No such file or directory$"
	try 1 "$FLIGHTREC" run -o "$T" true
	one_line "^flightrec: cannot write to $T: Is a directory$"
}

# Nobody may read the tree, perhaps; its own copy it may.
readable_copy() { cp "$FLIGHTREC" "$T/flightrec"; }

test_no_privilege()
{
	readable_copy
	try 4 setpriv --reuid 65534 --regid 65534 --clear-groups "$T/flightrec" run true
	one_line "missing capability CAP_BPF and CAP_PERFMON"
	try 4 setpriv --reuid 65534 --regid 65534 --clear-groups "$T/flightrec" attach -a
	one_line "missing capability CAP_BPF and CAP_PERFMON"
}

test_missing_capability_is_named()
{
	try 4 setpriv --bounding-set=-all "$FLIGHTREC" run true
	one_line "missing capability CAP_BPF and CAP_PERFMON"
	try 4 setpriv --bounding-set=-sys_admin,-perfmon "$FLIGHTREC" run true
	one_line "missing capability CAP_PERFMON:"
	try 4 setpriv --bounding-set=-sys_admin,-bpf "$FLIGHTREC" run true
	one_line "missing capability CAP_BPF:"
}

test_doctor_without_privilege()
{
	readable_copy
	timeout "$limit" setpriv --reuid 65534 --regid 65534 --clear-groups "$T/flightrec" doctor \
		>"$T/try.out" 2>"$T/try.err"
	[[ $? = 4 ]] || fail "another exit status"
	expect_lines "$T/try.out" '^MISSING *capabilities' 1
	expect_lines "$T/try.err" 'missing capability CAP_BPF and CAP_PERFMON' 1
}

# By a user who may load BPF programs, but not look into others' processes.
test_process_of_somebody_else()
{
	readable_copy
	start_worker w
	tell w pid
	try 4 setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=+bpf,+perfmon \
		--ambient-caps=+bpf,+perfmon "$T/flightrec" attach -p "$ANSWER"
	# Before Linux 6.14 its mappings cannot even be read.
	one_line "^flightrec: .*process $ANSWER: .*(Permission denied|Operation not permitted)"
	finish w
}
