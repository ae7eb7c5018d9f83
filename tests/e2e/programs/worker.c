/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that does what it is told, a line of standard input at a time, and answers each line
 * with "ok" or "ok VALUE" when it is done. So a test knows how far it is, and needs no sleeps.
 *
 *	open KEY MILLISECONDS [NAME]	recorders are known by KEY, which is a letter or a word
 *	end|replay|replay_end KEY	the answers give what the library returned
 *	extend KEY MILLISECONDS
 *	context KEY NAME VALUE
 *	log KEY SEVERITY TEXT		TEXT may hold \n \e \t \\ \xNN
 *	loop KEY COUNT			logs "entry 1" to "entry COUNT" flat out
 *	long KEY COUNT BYTES		the same with a string of BYTES in each
 *	step KEY TEXT COMMAND		COMMAND inside a FLIGHTREC_STEP
 *	stray TEXT			logs to a recorder that was never opened
 *	churn COUNT			opens and closes COUNT recorders, one entry in each
 *	hold COUNT MILLISECONDS		opens COUNT recorders that stay open
 *	current				the KEY of the innermost open recorder
 *	watched				1 if somebody watches: its semaphore is up
 *	thread KEY COMMAND		a thread known by KEY does it, and then waits for more
 *	cancel KEY			that thread is cancelled, and is gone
 *	race KEYS COUNT			the threads of a comma list log COUNT entries each at once,
 *					to recorder r
 *	fork COMMAND[;COMMAND]...	a child does it, and then waits to be killed
 *	spawn HOW PROGRAM [ARG]...	HOW: posix_spawn, vfork or fork; answers its number
 *	wait PID			answers how it ended: "exit N" or "signal N"
 *	exec PROGRAM [ARG]...
 *	plugin FILE			dlopen()s it, and has it open a recorder "plugin" and log
 *	plugin_extend MILLISECONDS, plugin_end
 *	plugin_log, plugin_unload	it logs to the innermost open recorder; it is unmapped
 *	plugin_log_to KEY, plugin_close KEY
 *	plugin_watched			1 if somebody watches its copy of the library
 *	pid, tid, errno, print TEXT, raise SIGNAL, ignore SIGNAL, exit STATUS
 */
#include <errno.h>
#include <flightrec.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin_loading.h"
#include "worker.h"

#define ANSWER_MAX 512
#define WORDS_MAX 16

extern char **environ;

struct named_recorder {
	char key[16];
	flightrec rec;
};

struct named_thread {
	char key[16];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *command; /* to do; NULL: nothing */
	char answer[ANSWER_MAX];
};

static struct named_recorder recorders[64];
static struct named_thread threads[64];
static flightrec never_opened;

static flightrec *recorder(const char *key)
{
	size_t i;

	for (i = 0; i < 63 && recorders[i].key[0]; i++) {
		if (strcmp(recorders[i].key, key) == 0)
			break;
	}
	snprintf(recorders[i].key, sizeof(recorders[i].key), "%s", key);
	return &recorders[i].rec;
}

static const char *key_of(const flightrec *rec)
{
	for (size_t i = 0; i < 64; i++) {
		if (&recorders[i].rec == rec)
			return recorders[i].key;
	}
	return rec ? "unknown" : "none";
}

/* The next word of *@rest, which moves on; "" at the end. */
static char *word(char **rest)
{
	char *start = *rest + strspn(*rest, " ");

	*rest = start + strcspn(start, " ");
	if (**rest)
		*(*rest)++ = '\0';
	return start;
}

static unsigned long long number(char **rest)
{
	return strtoull(word(rest), NULL, 10);
}

static uint64_t milliseconds(char **rest)
{
	return FLIGHTREC_MSEC(strtod(word(rest), NULL));
}

/* In place. */
static const char *unescape(char *text)
{
	char *to = text, *from = text, hex[3] = "";

	while (*from) {
		if (*from != '\\') {
			*to++ = *from++;
			continue;
		}
		from++;
		switch (*from) {
		case 'n':
			*to++ = '\n';
			break;
		case 't':
			*to++ = '\t';
			break;
		case 'e':
			*to++ = '\033';
			break;
		case 'x':
			memcpy(hex, from + 1, 2);
			*to++ = (char)strtol(hex, NULL, 16);
			from += 2;
			break;
		default:
			*to++ = *from;
		}
		from++;
	}
	*to = '\0';
	return text;
}

static void log_text(flightrec *rec, const char *severity, const char *text)
{
	static const char *const names[] = {"debug", "info", "warning", "error", "critical"};

	for (int i = 0; i < 5; i++) {
		if (strcmp(severity, names[i]) == 0)
			flightrec_log(rec, i, "%s", text);
	}
}

static void log_loop(flightrec *rec, unsigned long long count)
{
	for (unsigned long long i = 1; i <= count; i++)
		flightrec_info(rec, "entry %llu", i);
}

