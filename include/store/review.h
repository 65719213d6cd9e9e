/*
 * A review: a decision that waits for a person, and the person's word.
 */
#ifndef REUNITE_STORE_REVIEW_H
#define REUNITE_STORE_REVIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/journal.h"
#include "core/pair.h"

/* Before and after a person decides. */
enum review_state {
	REVIEW_OPEN,
	REVIEW_APPROVED,
	REVIEW_REJECTED,
	REVIEW_EXPIRED,
	REVIEW_MERGED, /* agents merged the two by hand */
	REVIEW_STATE_COUNT
};
const char *review_state_name(enum review_state s);

struct review {
	int64_t id;
	char account[ACCOUNT_SIZE];
	enum review_state state;
	int64_t job_id;
	int64_t journal_id;
	enum action intended; /* merge or adopt */
	reason_set reasons;   /* what an approval waives */
	enum evidence evidence;
	uint64_t messaging_user_id;
	uint64_t profile_id; /* 0: adopt */
	char sunco_id[SUNCO_ID_SIZE];
	uint64_t ticket_id;
	uint8_t address_hash[16]; /* keyed */
	uint8_t facts_hash[16];	  /* of what an approval is given for: pair.h */
	enum pair_pin pin;
	char *facts; /* *owned* JSON: both sides as read, and what was gathered
			about them (review_card.h); personal data */
	int64_t created_ms;
	int64_t expires_ms;
	int64_t attached; /* further conversations: of other messaging users,
			     or with other tickets */
	int64_t decided_ms;
	char *decided_by; /* *owned* */
	/* of its journal entry; read only */
	enum event_source source;
	int api_calls;
};
void review_init(struct review *r);
void review_release(struct review *r);
/* The line of `review list --json`: the journal line's shape (status: pending
 * while it is open; applied: false), then what only a review has; the facts
 * only when personal: *new* */
struct json_t *review_encode(const struct review *r, bool personal);
/* The same with its card (core/review_card.h): *new* */
struct review_view {
	const char *zendesk_url; /* NULL: no links */
	bool observes;		 /* the account */
	bool personal;
};
struct json_t *review_encode_whole(const struct review *r,
				   const struct review_view *view);
/* "approved" ...; false: no state */
bool review_state_parse(const char *s, enum review_state *out);

#endif
