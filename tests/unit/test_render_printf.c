// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c user/collector/report/render.c */
/* link: user/collector/report/render_number.c user/collector/report/render_out.c */
/* Messages are what printf() writes for the same format and arguments. */
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#include "collector/report/render.h"
#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/pack.h"
#include "rendering.h"

static char *guard;

static int set_up(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED || mprotect(pages + page, (size_t)page, PROT_NONE))
		return -1;
	guard = pages + page;
	return seed_random(state);
}

/* Packs, renders, and compares with what libc writes. */
static void check(const char *format, ...)
{
	unsigned char data[FLIGHTREC_ENTRY_MAX], *exact;
	char expected[OUT_MAX], got[OUT_MAX];
	struct flightrec_site site = {.file = "", .function = ""};
	struct pack_source source = {.site = &site, .format = format, .saved_errno = errno};
	struct pack_source inlined = {.format = format, .saved_errno = errno};
	va_list args;
	size_t size;
	int length;

	va_start(args, format);
	length = vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(expected) - 10)
		fail_msg("%s: libc makes %d of it (seed %u)", format, length, seed);

	va_start(args, format);
	size = pack_entry(&source, data, sizeof(data), args);
	va_end(args);
	/* On the heap, so that the address sanitizer notices reads beyond it. */
	exact = malloc(size + 1);
	memcpy(exact + 1, data, size);
	memset(got, 'x', sizeof(got));
	length = (int)render_message(
		&(struct render_input){format, strlen(format), exact + 1, size, source.how}, got,
		sizeof(got));
	free(exact);
	if (strcmp(got, expected) || (size_t)length != strlen(expected))
		fail_msg("%s: \"%s\" instead of \"%s\" (seed %u, case %u)", format, got, expected,
			 seed, test_case);

	va_start(args, format);
	size = pack_inline(&inlined, data, sizeof(data), args);
	va_end(args);
	render_message(&(struct render_input){NULL, 0, data, size, inlined.how}, got, sizeof(got));
	if (strcmp(got, expected))
		fail_msg("inline %s: \"%s\" instead of \"%s\"", format, got, expected);
}

static void reads_as_printf_does(void **state)
{
	char text[] = {'a', 'b', 'c'};

	(void)state;
	check("");
	check("plain, 100%%");
	check("%d %i %u %o %x %X", -1, INT_MIN, UINT_MAX, 8, 255, 255);
	check("%hhd %hd %hhu %hu %hhx", 300, 70000, 300, 70000, -1);
	check("%ld %lld %lu %llx %qd %Ld", LONG_MIN, LLONG_MIN, ULONG_MAX, LLONG_MAX, -1LL, -1LL);
	check("%Zd %Zx", (ssize_t)-1, SIZE_MAX);
	check("%zd %zu %jd %ju %td", (ssize_t)-1, SIZE_MAX, INTMAX_MIN, UINTMAX_MAX, (ptrdiff_t)-5);
	check("|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|%-8.3d|%+08d|", 42, 42, 42, 42, 42, 42, 42, 42,
	      42);
	check("|%#x|%#X|%#o|%#x|%#o|%.0d|%#.0o|%#.0x|%.0x|", 255, 255, 8, 0, 0, 0, 0, 0, 0);
	check("|%08.3d|%-08d|%+ d|% +d|%+u|% x|", 5, 5, 5, 5, 5, 5);
	check("%'d %'ld %Id %'f", 1234567, 1234567L, 1234567, 1234567.0);
	check("|%*d|%-*d|%*d|%.*d|%.*d|%*.*d|%0*d|", 5, 1, 5, 2, -5, 3, 3, 4, -3, 5, -6, 4, 7, 6,
	      8);
	check("|%c|%3c|%-3c|%c", 'x', 'y', 'z', 200);
	check("|%s|%10s|%-10s|%.2s|%10.2s|%.*s|%.s|", "abc", "abc", "abc", "abc", "abc", 2, "abc",
	      "abc");
	check("%.3s|%.*s", text, 3, text);
	check("|%p|%p|%20p|%-20p|%020p|%+p|% p|%.20p|%#p", (void *)guard, NULL, (void *)guard,
	      (void *)guard, (void *)guard, (void *)guard, (void *)guard, (void *)guard,
	      (void *)guard);
	check("|%10p|%-10p|%.2p|%010p|%+p|", NULL, NULL, NULL, NULL, NULL);
	check("|%f|%.0f|%#.0f|%10.3f|%-10.3f|%010.3f|%+f|% f|%F", 1.5, 2.5, 2.5, M_PI, M_PI, -M_PI,
	      1.0, 1.0, INFINITY);
	check("%e %E %.0e %#.0e %g %G %#g %g %g", M_PI, M_PI, M_PI, M_PI, 1e10, 1e-10, 1.0, 1e5,
	      123456789.0);
	check("%a %A %.2a %.0a %020a %-20a| %+a %a", 1.0, M_PI, M_PI, M_PI, M_PI, 0.0, -0.0,
	      DBL_TRUE_MIN);
	check("%f %010f %-10f| %+f %.2f %F %e %g %a", INFINITY, -INFINITY, INFINITY, INFINITY,
	      (double)NAN, -INFINITY, INFINITY, INFINITY, INFINITY);
	check("%Lf %Le %Lg %La %.30Lf %llf", 1.25L, LDBL_MAX, LDBL_MIN, 1.25L, 0.1L, 1.0L);
	check("%Lf", LDBL_MAX);
	check("%f %.1100f", DBL_MAX, DBL_TRUE_MIN);
	check("%*%|%5%|%d", 3, 4);
}

