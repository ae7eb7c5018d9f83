// SPDX-License-Identifier: BSD-2-Clause
/* link: user/format/conversion.c user/lib/pack.c user/collector/render.c */
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wchar.h>

#include <cmocka.h>

#include "collector/render.h"
#include "flightrec.h"
#include "flightrec/probes.h"
#include "lib/pack.h"

#define OUT_MAX 8192

static unsigned int seed = 1;
static unsigned int test_case; /* counted within a random test, to be named by a failure */
static char *guard;

static int set_up(void **state)
{
	const char *text = getenv("FLIGHTREC_TEST_SEED");
	long page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (pages == MAP_FAILED || mprotect(pages + page, (size_t)page, PROT_NONE))
		return -1;
	guard = pages + page;
	if (text)
		seed = (unsigned int)atoi(text);
	srandom(seed);
	return 0;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)random() % n;
}

static size_t pack_v(const char *format, unsigned char *data, uint32_t *how, va_list args)
{
	struct flightrec_site site = {.file = "", .function = ""};

	return pack_entry(&site, format, errno, data, FLIGHTREC_ENTRY_MAX, how, args);
}

/* Packs, renders, and compares with what libc makes of the same. */
static void check(const char *format, ...)
{
	unsigned char data[FLIGHTREC_ENTRY_MAX], *exact;
	char expected[OUT_MAX], got[OUT_MAX];
	uint32_t how = 0, inline_how = 0;
	va_list args;
	size_t size;
	int length;

	va_start(args, format);
	length = vsnprintf(expected, sizeof(expected), format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(expected) - 10)
		fail_msg("%s: libc makes %d of it (seed %u)", format, length, seed);

	va_start(args, format);
	size = pack_v(format, data, &how, args);
	va_end(args);
	/* On the heap, so that the address sanitizer sees what is read beyond it. */
	exact = malloc(size + 1);
	memcpy(exact + 1, data, size);
	memset(got, 'x', sizeof(got));
	length =
		(int)render_message(format, strlen(format), exact + 1, size, how, got, sizeof(got));
	free(exact);
	if (strcmp(got, expected) || (size_t)length != strlen(expected))
		fail_msg("%s: \"%s\" instead of \"%s\" (seed %u, case %u)", format, got, expected,
			 seed, test_case);

	va_start(args, format);
	size = pack_inline(format, errno, data, sizeof(data), &inline_how, args);
	va_end(args);
	render_message(NULL, 0, data, size, inline_how, got, sizeof(got));
	if (strcmp(got, expected))
		fail_msg("inline %s: \"%s\" instead of \"%s\"", format, got, expected);
}

/* Packs into @capacity and renders, for what libc is no measure of. */
static const char *rendered(size_t capacity, const char *format, ...)
{
	static char out[OUT_MAX];
	unsigned char data[FLIGHTREC_ENTRY_MAX];
	struct flightrec_site site = {.file = "", .function = ""};
	uint32_t how = FLIGHTREC_ERROR;
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_entry(&site, format, errno, data, capacity, &how, args);
	va_end(args);
	render_message(format, strlen(format), data, size, how, out, sizeof(out));
	return out;
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

static void shows_what_was_cut(void **state)
{
	static const char format[] = "%s and %d and %s";
	unsigned char data[64] = {3, 0, 'a', 'b', 'c', 42, 0, 0, 0, 1, 0x80, 'x'};
	char out[64];

	(void)state;
	assert_string_equal(rendered(16, "got %s, %d", "something long", 5),
			    "got something , 5 [cut]");
	assert_string_equal(rendered(8, "%d %ld %s %d", 1, 2L, "three", 4), "1 ... ... ... [cut]");
	assert_string_equal(rendered(0, "%*d %m %5s", 1, 2, "x"), "... ... ... [cut]");
	/* As with the flag, so with a string's own mark, or an end within a string. */
	render_message(format, sizeof(format), data, 12, 0, out, sizeof(out));
	assert_string_equal(out, "abc and 42 and x [cut]");
	render_message(format, sizeof(format), data, 9, 0, out, sizeof(out));
	assert_string_equal(out, "abc and 42 and ...");
	render_message(format, sizeof(format), data, 4, 0, out, sizeof(out));
	assert_string_equal(out, "ab and ... and ... [cut]");
	/* Output that has no room ends in the mark as well, between characters. */
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 11), 10);
	assert_string_equal(out, "0123456789");
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 10), 9);
	assert_string_equal(out, "012 [cut]");
	assert_int_equal(render_message("01\xe2\x82\xac"
					"345678",
					11, NULL, 0, 0, out, 11),
			 8);
	assert_string_equal(out, "01 [cut]");
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 4), 3);
	assert_string_equal(out, "012");
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 1), 0);
	assert_string_equal(out, "");
	out[0] = 'x';
	assert_int_equal(render_message("0123456789", 10, NULL, 0, 0, out, 0), 0);
	assert_int_equal(out[0], 'x');
}

