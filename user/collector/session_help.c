// SPDX-License-Identifier: BSD-2-Clause
/* No unit test: it only connects other parts, and tests/e2e/cases/where.sh goes through it. */
#include <string.h>
#include <sys/socket.h>

#include "collector/base/helper.h"
#include "collector/session.h"
#include "collector/unwind/unwind_protocol.h"

int session_help(const char *word)
{
	socklen_t size = sizeof(int);
	int type;

	if (strcmp(word, UNWIND_WORD) != 0)
		return -1;
	/* Nobody has to call it by hand. */
	if (getsockopt(HELPER_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET)
		return 2;
	return unwind_serve(HELPER_SOCKET);
}