/* Also what this libc does not know: the program's libc may. */
static void reads_binary_and_bit_widths(void **state)
{
	long fast = -2;

	(void)state;
	assert_string_equal(rendered(200, "%b|%B|%#b|%#B|%#b|%.0b|", 5, 5, 5, 5, 0, 0),
			    "101|101|0b101|0B101|0||");
	assert_string_equal(
		rendered(200, "|%10b|%-10b|%010b|%#010b|%.8b|%#10.5b|", 5, 5, 5, 5, 5, 5),
		"|       101|101       |0000000101|0b00000101|00000101|   0b00101|");
	assert_string_equal(rendered(200, "%hhb|%hb|%*b|%.*b", -1, -1, 5, 1, 3, 1),
			    "11111111|1111111111111111|    1|001");
	assert_string_equal(rendered(200, "%lb|%d", ULONG_MAX, 7),
			    "1111111111111111111111111111111111111111111111111111111111111111|7");
	assert_string_equal(rendered(200, "%w8d %w8u %w16d %w16x %w32d %w32u %w64d %w64x|%d", 511,
				     511, 65536 + 9, -1, -5, -1, INT64_MIN, UINT64_MAX, 7),
			    "-1 255 9 ffff -5 4294967295 -9223372036854775808 ffffffffffffffff|7");
	assert_string_equal(rendered(200, "%wf8d %wf16d %wf32d %wf64d|%-8w32d|%w8b|%s", 511, fast,
				     fast, fast, 42, -1, "end"),
			    "-1 -2 -2 -2|42      |11111111|end");
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
	check("%b|%B|%#b|%#B|%#b|%.0b|%#.0b|", 5, 5, 5, 5, 0, 0, 0);
	check("|%10b|%-10b|%010b|%#010b|%.8b|%#10.5b|%#-12b|", 5, 5, 5, 5, 5, 5, 5);
#endif
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 38)
	check("%w8d %w16x %w32d %w64d %wf8u %wf16d %wf64u|%s", 511, -1, -5, INT64_MIN, 511, fast,
	      fast, "end");
#endif
}

static void reads_null_as_printf_does(void **state)
{
	const char *volatile string = NULL;
	const wchar_t *volatile wide = NULL;

	(void)state;
	check("|%s|%10s|%-10s|%.6s|%.5s|%5.2s|%.*s|%.*s|", string, string, string, string, string,
	      string, 2, string, -1, string);
	check("|%ls|%10ls|%.6ls|%.5ls|%S", wide, wide, wide, wide, wide);
}

