/* SPDX-License-Identifier: BSD-2-Clause */
/* The two numbers of a thread in a container: its number inside, and its number here. */
#ifndef FLIGHTREC_HOST_TID_H
#define FLIGHTREC_HOST_TID_H

#include <sys/types.h>

/*
 * Returns the number here of the thread of process @pid whose gettid() returns @own. That is @own
 * if the process is in our pid namespace, or if the thread is gone.
 */
pid_t host_tid(pid_t pid, pid_t own);

#endif /* FLIGHTREC_HOST_TID_H */
