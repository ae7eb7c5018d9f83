# SPDX-License-Identifier: BSD-2-Clause
# awk -f includes.awk LAYERS FILE...: checks the includes of FILEs against LAYERS
#
# Prints "layer: FILE: why" for each include that LAYERS does not allow, "hidden: FILE: why" where a
# room sees members that are hidden from it, and "edge FILE FILE" for each include of one FILE by
# another, for circles.awk.

function directory(path) { return match(path, /^.*\//) ? substr(path, 1, RLENGTH) : "" }

function normal(path)
{
	while (match(path, /[^\/]+\/\.\.\//))
		path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
	sub(/^\.\//, "", path)
	return path
}

# The file that the compiler takes, as in the Makefile: beside the including one, then -Iinclude,
# -Iuser, -I. and -Ibuild; "" if it is none of the project's
function resolve(from, name,    i, path, roots)
{
	if (name == "flightrec.skel.h" || name == "thread.skel.h")
		return "bpf/" name
	if (name == "syscall_names.inc")
		return "user/collector/span/" name
	split(directory(from) " include/ user/  ./", roots, " ")
	for (i = 1; i in roots; i++) {
		path = normal(roots[i] name)
		if (path in known)
			return path
	}
	return ""
}

# The room whose folder is the longest that the path begins with
function room_of(path,    room, best)
{
	best = ""
	for (room in folder)
		if (index(path, folder[room]) == 1 && \
		    (best == "" || length(folder[room]) > length(folder[best])))
			best = room
	return best
}

# A file of the session lies in user/collector/ itself: a folder there must have a room of its own.
function checked_room(path,    room)
{
	room = room_of(path)
	if (room != "" && substr(path, length(folder[room]) + 1) ~ /\//)
		return ""
	return room
}

function allowed(from, to, path,    words, i, name)
{
	if (from == to)
		return 1
	split(may[from], words, " ")
	name = path
	sub(/^.*\//, "", name)
	for (i = 1; i in words; i++)
		if (words[i] == to || words[i] == to "/" name)
			return 1
	return 0
}

function reach(path,    i)
{
	if (path in reached)
		return
	reached[path] = 1
	for (i = 1; i <= includes[path]; i++)
		reach(target[path, i])
}

BEGIN {
	layers = ARGV[1]
	for (i = 2; i < ARGC; i++)
		known[ARGV[i]] = 1
}

FILENAME == layers {
	if ($0 ~ /^#/ || NF == 0)
		next
	rest = $0
	sub(/^[^ \t]+[ \t]+[^ \t]+[ \t]+/, "", rest)
	if ($1 == "hidden") {
		hidden[$2] = rest
		next
	}
	folder[$1] = $2
	may[$1] = rest
	next
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
	quoted = $0 ~ /include[ \t]*"/
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*$/, "", name)
	path = resolve(FILENAME, name)
	if (path == "") {
		if (quoted && FILENAME ~ /^user\//)
			printf "layer: %s: includes \"%s\", which is not in the tree\n", FILENAME, name
		next
	}
	target[FILENAME, ++includes[FILENAME]] = path
}

/^struct [a-z_]+ \{/ { defines[FILENAME] = defines[FILENAME] " " $2 " " }

END {
	for (file in known) {
		from = checked_room(file)
		if (file ~ /^user\// && from == "")
			printf "layer: %s: is in no room of tests/lint/layers\n", file
		for (i = 1; i <= includes[file]; i++) {
			path = target[file, i]
			print "edge", file, path
			if (file !~ /^user\// || path ~ /^include\// || from == "")
				continue
			to = checked_room(path)
			if (!allowed(from, to, path))
				printf "layer: %s: includes %s, but %s may not know %s\n", file, path, from,
					to == "" ? path : to
		}
	}
	for (room in hidden) {
		count = split(hidden[room], words, " ")
		for (file in known) {
			if (room_of(file) != room)
				continue
			for (path in reached)
				delete reached[path]
			reach(file)
			for (path in reached)
				for (i = 1; i <= count; i++)
					if (index(defines[path], " " words[i] " "))
						printf "hidden: %s: sees the members of struct %s, by %s\n", \
							file, words[i], path
		}
	}
}
