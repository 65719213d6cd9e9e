/*
 * Who talks to us, out of what Zendesk exports: every messaging identity of a
 * user is one person, whose id at SunCo is its value.
 */
#ifndef REUNITE_APP_PEOPLE_H
#define REUNITE_APP_PEOPLE_H

#include "core/user.h"
#include "store/cursor.h"

struct people {
	struct store_person *items;
	size_t count;
};
void people_release(struct people *p); /* empty again */
/* ticket_id, ticket_ms: a conversation's ticket, and since when; 0, 0: none
 * is meant, the user itself changed. To whom of several people of one user a
 * ticket belongs is not known: it is a reason to look, and no hint. */
void people_add(struct people *p, const struct zd_user *u, uint64_t ticket_id,
		int64_t ticket_ms);

#endif
