# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2034 # what is set here is used by the cases
# What the test cases share; sourced by run.sh.
#
# A test starts processes under names of its choice and holds pipes to their standard input, output
# and error. So it can tell a worker what to do, and wait for a line from flightrec without polling.

slow=${FLIGHTREC_TEST_SLOW:-1}
# Nothing takes that long; this ends what hangs.
limit=$((20 * slow))
worker=$FLIGHTREC_TESTS/worker
declare -A pid=() input=() output=() error=()

fail()
{
	echo "failed: $*"
	show_all
	exit 1
}

skip() { echo "skip: $*"; exit 77; }

show_all()
{
	local file

	for file in "$T"/*.out "$T"/*.err; do
		[[ -s $file ]] || continue
		echo "---- ${file##*/}"
		cut -c 1-600 "$file" | tail -n 40
	done
	echo "----"
}

run_test()
{
	T=$FLIGHTREC_SCRATCH/$1
	mkdir "$T"
	chmod 777 "$T"
	cd "$T" || exit 1
	"$1"
	exit 0
}

# launch NAME COMMAND...: starts it with its three streams in pipes
launch()
{
	local name=$1 fd

	shift
	mkfifo "$T/$name.0" "$T/$name.1" "$T/$name.2"
	: >"$T/$name.out"
	: >"$T/$name.err"
	(
		# It must not keep the pipes of others open.
		for fd in "${input[@]}" "${output[@]}" "${error[@]}"; do exec {fd}>&-; done
		# A shell makes what it starts in the background ignore these.
		exec env --default-signal=INT,QUIT "$@"
	) <"$T/$name.0" >"$T/$name.1" 2>"$T/$name.2" &
	pid[$name]=$!
	# In the same order as the other side, as each open waits for the other side's.
	exec {fd}>"$T/$name.0"
	input[$name]=$fd
	exec {fd}<"$T/$name.1"
	output[$name]=$fd
	exec {fd}<"$T/$name.2"
	error[$name]=$fd
}

# Stacks depend on the libraries of this machine, so text is compared without; cases/where.sh has them.
without_stack() { [[ " $* " = *" --json "* ]] || echo --no-stack; }

