/* SPDX-License-Identifier: BSD-2-Clause */
/* The two numbers of a thread in a container: the one it has in there, and the one it has here. */
#ifndef FLIGHTREC_HOST_TID_H
#define FLIGHTREC_HOST_TID_H

#include <sys/types.h>

/*
 * The number here of the thread of process @pid that calls itself @own, as gettid() does. Returns
 * @own itself if the process is of our namespace, and if no such thread is there any more.
 */
pid_t host_tid(pid_t pid, pid_t own);

#endif /* FLIGHTREC_HOST_TID_H */
