// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a thread waits for in futex(), by the data structures of glibc. Which of them it is, is told
 * by the functions on its stack; of other threads, by what only a locked mutex looks like. Of
 * another libc nothing is said.
 */
#include <inttypes.h>
#include <linux/futex.h>
#include <stdlib.h>

#include "collector/kernel/threads.h"
#include "collector/target/host_tid.h"
#include "collector/where/syscall_text.h"
#include "collector/where/waits.h"

/* A chain of holders is followed as far as this. */
#define CHAIN_MAX 16

/* pthread_mutex_t of glibc, 64 bits. */
struct mutex {
	uint32_t lock;
	uint32_t count;
	int32_t owner; /* in the process's own pid namespace */
	uint32_t users;
	uint32_t kind;
};

/* Locked, and somebody waits. */
#define MUTEX_CONTENDED 2
/* Of kind: recursive, error checking, adaptive; robust 16, priority inheritance 32, ... */
#define MUTEX_KIND_MAX 0x3ff

/* pthread_rwlock_t of glibc, 64 bits. */
struct rwlock {
	uint32_t readers;
	uint32_t writers;
	uint32_t phase_futex;
	uint32_t writers_futex;
	uint32_t pad[2];
	int32_t writer;
	uint32_t shared;
};

#define RWLOCK_READER_SHIFT 3

static bool is_waiting_futex(const struct thread_record *record)
{
	return syscall_text(record).wait == SYSCALL_FUTEX && !record->on_cpu && record->state;
}

static uint32_t operation(const struct thread_record *record)
{
	return (uint32_t)record->arg[1] & (uint32_t)FUTEX_CMD_MASK;
}

/* The thread that a number of the process means; 0: there is none of that number. */
static pid_t thread_of(const struct waits *waits, int32_t own, struct thread_record *record)
{
	pid_t tid = own > 0 ? host_tid(waits->pid, own) : 0;

	if (tid <= 0 || threads_read(waits->threads, tid, record) ||
	    (pid_t)record->pid != waits->pid)
		return 0;
	return tid;
}

/*
 * The owner of the mutex that a thread waits for; 0: it is none, or that is not certain. A mutex
 * that may be waited for is locked, says so, and its owner is there.
 */
static pid_t mutex_owner(struct waits *waits, const struct thread_record *waiter,
			 struct thread_record *owner)
{
	uint64_t address = waiter->arg[0];
	struct mutex mutex;
	bool inherits = operation(waiter) == FUTEX_LOCK_PI || operation(waiter) == FUTEX_LOCK_PI2;

	if (!is_waiting_futex(waiter) ||
	    target_read(&waits->memory, address, &mutex, sizeof(mutex)))
		return 0;
	if (inherits)
		return thread_of(waits, (int32_t)(mutex.lock & FUTEX_TID_MASK), owner);
	if (mutex.kind > MUTEX_KIND_MAX)
		return 0;
	/* A robust one has its owner's number in the lock. */
	if (mutex.lock & FUTEX_WAITERS)
		return thread_of(waits, (int32_t)(mutex.lock & FUTEX_TID_MASK), owner);
	if (mutex.lock != MUTEX_CONTENDED || !mutex.users)
		return 0;
	return thread_of(waits, mutex.owner, owner);
}

/* A thread that two waits lead to: all from there on are in a circle. */
static void say_deadlock(struct waits *waits, const pid_t *chain, size_t from, size_t n)
{
	struct report_waits *found = waits->found;
	pid_t *members = arena_take(&waits->where->arena, n * sizeof(*members));

	waits_say(waits, ": a deadlock of thread%s ", n - from == 1 ? "" : "s");
	for (size_t i = from; i < n; i++) {
		waits_say(waits, "%s%d", i == from ? "" : i + 1 == n ? " and " : ", ", chain[i]);
		if (members)
			members[found->n_deadlock++] = chain[i];
	}
	found->deadlock = members;
}

/* From owner to owner, until one waits for no mutex, or for one of those before. */
static void follow(struct waits *waits, struct thread_record waiter)
{
	pid_t chain[CHAIN_MAX] = {(pid_t)waiter.tid};
	struct thread_record owner;

	for (size_t n = 1; n < CHAIN_MAX; n++) {
		pid_t tid = mutex_owner(waits, &waiter, &owner);

		if (!tid)
			break;
		waits_say(waits, "%s the mutex at 0x%" PRIx64 " held by ",
			  n == 1 ? "for" : ", which waits for", waiter.arg[0]);
		waits_say_thread(waits, tid, n == 1);
		for (size_t i = 0; i < n; i++) {
			if (chain[i] == tid) {
				say_deadlock(waits, chain, i, n);
				return;
			}
		}
		chain[n] = tid;
		waiter = owner;
	}
	waits_say_doing(waits, (pid_t)waiter.tid);
}

