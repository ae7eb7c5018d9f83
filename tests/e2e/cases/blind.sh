# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Processes, or copies of the library in them, that do not see that they are watched.

program=$FLIGHTREC_TESTS/namespaces

sees() { tell w watched "$1" && [[ $ANSWER = 1 ]]; }

private_plugin() { cp "$FLIGHTREC_TESTS/plugin-archive.so" "$T/plugin.so"; }

# By memory each copy is looked at; by probes only the one that the kernel finds.
test_library_is_mapped_twice()
{
	private_plugin
	run_worker w --json -o "$T/replays" -- "$program"
	ask 1 w load "$T/plugin.so"
	until_true sees 0
	ask 2 w load "$T/plugin.so"
	if [[ $WAY = memory ]]; then
		await w err "flightrec: process * has mapped $T/plugin.so more than once, and the kernel lets only one of these see that it is watched: the others are looked at every 0.1 s"
		tell w extend 1 1
		until_true grep -q '"event":"timeout"' "$T/replays"
	else
		await w err "flightrec: process * has mapped $T/plugin.so more than once, and the kernel lets only one of these see that it is watched: the others are not watched"
	fi
	ask 0 w watched 1
	sees 0 || fail "the first one is not watched"
	finish w
}

# The page with the semaphores is not of the file any more.
test_semaphores_are_hidden()
{
	private_plugin
	run_worker w --json -o "$T/replays" -- "$program"
	ask 1 w load "$T/plugin.so"
	until_true sees 0
	ask 0 w hide 0
	# It is scanned when it loads something.
	ask 2 w load "$FLIGHTREC_TESTS/plugin-b.so"
	await w err "flightrec: process * does not see that it is watched (a semaphore in $T/plugin.so is 0): it is *"
	if [[ $WAY = memory ]]; then
		tell w extend 0 1
		until_true grep -q '"event":"timeout"' "$T/replays"
	fi
	finish w
}
