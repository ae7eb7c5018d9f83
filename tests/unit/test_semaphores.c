// SPDX-License-Identifier: BSD-2-Clause
/* clang-format off */
/* link: user/collector/attachment/semaphores.c user/collector/target/target_memory.c user/collector/target/time_namespace.c */
/* clang-format on */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/attachment/semaphores.h"
#include "flightrec/probes.h"

#define BIT(probe) (1u << FLIGHTREC_PROBE_##probe)

static struct flightrec_state copy = {
	.magic = FLIGHTREC_STATE_MAGIC, .version = FLIGHTREC_STATE_VERSION, .size = sizeof(copy)};

static unsigned down(unsigned probes)
{
	return semaphores_down(getpid(), (uintptr_t)&copy, probes);
}

static void test_down(void **state)
{
	const unsigned all = BIT(BEGIN) | BIT(ENTRY) | BIT(ARM) | BIT(LATE);

	(void)state;
	assert_int_equal(down(all), all);
	assert_int_equal(down(BIT(ENTRY)), BIT(ENTRY));
	copy.semaphore[FLIGHTREC_PROBE_BEGIN] = 1;
	assert_int_equal(down(all), all & ~BIT(BEGIN));
	/* Those of watching by memory share one. */
	copy.semaphore[FLIGHTREC_PROBE_ARM] = 2;
	assert_int_equal(down(all), BIT(ENTRY));
	copy.semaphore[FLIGHTREC_PROBE_ENTRY] = 1;
	assert_int_equal(down(all), 0);
	assert_int_equal(down(0), 0);
	copy.semaphore[FLIGHTREC_PROBE_ENTRY] = 0;
}

static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(down(BIT(ENTRY)), BIT(ENTRY));
	assert_int_equal(semaphores_down(getpid(), 8, BIT(ENTRY)), 0);
	assert_int_equal(semaphores_down(0x7fffffff, (uintptr_t)&copy, BIT(ENTRY)), 0);
	copy.version++;
	assert_int_equal(down(BIT(ENTRY)), 0);
	copy.version--;
	copy.magic[0]++;
	assert_int_equal(down(BIT(ENTRY)), 0);
	copy.magic[0]--;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
