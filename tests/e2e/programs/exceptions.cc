/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C++: recorders closed by exceptions, and one that hangs until standard input ends. What is
 * left open would be replayed; the short timeout of the last one brings it up.
 */
#include <flightrec.h>

#include <iostream>
#include <stdexcept>
#include <string>

static void leave_by_exception(const std::string &what)
{
	FLIGHTREC_SCOPE(rec, "thrown", FLIGHTREC_SEC(3600)) {
		flightrec_info(rec, "about to throw %s", what.c_str());
		FLIGHTREC_STEP(rec, "step %d", 1)
			throw std::runtime_error(what);
	}
}

static int leave_by_return()
{
	FLIGHTREC_SCOPE(rec, "returned", FLIGHTREC_SEC(3600)) {
		flightrec_info(rec, "about to return");
		return 7;
	}
	return 0;
}

int main()
{
	std::string line;
	flightrec kept = FLIGHTREC_INIT;

	for (int i = 0; i < 3; i++) {
		try {
			leave_by_exception("it");
		} catch (const std::exception &e) {
			std::cout << "caught " << e.what() << ", current "
				  << (flightrec_current() ? "open" : "none") << std::endl;
		}
	}
	std::cout << "returned " << leave_by_return() << std::endl;

	flightrec_begin(&kept, "C++", FLIGHTREC_SEC(3600));
	flightrec_context(&kept, "user", "%d", 42);
	flightrec_info(&kept, "+wait(%s, %.1f)", "stdin", 1.5);
	try {
		FLIGHTREC_STEP(&kept, "step %s", "two")
			throw 1;
	} catch (int) {
		flightrec_error(&kept, "caught");
	}
	flightrec_extend(&kept, FLIGHTREC_MSEC(1));
	std::getline(std::cin, line);
	flightrec_end(&kept);
	return 5;
}
