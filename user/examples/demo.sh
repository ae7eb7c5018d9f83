#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A redis client hangs because its server stalls, and flightrec tells in what. `make demo` runs
# this, as root. Takes about ten seconds, and leaves nothing behind.
set -u
cd "$(dirname "$0")/../.." || exit 1

REFRESHES=5  # that the client makes; the server stalls in the last but one
TIME_LIMIT=50 # seconds: then something is wrong

dir='' server='' watcher='' client=''

say() {
	printf 'demo: %s\n' "$*"
}

clean_up() {
	trap '' INT TERM HUP
	# shellcheck disable=SC2086 # it may be empty
	[ -z "$watcher" ] || kill -TERM "$watcher" $client
	[ -z "$server" ] || kill -KILL "$server"
	[ -z "$watcher$server" ] || wait
	watcher='' server=''
	[ -z "$dir" ] || rm -rf "$dir"
	dir=''
} 2>/dev/null

fail() {
	clean_up
	say "$*" >&2
	exit 1
}

seconds() {
	# Of the time since boot, in hundredths: "12.34" without its point.
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}

# How often the client was put to sleep: unchanged, it has not run meanwhile.
switches() {
	grep ctxt_switches "/proc/$client/status" 2>/dev/null
}

# The block is there; the client still hangs.
after_replay() {
	[ -n "$stalled" ] || return 0
	lasted=$(($(seconds) - stalled))
	before=$(switches)
	sleep 2
	if [ -n "$before" ] && [ "$before" = "$(switches)" ]; then
		hung=1
		say "two seconds later the client (pid $client) still hangs; now the server goes on (SIGCONT)"
	fi
	kill -CONT "$server"
}

trap clean_up EXIT
trap 'clean_up; say "interrupted"; exit 130' INT
trap 'clean_up; say "interrupted"; exit 143' TERM HUP

# One program under two names; Debian has them in two packages, and the other one starts a service.
redis=$(command -v redis-server || command -v redis-check-rdb) ||
	fail "redis-server is missing: run \`make deps\`"
command -v redis-cli >/dev/null || fail "redis-cli is missing: run \`make deps\`"
for program in build/flightrec build/examples/redis_refresh; do
	[ -x $program ] || fail "$program is missing: run \`make demo\`"
done
problem=$(build/flightrec doctor 2>&1 >/dev/null) || fail "cannot run here: ${problem#flightrec: }"
# Then the block ends with them.
stacks=$(build/flightrec doctor 2>/dev/null | grep '^ok *stacks' || true)

dir=$(mktemp -d "${TMPDIR:-/tmp}/flightrec-demo.XXXXXX") || fail "cannot make a temporary directory"
mkfifo "$dir/server" "$dir/watch" || fail "cannot make a FIFO in $dir"
socket=$dir/redis.sock
ln -s "$redis" "$dir/redis-server" || fail "cannot make a link in $dir"

"$dir/redis-server" --port 0 --unixsocket "$socket" --save '' --appendonly no --dir "$dir" \
	--daemonize no --logfile '' >"$dir/server" 2>&1 &
server=$!
exec 3<"$dir/server"
ready='' line=''
while [ -z "$ready" ]; do
	last=$line
	read -r line <&3 || fail "redis-server did not start: $last"
	case $line in *eady\ to\ accept\ connections*) ready=1 ;; esac
done
redis-cli -s "$socket" mset user alice posts 42 >/dev/null || fail "redis-server does not answer"
say "redis-server runs (pid $server); a client refreshes two keys every second, within 3 seconds"

# What the client and flightrec write comes through one pipe, line by line, in its order.
timeout --foreground "$TIME_LIMIT" build/flightrec run build/examples/redis_refresh "$socket" $REFRESHES \
	>"$dir/watch" 2>&1 &
watcher=$!

good=0 quiet=0 spoke='' stalled='' replayed='' hung='' lasted=0 last='' finished='' totals=''
while read -r line; do
	case $line in
	'flightrec: watching'*)
		printf '%s\n' "$line"
		client=${line##*pid }
		client=${client%)}
		;;
	'refreshed posts')
		good=$((good + 1))
		;;
	'refreshed user')
		# A refresh is half done: now.
		if [ $good -ne $((REFRESHES - 2)) ] || [ -n "$stalled" ]; then continue; fi
		kill -STOP "$server"
		stalled=$(seconds)
		quiet=$good
		say "$good refreshes succeeded${spoke:+, not in silence}; now the server stalls (SIGSTOP)"
		;;
	'['*-End\ of\ log-)
		printf '%s\n' "$line"
		replayed=1
		[ -n "$stacks" ] || after_replay
		;;
	'['*' main ('*)
		printf '%s\n' "$line"
		[ -z "$stacks" ] || after_replay
		;;
	'['*)
		printf '%s\n' "$line"
		[ -n "$stalled" ] || spoke=1
		case $line in
		*' finished after '*) finished=${line##* finished after } ;;
		*) [ -n "$replayed" ] || last=${line##*) } ;;
		esac
		;;
	*)
		printf '%s\n' "$line"
		case $line in *' opened, '*' timed out, '*) totals=${line#flightrec: } ;; esac
		;;
	esac
done <"$dir/watch"
wait "$watcher"
status=$?
watcher=''

[ $status -eq 0 ] || fail "FAILED: flightrec and the client ended with status $status"
[ -n "$replayed" ] || fail "FAILED: there was no replay"
[ -z "$spoke" ] || fail "FAILED: something was replayed before the server stalled"
[ -n "$hung" ] || fail "FAILED: the replay came, but the client no longer hung"
case $last in
"+redis_client.get('posts')" | "+redis_client.get('user')") ;;
*) fail "FAILED: the replay's last entry is not the call that hung: $last" ;;
esac
clean_up
say "seen: $quiet refreshes in silence; then one hung, and its log was replayed" \
	"$((lasted / 100)).$((lasted / 10 % 10)) s after the stall, while it hung"
say "seen: the log's last entry names the call: $last"
[ -z "$finished" ] || say "seen: when the server went on, it finished after $finished"
say "seen: ${totals:-no totals}; nothing is left running"
