#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# test.sh: run.sh passes this tree, and finds a violation of each kind that is planted in a copy
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

verdict()
{
	if [[ $2 = ok ]]; then
		passed=$((passed + 1))
		echo "ok   lint: $1"
	else
		failed=$((failed + 1))
		echo "FAIL lint: $1"
		echo "    ${3//$'\n'/$'\n    '}"
	fi
}

copy()
{
	rm -rf "$scratch/tree"
	mkdir "$scratch/tree"
	(cd "$root" && tar -c --exclude='*.d' \
		--exclude=vmlinux.h user include bpf tests Makefile build/lib build/cmd) |
		tar -x -C "$scratch/tree"
}

# finds WHAT PATTERN: the copy as it is now breaks one rule more than the tree does
finds()
{
	local output

	if ! output=$("$here/run.sh" "$scratch/tree") && grep -qE "^$2" <<<"$output"; then
		verdict "$1" ok
	else
		verdict "$1" bad "no '$2' in: $output"
	fi
	copy
}

plant() { (cd "$scratch/tree" && cat >>"$1"); }
compile() { cc -c -x c - -o "$scratch/tree/build/$1.o"; }
# many LINE COUNT
many() { yes "$1" | head -n "$2"; }

if output=$("$here/run.sh"); then verdict "the tree" ok; else verdict "the tree" bad "$output"; fi
copy

plant user/collector/base/escape.h <<<'#include "collector/report/report.h"'
finds "an include upwards" 'layer: user/collector/base/escape.h: includes user/collector/report/report.h'
plant user/collector/kernel/drain.c <<<'#include "../target/mappings.h"'
finds "an include aside, by a relative path" 'layer: user/collector/kernel/drain.c'
plant user/collector/recorder/replay.c <<<'#  include <collector/sink/report_writer.h>'
finds "an include in angle brackets" 'layer: user/collector/recorder/replay.c'
plant user/lib/log.c <<<'#include "collector/base/escape.h"'
finds "the library knows the collector" 'layer: user/lib/log.c'
mkdir "$scratch/tree/user/collector/attic"
plant user/collector/attic/attic.c <<<'/* No unit test: planted. */'
finds "a folder that has no room" 'layer: user/collector/attic/attic.c: is in no room'
plant user/collector/report/report.h <<<$'struct session {\n\tint planted;\n};'
finds "members of struct session shown to the command line" 'hidden: user/cli/[a-z_]*\.[ch]: sees'
plant user/collector/base/escape.h <<<'#include "collector/base/planted.h"'
plant user/collector/base/planted.h <<<'#include "collector/base/escape.h"'
finds "a circle of headers" 'includes: .*user/collector/base/escape.h user/collector/base/planted.h'

for name in one two; do plant user/collector/base/$name.c <<<'/* No unit test: planted. */'; done
compile cmd/user/collector/base/one <<<'void two(void); void one(void) { two(); }'
compile cmd/user/collector/base/two <<<'void one(void); void two(void) { one(); }'
finds "a circle of calls" 'calls: user/collector/base/one.c user/collector/base/two.c'
for name in one two; do plant user/lib/$name.c <<<''; done
compile lib/user/lib/one <<<'extern int b; int *a = &b;'
compile lib/user/lib/two <<<'extern int *a; int b; int **c = &a;'
finds "a circle of data in the library" 'calls: user/lib/one.c user/lib/two.c'

many '/* line */' 501 | plant bpf/planted.h
finds "a file that is too long" 'lines: bpf/planted.h: 501'
{ echo 'static int f(int a,'; echo '	     int b)'; echo '{'; many '	a++;' 57; echo '}'; } | plant bpf/planted.h
finds "a function that is too long" 'function: bpf/planted.h f: 61 lines'
plant bpf/planted.h <<<$'int g(int a, int b, int c, int d, int (*e)(int, int), int f)\n{\n}'
finds "a function of too many parameters" 'parameters: bpf/planted.h g: 6'
plant user/collector/base/planted.c </dev/null
finds "a source without a test" 'untested: user/collector/base/planted.c'

[[ -z ${FLIGHTREC_TEST_COUNTS:-} ]] || echo "$passed $failed 0" >>"$FLIGHTREC_TEST_COUNTS"
echo "$passed passed, $failed failed"
[[ $failed = 0 ]]
