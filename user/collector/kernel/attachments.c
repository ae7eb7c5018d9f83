// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/attachments.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <uthash.h>

#include "collector/kernel/uprobes.h"
#include "collector/target/elf_places.h"
#include "collector/target/elf_probes.h"
#include "collector/target/mappings.h"

#define LIBRARY "libflightrec.so.0"

/*
 * What tells one file from another. A file that is attached to needs no more than its inode: the
 * probes hold that, so that its number is nobody else's, whatever its name, mode or contents
 * become. Of a file that has no probes nothing is held. Its inode number may be used again, or
 * probes come to be in it: then size or time of change tell.
 */
struct file_identity {
	uint64_t device;
	uint64_t inode;
	int64_t size; /* this and the next: 0 if attached to */
	int64_t changed_ns;
	int64_t pid; /* attached for this process alone; 0: for all */
	int64_t all_probes;
};

struct attached_file {
	struct file_identity identity;
	struct elf_probes probes; /* no copies: a file without probes */
	struct uprobe_links links;
	bool is_linker; /* attached to as the dynamic linker, if it lets itself be */
	UT_hash_handle hh;
};

void attachments_init(struct attachments *a, struct tracker *tracker, bool each_process)
{
	*a = (struct attachments){.tracker = tracker, .each_process = each_process};
}

void attachments_free(struct attachments *a)
{
	struct attached_file *file, *next;
	struct uprobe_links all = {0};

	HASH_ITER(hh, a->files, file, next)
	{
		uprobe_links_move(&all, &file->links);
		HASH_DEL(a->files, file);
		free(file);
	}
	uprobe_links_detach(&all);
}

static int identify(int fd, pid_t pid, struct file_identity *identity)
{
	struct statfs fs;
	struct stat st;

	memset(identity, 0, sizeof(*identity));
	if (fstat(fd, &st) || fstatfs(fd, &fs))
		return -errno;
	/*
	 * One file seen through two overlay mounts has two devices, but one real inode, on which
	 * the kernel would put the probe twice. And one that is written to there becomes another
	 * real inode under the same number.
	 */
	identity->device = fs.f_type == OVERLAYFS_SUPER_MAGIC ? 0 : st.st_dev;
	identity->inode = st.st_ino;
	identity->size = st.st_size;
	identity->changed_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	identity->pid = pid;
	return 0;
}

static struct file_identity attached_identity(const struct file_identity *identity)
{
	struct file_identity attached = *identity;

	if (identity->device) {
		attached.size = 0;
		attached.changed_ns = 0;
	}
	return attached;
}

static int attach(struct attachments *a, struct attached_file *file,
		  const struct uprobes_request *request)
{
	int err = uprobes_attach(request, &file->links);

	if (err)
		snprintf(a->problem, sizeof(a->problem), "cannot attach a uprobe: %s%s",
			 strerror(-err),
			 err == -EACCES || err == -EPERM
				 ? ": this kernel wants CAP_SYS_ADMIN for it"
				 : "");
	return err;
}

static struct uprobes_request request_for(const struct attachments *a,
					  const struct attached_file *file, int fd)
{
	return (struct uprobes_request){.program = tracker_probes_program(a->tracker),
					.multi = tracker_has_multi(a->tracker),
					.file = fd,
					.pid = (pid_t)file->identity.pid};
}

/* Which of a copy's probes, a bit each, are to be attached to. */
static unsigned wanted(const struct attachments *a, const struct elf_probes_copy *copy)
{
	const unsigned by_memory = 1u << FLIGHTREC_PROBE_ARM | 1u << FLIGHTREC_PROBE_LATE |
				   1u << FLIGHTREC_PROBE_STRAY | 1u << FLIGHTREC_PROBE_LEAVE;
	bool keeps_log = a->by_memory && !a->all_probes && copy->present & by_memory;

	return copy->present & (keeps_log ? by_memory | 1u << FLIGHTREC_PROBE_REPLAY : ~by_memory);
}

static int attach_copies(struct attachments *a, struct attached_file *file, int fd)
{
	/* Closings first, entries last: nothing is seen of which the end would be missed. */
	static const enum flightrec_probe order[] = {
		FLIGHTREC_PROBE_END,    FLIGHTREC_PROBE_LATE,   FLIGHTREC_PROBE_LEAVE,
		FLIGHTREC_PROBE_EXTEND, FLIGHTREC_PROBE_REPLAY, FLIGHTREC_PROBE_CONTEXT,
		FLIGHTREC_PROBE_STRAY,  FLIGHTREC_PROBE_BEGIN,  FLIGHTREC_PROBE_ENTRY,
		FLIGHTREC_PROBE_ARM,
	};
	struct uprobe uprobe[FLIGHTREC_PROBES * ELF_PROBES_COPIES_MAX];
	struct uprobes_request request = request_for(a, file, fd);

	request.uprobe = uprobe;
	for (size_t i = 0; i < FLIGHTREC_PROBES * file->probes.copies; i++) {
		const struct elf_probes_copy *copy = &file->probes.copy[i % file->probes.copies];
		enum flightrec_probe probe = order[i / file->probes.copies];

		if (wanted(a, copy) & 1u << probe)
			uprobe[request.count++] =
				(struct uprobe){copy->probe[probe].offset,
						copy->probe[probe].ref_ctr_offset, probe};
	}
	return attach(a, file, &request);
}

