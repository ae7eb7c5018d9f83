/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libbpf's messages are meant for developers. We keep only the one that says why a load failed. Not
 * thread-safe, and one for the whole program, like libbpf's own setting.
 */
#ifndef FLIGHTREC_LIBBPF_MESSAGE_H
#define FLIGHTREC_LIBBPF_MESSAGE_H

/* Forgets what was kept. From now on messages of libbpf are kept rather than printed. */
void libbpf_message_keep(void);

/* The first line of what was kept, or "". Valid until libbpf is called again. */
const char *libbpf_message(void);

#endif /* FLIGHTREC_LIBBPF_MESSAGE_H */