# run_worker NAME OPTION... [-- PROGRAM...]: flightrec run with a worker, its probes live
run_worker()
{
	local name=$1 options=()

	shift
	while [[ $# -gt 0 && $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	[[ $# -gt 0 ]] || set -- "$worker"
	# shellcheck disable=SC2046 # it is one word, or none
	launch "$name" "$FLIGHTREC" run $(without_stack "${options[@]}") "${options[@]}" -- "$@"
	await "$name" err 'flightrec: watching*'
}

# A worker with a copy of the library that no other test attaches to. In the shared one the probes
# of other tests may be live.
private_worker() { cp "$worker-archive" "$T/private"; }

is_watched()
{
	tell "$1" watched
	[[ $ANSWER = 1 ]]
}

is_unwatched() { ! is_watched "$1"; }

start_worker() { launch "$1" "${2:-$worker}"; }

# attach NAME OPTION...: flightrec attach, its probes live
attach()
{
	local name=$1

	shift
	# shellcheck disable=SC2046 # it is one word, or none
	launch "$name" "$FLIGHTREC" attach $(without_stack "$@") "$@"
	await "$name" err 'flightrec: watching*'
}

# await NAME out|err PATTERN: reads that stream up to a line of that pattern, which is left in LINE
await()
{
	local fd=${output[$1]}

	[[ $2 = out ]] || fd=${error[$1]}
	while IFS= read -r -t "$limit" LINE <&"$fd"; do
		printf '%s\n' "$LINE" >>"$T/$1.$2"
		# shellcheck disable=SC2053 # it is a pattern
		[[ $LINE != $3 ]] || return 0
	done
	fail "no line '$3' in the $2 of $1"
}

# tell NAME COMMAND...: has a worker do it; its answer is left in ANSWER
tell()
{
	local name=$1

	shift
	echo "$*" >&"${input[$name]}" || fail "$name is gone ($*)"
	IFS= read -r -t "$limit" ANSWER <&"${output[$name]}" || fail "no answer of $name: $*"
	[[ $ANSWER = ok* ]] || fail "$name answers '$ANSWER' ($*)"
	ANSWER=${ANSWER#ok}
	ANSWER=${ANSWER# }
}

# ask EXPECTED NAME COMMAND...: the same, with the answer that it must give
ask()
{
	local expected=$1

	shift
	tell "$@"
	[[ $ANSWER = "$expected" ]] || fail "${*:2}: '$ANSWER' instead of '$expected'"
}

# end_input NAME: a worker ends then
end_input()
{
	local fd=${input[$1]}

	exec {fd}>&-
}

# join NAME: waits for its end, with all it wrote in NAME.out and NAME.err; STATUS
join()
{
	local name=$1 readers=() fd

	cat <&"${output[$name]}" >>"$T/$name.out" & readers+=($!)
	cat <&"${error[$name]}" >>"$T/$name.err" & readers+=($!)
	wait "${pid[$name]}"
	STATUS=$?
	wait "${readers[@]}"
	for fd in "${output[$name]}" "${error[$name]}"; do exec {fd}<&-; done
}

# has_lines FILE PATTERN COUNT: that many or more
has_lines() { [[ $(grep -c "$2" "$1") -ge $3 ]]; }

# finish NAME [STATUS]: ends a worker by the end of its input, and waits for it
finish()
{
	end_input "$1"
	join "$1"
	[[ $STATUS = "${2:-0}" ]] || fail "$1: exit status $STATUS instead of ${2:-0}"
}

# stop NAME [STATUS]: ends flightrec attach
stop()
{
	kill -TERM "${pid[$1]}"
	join "$1"
	[[ $STATUS = "${2:-0}" ]] || fail "$1: exit status $STATUS instead of ${2:-0}"
}

# try STATUS COMMAND...: runs it with T/try.out and T/try.err
try()
{
	local expected=$1

	shift
	timeout "$limit" "$@" >"$T/try.out" 2>"$T/try.err" </dev/null
	STATUS=$?
	[[ $STATUS = "$expected" ]] || fail "$*: exit status $STATUS instead of $expected"
}

# What differs from run to run; the rest is compared letter for letter.
normalise()
{
	sed -E \
		-e 's/^\[[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8},[0-9]{3}: /[TIME: /' \
		-e 's/\((started at )?(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [0-9]{4}\)/(\1DATE)/' \
		-e 's/ \+[0-9]+\.[0-9]{3} ms \[[0-9]+\]/ +OFFSET [TID]/' \
		-e 's/^(\[TIME: [A-Z]+\]: \[[^]]*\] ([^ "]+|"[^"]*"))\[[0-9]+\]: /\1[PID]: /' \
		-e 's/ pid [0-9]+, thread [0-9]+, timeout/ pid PID, thread TID, timeout/' \
		-e 's/, open for [^:]*: /, open for AGE: /' \
		-e 's/ unfinished for [^:]*: / unfinished for AGE: /' \
		-e 's/ finished after .* past its deadline/ finished after AGE, LATE past its deadline/' \
		-e 's/state: thread [0-9]+ is .*/state: STATE/' \
		-e 's/\(pid [0-9]+\)/(pid PID)/' \
		-e "s|$FLIGHTREC_TESTS/|DIR/|g" -e "s|$T/|TMP/|g" "$@"
}

# expect FILE: its normalised text is what stands on standard input
expect()
{
	local file=$1

	cat >"$T/expected"
	normalise "$file" >"$T/actual"
	diff -u --label expected --label "${file##*/}" "$T/expected" "$T/actual" ||
		fail "${file##*/} is not as expected"
}

# one_line PATTERN: that is all there is on the standard error of try
one_line()
{
	[[ $(wc -l <"$T/try.err") = 1 ]] || fail "not one line: $(cat "$T/try.err")"
	grep -qE -e "$1" "$T/try.err" || fail "not '$1': $(cat "$T/try.err")"
	[[ ! -s $T/try.out ]] || fail "something on standard output"
}

# expect_lines FILE PATTERN COUNT
expect_lines()
{
	local n

	n=$(grep -c -E -e "$2" "$1")
	[[ $n = "$3" ]] || fail "$n lines '$2' in ${1##*/} instead of $3"
}

# totals FILE OPENED TIMED_OUT ENTRIES LOST
totals()
{
	local recorders=recorders entries=entries line

	[[ $2 != 1 ]] || recorders=recorder
	[[ $4 != 1 ]] || entries=entry
	line="flightrec: $2 $recorders opened, $3 timed out, $4 $entries seen, $5 lost"

	[[ $(tail -n 1 "$1") = "$line" ]] || fail "${1##*/} does not end with '$line'"
}

valid_json() { "$FLIGHTREC_TESTS/jsoncheck" valid "$1" || fail "${1##*/} is not valid"; }

# values FILE EVENT PATH...: VALUES, a line for each such event
values()
{
	VALUES=$("$FLIGHTREC_TESTS/jsoncheck" get "$@") || fail "${1##*/} is not JSON"
}

# expect_values EXPECTED FILE EVENT PATH...
expect_values()
{
	local expected=$1

	shift
	values "$@"
	[[ $VALUES = "$expected" ]] || fail "${*:2}: '$VALUES' instead of '$expected'"
}

# until_true COMMAND...: for what cannot be waited for, such as a change in /proc
until_true()
{
	local end=$((SECONDS + limit))

	until "$@"; do
		[[ $SECONDS -lt $end ]] || fail "not within $limit s: $*"
		read -r -t 0.02 <> <(:)
	done
}

# The lines of a replay, as expect() has them: replay NUMBER NAME WHO TIMEOUT EXE, entries on
# standard input as "SEVERITY MESSAGE" lines, and lines that begin with "=" as further ones
# before the second line.
replay()
{
	local number=$1 name=$2 who=$3 timeout=$4 exe=$5 line
	local ident="[Flight Recorder-$number]" more=() entries=()

	while IFS= read -r line; do
		if [[ $line = =* ]]; then more+=("${line#=}"); else entries+=("$line"); fi
	done
	echo "[TIME: WARNING]: Warning: Task timed out!"
	echo "[TIME: WARNING]: Please make sure it is hanging before restarting."
	echo "[TIME: INFO]: $ident pid PID, thread TID, timeout $timeout, open for AGE: \"$name\" of $who, $exe"
	for line in "${more[@]}"; do echo "[TIME: INFO]: $ident $line"; done
	echo "[TIME: INFO]: $ident state: STATE"
	echo "[TIME: INFO]: $ident (started at DATE) Replaying logs..."
	for line in "${entries[@]}"; do echo "[TIME: ${line%% *}]: $ident (DATE) ${line#* }"; done
	echo "[TIME: INFO]: $ident -End of log-"
}