static void shows_what_was_refused(void **state)
{
	char out[64];
	int n = 5;

	(void)state;
	assert_string_equal(rendered(64, "%d%n", 1, &n), "%d%n [format refused]");
	assert_string_equal(rendered(64, "%d %", 1), "%d % [format refused]");
	assert_int_equal(n, 5);
	/* Also where only this side refuses, or only the other. */
	render_message("%n", 2, NULL, 0, 0, out, sizeof(out));
	assert_string_equal(out, "%n [format refused]");
	render_message("%d", 2, (const unsigned char *)"\1\0\0\0", 4, FLIGHTREC_HOW_REFUSED, out,
		       sizeof(out));
	assert_string_equal(out, "%d [format refused]");
	render_message("%n in a format that is long", 27, NULL, 0, 0, out, 32);
	assert_string_equal(out, "%n in a  [format refused] [cut]");
}

static void shows_steps(void **state)
{
	char out[64];

	(void)state;
	render_message("get(%s)", 7, (const unsigned char *)"\2\0ab", 4, FLIGHTREC_HOW_STEP_IN, out,
		       sizeof(out));
	assert_string_equal(out, "+get(ab)");
	render_message("get(%s)", 7, (const unsigned char *)"\2\0ab", 4, FLIGHTREC_HOW_STEP_OUT,
		       out, sizeof(out));
	assert_string_equal(out, "-get(ab)");
}

static void leaves_nul_out(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(rendered(64, "a%cb%3cd", 0, 0), "ab  d");
	assert_int_equal(render_message("%s|", 3, (const unsigned char *)"\3\0a\0b", 5, 0, out, 64),
			 3);
	assert_string_equal(out, "ab|");
	/* A format ends at a NUL. */
	assert_int_equal(render_message("a\0%n", 4, NULL, 0, 0, out, sizeof(out)), 1);
}

static void bounds_huge_widths(void **state)
{
	static const char *const formats[] = {
		"%2147483647d",           "%.2147483647d", "%-2147483647d", "%02147483647d",
		"%99999999999999999999d", "%1$*1$d",       "%1$.*1$d",      "%#.2147483647x",
	};
	static const char *const reals[] = {
		"%2147483647f",
		"%.2147483647f",
		"%.2147483647e",
		"%.2147483647g",
		"%#.2147483647g",
		"%.2147483647a",
		"%02147483647.2147483647f",
		"%-2147483647.2147483647e",
	};
	char out[300], expected[300];

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		int32_t value = INT_MAX - (int)i;

		assert_int_equal(render_message(formats[i], strlen(formats[i]),
						(unsigned char *)&value, 4, 0, out, sizeof(out)),
				 sizeof(out) - 1);
		assert_string_equal(out + sizeof(out) - 7, " [cut]");
	}
	for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); i++) {
		double value = M_PI;
		size_t length = render_message(reals[i], strlen(reals[i]), (unsigned char *)&value,
					       8, 0, out, sizeof(out));

		assert_true(length == sizeof(out) - 1 || i == 3);
	}
	/* What is in front of the cut is what it would be without one. */
	snprintf(expected, sizeof(expected), "%.291f [cut]", M_PI);
	assert_string_equal(rendered(64, "%.20000a", 0.5) + OUT_MAX - 7, " [cut]");
	render_message("%.17000f", 8, (const unsigned char *)&(double){M_PI}, 8, 0, out,
		       sizeof(out));
	assert_string_equal(out, expected);
}

static void pads_precisions_beyond_all_digits(void **state)
{
	static const char *const formats[] = {
		"%.20000Lf",  "%.20000Le",      "%.20000La",       "%.20000Lg",       "%#.20000Lg",
		"%#.20000LG", "%30000.20000Lf", "%-30000.20000Le", "%030000.20000LA", "%.16501Le"};
	static const long double values[] = {0.1L, LDBL_MAX, LDBL_TRUE_MIN, 0.0L, INFINITY, 1e-9L};
	static char expected[32768], got[32768];

	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++) {
			snprintf(expected, sizeof(expected), formats[i], values[j]);
			render_message(formats[i], strlen(formats[i]),
				       (const unsigned char *)&values[j], 16, 0, got, sizeof(got));
			if (strcmp(got, expected))
				fail_msg("%s of %La", formats[i], values[j]);
		}
	}
}

static void survives_odd_long_doubles(void **state)
{
	unsigned char data[16];
	char out[256], expected[64] = "";

	(void)state;
	(void)expected;
	for (unsigned int i = 0; i < 20000; i++) {
		for (size_t j = 0; j < sizeof(data); j++)
			data[j] = below(3) ? (unsigned char)random() : below(2) ? 0 : 0xff;
		if (below(2))
			data[9] = data[8] = 0;
		assert_true(render_message("%Lf", 3, data, 16, 0, out, sizeof(out)) > 0);
		assert_true(render_message("%La", 3, data, 16, 0, out, sizeof(out)) > 0);
	}
#if defined(__x86_64__)
	/* An exponent without the significand's top bit; and that bit without an exponent. */
	memcpy(data, "\1\0\0\0\0\0\0\0\0\x40", 10);
	render_message("%Lf|%5La", 8, data, 16, 0, out, sizeof(out));
	assert_string_equal(out, "nan|...");
	memcpy(data, "\0\0\0\0\0\0\0\x80\0\0", 10);
	render_message("%La", 3, data, 16, 0, out, sizeof(out));
	snprintf(expected, sizeof(expected), "%La", LDBL_MIN);
	assert_string_equal(out, expected);
#endif
}

