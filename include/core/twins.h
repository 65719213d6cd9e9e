/*
 * Which keys of a long list come more than once, and with one partner or with
 * several: found in bounded memory by going through the list several times.
 *
 *	twins_init()
 *	do
 *		the whole list: twins_add(key, partner, line) ...
 *	while (twins_again())
 *	twins_find(key): what is known of it
 *
 * A pass looks at one part of all keys, at most TWINS_SEEN_MAX of them; there
 * are as many passes as there have to be, usually one. Keys and partners are
 * 64 bits of a hash: to take two for one is rarer than anything else, and
 * ends in a question too many. Pure.
 */
#ifndef REUNITE_CORE_TWINS_H
#define REUNITE_CORE_TWINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TWINS_SEEN_MAX (1 << 18)
#define TWINS_MAX      (1 << 18) /* keys that come more than once */

struct twin {
	uint64_t key; /* 0: a free slot */
	uint64_t partner;
	int64_t first;	/* line */
	int64_t second; /* the next one, with another partner if differs; or 0 */
	bool differs;
};

/* Open addressing, at most half full; zeroed: empty. */
struct twin_table {
	struct twin *slots; /* *owned* */
	size_t count, cap;
};
void twin_table_release(struct twin_table *t);
/* NULL: it is not there. */
struct twin *twin_table_find(const struct twin_table *t, uint64_t key);
/* As it is there, or zeroed but for the key, which is not 0. Borrowed until
 * the next one. */
struct twin *twin_table_put(struct twin_table *t, uint64_t key);

struct twins {
	struct twin_table seen;	 /* by this pass */
	struct twin_table found; /* by all of them */
	uint64_t parts;		 /* a power of two */
	uint64_t part;		 /* that this pass looks at */
	size_t seen_max, found_max;
};
void twins_init(struct twins *t);
void twins_release(struct twins *t);
/* False: more than TWINS_MAX come more than once. */
bool twins_add(struct twins *t, uint64_t key, uint64_t partner, int64_t line);
/* The list is through; true: once more, please. */
bool twins_again(struct twins *t);
/* NULL: the key comes once. */
const struct twin *twins_find(const struct twins *t, uint64_t key);

#endif