static bool for_mutex(struct waits *waits)
{
	const struct thread_record *record = &waits->where->record;
	struct thread_record owner;
	struct mutex mutex;

	waits->found->kind = "mutex";
	if (mutex_owner(waits, record, &owner)) {
		follow(waits, *record);
		return true;
	}
	waits_say(waits, "for the mutex at 0x%" PRIx64, record->arg[0]);
	if (target_read(&waits->memory, record->arg[0], &mutex, sizeof(mutex)) == 0 &&
	    mutex.owner > 0 && mutex.lock == MUTEX_CONTENDED)
		waits_say(waits, ", whose owner (thread %d) is not in this process", mutex.owner);
	return true;
}

static bool for_rwlock(struct waits *waits, bool to_write)
{
	static const uint64_t offsets[] = {offsetof(struct rwlock, phase_futex),
					   offsetof(struct rwlock, writers_futex)};
	uint64_t futex = waits->where->record.arg[0];
	struct thread_record record;
	struct rwlock lock;

	waits->found->kind = "rwlock";
	/* A reader waits at the first alone. */
	for (size_t i = 0; i < (to_write ? 2 : 1); i++) {
		uint64_t address = futex - offsets[i];
		pid_t writer;

		if (target_read(&waits->memory, address, &lock, sizeof(lock)))
			continue;
		writer = thread_of(waits, lock.writer, &record);
		if (!writer && !(lock.readers >> RWLOCK_READER_SHIFT && !lock.writer))
			continue;
		waits->found->address = address;
		waits_say(waits, "to %s the rwlock at 0x%" PRIx64 " held by ",
			  to_write ? "write" : "read", address);
		if (writer) {
			waits_say_thread(waits, writer, true);
			waits_say_doing(waits, writer);
		} else {
			uint32_t readers = lock.readers >> RWLOCK_READER_SHIFT;

			waits_say(waits, "%u reader%s", readers, readers == 1 ? "" : "s");
		}
		return true;
	}
	waits_say(waits, "to %s a rwlock near 0x%" PRIx64, to_write ? "write" : "read", futex);
	return true;
}

/* pthread_join() waits for the thread's number, which the kernel clears, to go. */
static pid_t joined(struct waits *waits)
{
	const struct thread_record *waiter = &waits->where->record;
	struct thread_record record;
	int32_t own;

	if (target_read(&waits->memory, waiter->arg[0], &own, sizeof(own)) ||
	    own != (int32_t)waiter->arg[2])
		return 0;
	return thread_of(waits, own, &record);
}

static bool for_join(struct waits *waits, pid_t tid)
{
	waits->found->kind = "join";
	waits_say(waits, "for ");
	waits_say_thread(waits, tid, true);
	waits_say(waits, " to end");
	waits_say_doing(waits, tid);
	return true;
}

static bool for_other(struct waits *waits, const char *kind, const char *text)
{
	waits->found->kind = kind;
	waits_say(waits, "%s at 0x%" PRIx64, text, waits->found->address);
	return true;
}

bool waits_for_futex(struct waits *waits)
{
	struct thread_record owner;
	pid_t tid;

	waits->found->address = waits->where->record.arg[0];
	if (waits_is_in(waits, "rwlock_wrlock") || waits_is_in(waits, "rwlock_timedwrlock"))
		return for_rwlock(waits, true);
	if (waits_is_in(waits, "rwlock_rdlock") || waits_is_in(waits, "rwlock_timedrdlock"))
		return for_rwlock(waits, false);
	if (waits_is_in(waits, "pthread_cond_"))
		return for_other(waits, "condition", "for a signal to the condition");
	if (waits_is_in(waits, "sem_wait") || waits_is_in(waits, "sem_timedwait"))
		return for_other(waits, "semaphore", "for a post to the semaphore");
	if (waits_is_in(waits, "pthread_barrier_wait"))
		return for_other(waits, "barrier", "for others to come to the barrier");
	tid = joined(waits);
	if (tid)
		return for_join(waits, tid);
	if (waits_is_in(waits, "mutex_lock") || waits_is_in(waits, "mutex_timedlock") ||
	    waits_is_in(waits, "mutex_clocklock") ||
	    mutex_owner(waits, &waits->where->record, &owner))
		return for_mutex(waits);
	return false;
}
