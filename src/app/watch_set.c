/*
 * Open addressing with linear probing, at most half full; a removal moves
 * back what it would cut off, so there are no tombstones.
 */
#include "watch_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define WATCH_SET_FIRST_CAP 64

void watch_set_init(struct watch_set *s)
{
	memset(s, 0, sizeof(*s));
}

void watch_set_release(struct watch_set *s)
{
	free(s->slots);
	watch_set_init(s);
}

/* FNV-1a, its bits mixed because the low ones choose the slot. */
static uint64_t hash_of(const char *id)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *id; id++)
		h = (h ^ (unsigned char)*id) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 29;
	return h ? h : 1;
}

/* Where the hash is, or the empty slot where it belongs. */
static size_t slot_of(const struct watch_set *s, uint64_t hash)
{
	size_t i = hash & (s->cap - 1);

	while (s->slots[i] && s->slots[i] != hash)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct watch_set *s)
{
	struct watch_set bigger = {.cap = s->cap ? 2 * s->cap
						 : WATCH_SET_FIRST_CAP};

	bigger.slots = xcalloc(bigger.cap, sizeof(*bigger.slots));
	for (size_t i = 0; i < s->cap; i++) {
		if (s->slots[i])
			bigger.slots[slot_of(&bigger, s->slots[i])] =
				s->slots[i];
	}
	bigger.count = s->count;
	free(s->slots);
	*s = bigger;
}

void watch_set_add(struct watch_set *s, const char *id, size_t max)
{
	if (s->count >= max || watch_set_has(s, id))
		return;
	if (2 * (s->count + 1) > s->cap)
		grow(s);
	s->slots[slot_of(s, hash_of(id))] = hash_of(id);
	s->count++;
}

void watch_set_remove(struct watch_set *s, const char *id)
{
	size_t mask = s->cap - 1;
	size_t hole;

	if (!watch_set_has(s, id))
		return;
	hole = slot_of(s, hash_of(id));
	s->slots[hole] = 0;
	s->count--;
	for (size_t i = (hole + 1) & mask; s->slots[i]; i = (i + 1) & mask) {
		size_t home = s->slots[i] & mask;

		/* It stays if its home lies behind the hole. */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		s->slots[hole] = s->slots[i];
		s->slots[i] = 0;
		hole = i;
	}
}

bool watch_set_has(const struct watch_set *s, const char *id)
{
	return s->count && s->slots[slot_of(s, hash_of(id))];
}
