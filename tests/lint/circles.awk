# SPDX-License-Identifier: BSD-2-Clause
# awk -v kind=WORD -f circles.awk: reads lines "FROM TO"; prints "KIND: FILE FILE...: they need one
# another" for each set of files each of which leads to all the others.

$1 != $2 && !(($1, $2) in seen) {
	seen[$1, $2] = 1
	to[$1, ++degree[$1]] = $2
	node[$1] = node[$2] = 1
}

# Marks in reaches[start, X] every X that start leads to.
function walk(start,    queue, head, tail, at, i, next_one)
{
	queue[tail = 1] = start
	for (head = 1; head <= tail; head++) {
		at = queue[head]
		for (i = 1; i <= degree[at]; i++) {
			next_one = to[at, i]
			if ((start, next_one) in reaches)
				continue
			reaches[start, next_one] = 1
			queue[++tail] = next_one
		}
	}
}

END {
	for (n in node)
		walk(n)
	for (n in node) {
		if (!((n, n) in reaches) || n in told)
			continue
		count = 0
		for (m in node)
			if (((n, m) in reaches) && ((m, n) in reaches)) {
				members[++count] = m
				told[m] = 1
			}
		# Sorted by hand: not every awk can.
		for (i = 2; i <= count; i++)
			for (j = i; j > 1 && members[j - 1] > members[j]; j--) {
				m = members[j]
				members[j] = members[j - 1]
				members[j - 1] = m
			}
		line = members[1]
		for (i = 2; i <= count; i++)
			line = line " " members[i]
		printf "%s: %s: they need one another\n", kind, line
	}
}
