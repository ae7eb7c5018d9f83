// SPDX-License-Identifier: BSD-2-Clause
#include "collector/kernel/attachments.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <uthash.h>

#include "collector/target/elf_places.h"
#include "collector/target/elf_probes.h"
#include "collector/target/mappings.h"

#define LIBRARY "libflightrec.so.0"
#define DETACH_THREADS 16

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
};

struct attached_file {
	struct file_identity identity;
	struct elf_probes probes; /* no copies: a file without probes */
	struct bpf_link **links;  /* but for those of the end probe */
	size_t n_links;
	struct bpf_link **end_links;
	size_t n_end_links;
	bool is_linker; /* attached to as the dynamic linker, if it lets itself be */
	UT_hash_handle hh;
};

void attachments_init(struct attachments *a, struct tracker *tracker, bool each_process)
{
	*a = (struct attachments){.tracker = tracker, .each_process = each_process};
}

/* Links to be destroyed, by whoever comes next. */
struct detaching {
	struct bpf_link **links;
	size_t count;
	size_t next;
};

static void *detach_some(void *arg)
{
	struct detaching *d = arg;

	for (;;) {
		size_t i = __atomic_fetch_add(&d->next, 1, __ATOMIC_RELAXED);

		if (i >= d->count)
			return NULL;
		bpf_link__destroy(d->links[i]);
	}
}

/*
 * The kernel takes a probe out when no CPU can be in it any more, and the caller waits for that:
 * all of them at once wait no longer than one.
 */
static void detach_all(struct bpf_link **links, size_t count)
{
	struct detaching d = {.links = links, .count = count};
	pthread_t threads[DETACH_THREADS];
	size_t started = 0;

	while (started < DETACH_THREADS && started + 1 < count &&
	       pthread_create(&threads[started], NULL, detach_some, &d) == 0)
		started++;
	detach_some(&d);
	while (started)
		pthread_join(threads[--started], NULL);
}

/* Detaches from what stands in the lists that @list picks, of all files. */
static void detach_lists(struct attachments *a, bool ends)
{
	struct bpf_link **all = NULL;
	struct attached_file *file;
	size_t count = 0;

	for (file = a->files; file; file = file->hh.next) {
		struct bpf_link **links = ends ? file->end_links : file->links;
		size_t n = ends ? file->n_end_links : file->n_links;
		struct bpf_link **more = reallocarray(all, count + n + 1, sizeof(*all));

		if (more) {
			all = more;
			for (size_t i = 0; i < n; i++)
				all[count++] = links[i];
		} else {
			detach_all(links, n);
		}
		if (ends)
			file->n_end_links = 0;
		else
			file->n_links = 0;
	}
	detach_all(all, count);
	free(all);
}

void attachments_see_ends_only(struct attachments *a)
{
	detach_lists(a, false);
}

void attachments_free(struct attachments *a)
{
	struct attached_file *file, *next;

	detach_lists(a, false);
	detach_lists(a, true);
	HASH_ITER(hh, a->files, file, next)
	{
		HASH_DEL(a->files, file);
		free(file->links);
		free(file->end_links);
		free(file);
	}
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

static int attach(struct attachments *a, struct attached_file *file, int fd,
		  struct bpf_program *program, uint64_t offset, uint64_t ref_ctr_offset)
{
	LIBBPF_OPTS(bpf_uprobe_opts, options, .ref_ctr_offset = ref_ctr_offset);
	bool is_end = program == tracker_probe_program(a->tracker, FLIGHTREC_PROBE_END);
	struct bpf_link *link, **links, ***list;
	size_t *count;
	char path[64];

	/* The descriptor leads to the file itself, whatever its name and mount namespace. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	link = bpf_program__attach_uprobe_opts(program,
					       file->identity.pid ? (pid_t)file->identity.pid : -1,
					       path, offset, &options);
	if (!link) {
		int err = -errno;

		snprintf(a->problem, sizeof(a->problem), "cannot attach a uprobe: %s%s",
			 strerror(-err),
			 err == -EACCES || err == -EPERM
				 ? ": this kernel wants CAP_SYS_ADMIN for it"
				 : "");
		return err;
	}
	list = is_end ? &file->end_links : &file->links;
	count = is_end ? &file->n_end_links : &file->n_links;
	links = reallocarray(*list, *count + 1, sizeof(*links));
	if (!links) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	links[(*count)++] = link;
	*list = links;
	return 0;
}

static int attach_copy(struct attachments *a, struct attached_file *file, int fd,
		       const struct elf_probes_copy *copy)
{
	/* Closings first, entries last: nothing is seen of which the end would be missed. */
	static const enum flightrec_probe order[] = {
		FLIGHTREC_PROBE_END,     FLIGHTREC_PROBE_EXTEND, FLIGHTREC_PROBE_REPLAY,
		FLIGHTREC_PROBE_CONTEXT, FLIGHTREC_PROBE_BEGIN,  FLIGHTREC_PROBE_ENTRY,
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct elf_probe *probe = &copy->probe[order[i]];
		int err;

		if (!(copy->present & 1u << order[i]))
			continue;
		err = attach(a, file, fd, tracker_probe_program(a->tracker, order[i]),
			     probe->offset, probe->ref_ctr_offset);
		if (err)
			return err;
	}
	return 0;
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
	for (size_t i = 0; i < file->probes.copies; i++) {
		if (attach_copy(a, file, fd, &file->probes.copy[i])) {
			file->probes.copies = i;
			break;
		}
		a->copies++;
	}
	if (file->n_links || file->n_end_links)
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
	attached = attached_identity(&identity);
	file = find_file(a, &attached);
	file = file ? file : find_file(a, &identity);
	return file ? file : add_file(a, fd, &identity);
}

/* Attaches to the notification point of a dynamic linker. */
static void add_linker(struct attachments *a, struct attached_file *file, int fd)
{
	uint64_t offset;

	file->is_linker = true;
	if (elf_symbol_offset(fd, "_dl_debug_state", &offset) ||
	    attach(a, file, fd, tracker_mappings_program(a->tracker), offset, 0))
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
	file = file_for(a, fd, a->each_process ? pid : 0);
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
