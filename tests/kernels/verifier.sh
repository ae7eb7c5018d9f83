#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# verifier.sh [--update] KERNEL LISTING: what the verifier counted on KERNEL against verifier.counts
#
# LISTING holds lines "verifier: PROGRAM COUNT", COUNT being the instructions that the verifier
# processed ("processed N insns" of its log). verifier.counts holds "PROGRAM KERNEL COUNT" lines.
# A program that grew past a fifth, one that the file does not know, and one that the kernel no
# longer loads are failures until the file is updated, in the commit that brought the change: the
# verifier's limit is a wall that is met on users' kernels first, and growth is cheap to stop early.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

counts=${FLIGHTREC_VERIFIER_COUNTS:-$kernels_dir/verifier.counts}
update=
[[ ${1:-} != --update ]] || { update=1; shift; }
[[ $# = 2 ]] || die 'usage: verifier.sh [--update] KERNEL LISTING'
kernel=$1 listing=$2

# One program may be loaded several times (by each test): the largest count is what matters.
current=$(awk '$1 == "verifier:" && NF == 3 && $3 ~ /^[0-9]+$/ {
		if ($3 + 0 > max[$2] + 0) max[$2] = $3 }
	END { for (program in max) print program, max[program] }' "$listing" | LC_ALL=C sort)

if [[ -n $update ]]; then
	[[ -n $current ]] || die "$kernel: no counts to keep"
	# Machines end at the same time, and each has its rows in the one file.
	exec 9<"$kernels_dir"
	flock 9
	{
		echo '# SPDX-License-Identifier: BSD-2-Clause'
		echo '# PROGRAM KERNEL COUNT: instructions that the verifier processed; written by'
		echo '# tests/kernels/run.sh --update, compared by tests/kernels/verifier.sh'
		{
			[[ ! -f $counts ]] || awk -v kernel="$kernel" '!/^#/ && NF == 3 && $2 != kernel' "$counts"
			awk -v kernel="$kernel" '{ print $1, kernel, $2 }' <<<"$current"
		} | LC_ALL=C sort -k 1,1 -k 2,2V
	} >"$counts.new"
	mv "$counts.new" "$counts"
	say "$kernel: kept in ${counts##*/}"
	exit
fi

awk -v kernel="$kernel" '
	FNR == NR { if ($0 !~ /^#/ && $2 == kernel) kept[$1] = $3; next }
	NF == 2 {
		program = $1; count = $2; seen[program] = 1; note = ""
		if (!(program in kept)) {
			note = "NEW"; bad++
		} else if (count > kept[program] * 1.2) {
			note = sprintf("GREW by %.0f %%", (count / kept[program] - 1) * 100); bad++
		} else if (count < kept[program] * 0.8) {
			note = "shrank: --update keeps the gain"
		}
		printf "verifier %-14s %-28s %8d  kept %8s%s\n", kernel, program, count,
			program in kept ? kept[program] : "-", note ? "  " note : ""
	}
	END {
		for (program in kept)
			if (!(program in seen)) {
				printf "verifier %-14s %-28s %8s  kept %8d  GONE\n", kernel, program, "-", kept[program]
				bad++
			}
		if (bad)
			printf "verifier %-14s %d out of line; if that is meant: tests/kernels/run.sh --update %s\n",
				kernel, bad, kernel
		exit bad > 0
	}' <(cat "$counts" 2>/dev/null || true; echo '#') - <<<"$current"
