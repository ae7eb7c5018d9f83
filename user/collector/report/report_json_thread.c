// SPDX-License-Identifier: BSD-2-Clause
#include "collector/report/report_json_thread.h"

#include "collector/report/json_writing.h"
#include "collector/report/report.h"

static void put_frame(struct json *json, const struct report_frame *frame)
{
	open_object(json);
	KEY(json, "pc");
	put_address(json, frame->pc);
	KEY(json, "function");
	put_string_or_null(json, frame->function);
	KEY(json, "offset");
	put_count(json, frame->offset);
	KEY(json, "inlined");
	put_literal(json, frame->inlined ? "true" : "false");
	KEY(json, "file");
	put_string_or_null(json, frame->file);
	KEY(json, "line");
	if (frame->line)
		put_count(json, frame->line);
	else
		put_literal(json, "null");
	KEY(json, "module");
	put_string_or_null(json, frame->module);
	KEY(json, "build_id");
	put_string_or_null(json, frame->build_id);
	if (frame->times > 1) {
		KEY(json, "times");
		put_count(json, frame->times);
	}
	close_object(json);
}

static void put_syscall(struct json *json, const struct report_syscall *call)
{
	open_object(json);
	KEY(json, "name");
	put_string(json, call->name);
	KEY(json, "args");
	open_array(json);
	for (size_t i = 0; i < call->n_args; i++) {
		begin_value(json);
		put_string(json, call->arg[i]);
	}
	close_array(json);
	close_object(json);
}

static void put_holder(struct json *json, const struct report_holder *holder)
{
	open_object(json);
	KEY(json, "pid");
	put_integer(json, holder->pid);
	KEY(json, "tid");
	put_integer(json, holder->tid);
	KEY(json, "comm");
	put_string(json, holder->comm);
	close_object(json);
}

static void put_holders(struct json *json, const struct report_waits *waits)
{
	KEY(json, "peer");
	if (waits->peer)
		put_holder(json, waits->peer);
	else
		put_literal(json, "null");
	KEY(json, "held_by");
	open_array(json);
	for (size_t i = 0; i < waits->n_held_by; i++) {
		begin_value(json);
		put_holder(json, &waits->held_by[i]);
	}
	close_array(json);
	KEY(json, "deadlock");
	open_array(json);
	for (size_t i = 0; i < waits->n_deadlock; i++) {
		begin_value(json);
		put_integer(json, waits->deadlock[i]);
	}
	close_array(json);
}

static void put_waits(struct json *json, const struct report_waits *waits)
{
	open_object(json);
	KEY(json, "kind");
	put_string(json, waits->kind);
	KEY(json, "text");
	put_string(json, waits->text);
	KEY(json, "address");
	if (waits->address)
		put_address(json, waits->address);
	else
		put_literal(json, "null");
	KEY(json, "fd");
	if (waits->fd >= 0)
		put_integer(json, waits->fd);
	else
		put_literal(json, "null");
	KEY(json, "object");
	put_string_or_null(json, waits->object);
	put_holders(json, waits);
	close_object(json);
}

void report_json_thread(struct json *json, const struct report_thread *thread)
{
	open_object(json);
	KEY(json, "tid");
	put_integer(json, thread->tid);
	KEY(json, "state");
	put_string_or_null(json, thread->state);
	KEY(json, "syscall");
	if (thread->syscall)
		put_syscall(json, thread->syscall);
	else
		put_literal(json, "null");
	KEY(json, "waits");
	if (thread->waits)
		put_waits(json, thread->waits);
	else
		put_literal(json, "null");
	KEY(json, "stack");
	open_array(json);
	for (size_t i = 0; i < thread->n_frames; i++) {
		begin_value(json);
		put_frame(json, &thread->frame[i]);
	}
	close_array(json);
	KEY(json, "stack_end");
	put_string_or_null(json, thread->stack_end);
	KEY(json, "kernel_stack");
	open_array(json);
	for (size_t i = 0; i < thread->n_kernel_stack; i++) {
		begin_value(json);
		put_string(json, thread->kernel_stack[i]);
	}
	close_array(json);
	close_object(json);
}