static void log_long(flightrec *rec, unsigned long long count, size_t bytes)
{
	char *text = malloc(bytes + 1);

	memset(text, 'x', bytes);
	text[bytes] = '\0';
	for (unsigned long long i = 1; i <= count; i++)
		flightrec_info(rec, "entry %llu %s", i, text);
	free(text);
}

static void churn(unsigned long long count)
{
	for (unsigned long long i = 1; i <= count; i++) {
		FLIGHTREC_SCOPE(rec, "churn", FLIGHTREC_SEC(3600))
			flightrec_info(rec, "entry %llu", i);
	}
}

static void hold(unsigned long long count, uint64_t timeout_ns)
{
	flightrec *held = calloc(count, sizeof(*held));
	char name[32];

	for (unsigned long long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "held %llu", i + 1);
		flightrec_begin(&held[i], name, timeout_ns);
		flightrec_info(&held[i], "entry of %llu", i + 1);
	}
}

/* ---- threads ---- */

static void *work(void *arg)
{
	struct named_thread *self = arg;

	pthread_mutex_lock(&self->lock);
	for (;;) {
		while (!self->command)
			pthread_cond_wait(&self->changed, &self->lock);
		worker_do(self->command, self->answer);
		self->command = NULL;
		pthread_cond_broadcast(&self->changed);
	}
	return NULL;
}

static struct named_thread *find_thread(const char *key)
{
	size_t i;

	for (i = 0; i < 63 && threads[i].key[0]; i++) {
		if (strcmp(threads[i].key, key) == 0)
			return &threads[i];
	}
	snprintf(threads[i].key, sizeof(threads[i].key), "%s", key);
	pthread_mutex_init(&threads[i].lock, NULL);
	pthread_cond_init(&threads[i].changed, NULL);
	if (pthread_create(&threads[i].thread, NULL, work, &threads[i]))
		abort();
	return &threads[i];
}

static void start_in_thread(struct named_thread *thread, char *command)
{
	pthread_mutex_lock(&thread->lock);
	thread->command = command;
	pthread_cond_broadcast(&thread->changed);
	pthread_mutex_unlock(&thread->lock);
}

static void wait_for_thread(struct named_thread *thread, char *answer)
{
	pthread_mutex_lock(&thread->lock);
	while (thread->command)
		pthread_cond_wait(&thread->changed, &thread->lock);
	memcpy(answer, thread->answer, ANSWER_MAX);
	pthread_mutex_unlock(&thread->lock);
}

static void race(char *keys, const char *count, char *answer)
{
	struct named_thread *racing[64];
	char commands[64][64];
	size_t n = 0;

	for (char *save = NULL, *key = strtok_r(keys, ",", &save); key && n < 64;
	     key = strtok_r(NULL, ",", &save), n++) {
		racing[n] = find_thread(key);
		snprintf(commands[n], sizeof(commands[n]), "loop r %s", count);
	}
	for (size_t i = 0; i < n; i++)
		start_in_thread(racing[i], commands[i]);
	for (size_t i = 0; i < n; i++)
		wait_for_thread(racing[i], answer);
}

/* ---- processes ---- */

static pid_t fork_and_do(char *commands)
{
	char answer[ANSWER_MAX], byte;
	int done[2];
	pid_t pid;

	if (pipe(done))
		abort();
	pid = fork();
	if (pid == 0) {
		close(done[0]);
		for (char *save = NULL, *command = strtok_r(commands, ";", &save); command;
		     command = strtok_r(NULL, ";", &save))
			worker_do(command, answer);
		close(done[1]);
		for (;;)
			pause();
	}
	close(done[1]);
	/* The end of the pipe: the child is done, or dead. */
	while (read(done[0], &byte, 1) < 0 && errno == EINTR)
		;
	close(done[0]);
	return pid;
}

static size_t split(char *rest, char **words)
{
	size_t n = 0;

	while (n < WORDS_MAX - 1) {
		words[n] = word(&rest);
		if (!*words[n])
			break;
		n++;
	}
	words[n] = NULL;
	return n;
}

static pid_t spawn(const char *how, char *rest)
{
	char *words[WORDS_MAX];
	pid_t pid = -1;

	split(rest, words);
	if (strcmp(how, "posix_spawn") == 0) {
		posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
		return pid;
	}
	pid = strcmp(how, "vfork") == 0 ? vfork() : fork();
	if (pid == 0) {
		execvp(words[0], words);
		_exit(127);
	}
	return pid;
}

static void wait_for_child(pid_t pid, char *answer)
{
	int status = 0;

	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		snprintf(answer, ANSWER_MAX, "signal %d", WTERMSIG(status));
	else
		snprintf(answer, ANSWER_MAX, "exit %d", WEXITSTATUS(status));
}

/* ---- commands ---- */

