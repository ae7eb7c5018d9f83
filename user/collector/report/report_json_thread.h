/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a thread is, in the form "json". */
#ifndef FLIGHTREC_REPORT_JSON_THREAD_H
#define FLIGHTREC_REPORT_JSON_THREAD_H

struct json;
struct report_thread;

void report_json_thread(struct json *json, const struct report_thread *thread);

#endif /* FLIGHTREC_REPORT_JSON_THREAD_H */