/* By its name: one that was started itself, with the program as its argument. */
static bool is_dynamic_linker(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return strncmp(name, "ld-", 3) == 0 || strncmp(name, "ld.so", 5) == 0 ||
	       strncmp(name, "ld64.so", 7) == 0 || strncmp(name, "libc.musl", 9) == 0;
}

/* Attaches to one file, if it has anything to attach to. */
static struct attached_file *add_file(struct attachments *a, int fd,
				      const struct file_identity *identity)
{
	struct attached_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return NULL;
	file->identity = *identity;
	err = elf_probes_find(fd, &file->probes);
	if (err == -EBADMSG)
		snprintf(a->problem, sizeof(a->problem), "%s",
			 elf_reason_text(file->probes.reason));
	if (err)
		file->probes.copies = 0;
	if (file->probes.copies && attach_copies(a, file, fd))
		file->probes.copies = 0;
	a->copies += file->probes.copies;
	if (file->links.count)
		file->identity = attached_identity(identity);
	HASH_ADD(hh, a->files, identity, sizeof(file->identity), file);
	return file;
}

static struct attached_file *find_file(const struct attachments *a,
				       const struct file_identity *identity)
{
	struct attached_file *file;

	HASH_FIND(hh, a->files, identity, sizeof(*identity), file);
	return file;
}

static struct attached_file *file_for(struct attachments *a, int fd, pid_t pid)
{
	struct file_identity identity, attached;
	struct attached_file *file;

	if (identify(fd, pid, &identity))
		return NULL;
	identity.all_probes = a->all_probes;
	attached = attached_identity(&identity);
	file = find_file(a, &attached);
	file = file ? file : find_file(a, &identity);
	return file ? file : add_file(a, fd, &identity);
}

/* Attaches to the notification point of a dynamic linker. */
static void add_linker(struct attachments *a, struct attached_file *file, int fd)
{
	struct uprobes_request request = request_for(a, file, fd);
	struct uprobe uprobe = {0};

	request.program = tracker_mappings_program(a->tracker);
	request.uprobe = &uprobe;
	request.count = 1;
	file->is_linker = true;
	if (elf_symbol_offset(fd, "_dl_debug_state", &uprobe.offset) || attach(a, file, &request))
		return;
	HASH_DEL(a->files, file);
	file->identity = attached_identity(&file->identity);
	HASH_ADD(hh, a->files, identity, sizeof(file->identity), file);
}

static size_t scan_file(struct attachments *a, pid_t pid, const struct mappings *mappings,
			const struct mapped_file *mapped, attachments_copy_fn fn, void *arg)
{
	const struct mapped_range *range = &mappings->range[mapped->range];
	struct attached_file *file;
	uint64_t bias;
	size_t copies = 0;
	int fd = mapping_open(pid, mappings, mapped);

	if (fd < 0)
		return 0;
	file = file_for(a, fd, a->each_process || a->all_probes ? pid : 0);
	if (file && !file->is_linker &&
	    ((size_t)(mapped - mappings->file) == mappings->linker ||
	     is_dynamic_linker(mapped->path)))
		add_linker(a, file, fd);
	if (file && file->probes.copies &&
	    elf_load_bias(fd, range->start, range->offset, &bias) == 0) {
		copies = file->probes.copies;
		for (size_t i = 0; i < copies; i++)
			fn(arg, pid, file->probes.copy[i].state + bias);
	}
	close(fd);
	return copies;
}

int attachments_scan(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	struct mappings mappings;
	int err = mappings_read(pid, &mappings);
	size_t copies = 0;

	if (!err) {
		for (size_t i = 0; i < mappings.files; i++)
			copies += scan_file(a, pid, &mappings, &mappings.file[i], fn, arg);
	}
	mappings_free(&mappings);
	return err ? err : (int)copies;
}

int attachments_scan_by_probes(struct attachments *a, pid_t pid, attachments_copy_fn fn, void *arg)
{
	int copies;

	a->all_probes = true;
	copies = attachments_scan(a, pid, fn, arg);
	a->all_probes = false;
	return copies;
}

int attachments_add_path(struct attachments *a, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct attached_file *file;

	if (fd < 0)
		return -errno;
	file = file_for(a, fd, 0);
	close(fd);
	return file && file->probes.copies ? 0 : -ENOENT;
}

static void try_directory(struct attachments *a, const char *directory, size_t length)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/%s", (int)length, directory, LIBRARY);
	attachments_add_path(a, path);
}

/* Where this command is installed, or was built, the library is too. */
static void try_beside_command(struct attachments *a)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 8);
	char *slash;

	if (length <= 0)
		return;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return;
	try_directory(a, path, (size_t)(slash - path));
	strcpy(slash, "/../lib");
	try_directory(a, path, strlen(path));
}

void attachments_add_usual(struct attachments *a)
{
	static const char *const usual[] = {"/usr/local/lib", "/usr/lib", "/usr/lib64",
					    "/usr/lib/x86_64-linux-gnu",
					    "/usr/lib/aarch64-linux-gnu"};
	const char *path = getenv("LD_LIBRARY_PATH");

	try_beside_command(a);
	while (path && *path) {
		size_t length = strcspn(path, ":;");

		if (length)
			try_directory(a, path, length);
		path += length + (path[length] != '\0');
	}
	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		try_directory(a, usual[i], strlen(usual[i]));
}
