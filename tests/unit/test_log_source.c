// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: tests/unit/fake_probes.c user/lib/memory.c user/lib/memory_slot.c user/lib/memory_entry.c user/lib/memory_site.c user/lib/ticks.c user/format/conversion.c user/collector/target/memory_log.c user/collector/target/log_source.c user/collector/target/core_file.c user/collector/target/target_memory.c user/collector/target/time_namespace.c user/collector/target/mappings.c user/collector/base/auxv.c user/collector/target/tick_clock.c user/collector/target/host_tid.c user/collector/target/proc_file.c user/collector/target/thread_state.c user/collector/target/proc_status.c user/collector/recorder/log_replay.c user/collector/report/render.c user/collector/report/render_number.c user/collector/report/render_out.c */
/* tests: user/collector/target/core_file.c user/collector/target/tick_clock.c user/collector/recorder/log_replay.c */
/* clang-format on */
/* Memory logs, of processes and in core files, and the reports made of them. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/procfs.h>

#include "collector/recorder/log_replay.h"
#include "collector/target/core_file.h"
#include "collector/target/log_source.h"
#include "memory_samples.h"

#define ADDRESS 0x7f0000000000ull
#define MISSING 0x10000ull

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

static char path[64];

static struct memory_header *make_log(void)
{
	static const struct flightrec_site site = {
		.format = "number %ld of %ld", .file = "a.c", .function = "f", .line = 7};
	struct memory_header *memory = memory_create(1, "256K");
	struct memory_writer w = writer(memory, 0);
	struct memory_slot *slot = memory_slot(memory, 1);
	struct memory_place place;
	uint64_t data[2] = {5, 9};

	open_slot(&w, 0, 1);
	open_slot(&w, 1, 2);
	memory_close(memory, 0, 1, false);
	slot->parent = 1;
	assert_true(memory_place(&w, 1, 2, &place));
	memcpy(place.entry->data, data, sizeof(data));
	place.entry->site = memory_site_at(memory, &site);
	place.entry->severity_flags = FLIGHTREC_ERROR;
	memory_commit(&w, &place, sizeof(data));
	assert_true(put(&w, 1, 2, 3, 0));
	return memory;
}

/* A core file with the log in two segments that follow one another, as a kernel may write it. */
static void write_core(const struct memory_header *memory)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segment[4];
		uint32_t unused; /* the information is to stand right behind the name */
		Elf64_Nhdr note;
		char name[8];
		struct elf_prpsinfo info;
	} core = {.note = {.n_namesz = 5, .n_descsz = sizeof(core.info), .n_type = NT_PRPSINFO},
		  .name = "CORE",
		  .info = {.pr_pid = 4242, .pr_fname = "victim"}};
	const uint64_t cut = 65536;
	int fd;

	memcpy(core.head.e_ident, ELFMAG, SELFMAG);
	core.head.e_ident[EI_CLASS] = ELFCLASS64;
	core.head.e_ident[EI_DATA] = ELFDATA2LSB;
	core.head.e_type = ET_CORE;
	core.head.e_machine = MACHINE;
	core.head.e_phoff = sizeof(core.head);
	core.head.e_phentsize = sizeof(Elf64_Phdr);
	core.head.e_phnum = 4;
	core.segment[0] = (Elf64_Phdr){.p_type = PT_NOTE,
				       .p_offset = (size_t)((char *)&core.note - (char *)&core),
				       .p_filesz = sizeof(core) -
						   (size_t)((char *)&core.note - (char *)&core)};
	core.segment[1] = (Elf64_Phdr){.p_type = PT_LOAD,
				       .p_vaddr = ADDRESS + cut,
				       .p_offset = sizeof(core) + cut,
				       .p_filesz = memory->size - cut};
	core.segment[2] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_vaddr = ADDRESS, .p_offset = sizeof(core), .p_filesz = cut};
	core.segment[3] = (Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = MISSING, .p_memsz = 4096};
	strcpy(path, "/tmp/flightrec-core-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, &core, sizeof(core)), sizeof(core));
	assert_int_equal(write(fd, memory, memory->size), memory->size);
	close(fd);
}

