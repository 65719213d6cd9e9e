/*
 * A review as a value, and its line.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

static const char *const state_names[] = {
	[REVIEW_OPEN] = "open",
	[REVIEW_APPROVED] = "approved",
	[REVIEW_REJECTED] = "rejected",
	[REVIEW_EXPIRED] = "expired",
};

const char *review_state_name(enum review_state s)
{
	return (size_t)s < ARRAY_LEN(state_names) ? state_names[s] : "unknown";
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

/* The first reason is the one of the line, as in a decision. */
static void set_reasons(struct json_t *obj, reason_set reasons)
{
	enum reason list[REASON_COUNT];
	size_t count = reason_set_list(reasons, list);
	struct json_t *codes = json_new_arr();
	size_t i;

	for (i = 0; i < count; i++)
		json_push(codes, json_new_str(reason_code(list[i])));
	json_set_str(obj, "reason",
		     reason_code(count > 0 ? list[0] : REASON_NONE));
	json_set(obj, "reasons", codes);
}

/* What was stored is JSON; should it be damaged, it is shown as it is. */
static void set_facts(struct json_t *obj, const char *text)
{
	struct json_t *facts = json_parse(text, strlen(text), NULL);

	json_set(obj, "facts", facts != NULL ? facts : json_new_str(text));
}

struct json_t *review_encode(const struct review *r, bool personal)
{
	struct json_t *obj = json_new_obj();

	json_set_id(obj, "id", (uint64_t)r->id);
	set_time(obj, "at", r->created_ms);
	json_set_str(obj, "account", r->account);
	json_set_str(obj, "state", review_state_name(r->state));
	json_set_str(obj, "action", action_name(ACTION_REVIEW));
	json_set_str(obj, "intended", action_name(r->intended));
	set_reasons(obj, r->reasons);
	json_set_bool(obj, "applied", false);
	json_set_str(obj, "evidence", evidence_name(r->evidence));
	json_set_id(obj, "messaging_user_id", r->messaging_user_id);
	json_set_id(obj, "profile_id", r->profile_id);
	json_set_str(obj, "sunco_user_id",
		     r->sunco_id[0] != '\0' ? r->sunco_id : NULL);
	json_set_id(obj, "ticket_id", r->ticket_id);
	json_set_id(obj, "job_id", (uint64_t)r->job_id);
	json_set_id(obj, "journal_id", (uint64_t)r->journal_id);
	json_set_int(obj, "attached", r->attached);
	set_time(obj, "expires_at", r->expires_ms);
	set_time(obj, "decided_at", r->decided_ms);
	json_set_str(obj, "decided_by", r->decided_by);
	if (personal && r->facts != NULL)
		set_facts(obj, r->facts);
	return obj;
}
