/*
 * Webhook bodies -> events. Nothing here is evidence: an event wakes a job
 * and tells it where to look.
 *
 * Protocol: SunCo v2 webhooks (app, webhook, events[]), Zendesk event
 * subscriptions (type, account_id, id, detail, event) and our own trigger
 * body ({"v":1,"ticket_id":..,"requester_id":..,"updated_at":..}).
 */
#ifndef REUNITE_CORE_EVENT_H
#define REUNITE_CORE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "core/user.h"

/* Where a job came from. Webhooks come from the first two only. */
enum event_source {
	EVENT_FROM_SUNCO,
	EVENT_FROM_ZENDESK,
	EVENT_FROM_SWEEP,
	EVENT_FROM_BACKFILL,
};
const char *event_source_name(enum event_source s); /* "sunco", ... */
bool event_source_parse(const char *s, enum event_source *out);

enum event_kind {
	EVENT_OTHER = 0, /* understood to be none of ours: ignored */
	EVENT_CONVERSATION_CREATE,
	EVENT_CONVERSATION_REFERRAL,
	EVENT_CONVERSATION_MESSAGE, /* counts only if a waiting job knows */
	EVENT_PASS_CONTROL,	    /* names a conversation, seldom a user */
	EVENT_USER_AUTHENTICATED,   /* user:update, reason authentication */
	EVENT_SUNCO_MERGE,	    /* other_sunco_id was discarded */
	EVENT_SUNCO_REMOVE,
	EVENT_TICKET, /* trigger: ticket and requester */
	EVENT_ZD_USER_CREATED,
	EVENT_ZD_IDENTITY, /* created, changed or deleted: messaging, email */
	EVENT_ZD_USER_MERGED,
	EVENT_ZD_USER_DELETED,
};
const char *event_kind_name(enum event_kind k);

/* Dedup key: a tag and the provider's id in its narrowest form (raw bytes of
 * an ObjectId or UUID, else 16 bytes of its SHA-256), unique per account. */
struct event_key {
	uint8_t len;
	uint8_t bytes[20];
};

/* What a webhook with the full user says about the person, hashed, so that a
 * person known to be linked costs no call. Compared for equality only. */
struct event_print {
	bool known; /* the body held the full user */
	uint8_t hash[16];
};

struct event {
	enum event_source source;
	enum event_kind kind;
	/* As an event subscription names it ("user.merged"), static; NULL: it
	 * is none of theirs. */
	const char *type;
	struct event_key key;
	char sunco_id[SUNCO_ID_SIZE];	    /* "" = not named */
	char other_sunco_id[SUNCO_ID_SIZE]; /* merge: the discarded one */
	char conversation_id[SUNCO_ID_SIZE];
	uint64_t zendesk_user_id;	/* requester, detail.id, or zendeskId */
	uint64_t other_zendesk_user_id; /* user.merged: the other side */
	uint64_t ticket_id;
	bool messaging_identity; /* ZD_IDENTITY of type messaging: sunco_id
				    is its value */
	/*
	 * ZD_IDENTITY of type email: the address that the user has from then
	 * on, and the one that it had (normalised, *owned* by the list; NULL:
	 * none). A store gets their keyed hashes (all zero: none), which
	 * whoever hands the event over fills before event_forget_addresses().
	 */
	char *gained, *lost;
	uint8_t gained_hash[16], lost_hash[16];
	/* When it happened by the sender's clock; 0: not said. Nobody vouches
	 * for it: it may make this event count for less, and no other. */
	int64_t at_ms;
	/* One of many late ones: its job comes after those of who writes now,
	 * or not at all where it says nothing new. */
	bool behind;
	struct event_print print;
	/* The address that the SunCo user has, it is said (normalised, *owned*
	 * by the list; NULL: none): a hint, which no store gets. */
	char *told;
};

/*
 * So much older than the last look at its person an event may be and still
 * say something new: the answers of both platforms lag behind their events
 * (the search index by minutes, identities by seconds), a run takes a minute
 * or two, and clocks differ, by as much as the tolerance of signatures allows.
 */
#define EVENT_LAG_MS 600000
/* No sender is still trying what is older than this: it was replayed, or held
 * up for long. */
#define EVENT_LATE_MS 3600000
/* The sender's time, if it can be used: what comes from the future says
 * nothing. 0: none. */
int64_t event_time_ms(const struct event *e, int64_t now_ms);
bool event_is_late(const struct event *e, int64_t now_ms);

/* The events of one body that are ours, and how many were not. */
struct event_list {
	struct event *items;
	size_t count;
	size_t ignored;
	size_t cap;
};
void event_list_init(struct event_list *l);
void event_list_release(struct event_list *l);
struct event *event_list_add(struct event_list *l); /* zeroed */
/* Wipes and frees the texts; the hashes stay. */
void event_forget_addresses(struct event *e);

/*
 * RESULT_INVALID: not JSON by RFC 8259, nested deeper than 64, or not the
 * documented envelope; err says where. Everything else is RESULT_OK, events
 * of unknown type or without the people they should name count as ignored.
 */
MUST_CHECK enum result decode_sunco(struct slice body, struct event_list *out,
				    struct error *err);
/* Both trigger bodies and event subscriptions. */
MUST_CHECK enum result decode_zendesk(struct slice body, struct event_list *out,
				      struct error *err);

/* The types that are read, as a webhook is subscribed to them ("user:merge";
 * of Zendesk's "user.merged"): static; NULL after the last. */
const char *event_sunco_type(size_t i);
const char *event_zendesk_type(size_t i);

/* The print of a SunCo user read over the API; equal to that of a webhook
 * body that says the same. Covers authenticated, externalId, evidence and
 * address. */
void event_print_of(const struct sunco_user *u, struct event_print *out);

#endif
