/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flightrec - a flight recorder for programs that sometimes hang.
 *
 *	FLIGHTREC_SCOPE(rec, "refresh", FLIGHTREC_SEC(10)) {
 *		flightrec_info(rec, "+get(%s)", key);
 *		value = get(key);
 *		flightrec_info(rec, "-get(%s)", key);
 *	}
 *
 * A recorder that is closed before its timeout leaves no trace. One that stays open longer is
 * replayed by the `flightrec` command, from outside, while this program still hangs. Link with
 * -lflightrec, which needs only libc.
 *
 * The process keeps its own log in memory, watched or not, so that `flightrec dump` can show what a
 * hung process did before anybody looked. FLIGHTREC_MEMORY=SIZE in its environment sets the size of
 * this log (64M by default, of which only the used part takes physical memory). FLIGHTREC_MEMORY=0
 * turns it off: then a log call is one branch while nobody watches.
 *
 * What holds for every function here:
 *  - Times are in nanoseconds, on CLOCK_MONOTONIC.
 *  - It creates no thread, installs no signal handler and takes no lock. Only flightrec_begin() may
 *    allocate memory: the log and 36 KiB the first time; later, when more recorders are open at
 *    once than ever before, twice as much as the last time. If there is no memory for the log,
 *    nothing is logged there, and everything else works.
 *  - A call takes at most 3 KiB of stack; a FLIGHTREC_SCOPE() adds 400 bytes to its function's
 *    frame, a FLIGHTREC_STEP() 300. So a signal handler that does little else can log on an
 *    alternate stack 4 KiB larger than what the kernel itself needs, getauxval(AT_MINSIGSTKSZ), but
 *    not on one of MINSIGSTKSZ. With the shared library, link such a program with -z now: otherwise
 *    the first call of each function takes up to 3 KiB more, in the dynamic linker.
 *  - errno is never changed. Errors are returned as negative errno values.
 *  - A recorder's memory belongs to the caller. It must stay valid, and in place, until
 *    flightrec_end() returns. A copy of it is not a recorder.
 *  - A program and its plugins may each have a copy of the library (libflightrec.a), and pass
 *    recorders to one another. They count them together; flightrec_current() is each copy's own.
 *  - After fork() the child's copies of its parent's recorders are not open, in the child.
 *  - With FLIGHTREC_MEMORY=0, log arguments are evaluated only while somebody watches: keep side
 *    effects out of them.
 */
#ifndef FLIGHTREC_H
#define FLIGHTREC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this header, "major.minor.patch". */
#define FLIGHTREC_VERSION_STRING "0.1.0"

/*
 * Limits, in bytes. What is longer is cut, and marked as cut in the replay.
 * ENTRY: the packed arguments of one entry; a string takes its length plus 2, an integer 4 or 8.
 * STEP:  the same for one FLIGHTREC_STEP().
 * NAME:  a recorder's name, with its terminating NUL.
 * CONTEXT: all keys and values of one recorder, packed, formats included.
 */
#define FLIGHTREC_ENTRY_MAX 1024
#define FLIGHTREC_STEP_MAX 256
#define FLIGHTREC_NAME_MAX 64
#define FLIGHTREC_CONTEXT_MAX 256

/*
 * Durations as uint64_t nanoseconds, rounded to the nearest; @n may be fractional. Constant if @n
 * is. A duration that is too long becomes UINT64_MAX, as good as no timeout; a negative one, 0.
 */
#define FLIGHTREC_USEC(n) FLIGHTREC_NS_((n)*1e3 + 0.5)
#define FLIGHTREC_MSEC(n) FLIGHTREC_NS_((n)*1e6 + 0.5)
#define FLIGHTREC_SEC(n) FLIGHTREC_NS_((n)*1e9 + 0.5)

enum flightrec_severity {
	FLIGHTREC_DEBUG,
	FLIGHTREC_INFO,
	FLIGHTREC_WARNING,
	FLIGHTREC_ERROR,
	FLIGHTREC_CRITICAL
};