static void reads_positions_as_printf_does(void **state)
{
	(void)state;
	check("%2$s %1$d %2$s", 1, "two");
	check("%3$*1$.*2$f|%3$-*1$.*2$f", 10, 3, M_PI);
	check("%1$.*2$s|%1$.2s|%3$Lf", "abcdef", 4, 1.5L);
	check("%1$d %1$x %1$c %1$*1$d", 65);
	check("%1$.2s %1$s", "abcdef");
	check("%2$d%%%m %1$ld", 1L, 2);
}

static void reads_errno_as_printf_does(void **state)
{
	(void)state;
	for (errno = -1; errno < 140; errno++) {
		int saved = errno;

		check("%m|%d|%30m|%-30m|%.5m", 5);
		errno = saved;
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
		check("%#m|%#10m|%#-10m|", 5);
		errno = saved;
#endif
	}
}

static void reads_wide_as_printf_does(void **state)
{
	wchar_t *unterminated = (wchar_t *)guard - 2;

	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	unterminated[0] = 'a';
	unterminated[1] = 0x20ac;
	check("|%ls|%10ls|%-10ls|%S|", L"a\u20ac\U00010348", L"\u20ac", L"\u20ac", L"\u00e9");
	check("|%.0ls|%.1ls|%.3ls|%.4ls|%5.3ls|%.*ls|", L"a\u20ac", L"a\u20ac", L"a\u20ac",
	      L"a\u20ac", L"a\u20ac", 4, L"a\u20ac");
	/* glibc itself reads beyond this one. */
	assert_string_equal(rendered(64, "%.4ls|%.1ls", unterminated, unterminated),
			    "a\xe2\x82\xac|a");
	check("|%lc|%5lc|%-5lc|%C|%lc", (wint_t)0x20ac, (wint_t)0x20ac, (wint_t)0x20ac,
	      (wint_t)0x10348, (wint_t)'a');
	check("%1$.3ls|%1$.4ls", L"a\u20ac");
	setlocale(LC_CTYPE, "C");
	assert_string_equal(rendered(64, "%ls|%lc", (wchar_t[]){0xd800, 'x', 0}, (wint_t)0x110000),
			    "\xef\xbf\xbdx|\xef\xbf\xbd");
}

/* A conversion specification with @stars of `*`, for arguments of a random kind. */
static unsigned int random_spec(char *out, const char *conversions, const char *const *lengths,
				unsigned int n_lengths, bool precision)
{
	char *start = out;
	unsigned int stars = 0;

	out = stpcpy(out, "<%");
	while (below(2))
		*out++ = "-+ #0'I"[below(7)];
	switch (below(4)) {
	case 0:
		*out++ = '*';
		stars |= 1;
		break;
	case 1:
		out += sprintf(out, "%u", 1 + below(30));
		break;
	}
	switch (precision ? below(4) : 3) {
	case 0:
		out = stpcpy(out, ".*");
		stars |= 2;
		break;
	case 1:
		out += sprintf(out, ".%u", below(30));
		break;
	case 2:
		if (!below(4))
			*out++ = '.';
		break;
	}
	out = stpcpy(out, lengths[below(n_lengths)]);
	*out++ = conversions[below((unsigned int)strlen(conversions))];
	strcpy(out, ">%d %s");
	assert_true(strlen(start) < 120);
	return stars;
}

#define CHECK_STARS(value)                                                                         \
	do {                                                                                       \
		int width = (int)below(40) - 20, precision = (int)below(30) - 5;                   \
		if (stars == 0)                                                                    \
			check(format, value, 99, "end");                                           \
		else if (stars == 1)                                                               \
			check(format, width, value, 99, "end");                                    \
		else if (stars == 2)                                                               \
			check(format, precision, value, 99, "end");                                \
		else                                                                               \
			check(format, width, precision, value, 99, "end");                         \
	} while (0)

