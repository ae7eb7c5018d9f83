#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [--probes] [-f FILES] [-j N] [-v] [PATTERN...]: the end-to-end tests, as root, through the built command
#
# PATTERN names tests (all of those it occurs in); default: all. -v shows what each printed. Watched
# is by memory, with --probes by probes; tests called test_by_memory_* and test_by_probes_* are of
# that way alone. Tests find it in WAY. -f 'attach memory': those in cases/attach.sh and memory.sh.
#
# FLIGHTREC             the command (default: build/flightrec)
# FLIGHTREC_TESTS       folder of the programs that are watched (default: build/tests)
# FLIGHTREC_TEST_SLOW   factor by which limits of time are widened, on a slow machine
# FLIGHTREC_TEST_COUNTS file to which the counts are added: "PASSED FAILED SKIPPED"
#
# A test is a function test_* in cases/*.sh. Each runs in a bash and a session of its own, and all
# that it left behind is killed with the session. Nothing is expected of a test's speed: limits
# of time are there to end what hangs.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
export FLIGHTREC=${FLIGHTREC:-$root/build/flightrec}
export FLIGHTREC_BUILD=${FLIGHTREC_BUILD:-${FLIGHTREC%/*}}
export FLIGHTREC_TESTS=${FLIGHTREC_TESTS:-$root/build/tests}
export FLIGHTREC_TEST_SLOW=${FLIGHTREC_TEST_SLOW:-1}
export FLIGHTREC_ROOT=$root LC_ALL=C TZ=UTC
# Some tests want this to be what it is by default.
unset LD_LIBRARY_PATH LD_PRELOAD

# One test, in its own process: FILE FUNCTION
if [[ ${1:-} = --one ]]; then
	# shellcheck disable=SC1091
	. "$here/lib.sh"
	# shellcheck disable=SC1090
	. "$2"
	run_test "$3"
fi

# They wait more than they work, for the kernel to take probes back above all.
jobs=$((2 * $(nproc))) verbose='' patterns=() files=''
export WAY=memory
while [[ $# -gt 0 ]]; do
	case $1 in
	-j) jobs=$2; shift ;;
	-j*) jobs=${1#-j} ;;
	-v) verbose=1 ;;
	--probes) WAY=probes ;;
	-f) files=$2; shift ;;
	-*) echo "run.sh: what is $1?" >&2; exit 2 ;;
	*) patterns+=("$1") ;;
	esac
	shift
done

counts()
{
	[[ -z ${FLIGHTREC_TEST_COUNTS:-} ]] || echo "$1 $2 $3" >>"$FLIGHTREC_TEST_COUNTS"
	echo "$1 passed, $2 failed$([[ $3 = 0 ]] || echo ", $3 skipped")"
}

if [[ $(id -u) != 0 ]]; then
	echo "skip the end-to-end tests: they load BPF programs, and this is not root"
	counts 0 0 1
	exit 0
fi
if [[ ! -x $FLIGHTREC || ! -x $FLIGHTREC_TESTS/worker ]]; then
	echo "run.sh: no $FLIGHTREC or no $FLIGHTREC_TESTS/worker: run make tests" >&2
	exit 1
fi

wanted()
{
	local pattern other=memory

	[[ $WAY = probes ]] || other=probes
	[[ $1 != test_by_"$other"_* ]] || return 1
	[[ ${#patterns[@]} -gt 0 ]] || return 0
	for pattern in "${patterns[@]}"; do
		[[ $1 != *"$pattern"* ]] || return 0
	done
	return 1
}

if [[ $WAY = probes ]]; then
	export FLIGHTREC_COMMAND=$FLIGHTREC FLIGHTREC=$here/by_probes.sh
fi

scratch=$(mktemp -d "${TMPDIR:-/tmp}/flightrec-e2e.XXXXXX")
# Tests drop their privileges, and must still get at their own folders.
chmod 755 "$scratch"
export FLIGHTREC_SCRATCH=$scratch
declare -A running=()

# A test's session: the number of its first process, which is also what it is killed by.
end_session() { pkill -KILL -s "$1" 2>/dev/null; }

cleanup()
{
	local pid

	for pid in "${!running[@]}"; do end_session "$pid"; done
	rm -rf "$scratch"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

limit=$((120 * FLIGHTREC_TEST_SLOW))
passed=0 failed=0 skipped=0 failures=()

# Background processes of a script are not leaders of their group, so that setsid needs no fork
# of its own, and its number is the session's.
start()
{
	setsid env --default-signal=INT,QUIT timeout -k 5 "$limit" bash "$here/run.sh" --one "$1" "$2" \
		>"$scratch/$2.log" 2>&1 </dev/null &
	running[$!]=$2
}

reap()
{
	local pid status=0 name

	wait -n -p pid "${!running[@]}" || status=$?
	name=${running[$pid]}
	unset "running[$pid]"
	end_session "$pid"
	case $status in
	0)
		passed=$((passed + 1))
		echo "ok   $name"
		;;
	77)
		skipped=$((skipped + 1))
		echo "skip $name: $(sed -n 's/^skip: //p' "$scratch/$name.log" | tail -n 1)"
		;;
	*)
		failed=$((failed + 1))
		failures+=("$name")
		[[ $status != 124 && $status != 137 ]] || echo "no end after $limit s" >>"$scratch/$name.log"
		echo "FAIL $name"
		sed 's/^/    /' "$scratch/$name.log"
		;;
	esac
	[[ -z $verbose || $status != 0 ]] || sed 's/^/    /' "$scratch/$name.log"
	rm -rf "$scratch/$name.log" "${scratch:?}/$name"
}

for file in "$here"/cases/*.sh; do
	name=${file##*/}
	[[ -z $files || " $files " = *" ${name%.sh} "* ]] || continue
	while read -r test; do
		wanted "$test" || continue
		# One that meddles with what the others have to do with.
		if [[ $test = *_alone ]]; then
			while [[ ${#running[@]} -gt 0 ]]; do reap; done
			start "$file" "$test"
			reap
			continue
		fi
		[[ ${#running[@]} -lt $jobs ]] || reap
		start "$file" "$test"
	done < <(sed -n 's/^\(test_[a-z0-9_]*\)()$/\1/p' "$file")
done
while [[ ${#running[@]} -gt 0 ]]; do reap; done

[[ $failed = 0 ]] || echo "failed: ${failures[*]}"
counts "$passed" "$failed" "$skipped"
[[ $failed = 0 && $((passed + skipped)) != 0 ]]
