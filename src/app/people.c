/*
 * See people.h.
 */
#include "app/people.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

void people_release(struct people *p)
{
	free(p->items);
	*p = (struct people){NULL, 0};
}

static bool is_person(const struct zd_identity *i)
{
	return str_eq(i->type, "messaging") &&
	       sunco_id_valid(i->value, strlen(i->value));
}

void people_add(struct people *p, const struct zd_user *u, uint64_t ticket_id,
		int64_t ticket_ms)
{
	bool alone = zd_user_count(u, "messaging") == 1;

	for (size_t n = 0; n < u->identity_count; n++) {
		const struct zd_identity *i = &u->identities[n];
		struct store_person *one;

		if (!is_person(i))
			continue;
		p->items =
			xrealloc(p->items, (p->count + 1) * sizeof(*p->items));
		one = &p->items[p->count++];
		*one = (struct store_person){
			.zendesk_user_id = u->id,
			.ticket_id = alone ? ticket_id : 0,
			.changed_ms = ticket_ms ? ticket_ms : u->updated_ms,
		};
		(void)str_copy(one->sunco_id, sizeof(one->sunco_id), i->value);
		if (!ticket_ms && i->created_ms > one->changed_ms)
			one->changed_ms = i->created_ms;
	}
}