/*
 * A recorder: zero it, or set it to FLIGHTREC_INIT, before its first flightrec_begin(). It can be
 * used again after flightrec_end(). The contents are private; their layout, which the collector
 * reads, is part of the interface documented in <flightrec/probes.h>.
 */
typedef struct flightrec {
	uint64_t id_;
	uint64_t instance_;
	uint64_t started_ns_;
	uint64_t timeout_ns_;
	uint64_t parent_id_;
	uint32_t tid_;
	uint32_t slot_;
	char name_[FLIGHTREC_NAME_MAX];
	uint16_t context_size_;
	uint16_t reserved_[3];
	unsigned char context_[FLIGHTREC_CONTEXT_MAX];
} flightrec;

/* clang-format off */
#ifdef __cplusplus
#define FLIGHTREC_INIT {}
#else
#define FLIGHTREC_INIT {0}
#endif
/* clang-format on */

#define FLIGHTREC_PRINTF_(format_index, first) __attribute__((format(printf, format_index, first)))

/*
 * Opens @rec. It times out @timeout_ns from now unless it is closed or extended before that.
 * @name is copied; NULL stands for "". If this thread has another recorder open, that is the parent
 * of @rec, which begins with a copy of its context. Where one thread works on several requests in
 * turns, as in an event loop or with coroutines, that may be the recorder of another request: use
 * flightrec_begin_under() there.
 *
 * Returns 0; -EINVAL: @rec is NULL or @timeout_ns is 0; -EBUSY: @rec is open, and stays as it is;
 * -ENOMEM: no memory to keep track of one more open recorder, @rec is not open.
 * Thread-safe for different recorders. Async-signal-safe.
 */
int flightrec_begin(flightrec *rec, const char *name, uint64_t timeout_ns);

/*
 * The same with a parent of the caller's choice, opened by any thread: NULL for a new request, the
 * request's recorder for a part of it. @rec begins with a copy of @parent's context. If @parent is
 * NULL or not open, @rec has no parent and no context.
 */
int flightrec_begin_under(flightrec *rec, const char *name, uint64_t timeout_ns,
			  const flightrec *parent);

/*
 * Closes @rec; its memory may be reused when this returns. NULL, or not open: does nothing.
 * Thread-safe: any thread may close it, and if two do so at once, one succeeds. Async-signal-safe.
 */
void flightrec_end(flightrec *rec);

/*
 * Moves the deadline of @rec to @timeout_ns from now, earlier or later than it was; UINT64_MAX: it
 * no longer times out. A recorder that has already timed out remains timed out.
 *
 * Returns 0; -EINVAL: @rec is NULL or @timeout_ns is 0; -ENOENT: @rec is not open.
 * Thread-safe. Async-signal-safe.
 */
int flightrec_extend(flightrec *rec, uint64_t timeout_ns);

/*
 * Attaches @key and a value to @rec, to be shown with its replay. If a key is given twice, its last
 * value is kept. Kept in the recorder itself, watched or not. @key and @format are copied.
 *
 * Returns 0; -EINVAL: @rec, @key or @format is NULL, or the format is refused (see
 * flightrec_vlog); -ENOENT: @rec is not open; -ENOSPC: no room left in FLIGHTREC_CONTEXT_MAX.
 * Not to be called for one recorder from two threads at once. Async-signal-safe.
 */
int flightrec_context(flightrec *rec, const char *key, const char *format, ...)
	FLIGHTREC_PRINTF_(3, 4);

/*
 * Asks for a replay of @rec now, whatever its deadline.
 *
 * Returns 0, watched or not; -EINVAL: @rec is NULL; -ENOENT: @rec is not open.
 * Thread-safe. Async-signal-safe.
 */
int flightrec_replay(flightrec *rec);

/*
 * Returns the innermost recorder that this thread opened and nobody closed, or NULL. Up to 32
 * levels of nesting are remembered; recorders opened deeper than that are passed over. In an event
 * loop or a coroutine this may be another request's: keep a pointer to your own.
 * Async-signal-safe.
 */