static int is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static int do_recorder(const char *command, char *rest, char *answer)
{
	flightrec *rec = NULL;
	uint64_t timeout_ns;
	char *name;
	int result = 0;

	if (is(command, "open")) {
		rec = recorder(word(&rest));
		timeout_ns = milliseconds(&rest);
		result = flightrec_begin(rec, *rest ? unescape(rest) : key_of(rec), timeout_ns);
	} else if (is(command, "end")) {
		flightrec_end(recorder(word(&rest)));
	} else if (is(command, "replay")) {
		result = flightrec_replay(recorder(word(&rest)));
	} else if (is(command, "replay_end")) {
		rec = recorder(word(&rest));
		result = flightrec_replay(rec);
		flightrec_end(rec);
	} else if (is(command, "extend")) {
		rec = recorder(word(&rest));
		result = flightrec_extend(rec, milliseconds(&rest));
	} else if (is(command, "context")) {
		rec = recorder(word(&rest));
		name = word(&rest);
		result = flightrec_context(rec, unescape(name), "%s", unescape(rest));
	} else if (is(command, "current")) {
		snprintf(answer, ANSWER_MAX, "%.15s", key_of(flightrec_current()));
	} else if (is(command, "watched")) {
		result = flightrec_watch_[0] || flightrec_watch_[FLIGHTREC_ARMED_];
	} else {
		return 0;
	}
	if (result)
		snprintf(answer, ANSWER_MAX, "%d", result);
	return 1;
}

static int do_entries(const char *command, char *rest, char *answer)
{
	unsigned long long count;
	flightrec *rec;
	char *name;

	if (is(command, "log")) {
		rec = recorder(word(&rest));
		name = word(&rest);
		log_text(rec, name, unescape(rest));
	} else if (is(command, "loop")) {
		rec = recorder(word(&rest));
		log_loop(rec, number(&rest));
	} else if (is(command, "long")) {
		rec = recorder(word(&rest));
		count = number(&rest);
		log_long(rec, count, number(&rest));
	} else if (is(command, "step")) {
		rec = recorder(word(&rest));
		name = word(&rest);
		FLIGHTREC_STEP(rec, "%s", name)
			worker_do(rest, answer);
	} else if (is(command, "stray")) {
		flightrec_warning(&never_opened, "%s", unescape(rest));
	} else if (is(command, "churn")) {
		churn(number(&rest));
	} else if (is(command, "hold")) {
		count = number(&rest);
		hold(count, milliseconds(&rest));
	} else {
		return 0;
	}
	return 1;
}

static int do_process(const char *command, char *rest, char *answer)
{
	char *words[WORDS_MAX];
	char *how;

	if (is(command, "thread")) {
		struct named_thread *thread = find_thread(word(&rest));

		start_in_thread(thread, rest);
		wait_for_thread(thread, answer);
	} else if (is(command, "cancel")) {
		pthread_t thread = find_thread(word(&rest))->thread;

		pthread_cancel(thread);
		pthread_join(thread, NULL);
	} else if (is(command, "race")) {
		how = word(&rest);
		race(how, word(&rest), answer);
	} else if (is(command, "fork")) {
		snprintf(answer, ANSWER_MAX, "%d", fork_and_do(rest));
	} else if (is(command, "spawn")) {
		how = word(&rest);
		snprintf(answer, ANSWER_MAX, "%d", spawn(how, rest));
	} else if (is(command, "wait")) {
		wait_for_child((pid_t)number(&rest), answer);
	} else if (is(command, "exec")) {
		split(rest, words);
		execvp(words[0], words);
		snprintf(answer, ANSWER_MAX, "%s", strerror(errno));
	} else if (is(command, "raise")) {
		raise((int)number(&rest));
	} else if (is(command, "ignore")) {
		signal((int)number(&rest), SIG_IGN);
	} else if (is(command, "exit")) {
		exit((int)number(&rest));
	} else {
		return 0;
	}
	return 1;
}

void worker_do(char *line, char *answer)
{
	char *command = word(&line);

	answer[0] = '\0';
	if (do_recorder(command, line, answer) || do_entries(command, line, answer) ||
	    do_process(command, line, answer))
		return;
	if (is(command, "plugin"))
		snprintf(answer, ANSWER_MAX, "%d", load_plugin(line));
	else if (is(command, "plugin_extend"))
		plugin_extend(milliseconds(&line));
	else if (is(command, "plugin_end") || is(command, "plugin_log"))
		call_plugin(command);
	else if (is(command, "plugin_log_to") || is(command, "plugin_close"))
		call_plugin_for(command, recorder(word(&line)));
	else if (is(command, "plugin_watched"))
		snprintf(answer, ANSWER_MAX, "%d", plugin_watched());
	else if (is(command, "plugin_unload"))
		dlclose(plugin);
	else if (is(command, "pid"))
		snprintf(answer, ANSWER_MAX, "%d", (int)getpid());
	else if (is(command, "tid"))
		snprintf(answer, ANSWER_MAX, "%d", (int)syscall(SYS_gettid));
	else if (is(command, "print"))
		snprintf(answer, ANSWER_MAX, "%s", line);
	else
		snprintf(answer, ANSWER_MAX, "what is '%s'?", command);
}

int main(void)
{
	char answer[ANSWER_MAX], *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, stdin)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		worker_do(line, answer);
		printf(*answer ? "ok %s\n" : "ok\n", answer);
		fflush(stdout);
	}
	free(line);
	return 0;
}
