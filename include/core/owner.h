/*
 * Who has or had an address: what is remembered of it, and what may be made
 * of that when Zendesk takes an address from one user for another.
 *
 * Two sources, of different worth:
 *	reads	what answers of the APIs showed (struct sighting). Only they
 *		say that an address was proven, and until when its owner had
 *		it for certain (seen_ms).
 *	events	signed webhooks. They come late, twice, in any order or never,
 *		and whoever has the secret can write them: they say where to
 *		look, and when a loss may have been (lost_ms). They can take
 *		trust away, an address that was gained anew is not proven, and
 *		never give it.
 *
 * That somebody lost an address is never believed of either: the former owner
 * is read in the run that decides about them.
 */
#ifndef REUNITE_CORE_OWNER_H
#define REUNITE_CORE_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/user.h"

#define OWNERS_MAX	  4 /* of one address that are remembered at once */
#define OWNER_COINCIDE_MS 600000 /* a loss and a gain that are one */

struct owner {
	uint64_t user;
	bool proven;	 /* when it was last read with the address */
	int64_t seen_ms; /* had it then, for certain; 0: was never read */
	/* 0: has it, as far as is known. Else not lost before that time: when
	 * the event said, or, if only a read found it gone, seen_ms. */
	int64_t lost_ms;
};

/*
 * Did o lose the address when somebody else gained it? gain_ms: the new
 * identity's created_at, changed_ms: o's user's updated_at, both as read over
 * the API in this run; 0 (not said) coincides with nothing.
 *
 * An address belongs to one user, so the loss is not after the gain. Ten
 * minutes before it o still had the address (read then, or an event told of a
 * later loss), and the last time that o's user changed at all is within ten
 * minutes of the gain. Hence an event alone is not enough: Zendesk must have
 * changed that user then. Nor is a read that is old, nor a user that was
 * changed again since: then a person looks.
 */
bool owner_loss_coincides(const struct owner *o, int64_t gain_ms,
			  int64_t changed_ms);

/* One e-mail identity. */
struct sighted {
	char address[ADDRESS_SIZE]; /* normalised */
	bool proven;
};

#define SIGHTED_MAX   32 /* addresses of one user; more: not whole */
#define SIGHTINGS_MAX 16 /* users of one run; the first ones, */

/* A user as an answer showed it. */
struct sighting {
	uint64_t user;
	int64_t at_ms;
	bool gone; /* there is no such user (any more) */
	/* Read by its id: an address that is not here is not theirs. Search
	 * hits are not, the index lags: at_ms is that much earlier, too. */
	bool whole;
	struct sighted *items;
	size_t count;
};

#define SIGHTING_LAG_MS 3600000 /* of the search index, when it stalls */

struct sightings {
	struct sighting *items;
	size_t count;
	size_t max; /* or so many; 0: SIGHTINGS_MAX */
};
void sightings_release(struct sightings *s); /* zeroed is empty */
/* Of a user's sightings the newest counts. found: a hit of a search. Users
 * whose identities are not known are left out. */
void sightings_add(struct sightings *s, const struct zd_user *u, bool found,
		   int64_t now_ms);
void sightings_add_gone(struct sightings *s, uint64_t user, int64_t now_ms);

#endif
