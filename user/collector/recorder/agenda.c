// SPDX-License-Identifier: BSD-2-Clause
#include "collector/recorder/agenda.h"

#include <errno.h>
#include <stdlib.h>

#include "collector/kernel/tracker.h"

/* Users with the same number modulo this share their turns. */
#define USERS 4096

struct agenda_process {
	uint32_t first, last; /* slots in its queue, plus 1; 0: none */
	uint32_t progress;
	bool itself; /* something is to be done for it, after its slots */
};

int agenda_init(struct agenda *a, uint32_t slots, uint32_t processes)
{
	*a = (struct agenda){.slots = slots, .processes = processes};
	a->process = calloc(processes, sizeof(*a->process));
	a->next = calloc(slots, sizeof(*a->next));
	a->what = calloc(slots, sizeof(*a->what));
	if (a->process && a->next && a->what && !fair_queue_init(&a->turns, processes, USERS))
		return 0;
	agenda_free(a);
	return -ENOMEM;
}

void agenda_free(struct agenda *a)
{
	fair_queue_free(&a->turns);
	free(a->process);
	free(a->next);
	free(a->what);
	*a = (struct agenda){0};
}

void agenda_add_slot(struct agenda *a, uint32_t process, uint32_t uid, uint32_t slot, uint8_t what)
{
	struct agenda_process *p;

	if (process >= a->processes || slot >= a->slots)
		return;
	p = &a->process[process];
	if (!a->what[slot]) {
		a->next[slot] = 0;
		if (p->last)
			a->next[p->last - 1] = slot + 1;
		else
			p->first = slot + 1;
		p->last = slot + 1;
		a->wanted++;
		fair_queue_add(&a->turns, process, uid % USERS);
	}
	a->what[slot] |= what;
}

void agenda_add_process(struct agenda *a, uint32_t process, uint32_t uid)
{
	if (process >= a->processes || a->process[process].itself)
		return;
	a->process[process].itself = true;
	a->wanted++;
	fair_queue_add(&a->turns, process, uid % USERS);
}

uint32_t agenda_begin_turn(struct agenda *a)
{
	return fair_queue_take(&a->turns);
}

bool agenda_take(struct agenda *a, uint32_t *slot, uint8_t *what)
{
	struct agenda_process *p = &a->process[a->turns.served];

	*slot = FR_NONE;
	*what = 0;
	if (p->first) {
		*slot = p->first - 1;
		*what = a->what[*slot];
		a->what[*slot] = 0;
		p->first = a->next[*slot];
		if (!p->first)
			p->last = 0;
	} else if (p->itself) {
		p->itself = false;
	} else {
		return false;
	}
	a->wanted--;
	return true;
}

void agenda_end_turn(struct agenda *a, uint64_t cost_ns)
{
	const struct agenda_process *p = &a->process[a->turns.served];

	fair_queue_charge(&a->turns, cost_ns, p->first || p->itself);
}

uint32_t *agenda_progress(struct agenda *a, uint32_t process)
{
	return &a->process[process].progress;
}

void agenda_forget(struct agenda *a, uint32_t process)
{
	a->process[process].progress = 0;
	fair_queue_forget(&a->turns, process);
}

bool agenda_check(const struct agenda *a)
{
	uint32_t in_queues = 0, wanted = 0;

	for (uint32_t i = 0; i < a->slots; i++)
		wanted += a->what[i] != 0;
	for (uint32_t i = 0; i < a->processes; i++) {
		const struct agenda_process *p = &a->process[i];
		uint32_t last = 0;

		for (uint32_t at = p->first; at && in_queues <= wanted; at = a->next[at - 1]) {
			if (!a->what[at - 1])
				return false;
			last = at;
			in_queues++;
		}
		if (last != p->last)
			return false;
	}
	if (in_queues != wanted)
		return false;
	for (uint32_t i = 0; i < a->processes; i++)
		wanted += a->process[i].itself;
	return wanted == a->wanted && fair_queue_check(&a->turns);
}
