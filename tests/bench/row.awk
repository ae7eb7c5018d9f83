# SPDX-License-Identifier: BSD-2-Clause
# One row from pairs "sample base-sample", of the same repetition: the ratio is that of each pair.
function middle(values, n,    i, j, x) {
	for (i = 2; i <= n; i++) {
		x = values[i]
		for (j = i - 1; j >= 1 && values[j] > x; j--)
			values[j + 1] = values[j]
		values[j + 1] = x
	}
	return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
}

function number(x) {
	x = sprintf(x >= 100 || x == int(x) ? "%.0f" : x >= 10 ? "%.1f" : x >= 0.01 ? "%.2f" : "%.4f", x)
	return x
}

$1 != "" { value[++n] = $1 + 0 }
base != "" && $2 + 0 > 0 { ratio[++r] = $1 / $2 }

END {
	mid = middle(value, n)
	of = r ? middle(ratio, r) : ""
	verdict = ""
	if (limit != "")
		verdict = ((base != "" ? of : mid) + 0 <= limit + 0) ? "ok, " : "MISSED, "
	if (limit != "")
		verdict = verdict limit " or less"
	printf "%-66s %10s %10s %10s %-9s %7s  %s\n", label, number(mid), number(value[1]),
		number(value[n]), unit, r ? sprintf("%.2f", of) : "", verdict
	printf "{\"name\":\"%s\",\"what\":\"%s\",\"unit\":\"%s\",\"samples\":%d,\"median\":%.6g," \
		"\"min\":%.6g,\"max\":%.6g,\"ratio\":%s,\"to\":%s,\"limit\":%s}\n", name, label,
		unit, n, mid, value[1], value[n], r ? sprintf("%.4f", of) : "null",
		r ? "\"" base "\"" : "null", limit == "" ? "null" : limit >> json
}