static void test_core_file(void **state)
{
	struct memory_header *memory = make_log();
	struct core_file *core;
	char bytes[32];

	(void)state;
	write_core(memory);
	assert_int_equal(core_file_open(&core, path), 0);
	assert_int_equal(core_file_pid(core), 4242);
	assert_string_equal(core_file_comm(core), "victim");
	assert_int_equal(core_file_segments(core), 2);
	assert_int_equal(core_file_segment(core, 0), ADDRESS);
	assert_int_equal(core_file_read(core, ADDRESS, bytes, 16), 0);
	assert_memory_equal(bytes, MEMORY_MAGIC, 16);
	/* Across the border of two segments. */
	assert_int_equal(core_file_read(core, ADDRESS + 65536 - 8, bytes, 16), 0);
	assert_memory_equal(bytes, (char *)memory + 65536 - 8, 16);
	assert_int_equal(core_file_read(core, MISSING, bytes, 1), -EFAULT);
	assert_int_equal(core_file_read(core, ADDRESS + memory->size - 8, bytes, 16), -EFAULT);
	assert_int_equal(core_file_read(core, UINT64_MAX, bytes, 16), -EFAULT);
	core_file_close(core);
	unlink(path);
	memory_destroy(memory);
}

static int find_open(void *arg, uint32_t slot, const struct memory_slot *copy)
{
	struct log_recorder *recorder = arg;

	*recorder = (struct log_recorder){slot, *copy};
	return 0;
}

static void test_report_out_of_a_core(void **state)
{
	struct memory_header *memory = make_log();
	struct log_replay *replay = log_replay_new();
	struct log_owner owner = {.comm = "victim", .pid = 4242};
	struct log_recorder recorder = {0};
	struct log_source *source;
	struct report_entry entry;
	struct report *report;

	(void)state;
	write_core(memory);
	assert_int_equal(log_source_open_core(&source, path), 0);
	assert_int_equal(log_source_logs(source), 1);
	assert_int_equal(log_source_process(source)->pid, 4242);
	assert_string_equal(log_source_process(source)->comm, "victim");
	assert_int_equal(memory_log_slots(log_source_log(source, 0), false, find_open, &recorder),
			 0);
	assert_int_equal(recorder.slot, 1);
	tick_clock_stored(&owner.clock, &log_source_log(source, 0)->header);
	owner.now_ns = log_source_process(source)->time_ns;
	assert_int_equal(
		log_replay_make(replay, log_source_log(source, 0), &recorder, &owner, &report), 0);
	assert_int_equal(report->recorder.id, 2);
	assert_int_equal(report->recorder.parent_id, 1);
	assert_string_equal(report->recorder.name, "name");
	assert_int_equal(report->recorder.tid, 7);
	assert_false(report->recorder.closed);
	/* It was made just now, on either clock. */
	assert_true(owner.now_ns + 60000000000 > report->recorder.started_ns);
	assert_true(report->recorder.started_ns + 60000000000 > owner.now_ns);
	assert_int_equal(report->n_entries, 2);
	report->entry(report, 0, &entry);
	assert_string_equal(entry.message, "number 5 of 9");
	assert_string_equal(entry.file, "a.c");
	assert_string_equal(entry.function, "f");
	assert_int_equal(entry.line, 7);
	assert_int_equal(entry.severity, FLIGHTREC_ERROR);
	report->entry(report, 1, &entry);
	assert_null(entry.file);
	log_replay_cut(replay, entry.time_ns - 1);
	assert_int_equal(report->n_entries, 1);
	assert_int_equal(report->entries_total, 1);
	log_replay_free(replay);
	log_source_close(source);
	unlink(path);
	memory_destroy(memory);
}

/* This process's own; there may be another one from an earlier test. */
static void test_process(void **state)
{
	struct memory_header *memory = make_log();
	struct log_source *source;
	size_t ours = 0;

	(void)state;
	assert_int_equal(log_source_open_process(&source, getpid()), 0);
	for (size_t i = 0; i < log_source_logs(source); i++)
		ours += log_source_log(source, i)->header.units_used == memory->units_used;
	assert_true(ours >= 1);
	log_source_close(source);
	memory_destroy(memory);
	assert_int_equal(log_source_open_process(&source, 1 << 22), -ESRCH);
	assert_null(source);
}

