#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh DIRECTORY SECONDS TARGET...: each target of DIRECTORY on what it began with and what
# tests/fuzz/corpus has for it, then for SECONDS on what it makes of them. What it finds stays in
# DIRECTORY/TARGET.corpus, for the next run; an input that fails in DIRECTORY/TARGET-*.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
directory=$1 seconds=$2
shift 2
failed=()

for target; do
	began=$directory/$target.seeds grown=$directory/$target.corpus kept=tests/fuzz/corpus/$target
	log=$directory/$target.log
	rm -rf "$began"
	mkdir -p "$began" "$grown"
	"$directory/$target" --seeds "$began"
	inputs=("$grown" "$began")
	[[ ! -d $kept ]] || inputs+=("$kept")
	if "$directory/$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=4096 \
		-max_len=65536 -len_control=20 -use_value_profile=1 -print_final_stats=1 \
		-artifact_prefix="$directory/$target-" "${inputs[@]}" >"$log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "ok    $target: $runs runs"
	else
		echo "FAIL  $target: $log"
		grep -E '^(cost:|[^ ]+:[0-9]+: not so)|ERROR|SUMMARY|runtime error|Test unit written' "$log" || tail "$log"
		failed+=("$target")
	fi
done
[[ ${#failed[@]} = 0 ]] || {
	echo "Again: $directory/TARGET FILE, of the file that was written."
	exit 1
}
