# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash disable=SC2154
# Two copies of the library in one process: the program's and that of its plugin.

test_two_copies_in_one_process()
{
	run_worker w --json -- "$worker-archive"
	tell w open r 3600000 archive
	ask 0 w plugin "$FLIGHTREC_TESTS/plugin.so"
	until_true is_watched w
	tell w extend r 1
	await w err '*"event":"timeout"*'
	tell w plugin_extend 1
	await w err '*"event":"timeout"*'
	finish w
	valid_json "$T/w.err"
	expect_values "archive
plugin" "$T/w.err" timeout recorder.name
}

# In files in which no other test has its probes.
private_copies()
{
	private_worker
	cp "$FLIGHTREC_TESTS/plugin-archive.so" "$T/plugin.so"
}

load_plugin()
{
	ask 0 w plugin "$T/plugin.so"
	tell w plugin_end
}

plugin_is_watched()
{
	tell w plugin_watched
	[[ $ANSWER = 1 ]]
}

# What the program opens and the plugin closes in time is nobody's business; what it logs is kept.
test_recorder_closed_by_another_copy()
{
	private_copies
	run_worker w --json -- "$T/private"
	load_plugin
	until_true plugin_is_watched
	tell w open a 3600000 closed
	tell w plugin_log_to a
	tell w plugin_close a
	ask none w current
	tell w open b 3600000 hangs
	tell w log b info one
	tell w plugin_log_to b
	tell w extend b 1
	await w err '*"event":"timeout"*'
	tell w plugin_log_to b
	await w err '*"event":"entry"*'
	tell w plugin_close b
	await w err '*"event":"finished"*'
	tell w extend a 1
	finish w
	valid_json "$T/w.err"
	expect_values "hangs	one,answer 42	0" "$T/w.err" timeout recorder.name 'entries.*.message' \
		entries_lost
	expect_values "hangs	answer 42" "$T/w.err" entry recorder.name entry.message
	expect_lines "$T/w.err" '"name":"closed"' 0
	expect_lines "$T/w.err" '"recorders_timed_out":1,' 1
}

# The same before anybody came.
test_attach_to_two_copies()
{
	private_copies
	start_worker w "$T/private"
	load_plugin
	tell w open a 1 closed
	tell w plugin_close a
	tell w open b 3600000 hangs
	tell w log b info one
	tell w plugin_log_to b
	tell w pid
	try 0 "$FLIGHTREC" dump --json -p "$ANSWER" -o "$T/dump"
	valid_json "$T/dump"
	expect_values "hangs	one,answer 42	2" "$T/dump" replay recorder.name 'entries.*.message' \
		entries_total
	tell w pid
	attach a --json -p "$ANSWER"
	plugin_is_watched || fail "not watched"
	tell w extend b 1
	await a out '*"event":"timeout"*'
	tell w plugin_close b
	await a out '*"event":"finished"*'
	tell w pid
	try 0 "$FLIGHTREC" dump --no-stack -p "$ANSWER"
	one_line "^flightrec: process $ANSWER has no open recorder$"
	finish w
	join a
	valid_json "$T/a.out"
	expect_values "hangs	one,answer 42	2	0" "$T/a.out" timeout recorder.name \
		'entries.*.message' entries_total entries_lost
	totals "$T/a.err" 1 1 0 0
}
