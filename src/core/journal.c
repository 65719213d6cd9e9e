/*
 * One decision record and its line.
 *
 * The order of the keys is part of the interface; what is absent is null, so
 * that every line has the same keys up to api_calls. Personal data is in
 * before_image only.
 */
#include "core/journal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

static const char *const status_names[] = {
	[JOURNAL_DONE] = "done",
	[JOURNAL_PENDING] = "pending",
	[JOURNAL_UNCERTAIN] = "uncertain",
	[JOURNAL_FAILED] = "failed",
};

const char *journal_status_name(enum journal_status s)
{
	return (size_t)s < ARRAY_LEN(status_names) ? status_names[s]
						   : "unknown";
}

bool journal_status_parse(const char *s, enum journal_status *out)
{
	for (size_t i = 0; i < ARRAY_LEN(status_names); i++) {
		if (!str_eq(s, status_names[i]))
			continue;
		*out = (enum journal_status)i;
		return true;
	}
	return false;
}

static const char *const hindsight_names[HINDSIGHT_COUNT] = {
	[HINDSIGHT_NONE] = "",	     [HINDSIGHT_AGREED] = "agreed",
	[HINDSIGHT_OTHER] = "other", [HINDSIGHT_MISSED] = "missed",
	[HINDSIGHT_LOGIN] = "login",
};

const char *hindsight_name(enum hindsight o)
{
	return hindsight_names[o];
}

bool hindsight_parse(const char *s, enum hindsight *out)
{
	for (int i = HINDSIGHT_AGREED; i < HINDSIGHT_COUNT; i++) {
		if (!str_eq(s, hindsight_names[i]))
			continue;
		*out = (enum hindsight)i;
		return true;
	}
	return false;
}

/* Applied, and not known to have had no effect. */
static bool is_ours(const struct journal_entry *e)
{
	return e->applied && e->status != JOURNAL_FAILED;
}

static bool names_profile(const struct journal_entry *e)
{
	return e->profile_id &&
	       (e->action == ACTION_MERGE || e->action == ACTION_REVIEW);
}

bool journal_entry_names(const struct journal_entry *e, uint64_t user)
{
	return names_profile(e) && e->profile_id == user;
}

enum hindsight journal_hindsight(const struct journal_entry *e, uint64_t with)
{
	if (is_ours(e) || e->reason == REASON_ALREADY_LINKED)
		return HINDSIGHT_NONE;
	if (journal_entry_names(e, with))
		return HINDSIGHT_AGREED;
	return names_profile(e) ? HINDSIGHT_OTHER : HINDSIGHT_MISSED;
}

void journal_entry_init(struct journal_entry *e)
{
	memset(e, 0, sizeof(*e));
}

void journal_entry_forget_texts(struct journal_entry *e)
{
	free(e->note);
	free(e->decided_by);
	free(e->before_image);
	e->note = e->decided_by = e->before_image = NULL;
}

void journal_entry_release(struct journal_entry *e)
{
	journal_entry_forget_texts(e);
	free(e->changes);
	journal_entry_init(e);
}

void journal_entry_copy(struct journal_entry *dst,
			const struct journal_entry *src)
{
	*dst = *src;
	dst->note = xstrdup(src->note);
	dst->decided_by = xstrdup(src->decided_by);
	dst->before_image = xstrdup(src->before_image);
	dst->changes = NULL;
	dst->change_count = 0;
	for (size_t i = 0; i < src->change_count; i++)
		journal_entry_changed(dst, &src->changes[i]);
}

void journal_entry_changed(struct journal_entry *e,
			   const struct journal_change *c)
{
	e->changes = xrealloc(e->changes,
			      (e->change_count + 1) * sizeof(*e->changes));
	e->changes[e->change_count++] = *c;
}

static void set_text(struct json_t *obj, const char *key, const char *value)
{
	json_set_str(obj, key, str_is_empty(value) ? NULL : value);
}

static void set_reasons(struct json_t *obj, reason_set reasons)
{
	enum reason list[REASON_COUNT];
	size_t count = reason_set_list(reasons, list);
	struct json_t *codes = json_new_arr();

	for (size_t i = 0; i < count; i++)
		json_push(codes, json_new_str(reason_code(list[i])));
	json_set(obj, "reasons", codes);
}

/* What was stored is JSON; should it be damaged, it is shown as it is. */
static void set_before_image(struct json_t *obj, const char *text)
{
	struct json_t *image = json_parse(text, strlen(text), NULL);

	json_set(obj, "before_image", image ? image : json_new_str(text));
}

/* The settings under which it would have linked. */
static struct json_t *settings_of(unsigned linked)
{
	struct json_t *names = json_new_arr();

	for (int s = 0; s < EMAILS_COUNT; s++)
		if (linked & LINKED_BIT(s))
			json_push(names, json_new_str(email_identities_name(
						 (enum email_identities)s)));
	return names;
}

static void set_outcome(struct json_t *obj, const struct journal_entry *e)
{
	char at[CLOCK_TEXT_SIZE];

	if (e->outcome == HINDSIGHT_NONE)
		return;
	clock_format(e->outcome_ms, at);
	json_set_str(obj, "outcome", hindsight_name(e->outcome));
	json_set_str(obj, "outcome_at", at);
	json_set_id(obj, "outcome_user_id", e->outcome_user);
}

static struct json_t *changes_of(const struct journal_entry *e)
{
	struct json_t *list = json_new_arr();
	char at[CLOCK_TEXT_SIZE];

	for (size_t i = 0; i < e->change_count; i++) {
		struct json_t *one = json_new_obj();

		clock_format(e->changes[i].at_ms, at);
		json_set_str(one, "at", at);
		json_set_str(one, "status",
			     journal_status_name(e->changes[i].status));
		json_push(list, one);
	}
	return list;
}

struct json_t *journal_entry_encode(const struct journal_entry *e,
				    bool personal)
{
	struct json_t *obj = json_new_obj();
	char at[CLOCK_TEXT_SIZE];

	clock_format(e->at_ms, at);
	json_set_id(obj, "id", (uint64_t)e->id);
	json_set_str(obj, "at", at);
	json_set_str(obj, "account", e->account);
	json_set_str(obj, "action", action_name(e->action));
	json_set_str(obj, "reason", reason_code(e->reason));
	json_set_bool(obj, "applied", e->applied);
	json_set_str(obj, "status", journal_status_name(e->status));
	json_set_str(obj, "evidence", evidence_name(e->evidence));
	json_set_id(obj, "messaging_user_id", e->messaging_user_id);
	json_set_id(obj, "profile_id", e->profile_id);
	set_text(obj, "sunco_user_id", e->sunco_id);
	json_set_id(obj, "ticket_id", e->ticket_id);
	json_set_str(obj, "source",
		     action_is_act(e->action) ? NULL
					      : event_source_name(e->source));
	json_set_id(obj, "job_id", (uint64_t)e->job_id);
	json_set_int(obj, "api_calls", e->api_calls);
	set_reasons(obj, e->reasons);
	if (e->linked)
		json_set(obj, "linked_under", settings_of(e->linked));
	set_outcome(obj, e);
	if (!str_is_empty(e->note))
		json_set_str(obj, "note", e->note);
	if (e->review_id)
		json_set_id(obj, "review_id", (uint64_t)e->review_id);
	if (!str_is_empty(e->decided_by))
		json_set_str(obj, "decided_by", e->decided_by);
	if (e->change_count)
		json_set(obj, "changes", changes_of(e));
	if (personal && e->before_image)
		set_before_image(obj, e->before_image);
	return obj;
}
