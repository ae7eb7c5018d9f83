# SPDX-License-Identifier: BSD-2-Clause
# awk -v lines=60 -v parameters=5 -f functions.awk FILE...: functions of C, C++ and shell that are
# too long, from their first line to their closing brace, and those of C with too many parameters
#
# Relies on what clang-format makes: a function's braces stand alone, at the beginning of a line.

function count_parameters(text,    i, c, depth, count)
{
	# A BPF program's parameters are the event's, in a macro; a test's name is one as well.
	if (text ~ /BPF_|SEC\(/)
		return 0
	i = index(text, "(")
	if (!i || text ~ /\((void)?\)$/)
		return 0
	count = 1
	for (; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == "(")
			depth++
		else if (c == ")") {
			if (--depth == 0)
				break
		} else if (c == "," && depth == 1)
			count++
	}
	return count
}

function name_of(text)
{
	sub(/[ \t]*\(.*$/, "", text)
	sub(/^.*[ \t*]/, "", text)
	return text
}

FNR == 1 { inside = 0; head = "" }

inside && /^}/ {
	if (FNR - first + 1 > lines)
		printf "function: %s %s: %d lines, more than %d\n", FILENAME, name, FNR - first + 1, lines
	inside = 0
	head = ""
	next
}
inside { next }

FILENAME ~ /\.sh$/ {
	if ($0 ~ /^[a-z_][a-z0-9_]*\(\)[ \t]*\{?$/ && !pending) {
		first = FNR
		name = $0
		sub(/\(.*/, "", name)
		inside = $0 ~ /\{$/
		pending = !inside
	} else if (pending) {
		pending = 0
		inside = $0 ~ /^\{/
	}
	next
}

/^\{/ {
	if (head ~ /\(/) {
		inside = 1
		name = name_of(head)
		n = count_parameters(head)
		if (n > parameters)
			printf "parameters: %s %s: %d, more than %d\n", FILENAME, name, n, parameters
	}
	next
}
# Between functions: whatever could be the beginning of one, from its first line on.
/^[#\/ }]|^$|^\*/ || /;[ \t]*$/ || /=[ \t]*\{$/ { head = ""; next }
{
	if (head == "")
		first = FNR
	text = $0
	gsub(/^[ \t]+/, " ", text)
	head = head text
}
