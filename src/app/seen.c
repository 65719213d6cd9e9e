/*
 * See seen.h.
 */
#include "app/seen.h"

#include <stdlib.h>

#include "core/address.h"

void seen_hash(struct seen *out, const struct sightings *from,
	       struct crypto_hmac *hmac, int64_t skew_ms)
{
	struct store_address *a;
	size_t total = 0;

	for (size_t i = 0; i < from->count; i++)
		total += from->items[i].count;
	out->count = from->count;
	out->items = xcalloc(from->count + 1, sizeof(*out->items));
	out->addresses = a = xcalloc(total + 1, sizeof(*out->addresses));
	for (size_t i = 0; i < from->count; i++) {
		const struct sighting *s = &from->items[i];

		out->items[i] = (struct store_sighting){
			.user = s->user,
			.at_ms = s->at_ms + skew_ms,
			.gone = s->gone,
			.whole = s->whole,
			.addresses = a,
			.count = s->count,
		};
		for (size_t n = 0; n < s->count; n++, a++) {
			address_hash(hmac, s->items[n].address, a->hash);
			a->proven = s->items[n].proven;
		}
	}
}

void seen_release(struct seen *s)
{
	free(s->items);
	free(s->addresses);
	*s = (struct seen){NULL, NULL, 0};
}
