/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libbpf's messages are for developers: of these we keep the one that tells why a load failed.
 * Not thread-safe, and one for the whole program, as libbpf's own setting is.
 */
#ifndef FLIGHTREC_LIBBPF_MESSAGE_H
#define FLIGHTREC_LIBBPF_MESSAGE_H

/* Forgets what was kept, and keeps what libbpf says from now on, in place of printing it. */
void libbpf_message_keep(void);

/* The first line of what was kept, or "". Valid until libbpf is called again. */
const char *libbpf_message(void);

#endif /* FLIGHTREC_LIBBPF_MESSAGE_H */
