/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arrays that grow. Each is three variables: the array (NULL at first), how many elements it has
 * room for, and how many it has.
 */
#ifndef FLIGHTREC_ARRAY_H
#define FLIGHTREC_ARRAY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARRAY_ROOM_MIN 16

/* For array_reserve(): returns @array, moved if necessary; or NULL, with everything unchanged. */
static inline void *array_grown(void *array, size_t *room, size_t needed, size_t element)
{
	size_t more = *room ? *room : ARRAY_ROOM_MIN;
	void *grown;

	while (more < needed && more <= SIZE_MAX / 2)
		more *= 2;
	grown = more < needed ? NULL : reallocarray(array, more, element);
	if (grown)
		*room = more;
	return grown;
}

/*
 * Makes room for @needed elements in all. The room doubles, so adding elements one by one takes
 * linear time. Assigns to @array and @room (a size_t). Returns 0; or -ENOMEM, with the array
 * unchanged.
 *
 *	if (array_reserve(list->items, list->room, list->n + 1))
 *		return -ENOMEM;
 *	list->items[list->n++] = item;
 */
#define array_reserve(array, room, needed)                                                         \
	__extension__({                                                                            \
		size_t needed_ = (needed);                                                         \
		int err_ = 0;                                                                      \
                                                                                                   \
		if (needed_ > (room)) {                                                            \
			void *grown_ = array_grown((array), &(room), needed_, sizeof(*(array)));   \
                                                                                                   \
			if (grown_)                                                                \
				(array) = grown_;                                                  \
			else                                                                       \
				err_ = -ENOMEM;                                                    \
		}                                                                                  \
		err_;                                                                              \
	})

#endif /* FLIGHTREC_ARRAY_H */
