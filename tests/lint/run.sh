#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh [ROOT]: the rules of this tree that no compiler checks
#
#   layer, hidden     includes go downwards only, by the lines of tests/lint/layers
#   includes, calls   no circle among files: by #include, by what the objects under build/ need
#   lines             no file over 500 lines
#   function          none over 60 lines
#   parameters        at most 5
#   untested          every .c of the collector has tests/unit/test_NAME*.c, is named by a test's
#                     "tests: FILE" comment, or says "No unit test: why"
#
# Prints a line for each place where one is broken. tests/lint/exceptions, where there is such a
# file, holds those ("KIND: PLACE") that are known and not to be told.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$here/../..}"
most_lines=500 most_in_function=60 most_parameters=5

mapfile -t ours < <(find ./* .ci .github -path ./build -prune -o -path ./vmlinux/vmlinux.h -prune \
	-o -path '*/corpus' -prune -o -type f -print 2>/dev/null | sed 's|^\./||' | sort)
# of PATTERN: those whose whole path matches it
of() { printf '%s\n' "${ours[@]}" | grep -E "$1" || true; }

includes()
{
	local files

	mapfile -t files < <(of '^(user|include|bpf)/.*\.[ch]$')
	awk -f "$here/includes.awk" tests/lint/layers "${files[@]}" >"$scratch/includes"
	grep -v '^edge ' "$scratch/includes" || true
	sed -n 's/^edge //p' "$scratch/includes" | awk -v kind=includes -f "$here/circles.awk"
}

# The library and the command are linked by themselves: a name is one object's in each.
calls()
{
	local part objects object

	for part in build/lib build/cmd; do
		objects=()
		while read -r object; do
			# What its source left behind is nobody's.
			[[ ! -f ${object#"$part"/}.c ]] || objects+=("$object.o")
		done < <(find "$part/user" -name '*.o' 2>/dev/null | sed 's/\.o$//' | sort)
		[[ ${#objects[@]} -gt 0 ]] || { echo "calls: $part: no objects there: run make"; continue; }
		nm -A -P "${objects[@]}" | sed "s|^$part/\([^:]*\)\.o:|\1.c|" | awk '
			$3 ~ /[TDBRVWC]/ { home[$2] = $1 }
			$3 == "U" { needs[++n] = $1 " " $2 }
			END {
				for (i = 1; i <= n; i++) {
					split(needs[i], need, " ")
					if (need[2] in home)
						print need[1], home[need[2]]
				}
			}' | awk -v kind=calls -f "$here/circles.awk"
	done
}

lines()
{
	local files

	mapfile -t files < <(of '(\.(c|h|cc|sh|awk|mk|md|json|bt|map|[1-9])|/Makefile|^Makefile)$')
	wc -l "${files[@]}" | awk -v most=$most_lines '$2 != "total" && $1 > most {
		printf "lines: %s: %d, more than %d\n", $2, $1, most }'
}

functions()
{
	local files

	mapfile -t files < <(of '\.(c|h|cc|sh)$')
	awk -v lines=$most_in_function -v parameters=$most_parameters -f "$here/functions.awk" "${files[@]}"
}

untested()
{
	local file name named excused

	named=$(sed -n 's|^/\* tests: \(.*\) \*/.*|\1|p' tests/unit/test_*.c)
	excused=$(grep -rl 'No unit test: .' user/collector || true)
	while read -r file; do
		name=${file##*/}
		name=${name%.c}
		compgen -G "tests/unit/test_$name.c" >/dev/null ||
			compgen -G "tests/unit/test_${name}_*.c" >/dev/null ||
			[[ " ${named//$'\n'/ } " = *" $file "* || $'\n'$excused$'\n' = *$'\n'$file$'\n'* ]] ||
			echo "untested: $file: no tests/unit/test_$name.c, and no line that says why"
	done < <(of '^user/collector/.*\.c$')
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for rule in includes calls lines functions untested; do "$rule"; done | sort >"$scratch/found"
exceptions=tests/lint/exceptions
[[ -f $exceptions ]] || exceptions=/dev/null
awk -F ': ' -v exceptions=$exceptions '
	BEGIN {
		while ((getline line <exceptions) > 0)
			if (line !~ /^(#|$)/)
				known[line] = 1
	}
	($1 ": " $2) in known { used[$1 ": " $2] = 1; next }
	{ print; bad = 1 }
	END {
		for (place in known)
			if (!(place in used))
				print "note: tests/lint/exceptions need not have: " place
		exit bad
	}' "$scratch/found"
