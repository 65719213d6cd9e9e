/*
 * Arrays that double: the capacity is the next power of two.
 */
#ifndef REUNITE_SANDBOX_LIST_H
#define REUNITE_SANDBOX_LIST_H

#include "base/str.h"

/* Makes room for one more behind the first count. */
#define LIST_ROOM(items, count)                                                \
	do {                                                                   \
		if (((count) & ((count)-1)) == 0)                              \
			(items) =                                              \
				xrealloc((items), ((count) ? (count)*2 : 1) *  \
							  sizeof(*(items)));   \
	} while (0)

#define LIST_PUSH(items, count, item)                                          \
	do {                                                                   \
		LIST_ROOM(items, count);                                       \
		(items)[(count)++] = (item);                                   \
	} while (0)

#endif
