/*
 * Open addressing, at most half full: see idset.h.
 */
#include "idset.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FIRST_CAP 1024 /* a power of two, as all that follow */

/* FNV-1a, and a last mix, since the low bits pick the slot. */
static uint64_t hash_of(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	h ^= h >> 32;
	return h ? h : 1;
}

static size_t slot_of(const struct idset *s, uint64_t hash)
{
	size_t i = (size_t)hash & (s->cap - 1);

	while (s->slots[i] != 0 && s->slots[i] != hash)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct idset *s)
{
	struct idset old = *s;

	s->cap = old.cap ? 2 * old.cap : FIRST_CAP;
	s->slots = xcalloc(s->cap, sizeof(*s->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i])
			s->slots[slot_of(s, old.slots[i])] = old.slots[i];
	free(old.slots);
}

bool idset_add(struct idset *s, const char *name)
{
	uint64_t hash = hash_of(name);
	size_t i;

	if (2 * (s->count + 1) > s->cap)
		grow(s);
	i = slot_of(s, hash);
	if (s->slots[i])
		return false;
	s->slots[i] = hash;
	s->count++;
	return true;
}

bool idset_has(const struct idset *s, const char *name)
{
	uint64_t hash = hash_of(name);

	return s->cap > 0 && s->slots[slot_of(s, hash)] == hash;
}

void idset_release(struct idset *s)
{
	free(s->slots);
	*s = (struct idset){.count = 0};
}