static uint64_t random_bits(void)
{
	uint64_t bits = (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();

	return bits >> below(64);
}

static double random_double(void)
{
	static const double special[] = {0.0,     -0.0,         1.0,      0.5,      1e5,
					 1e6,     999999.5,     1e-4,     1e-5,     DBL_MAX,
					 DBL_MIN, DBL_TRUE_MIN, INFINITY, -INFINITY};
	uint64_t bits = random_bits();
	double value;

	switch (below(3)) {
	case 0:
		return special[below(sizeof(special) / sizeof(special[0]))];
	case 1:
		return (double)(int64_t)bits / 1000;
	default:
		memcpy(&value, &bits, sizeof(value));
		return value;
	}
}

static void reads_random_formats_as_printf_does(void **state)
{
	static const char *const narrow[] = {"", "h", "hh"};
	static const char *const wide[] = {"l", "ll", "q", "L", "z", "j", "t"};
	static const char *const plain[] = {"", "l"};
	static const char *const longest[] = {"L"};
	static const char *const none[] = {""};
	static const char *const strings[] = {"", "a", "abc", "a longer string, to be cut", NULL};
	char format[128];
	unsigned int stars;

	(void)state;
	for (test_case = 0; test_case < 60000; test_case++) {
		switch (below(7)) {
		case 0:
			stars = random_spec(format, "dioxXu", narrow, 3, true);
			CHECK_STARS((int)random_bits());
			break;
		case 1:
			stars = random_spec(format, "dioxXu", wide, 7, true);
			CHECK_STARS((long)random_bits() * (below(2) ? 1 : -1));
			break;
		case 2:
			stars = random_spec(format, "fFeEgGaA", plain, 2, true);
			CHECK_STARS(random_double());
			break;
		case 3:
			stars = random_spec(format, "fFeEgGaA", longest, 1, true);
			CHECK_STARS((long double)random_double() * 3);
			break;
		case 4:
			stars = random_spec(format, "s", none, 1, true);
			CHECK_STARS(strings[below(5)]);
			break;
		case 5:
			stars = random_spec(format, "c", none, 1, true);
			CHECK_STARS(1 + (int)below(126));
			break;
		default:
			stars = random_spec(format, "p", none, 1, true);
			CHECK_STARS((void *)(uintptr_t)(below(4) ? random_bits() : 0));
			break;
		}
	}
}

static void reads_random_positions_as_printf_does(void **state)
{
	/* Each argument at least once, in any order. */
	static const char *const uses[5][4] = {
		{"%1$d", "%1$+x", "%1$5c", "%1$*1$d"},
		{"%2$ld", "%2$p", "%2$#*1$lx", "%2$-20zu"},
		{"%3$f", "%3$*1$.*1$f", "%3$g", "%3$.3e"},
		{"%4$s", "%4$.*1$s", "%4$*1$s", "%4$.2s"},
		{"%5$Lf", "%5$.*1$Lg", "%5$La", "%5$10.2Le"},
	};

	(void)state;
	for (test_case = 0; test_case < 20000; test_case++) {
		unsigned int order[5] = {0, 1, 2, 3, 4};
		char format[256] = "";

		for (unsigned int i = 5; i-- > 1;) {
			unsigned int j = below(i + 1), swap = order[i];

			order[i] = order[j];
			order[j] = swap;
		}
		for (unsigned int i = 0; i < 5; i++)
			sprintf(format + strlen(format), "[%s]", uses[order[i]][below(4)]);
		for (unsigned int i = below(4); i; i--)
			sprintf(format + strlen(format), "%%%% %s", uses[below(5)][below(4)]);
		check(format, 33 + (int)below(30), (long)random_bits(), random_double(), "string",
		      (long double)random_double());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_printf_does),
		cmocka_unit_test(reads_binary_and_bit_widths),
		cmocka_unit_test(reads_null_as_printf_does),
		cmocka_unit_test(reads_positions_as_printf_does),
		cmocka_unit_test(reads_errno_as_printf_does),
		cmocka_unit_test(reads_wide_as_printf_does),
		cmocka_unit_test(reads_random_formats_as_printf_does),
		cmocka_unit_test(reads_random_positions_as_printf_does),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
