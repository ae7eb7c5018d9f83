/* SPDX-License-Identifier: BSD-2-Clause */
#include "collector/base/text_buffer.h"

#include <stdlib.h>

#define ROOM_MIN 4096
#define DIGITS_MAX 20 /* of 2^64 - 1 */

bool text_buffer_grow(struct text_buffer *to, size_t size)
{
	size_t room = to->room ? to->room : ROOM_MIN;
	char *data;

	while (room - to->size < size && room <= SIZE_MAX / 2)
		room *= 2;
	data = room - to->size < size ? NULL : realloc(to->data, room);
	if (!data) {
		to->failed = true;
		return false;
	}
	to->data = data;
	to->room = room;
	return true;
}

void text_buffer_free(struct text_buffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}

void text_number(struct text_buffer *to, uint64_t number, unsigned int digits)
{
	char text[DIGITS_MAX], *at = text + sizeof(text);
	char *least = at - (digits < DIGITS_MAX ? digits : DIGITS_MAX);

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (at > least)
		*--at = '0';
	text_put(to, at, (size_t)(text + sizeof(text) - at));
}

void text_integer(struct text_buffer *to, int64_t number)
{
	if (number < 0)
		text_char(to, '-');
	text_number(to, number < 0 ? -(uint64_t)number : (uint64_t)number, 1);
}

void text_hex(struct text_buffer *to, const char *prefix, uint32_t number, unsigned int digits)
{
	text_string(to, prefix);
	while (digits--)
		text_char(to, "0123456789abcdef"[number >> 4 * digits & 0xf]);
}

void text_fraction(struct text_buffer *to, uint64_t fraction, unsigned int digits,
		   unsigned int least)
{
	for (; digits > least && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (digits)
		text_number(to, fraction, digits);
}
