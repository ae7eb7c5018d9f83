// SPDX-License-Identifier: BSD-2-Clause
/* link: user/collector/report/render.c user/collector/report/render_number.c */
/* link: user/collector/report/render_out.c user/format/conversion.c */
/* link: user/collector/base/escape.c user/collector/base/text_buffer.c */
/*
 * Any format with any data, and what it comes to made fit for reports. Two bytes for `how`, two for
 * the room there is, two for the format's size; then the format, then the data.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/base/escape.h"
#include "collector/report/render.h"
#include "flightrec.h"
#include "flightrec/probes.h"
#include "fuzz.h"

#define ROOM_MAX 9000
#define FORMAT_MAX 1024

/*
 * Entries and formats are of limited size: a message takes at most this, however it is asked for.
 * The time is that of the digits of one long double, as many as there is room for.
 */
const struct fuzz_bounds fuzz_bounds = {
	.cpu_ns = {10000000, 20000},
	.allocated = {262144, 16},
};

static void *copy_of(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	fuzz_check(copy);
	memcpy(copy, data, size);
	return copy;
}

static void check_escapes(const char *text)
{
	struct text_buffer to = {0};

	escape_json(&to, text);
	escape_json_key(&to, text);
	for (size_t i = 0; i < to.size; i++)
		fuzz_check((unsigned char)to.data[i] >= 0x20 && (unsigned char)to.data[i] != 0x7f);
	escape_text(&to, text);
	escape_word(&to, text);
	escape_quoted(&to, text);
	for (size_t i = 0; i < to.size; i++)
		fuzz_check((unsigned char)to.data[i] >= 0x20 && (unsigned char)to.data[i] != 0x7f);
	text_buffer_free(&to);
}

static void read_context(const uint8_t *data, size_t size)
{
	char key[64], value[256];
	struct render_context context = {.data = data};
	size_t last = 0;

	context.size = size < FLIGHTREC_CONTEXT_MAX ? size : FLIGHTREC_CONTEXT_MAX;
	while (render_context_item(&context, (struct render_text){key, sizeof(key)},
				   (struct render_text){value, sizeof(value)})) {
		fuzz_check(context.at > last && context.at <= context.size);
		last = context.at;
	}
}

void fuzz_one(const uint8_t *data, size_t size)
{
	uint32_t how = fuzz_byte(&data, &size) | (fuzz_byte(&data, &size) & 0x1fu) << 8;
	size_t room = fuzz_byte(&data, &size), format_size, length;
	unsigned char *entry;
	char *format, *out;

	room = (room | (size_t)fuzz_byte(&data, &size) << 8) % ROOM_MAX;
	format_size = fuzz_byte(&data, &size);
	format_size = (format_size | (size_t)fuzz_byte(&data, &size) << 8) % FORMAT_MAX;
	format_size = format_size < size ? format_size : size;
	format = copy_of(data, format_size);
	size -= format_size;
	size = size < FLIGHTREC_ENTRY_MAX ? size : FLIGHTREC_ENTRY_MAX;
	entry = copy_of(data + format_size, size);
	out = malloc(room ? room : 1);
	fuzz_check(out);
	length = render_message(&(struct render_input){format, format_size, entry, size, how}, out,
				room);
	fuzz_check(room ? length < room && strlen(out) == length : length == 0);
	if (room)
		check_escapes(out);
	read_context(entry, size);
	free(format);
	free(entry);
	free(out);
}

static void seed(const char *name, const char *format, const void *data, size_t size)
{
	uint8_t bytes[256] = {3, 0, 0, 0x20, (uint8_t)strlen(format), 0};
	size_t length = strlen(format);

	memcpy(bytes + 6, format, length);
	memcpy(bytes + 6 + length, data, size);
	fuzz_seed(name, bytes, 6 + length + size);
}

void fuzz_seeds(void)
{
	static const unsigned char small[16] = {0, 0, 0, 0, 0, 0, 0, 0x80, 1};
	double real = 1e300;

	seed("numbers", "%d %#lx|%-5u", "\1\0\0\0\2\0\0\0\0\0\0\0\3\0\0", 16);
	seed("strings", "%s %.*ls %2$s", "\3\0abc\2\0\0\0\4\0x\303\244y", 15);
	seed("real", "%.3f %1$*2$g", &real, sizeof(real));
	seed("small", "%1$.16500Lg%1$.0Lf%1$.2Le", small, sizeof(small));
	seed("errno", "%m %#m%%", "\2\0\0\0", 4);
	seed("context", "", "\013\0\3\0key\4\0%s\0\0", 13);
}
