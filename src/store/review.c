/*
 * A review as a value, and its line.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "core/review_card.h"

static const char *const state_names[] = {
	[REVIEW_OPEN] = "open",		[REVIEW_APPROVED] = "approved",
	[REVIEW_REJECTED] = "rejected", [REVIEW_EXPIRED] = "expired",
	[REVIEW_MERGED] = "merged",
};

const char *review_state_name(enum review_state s)
{
	return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "unknown";
}

bool review_state_parse(const char *s, enum review_state *out)
{
	for (size_t i = 0; i < ARRAY_LEN(state_names); i++) {
		if (!str_eq(s, state_names[i]))
			continue;
		*out = (enum review_state)i;
		return true;
	}
	return false;
}

void review_init(struct review *r)
{
	memset(r, 0, sizeof(*r));
}

void review_release(struct review *r)
{
	free(r->facts);
	free(r->decided_by);
	review_init(r);
}

static void set_time(struct json_t *obj, const char *key, int64_t at_ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(at_ms, text);
	json_set_str(obj, key, at_ms != 0 ? text : NULL);
}

/* As its journal entry would be encoded. */
static struct json_t *encode_line(const struct review *r)
{
	enum reason list[REASON_COUNT];
	struct journal_entry e;

	journal_entry_init(&e);
	e.id = r->id;
	e.at_ms = r->created_ms;
	(void)str_copy(e.account, sizeof(e.account), r->account);
	e.action = ACTION_REVIEW;
	e.reasons = r->reasons;
	if (reason_set_list(r->reasons, list) > 0)
		e.reason = list[0];
	e.status = r->state == REVIEW_OPEN ? JOURNAL_PENDING : JOURNAL_DONE;
	e.evidence = r->evidence;
	e.messaging_user_id = r->messaging_user_id;
	e.profile_id = r->profile_id;
	(void)str_copy(e.sunco_id, sizeof(e.sunco_id), r->sunco_id);
	e.ticket_id = r->ticket_id;
	e.source = r->source;
	e.job_id = r->job_id;
	e.api_calls = r->api_calls;
	return journal_entry_encode(&e, false);
}

/* What was stored is JSON; should it be damaged, it is shown as it is. */
static void set_facts(struct json_t *obj, const char *text)
{
	struct json_t *facts = json_parse(text, strlen(text), NULL);

	json_set(obj, "facts", facts != NULL ? facts : json_new_str(text));
}

struct json_t *review_encode(const struct review *r, bool personal)
{
	struct json_t *obj = encode_line(r);

	json_set_str(obj, "state", review_state_name(r->state));
	json_set_str(obj, "intended", action_name(r->intended));
	json_set_id(obj, "journal_id", (uint64_t)r->journal_id);
	json_set_int(obj, "attached", r->attached);
	set_time(obj, "expires_at", r->expires_ms);
	set_time(obj, "decided_at", r->decided_ms);
	json_set_str(obj, "decided_by", r->decided_by);
	json_set_str(obj, "pin", pair_pin_name(r->pin));
	if (personal && r->facts != NULL)
		set_facts(obj, r->facts);
	return obj;
}

struct json_t *review_encode_whole(const struct review *r,
				   const struct review_view *view)
{
	struct json_t *obj = review_encode(r, view->personal);
	struct review_card_about about = {
		.intended = r->intended,
		.reasons = r->reasons,
		.evidence = r->evidence,
		.pin = r->pin,
		.observes = view->observes,
		.zendesk_url = view->zendesk_url,
	};
	struct json_t *facts =
		r->facts ? json_parse(r->facts, strlen(r->facts), NULL) : NULL;

	json_set(obj, "card", review_card(facts, &about, view->personal));
	json_free(facts);
	return obj;
}

struct json_t *review_encode_decided(const struct store_decide *d)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, "id", d->review_id);
	json_set_str(v, "state",
		     review_state_name(d->approve ? REVIEW_APPROVED
						  : REVIEW_REJECTED));
	json_set_str(v, "decided_by", d->by);
	json_set_id(v, "job_id", (uint64_t)d->job_id);
	json_set_id(v, "journal_id", (uint64_t)d->journal_id);
	return v;
}
