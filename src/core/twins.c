/*
 * Keys that come more than once: see twins.h.
 *
 * The parts are told by the lowest bits of the key. When a pass meets too many
 * keys there are twice as many parts from then on, and it forgets those that
 * do not belong to its own any more: their pass comes.
 */
#include "core/twins.h"

#include <stdlib.h>

#include "base/str.h"

#define FIRST_CAP 1024 /* a power of two, as all that follow */

/* ---- tables ---- */

/* The lowest bits tell the part, and are alike in a pass. */
static size_t slot_of(const struct twin_table *t, uint64_t key)
{
	size_t i = (size_t)(key >> 20) & (t->cap - 1);

	while (t->slots[i].key != 0 && t->slots[i].key != key)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static void grow(struct twin_table *t)
{
	struct twin_table old = *t;

	t->cap = old.cap ? 2 * old.cap : FIRST_CAP;
	t->slots = xcalloc(t->cap, sizeof(*t->slots));
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key != 0)
			t->slots[slot_of(t, old.slots[i].key)] = old.slots[i];
	free(old.slots);
}

struct twin *twin_table_find(const struct twin_table *t, uint64_t key)
{
	struct twin *slot = t->cap ? &t->slots[slot_of(t, key)] : NULL;

	return slot && slot->key != 0 ? slot : NULL;
}

struct twin *twin_table_put(struct twin_table *t, uint64_t key)
{
	struct twin *slot;

	if (2 * (t->count + 1) > t->cap)
		grow(t);
	slot = &t->slots[slot_of(t, key)];
	if (slot->key == 0)
		t->count++;
	slot->key = key;
	return slot;
}

void twin_table_release(struct twin_table *t)
{
	free(t->slots);
	*t = (struct twin_table){.count = 0};
}

/* ---- passes ---- */

void twins_init(struct twins *t)
{
	*t = (struct twins){
		.parts = 1,
		.seen_max = TWINS_SEEN_MAX,
		.found_max = TWINS_MAX,
	};
}

void twins_release(struct twins *t)
{
	twin_table_release(&t->seen);
	twin_table_release(&t->found);
}

static bool is_ours(const struct twins *t, uint64_t key)
{
	return (key & (t->parts - 1)) == t->part;
}

static void halve(struct twins *t)
{
	struct twin_table old = t->seen;

	t->parts *= 2;
	t->seen = (struct twin_table){.count = 0};
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].key != 0 && is_ours(t, old.slots[i].key))
			*twin_table_put(&t->seen, old.slots[i].key) =
				old.slots[i];
	free(old.slots);
}

static bool note(struct twins *t, const struct twin *seen)
{
	if (t->found.count >= t->found_max &&
	    !twin_table_find(&t->found, seen->key))
		return false;
	*twin_table_put(&t->found, seen->key) = *seen;
	return true;
}

bool twins_add(struct twins *t, uint64_t key, uint64_t partner, int64_t line)
{
	struct twin *seen;

	key = key ? key : 1;
	while (t->seen.count >= t->seen_max && is_ours(t, key) &&
	       !twin_table_find(&t->seen, key))
		halve(t);
	if (!is_ours(t, key))
		return true;
	seen = twin_table_put(&t->seen, key);
	if (seen->first == 0) {
		seen->partner = partner;
		seen->first = line;
		return true;
	}
	if (seen->second == 0 || (!seen->differs && seen->partner != partner))
		seen->second = line;
	seen->differs = seen->differs || seen->partner != partner;
	return note(t, seen);
}

bool twins_again(struct twins *t)
{
	twin_table_release(&t->seen);
	return ++t->part < t->parts;
}

const struct twin *twins_find(const struct twins *t, uint64_t key)
{
	return twin_table_find(&t->found, key ? key : 1);
}