/* Whatever it is given, the result is a string within its bounds. */
static void survives_anything(void **state)
{
	static const char alphabet[] = "%%%%%%%%%123$$**..-+ #0'I99hlLqzjtdiouxXcspfFeEgGaACSm\0y";

	(void)state;
	for (test_case = 0; test_case < 100000; test_case++) {
		size_t format_size = below(24), size = below(80), capacity = below(200);
		char *format = malloc(format_size + 1), *out = malloc(capacity + 1);
		unsigned char *data = malloc(size + 1);
		uint32_t how = below(4) ? below(4) << 8 : (uint32_t)random();
		size_t length;

		/* A byte in front that is not given away: sizes of 0 have an address, too. */
		for (size_t i = 0; i < format_size; i++)
			format[i + 1] = alphabet[below(sizeof(alphabet))];
		for (size_t i = 0; i < size; i++)
			data[i + 1] = below(2) ? (unsigned char)random()
					       : (unsigned char)alphabet[below(sizeof(alphabet))];
		if (below(2) && size > 2) {
			data[1] = (unsigned char)below((unsigned int)size);
			data[2] = 0;
		}
		length = render_message(format + 1, format_size, data + 1, size, how, out + 1,
					capacity);
		if (capacity && (length >= capacity || strlen(out + 1) != length))
			fail_msg("seed %u, case %u: length %zu", seed, test_case, length);
		free(format);
		free(data);
		free(out);
	}
}

static size_t add_item(unsigned char *at, const char *key, const char *format, ...)
{
	uint16_t key_size = (uint16_t)strlen(key), length;
	uint32_t how = 0;
	va_list args;
	size_t size;

	va_start(args, format);
	size = pack_inline(format, 0, at + 4 + key_size, 64, &how, args);
	va_end(args);
	length = (uint16_t)(2 + key_size + size);
	memcpy(at, &length, 2);
	memcpy(at + 2, &key_size, 2);
	memcpy(at + 4, key, key_size);
	return 2 + (size_t)length;
}

static void iterates_context(void **state)
{
	char key[8], value[16];
	unsigned char data[256];
	size_t size, at = 0;

	(void)state;
	size = add_item(data, "user", "%d", 42);
	size += add_item(data + size, "a long key", "%s and %s", "first", "second");
	size += add_item(data + size, "", "");
	assert_true(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	assert_string_equal(key, "user");
	assert_string_equal(value, "42");
	assert_true(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	assert_string_equal(key, "a long ");
	assert_string_equal(value, "first and [cut]");
	assert_true(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	assert_string_equal(key, "");
	assert_string_equal(value, "");
	assert_int_equal(at, size);
	assert_false(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
	/* An item that says it is longer than the data is none. */
	at = 0;
	assert_false(render_context_item(data, 5, &at, key, sizeof(key), value, sizeof(value)));
	at = SIZE_MAX;
	assert_false(render_context_item(data, size, &at, key, sizeof(key), value, sizeof(value)));
}

static void survives_garbage_context(void **state)
{
	(void)state;
	for (test_case = 0; test_case < 100000; test_case++) {
		size_t size = below(64), at = 0, before;
		unsigned char *data = malloc(size + 1);
		char key[16], value[16];

		for (size_t i = 0; i <= size; i++)
			data[i] = below(2) ? (unsigned char)below(12) : (unsigned char)random();
		for (before = 0; render_context_item(data + 1, size, &at, key, sizeof(key), value,
						     sizeof(value));
		     before = at) {
			if (at <= before || at > size)
				fail_msg("seed %u, case %u", seed, test_case);
		}
		free(data);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_printf_does),
		cmocka_unit_test(reads_null_as_printf_does),
		cmocka_unit_test(reads_positions_as_printf_does),
		cmocka_unit_test(reads_errno_as_printf_does),
		cmocka_unit_test(reads_wide_as_printf_does),
		cmocka_unit_test(reads_random_formats_as_printf_does),
		cmocka_unit_test(reads_random_positions_as_printf_does),
		cmocka_unit_test(shows_what_was_cut),
		cmocka_unit_test(shows_what_was_refused),
		cmocka_unit_test(shows_steps),
		cmocka_unit_test(leaves_nul_out),
		cmocka_unit_test(bounds_huge_widths),
		cmocka_unit_test(pads_precisions_beyond_all_digits),
		cmocka_unit_test(survives_odd_long_doubles),
		cmocka_unit_test(survives_anything),
		cmocka_unit_test(iterates_context),
		cmocka_unit_test(survives_garbage_context),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
