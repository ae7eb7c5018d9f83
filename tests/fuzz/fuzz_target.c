// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/target/target_memory.c user/collector/target/time_namespace.c */
/*
 * A library's state and its table of open recorders, in memory of this process. A byte for how it
 * is read, two for the most slots to look at; then what stands at BASE.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/target/target_memory.h"
#include "fuzz.h"

#define BASE 0x20000000ul
#define ROOM (1ul << 17)
#define ADDRESS(value) (BASE + ((value) & (ROOM - 1)))

/* 65,535 slots with a recorder each: whoever calls says how many. */
#define SLOT_COST (sizeof(struct flightrec_open) + sizeof(flightrec) + 256)
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {2000000000, 1000},
	.allocated = {65536, 0},
	.taken = {SLOT_COST * 65536, 0},
};

static int look(const flightrec *rec, uint64_t address, void *arg)
{
	fuzz_check(rec->context_size_ <= sizeof(rec->context_));
	fuzz_check(strnlen(rec->name_, sizeof(rec->name_)) < sizeof(rec->name_));
	fuzz_check(address);
	++*(uint32_t *)arg;
	return 0;
}

/* Addresses lead nowhere but for a lucky guess: most inputs have theirs in the room. */
static void lead_into_room(struct flightrec_state *state)
{
	memcpy(state->magic, FLIGHTREC_STATE_MAGIC, sizeof(state->magic));
	state->version = FLIGHTREC_STATE_VERSION;
	state->size = sizeof(*state);
	state->process = ADDRESS(state->process);
	for (size_t i = 0; i < FLIGHTREC_OPEN_CHUNKS; i++) {
		if (state->chunk[i])
			state->chunk[i] = ADDRESS(state->chunk[i]);
	}
}

static void *make_room(void)
{
	static void *room;

	if (!room)
		room = mmap((void *)BASE, ROOM, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	fuzz_check(room == (void *)BASE);
	memset(room, 0, ROOM / 2);
	return room;
}

static void read_string(struct target *target, uint64_t address, size_t size)
{
	char *string = malloc(size);
	ssize_t length;
	bool cut;

	fuzz_check(string || !size);
	length = target_read_string(target, address, string, size, &cut);
	if (length >= 0)
		fuzz_check((size_t)length < size && strlen(string) == (size_t)length);
	else
		fuzz_check(!size || !string[0]);
	free(string);
}

void fuzz_one(const uint8_t *data, size_t size)
{
	uint8_t how = fuzz_byte(&data, &size);
	uint32_t most = fuzz_byte(&data, &size), found = 0;
	void *room = make_room();
	struct target_visitor visitor = {.fn = look, .arg = &found};
	struct target_walk walk;
	struct target target;
	int err;

	most |= (uint32_t)fuzz_byte(&data, &size) << 8;
	memcpy(room, data, size < ROOM / 2 ? size : ROOM / 2);
	if (!(how & 1))
		lead_into_room(room);
	target_init(&target, getpid());
	target.use_vm = how & 2;
	target.skip = how >> 4;
	visitor.slots_max = most;
	err = target_open_recorders(&target, BASE, &visitor, &walk);
	fuzz_check(walk.slots <= most && walk.found == found);
	fuzz_check(walk.found + walk.skipped <= walk.slots);
	fuzz_check(err <= 0);
	read_string(&target, how & 4 ? BASE + ROOM - most % 300 : BASE + most, how * 2u);
	target_close(&target);
}

void fuzz_seeds(void)
{
	struct {
		uint8_t head[3];
		struct flightrec_state state;
		struct flightrec_process process;
		struct flightrec_open open[3];
		flightrec rec;
	} __attribute__((packed)) seed = {.head = {0, 0xff, 0x01}};

	seed.state.process = BASE + sizeof(seed.state);
	seed.state.chunk[0] = seed.state.process + sizeof(seed.process);
	seed.process.instance = 77;
	seed.process.opened = 4;
	seed.process.used = 3;
	seed.open[1].id = 4;
	seed.open[1].rec = seed.state.chunk[0] + sizeof(seed.open);
	seed.rec.id_ = 4;
	seed.rec.instance_ = 77;
	strcpy(seed.rec.name_, "name");
	fuzz_seed("table", &seed, sizeof(seed));
	seed.process.used = 100000;
	seed.state.chunk[1] = BASE;
	seed.state.chunk[2] = BASE;
	seed.state.chunk[3] = BASE;
	fuzz_seed("many", &seed, sizeof(seed));
	seed.head[0] = 2;
	fuzz_seed("by-vm", &seed, sizeof(seed));
}