flightrec *flightrec_current(void);

/*
 * Logs to @rec with a format that need not be a literal; it is copied into the entry (its first
 * 512 bytes). Formats are those of printf(3) and give the same text, with these limits: at most 64
 * arguments; %n is refused. An entry whose format is refused is still logged: the replay shows the
 * format itself, without arguments.
 *
 * Logging to NULL does nothing. Logging to a recorder that is not open is printed at once.
 *
 * Returns 0, watched or not; -EINVAL: @format is NULL, or was looked at and refused.
 * Thread-safe. Async-signal-safe, and so are the macros below.
 */
int flightrec_vlog(flightrec *rec, enum flightrec_severity severity, const char *format,
		   va_list args) FLIGHTREC_PRINTF_(3, 0);

/*
 * Logs @size bytes of @text as they are, for languages that have no call sites of their own. @file,
 * @line and @function say where it was logged; NULL and 0 if that is not known. Everything is
 * copied. Whoever watches by probes does not see file, line and function.
 *
 * Returns 0, watched or not; -EINVAL: @text is NULL. Thread-safe. Async-signal-safe.
 */
int flightrec_message(flightrec *rec, enum flightrec_severity severity, const char *file,
		      unsigned line, const char *function, const char *text, size_t size);

/*
 * flightrec_log(rec, severity, format, ...) and one macro for each severity. The format must be
 * a string literal; the compiler checks the arguments against it. Arguments are packed as they
 * are, and formatted only if they are replayed.
 */
#define flightrec_log(rec, severity, ...)                                                          \
	do {                                                                                       \
		if (flightrec_wanted_()) {                                                         \
			static struct flightrec_site flightrec_site_ =                             \
				FLIGHTREC_SITE_(__VA_ARGS__);                                      \
			flightrec_entry_((rec), &flightrec_site_, (severity), __VA_ARGS__);        \
		}                                                                                  \
	} while (0)
#define flightrec_debug(rec, ...) flightrec_log(rec, FLIGHTREC_DEBUG, __VA_ARGS__)
#define flightrec_info(rec, ...) flightrec_log(rec, FLIGHTREC_INFO, __VA_ARGS__)
#define flightrec_warning(rec, ...) flightrec_log(rec, FLIGHTREC_WARNING, __VA_ARGS__)
#define flightrec_error(rec, ...) flightrec_log(rec, FLIGHTREC_ERROR, __VA_ARGS__)
#define flightrec_critical(rec, ...) flightrec_log(rec, FLIGHTREC_CRITICAL, __VA_ARGS__)

/*
 * FLIGHTREC_SCOPE(rec, name, timeout_ns) { ... }
 *
 * Declares `flightrec *rec`, open inside the braces and closed however they are left: at their
 * end, by break, return or goto, by a C++ exception (and in C by one that passes through code
 * compiled with -fexceptions). longjmp() does not close it. If it cannot be opened the braces
 * run all the same, and what is logged to it is printed at once. It is opened by flightrec_begin(),
 * so its context may be another request's in a coroutine: call flightrec_begin_under() there.
 */
#define FLIGHTREC_SCOPE(rec, name, timeout_ns)                                                     \
	for (flightrec FLIGHTREC_NAME_(rec, _storage_) __attribute__((cleanup(flightrec_end))),    \
	     *rec = flightrec_scope_(&FLIGHTREC_NAME_(rec, _storage_), (name), (timeout_ns));      \
	     rec; rec = NULL)

/*
 * FLIGHTREC_STEP(rec, format, ...) { ... }
 *
 * Logs the message with a "+" before it on the way in, and with a "-" on the way out, however
 * the braces are left. The arguments are evaluated once, on the way in.
 */
#define FLIGHTREC_STEP(rec, ...)                                                                   \
	for (struct flightrec_step FLIGHTREC_NAME_(flightrec_step_, __LINE__)                      \
		     __attribute__((cleanup(flightrec_step_out_))),                                \
	     *FLIGHTREC_NAME_(flightrec_once_, __LINE__) = FLIGHTREC_STEP_IN_(                     \
		     &FLIGHTREC_NAME_(flightrec_step_, __LINE__), (rec), __VA_ARGS__);             \
	     FLIGHTREC_NAME_(flightrec_once_, __LINE__);                                           \
	     FLIGHTREC_NAME_(flightrec_once_, __LINE__) = NULL)

