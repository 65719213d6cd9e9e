/*
 * Readiness as JSON: the summary and its weeks. Counts, no shares: whoever
 * reads them by program divides by itself.
 */
#include "core/readiness.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"

static void set_time(struct json_t *v, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(ms, text);
	json_set_str(v, key, text);
}

static struct json_t *evidence_of(const struct readiness_counts *c)
{
	struct json_t *v = json_new_obj();

	for (int e = EVIDENCE_VERIFIED; e >= EVIDENCE_NONE; e--)
		json_set_int(v, evidence_name((enum evidence)e),
			     c->by_evidence[e]);
	return v;
}

static struct json_t *linked_of(const struct readiness_counts *c)
{
	struct json_t *v = json_new_obj();

	for (int s = 0; s < EMAILS_COUNT; s++)
		json_set_int(v, email_identities_name((enum email_identities)s),
			     c->linked[s]);
	return v;
}

static void set_users(struct json_t *v, const struct readiness_counts *c)
{
	json_set(v, "unverified_users",
		 c->sampled ? json_new_int(c->unverified) : json_new_null());
	json_set(v, "end_users",
		 c->sampled ? json_new_int(c->end_users) : json_new_null());
}

static void set_counts(struct json_t *v, const struct readiness_counts *c)
{
	json_set_int(v, "conversations", c->conversations);
	json_set_int(v, "known", c->known);
	json_set_int(v, "absent", c->absent);
	json_set(v, "by_evidence", evidence_of(c));
	json_set(v, "linked_under", linked_of(c));
	json_set_int(v, "agreed", c->agreed[READINESS_ALONE]);
	json_set_int(v, "agreed_asking", c->agreed[READINESS_ASKING]);
	json_set_int(v, "other", c->other[READINESS_ALONE]);
	json_set_int(v, "other_asking", c->other[READINESS_ASKING]);
	json_set_int(v, "missed", c->missed);
	set_users(v, c);
}

static struct json_t *missed_by(const struct readiness *r)
{
	struct json_t *v = json_new_obj();

	for (int i = 0; i < REASON_COUNT; i++)
		if (r->missed_by[i] > 0)
			json_set_int(v, reason_code((enum reason)i),
				     r->missed_by[i]);
	return v;
}

static struct json_t *ids_of(const struct journal_entry *list, size_t count)
{
	struct json_t *v = json_new_arr();

	for (size_t i = 0; i < count; i++)
		json_push(v, json_new_int(list[i].id));
	return v;
}

struct json_t *readiness_encode(const struct readiness *r,
				const struct policy_rules *set)
{
	struct json_t *v = json_new_obj();
	char text[READINESS_TEXT_SIZE];

	json_set_str(v, "kind", "summary");
	json_set_str(v, "account", r->account);
	set_time(v, "since", r->since_ms);
	set_time(v, "until", r->until_ms);
	json_set_str(v, "email_identities",
		     email_identities_name(set->email_identities));
	json_set_str(v, "link_evidence", evidence_name(set->link_evidence));
	json_set_str(v, "apply", apply_name(set->apply));
	set_counts(v, &r->all);
	json_set(v, "missed_by", missed_by(r));
	json_set_int(v, "not_made", r->not_made);
	json_set_int(v, "not_made_yet", r->pending);
	json_set(v, "other_ids", ids_of(r->others, r->other_count));
	json_set(v, "missed_ids", ids_of(r->misses, r->miss_count));
	readiness_verdict(r, set, text);
	json_set_str(v, "verdict", text);
	readiness_verified_only(r, set, text);
	json_set_str(v, "verified_only", text);
	return v;
}

struct json_t *readiness_encode_week(const struct readiness *r, size_t week)
{
	struct json_t *v = json_new_obj();
	char text[CLOCK_TEXT_SIZE];

	clock_format(r->week_ms[week], text);
	text[strlen("2026-11-16")] = '\0';
	json_set_str(v, "kind", "week");
	json_set_str(v, "account", r->account);
	json_set_str(v, "week", text);
	set_counts(v, &r->weeks[week]);
	return v;
}
