# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# The packs, on the real programs. `make deps-packs` installs these; nothing of them runs but here.

here_or_skip()
{
	[[ $(uname -m) = x86_64 ]] || skip "the ends of functions are looked for on x86-64 alone"
	command -v "$1" >/dev/null || skip "no $1 here"
}

# As somebody else than root, whom the server refuses.
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$T" "$@"; }

# A server of its own, on a socket in T. PG: the folder of its programs.
start_postgres()
{
	local folders=(/usr/lib/postgresql/*/bin)

	PG=${folders[-1]}
	[[ -x $PG/postgres ]] || PG=$(dirname "$(command -v postgres || echo /nowhere/postgres)")
	[[ -x $PG/initdb && -x $PG/psql ]] || skip "no PostgreSQL here: make deps-packs"
	as_nobody "$PG/initdb" -D "$T/data" -A trust -U test --no-sync --no-instructions >"$T/initdb.log" 2>&1 ||
		fail "initdb: $(cat "$T/initdb.log")"
	launch server setpriv --reuid=65534 --regid=65534 --clear-groups "$PG/postgres" -D "$T/data" -k "$T" \
		-c listen_addresses= -c fsync=off -c autovacuum=off -c max_connections=20
	await server err '*ready to accept connections'
}

# client NAME: a psql that is told what to do by say
client() { launch "$1" "$PG/psql" -h "$T" -U test -d postgres -qAtX; }

# say NAME STATEMENT: does it, and waits until it is done
say()
{
	hand "$1" "$2"
	hand "$1" '\echo done'
	await "$1" out 'done'
}

# hand NAME STATEMENT: does not wait for it
hand() { echo "$2" >&"${input[$1]}"; }

stop_postgres()
{
	kill -INT "${pid[server]}"
	join server
}

# Which statements timed out, in their order.
timed_out() { "$FLIGHTREC_TESTS/jsoncheck" get "$T/a.out" timeout recorder.name; }

test_pack_postgres()
{
	start_postgres
	client one
	client two
	say one 'create table t (i int primary key, v int); insert into t values (1, 1);'
	attach a -a --json --pack postgres --timeout 1s
	say one 'begin; update t set v = 2 where i = 1;'
	hand two 'update t set v = 3 where i = 1;'
	# While it hangs.
	await a out '*"event":"timeout"*"name":"update t set v = 3 where i = 1;"*"message":"+lock of a row, until transaction *'
	say one 'commit;'
	await a out '*"event":"finished"*'
	# An error ends a statement, whatever comes then.
	say one 'select 1/0;'
	# In the other protocol.
	echo 'select pg_sleep(1.5) as prepared;' >"$T/script"
	as_nobody "$PG/pgbench" -h "$T" -U test -n -M prepared -t 1 -f "$T/script" postgres >"$T/pgbench.log" 2>&1 ||
		fail "pgbench: $(cat "$T/pgbench.log")"
	finish one
	finish two
	stop_postgres
	stop a
	valid_json "$T/a.out"
	timed_out >"$T/names"
	expect "$T/names" <<-'END'
	update t set v = 3 where i = 1;
	select pg_sleep(1.5) as prepared;
	END
	grep -q 'division by zero' "$T/one.err" || fail "the statement did not fail"
}

# The program that waits for the server, not the server.
test_pack_libpq()
{
	here_or_skip setpriv
	start_postgres
	client one
	say one 'begin; lock table pg_database in share mode;'
	launch c "$FLIGHTREC" run --json -o "$T/a.out" --pack libpq --timeout 500ms -- \
		"$PG/createdb" -h "$T" -U test fresh
	await c err '*watching*'
	# Its report goes to a file.
	until grep -q '"event":"timeout"' "$T/a.out"; do sleep 0.1; done
	say one 'commit;'
	join c
	[[ $STATUS = 0 ]] || fail "createdb: exit status $STATUS"
	finish one
	stop_postgres
	values "$T/a.out" timeout recorder.name recorder.source entries.0.message
	sort <<<"$VALUES" >"$T/names"
	expect "$T/names" <<-END
	PQexec	uprobe:libpq:PQexec	CREATE DATABASE fresh;
	PQgetResult	uprobe:libpq:PQgetResult	missing
	END
}

test_pack_files()
{
	here_or_skip flock
	: >"$T/lock"
	exec 9<"$T/lock"
	flock 9
	launch w "$FLIGHTREC" run --json -o "$T/a.out" --pack files --timeout 500ms -- flock "$T/lock" true
	await w err '*watching*'
	until grep -q '"event":"timeout"' "$T/a.out"; do sleep 0.1; done
	flock -u 9
	join w
	[[ $STATUS = 0 ]] || fail "flock: exit status $STATUS"
	expect_values $'flock\tlock\tsyscall:flock' "$T/a.out" timeout recorder.name recorder.span recorder.source
}

# A name server that does not answer: the program listens there, and says nothing.
test_pack_resolver()
{
	here_or_skip getent
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	[[ -e /etc/resolv.conf ]] || skip "no /etc/resolv.conf here"
	launch server "$FLIGHTREC_TESTS/spanned"
	tell server silent 53
	echo 'nameserver 127.0.0.9' >"$T/resolv.conf"
	launch w "$FLIGHTREC" run --json -o "$T/a.out" --pack resolver --timeout 500ms -- \
		unshare -m sh -c "mount --bind '$T/resolv.conf' /etc/resolv.conf && exec getent ahosts silent.example"
	await w err '*watching*'
	until grep -q '"event":"timeout"' "$T/a.out"; do sleep 0.1; done
	kill -KILL "$(pgrep -f 'getent ahosts silent[.]example')"
	join w
	finish server
	expect_values $'getaddrinfo\thost silent.example, service (null)' "$T/a.out" timeout recorder.name \
		entries.0.message
}

# The other side takes the connection, and does not answer the handshake.
test_pack_openssl()
{
	here_or_skip python3
	python3 -c 'import ssl' 2>/dev/null || skip "python3 has no ssl here"
	launch server "$FLIGHTREC_TESTS/spanned"
	tell server listen
	launch w python3 -c "import socket, ssl
context = ssl.create_default_context()
print('ready', flush=True)
input()
context.wrap_socket(socket.create_connection(('127.0.0.9', $ANSWER)), server_hostname='silent')"
	await w out ready
	attach a --json -p "${pid[w]}" --pack openssl --timeout 500ms
	echo >&"${input[w]}"
	await a out '*"event":"timeout"*'
	kill -KILL "${pid[w]}"
	await a out '*"event":"died"*'
	join w
	join a
	finish server
	expect_values $'SSL_do_handshake\tuprobe:ssl:SSL_do_handshake' "$T/a.out" timeout recorder.name \
		recorder.source
}

# A monitor has probes only if java is told so.
test_pack_jvm()
{
	here_or_skip java
	here_or_skip javac
	cat >"$T/Hang.java" <<-'END'
	public class Hang {
		public static void main(String[] a) throws Exception {
			Object lock = new Object();
			Thread t = new Thread(() -> { synchronized (lock) { System.out.println("in"); } });
			System.out.println("ready");
			System.in.read();
			synchronized (lock) { t.start(); System.in.read(); }
			t.join();
		}
	}
	END
	javac -d "$T" "$T/Hang.java" || skip "javac does not work here"
	launch w java -XX:+UseSerialGC -XX:+DTraceMonitorProbes -cp "$T" Hang
	await w out ready
	attach a --json -p "${pid[w]}" --pack jvm --timeout 500ms
	echo >&"${input[w]}"
	await a out '*"event":"timeout"*"name":"monitor of java/lang/Object"*'
	echo >&"${input[w]}"
	await a out '*"event":"finished"*"name":"monitor of java/lang/Object"*'
	finish w
	join a
}
