/*
 * A bounded set of SunCo ids, kept as 64-bit hashes: a hint may be wrong
 * once in a very long while, and a row costs eight bytes instead of sixty.
 */
#ifndef REUNITE_SRC_APP_WATCH_SET_H
#define REUNITE_SRC_APP_WATCH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch_set {
	uint64_t *slots; /* 0: empty */
	size_t cap;	 /* a power of two, or 0 */
	size_t count;
};

void watch_set_init(struct watch_set *s);
void watch_set_release(struct watch_set *s);
/* Nothing changes when it is there, or when max are. */
void watch_set_add(struct watch_set *s, const char *id, size_t max);
void watch_set_remove(struct watch_set *s, const char *id);
bool watch_set_has(const struct watch_set *s, const char *id);

#endif