/* ---- the clock ---- */

static void test_clock(void **state)
{
	struct memory_header *memory = memory_create(1, "256K");
	struct tick_clock clock, stored;
	struct timespec real;
	uint64_t now_ns, ticks, at;

	(void)state;
	tick_clock_now(&clock, memory, 0);
	ticks = memory_ticks(memory);
	clock_gettime(CLOCK_REALTIME, &real);
	now_ns = (uint64_t)real.tv_sec * 1000000000 + (uint64_t)real.tv_nsec;
	at = tick_clock_real_ns(&clock, ticks);
	assert_true(at > now_ns - 1000000000 && at < now_ns + 1000000000);
	assert_int_equal(tick_clock_elapsed_ns(&clock, 10, 10), 0);
	assert_int_equal(tick_clock_elapsed_ns(&clock, 11, 10), 0);
	/* Whatever a log claims, nothing overflows or traps. */
	memory->zero_ticks = memory->last_ticks;
	memory->last_ns = 0;
	tick_clock_stored(&stored, memory);
	assert_true(tick_clock_real_ns(&stored, UINT64_MAX) >= stored.real_ns);
	stored.real_ns = UINT64_MAX - 1;
	assert_int_equal(tick_clock_real_ns(&stored, UINT64_MAX), UINT64_MAX);
	stored.real_ns = 1;
	assert_int_equal(tick_clock_real_ns(&stored, 0), 0);
	tick_clock_now(&clock, &(struct memory_header){.clock = MEMORY_CLOCK_COUNTER}, 0);
	memory_destroy(memory);
}

/* In a time namespace the process has another CLOCK_MONOTONIC, and the same CLOCK_REALTIME. */
static void test_clock_of_a_namespace(void **state)
{
	static const int64_t ahead_ns[] = {0, 3600000000000, -100000000};
	struct memory_header header = {.clock = MEMORY_CLOCK_MONOTONIC};

	(void)state;
	for (size_t i = 0; i < sizeof(ahead_ns) / sizeof(ahead_ns[0]); i++) {
		uint64_t theirs = ticks_monotonic_ns() + (uint64_t)ahead_ns[i];
		uint64_t real_ns = ticks_real_ns(), at;
		struct tick_clock clock;

		tick_clock_now(&clock, &header, ahead_ns[i]);
		at = tick_clock_real_ns(&clock, theirs);
		assert_true(at + 1000000000 > real_ns && at < real_ns + 1000000000);
		header.zero_ns = theirs;
		assert_true(tick_clock_plausible(&header, ahead_ns[i]));
		header.zero_ns = theirs + 3600000000000;
		assert_false(tick_clock_plausible(&header, ahead_ns[i]));
	}
}

/* ---- files that are no core, or are damaged ---- */

static void test_damaged_core(void **state)
{
	struct memory_header *memory = make_log();
	struct log_source *source;
	unsigned char byte;
	off_t at;
	int fd;

	(void)state;
	assert_int_equal(log_source_open_core(&source, "/proc/self/exe"), -ENOEXEC);
	assert_int_equal(log_source_open_core(&source, "/nowhere/core"), -ENOENT);
	assert_int_equal(log_source_open_core(&source, "/dev/null"), -ENOEXEC);
	srand(1);
	write_core(memory);
	fd = open(path, O_RDWR);
	for (int i = 0; i < 3000; i++) {
		unsigned char was;

		at = rand() % 512;
		assert_int_equal(pread(fd, &was, 1, at), 1);
		byte = (unsigned char)rand();
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		if (log_source_open_core(&source, path) == 0)
			log_source_close(source);
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
	}
	for (off_t size = 8192; size >= 0; size -= 7) {
		assert_int_equal(ftruncate(fd, size), 0);
		if (log_source_open_core(&source, path) == 0)
			log_source_close(source);
	}
	close(fd);
	unlink(path);
	memory_destroy(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_file),
		cmocka_unit_test(test_report_out_of_a_core),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_clock_of_a_namespace),
		cmocka_unit_test(test_damaged_core),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
