// SPDX-License-Identifier: BSD-2-Clause
/* The example of README.md: a checkout that should take two seconds at most, and takes four. */
#include <flightrec.h>
#include <unistd.h>

int main(void)
{
	const char *card = "visa";

	FLIGHTREC_SCOPE(rec, "checkout", FLIGHTREC_SEC(2)) {
		flightrec_context(rec, "order", "%d", 1234);
		flightrec_info(rec, "reserved %d items", 3);
		flightrec_info(rec, "+charge(%s)", card);
		sleep(4); /* stands for a call that hangs */
		flightrec_info(rec, "-charge(%s)", card);
	}
	return 0;
}
