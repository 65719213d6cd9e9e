/*
 * What a run saw of whose an address is, and whether a loss is the other side
 * of a gain: see owner.h.
 */
#include "core/owner.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/address.h"

static bool is_near(int64_t a_ms, int64_t b_ms)
{
	return a_ms != 0 && b_ms != 0 && a_ms <= b_ms + OWNER_COINCIDE_MS &&
	       b_ms <= a_ms + OWNER_COINCIDE_MS;
}

bool owner_loss_coincides(const struct owner *o, int64_t gain_ms,
			  int64_t changed_ms)
{
	int64_t had_ms = o->lost_ms > o->seen_ms ? o->lost_ms : o->seen_ms;

	return is_near(had_ms, gain_ms) && is_near(changed_ms, gain_ms);
}

static void sighting_clear(struct sighting *s)
{
	free(s->items);
	memset(s, 0, sizeof(*s));
}

void sightings_release(struct sightings *s)
{
	for (size_t i = 0; i < s->count; i++)
		sighting_clear(&s->items[i]);
	free(s->items);
	memset(s, 0, sizeof(*s));
}

/* The user's own place, or a new one; NULL: something newer is known, or
 * there are too many. */
static struct sighting *place(struct sightings *s, uint64_t user, int64_t at_ms)
{
	size_t max = s->max ? s->max : SIGHTINGS_MAX;
	size_t i = 0;

	while (i < s->count && s->items[i].user != user)
		i++;
	if (i == max || (i < s->count && s->items[i].at_ms > at_ms))
		return NULL;
	if (i == s->count) {
		s->items = xrealloc(s->items, ++s->count * sizeof(*s->items));
		memset(&s->items[i], 0, sizeof(s->items[i]));
	}
	sighting_clear(&s->items[i]);
	s->items[i].user = user;
	s->items[i].at_ms = at_ms;
	return &s->items[i];
}

void sightings_add_gone(struct sightings *s, uint64_t user, int64_t now_ms)
{
	struct sighting *to = place(s, user, now_ms);

	if (to)
		to->gone = true;
}

static void take(struct sighting *to, const struct zd_identity *i)
{
	struct sighted *one;
	char address[ADDRESS_SIZE];

	if (!str_eq(i->type, "email") || !address_normalise(i->value, address))
		return;
	/* the same address twice is proven if it is so everywhere */
	for (size_t n = 0; n < to->count; n++) {
		if (!str_eq(to->items[n].address, address))
			continue;
		to->items[n].proven &= zd_identity_proven(i);
		return;
	}
	if (to->count == SIGHTED_MAX) {
		to->whole = false;
		return;
	}
	to->items = xrealloc(to->items, (to->count + 1) * sizeof(*to->items));
	one = &to->items[to->count++];
	memcpy(one->address, address, sizeof(one->address));
	one->proven = zd_identity_proven(i);
}

void sightings_add(struct sightings *s, const struct zd_user *u, bool found,
		   int64_t now_ms)
{
	struct sighting *to;

	if (!u->active && !found) {
		sightings_add_gone(s, u->id, now_ms);
		return;
	}
	if (!u->active || !u->identities_known)
		return;
	to = place(s, u->id, found ? now_ms - SIGHTING_LAG_MS : now_ms);
	if (!to)
		return;
	to->whole = !found;
	for (size_t i = 0; i < u->identity_count; i++)
		take(to, &u->identities[i]);
}