/* Private from here on: what the macros above expand to. */

/* So that a constant can initialize a static object, and anything else is evaluated once. */
#define FLIGHTREC_SATURATE_(ns)                                                                    \
	((ns) >= 18446744073709551616.0 ? UINT64_MAX : (ns) > 0 ? (uint64_t)(ns) : 0)
#define FLIGHTREC_NS_(ns)                                                                          \
	(__builtin_constant_p(ns) ? FLIGHTREC_SATURATE_(ns) : flightrec_saturate_(ns))

static inline uint64_t flightrec_saturate_(double ns)
{
	return FLIGHTREC_SATURATE_(ns);
}

#define FLIGHTREC_PLAN_MAX_ 16

/* A call site: a static object for each logging statement. <flightrec/probes.h> has its layout. */
struct flightrec_site {
	const char *format;
	const char *file;
	const char *function;
	uint32_t line;
	uint32_t plan_state_;
	uint16_t plan_[FLIGHTREC_PLAN_MAX_];
	uint64_t where_; /* in the memory log */
};

struct flightrec_step {
	flightrec *rec_;
	struct flightrec_site *site_;
	uint32_t size_;
	uint32_t flags_;
	unsigned char data_[FLIGHTREC_STEP_MAX];
};

#define FLIGHTREC_PASTE_(a, b) a##b
#define FLIGHTREC_NAME_(a, b) FLIGHTREC_PASTE_(a, b)
#define FLIGHTREC_FIRST_(first, ...) first
/* The "" on both sides refuses a format that is not a literal, at compile time. */
#define FLIGHTREC_SITE_(...)                                                                       \
	{                                                                                          \
		"" FLIGHTREC_FIRST_(__VA_ARGS__, 0) "", __FILE__, __func__, __LINE__, 0, {0}, 0    \
	}
#define FLIGHTREC_STEP_IN_(step, rec, ...)                                                         \
	__extension__({                                                                            \
		static struct flightrec_site flightrec_site_ = FLIGHTREC_SITE_(__VA_ARGS__);       \
		(step)->size_ = UINT32_MAX;                                                        \
		if (flightrec_wanted_())                                                           \
			flightrec_step_in_((step), (rec), &flightrec_site_, __VA_ARGS__);          \
		(step);                                                                            \
	})

/*
 * The address of the entry probe's semaphore, which the kernel increments while somebody watches.
 * A pointer rather than the semaphore itself: a program may have its own copy of a library's
 * variable (a copy relocation), and the kernel would not increment that one.
 */
extern const volatile uint16_t *const flightrec_watch_;

/* At this distance from that semaphore: not 0 while the process keeps a memory log. */
#define FLIGHTREC_KEEPS_ 6
/* At this one: not 0 while somebody watches by memory. */
#define FLIGHTREC_ARMED_ 5

/* Whether an entry goes anywhere. */
static inline int flightrec_wanted_(void)
{
	return (flightrec_watch_[FLIGHTREC_KEEPS_] | flightrec_watch_[0] |
		flightrec_watch_[FLIGHTREC_ARMED_]) != 0;
}

void flightrec_entry_(flightrec *rec, struct flightrec_site *site, int severity, const char *format,
		      ...) FLIGHTREC_PRINTF_(4, 5);
flightrec *flightrec_scope_(flightrec *rec, const char *name, uint64_t timeout_ns);
void flightrec_step_in_(struct flightrec_step *step, flightrec *rec, struct flightrec_site *site,
			const char *format, ...) FLIGHTREC_PRINTF_(4, 5);
void flightrec_step_out_(struct flightrec_step *step);

#ifdef __cplusplus
}
#endif

#endif /* FLIGHTREC_H */
