/*
 * Whom answers showed (core/owner.h), as the store takes it: hashes instead
 * of addresses.
 */
#ifndef REUNITE_APP_SEEN_H
#define REUNITE_APP_SEEN_H

#include "core/owner.h"
#include "store/store.h"

struct seen {
	struct store_sighting *items;
	struct store_address *addresses; /* theirs */
	size_t count;
};
/* out is raw. skew_ms: what the wall clock is ahead of the times in from. */
void seen_hash(struct seen *out, const struct sightings *from,
	       struct crypto_hmac *hmac, int64_t skew_ms);
void seen_release(struct seen *s); /* zeroed is empty; empty again */

#endif
