/*
 * Facts read from JSON, decisions written as JSON: `explain --facts`.
 *
 * The shape is checked first (facts_shape.c); what is left to refuse here
 * are words that mean nothing and ids that are none.
 */
#include "core/policy.h"

#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "facts_shape.h"

static enum result bad_word(struct error *err, const char *key)
{
	return error_set(err, RESULT_INVALID, "%s: not one of its values", key);
}

static enum result words_decode(const struct json_t *v, struct policy_rules *r,
				struct error *err)
{
	const char *emails = json_get_str(v, "email_identities");
	const char *evidence = json_get_str(v, "link_evidence");
	const char *apply = json_get_str(v, "apply");
	const char *release = json_get_str(v, "release_external_id");

	if (emails && !email_identities_parse(emails, &r->email_identities))
		return bad_word(err, "account.email_identities");
	if (evidence && (!evidence_parse(evidence, &r->link_evidence) ||
			 r->link_evidence == EVIDENCE_NONE))
		return bad_word(err, "account.link_evidence");
	if (apply && !apply_parse(apply, &r->apply))
		return bad_word(err, "account.apply");
	if (release && !str_eq(release, "review") && !str_eq(release, "auto"))
		return bad_word(err, "account.release_external_id");
	r->release_external_id = str_eq(release, "auto");
	return RESULT_OK;
}

static void deny_emails_decode(const struct json_t *arr, struct facts *f,
			       struct policy_rules *r)
{
	size_t count = json_len(arr);

	if (count == 0)
		return;
	f->deny_emails = xcalloc(count, sizeof(*f->deny_emails));
	for (size_t i = 0; i < count; i++)
		f->deny_emails[i] = xstrdup(json_str(json_at(arr, i)));
	f->deny_email_count = count;
	r->deny_emails = (const char *const *)f->deny_emails;
	r->deny_email_count = count;
}

static enum result account_decode(const struct json_t *v, struct facts *f,
				  struct policy_rules *r, struct error *err)
{
	policy_rules_default(r);
	r->max_merges_per_hour =
		json_get_int(v, "max_merges_per_hour", r->max_merges_per_hour);
	r->max_merges_per_profile = json_get_int(v, "max_merges_per_profile",
						 r->max_merges_per_profile);
	r->recover_displaced = json_get_bool(v, "recover_displaced", false);
	r->verify_profile_email =
		json_get_bool(v, "verify_profile_email", false);
	r->complete_name = json_get_bool(v, "complete_name", true);
	deny_emails_decode(json_get(v, "deny_emails"), f, r);
	return words_decode(v, r, err);
}

static enum result waived_decode(const struct json_t *arr, reason_set *out,
				 struct error *err)
{
	for (size_t i = 0; i < json_len(arr); i++) {
		enum reason r;

		if (!reason_parse(json_str(json_at(arr, i)), &r))
			return error_set(err, RESULT_INVALID,
					 "history.waived[%zu]: no reason", i);
		*out |= REASON_BIT(r);
	}
	return RESULT_OK;
}

static enum result history_decode(const struct json_t *v, struct facts *f,
				  struct error *err)
{
	f->history.rejected = json_get_bool(v, "rejected", false);
	f->history.searched_twice = json_get_bool(v, "searched_twice", false);
	f->history.merges_this_hour = json_get_int(v, "merges_this_hour", 0);
	f->history.merges_into_profile_today =
		json_get_int(v, "merges_into_profile_today", 0);
	f->history.backfill = json_get_bool(v, "backfill", false);
	return waived_decode(json_get(v, "waived"), &f->history.waived, err);
}

/* u is initialised; on failure it is so again. */
static enum result user_decode(const struct json_t *v, const char *path,
			       struct zd_user *u, struct error *err)
{
	struct error inner = {""};
	enum result r = zd_user_decode(v, u, &inner);

	if (r != RESULT_OK)
		return error_set(err, r, "%s.%s", path, inner.text);
	if (!json_get(v, "identities"))
		u->identities_known = true;
	return RESULT_OK;
}

static enum result profiles_decode(const struct json_t *arr, struct facts *f,
				   struct error *err)
{
	for (size_t i = 0; i < json_len(arr); i++) {
		char path[40];
		struct zd_user u;
		enum result r;

		snprintf(path, sizeof(path), "profiles[%zu]", i);
		r = user_decode(json_at(arr, i), path, &u, err);
		if (r != RESULT_OK)
			return r;
		facts_add_profile(f, &u);
		zd_user_release(&u);
	}
	return RESULT_OK;
}

static enum result people_decode(const struct json_t *v, struct facts *f,
				 struct error *err)
{
	const struct json_t *sunco = json_get(v, "sunco_user");
	const struct json_t *person = json_get(v, "messaging_user");
	const struct json_t *displaced = json_get(v, "displaced");
	struct error inner = {""};
	enum result r = RESULT_OK;

	f->has_messaging_user = !json_is_null(person);
	f->has_displaced = !json_is_null(displaced);
	if (sunco)
		r = sunco_user_decode(sunco, &f->sunco, &inner);
	if (r != RESULT_OK)
		return error_set(err, r, "sunco_user.%s", inner.text);
	if (f->has_messaging_user)
		r = user_decode(person, "messaging_user", &f->messaging_user,
				err);
	if (r == RESULT_OK && f->has_displaced)
		r = user_decode(displaced, "displaced", &f->displaced, err);
	if (r != RESULT_OK)
		return r;
	return profiles_decode(json_get(v, "profiles"), f, err);
}

enum result facts_decode(const struct json_t *v, struct facts *f,
			 struct policy_rules *r, struct error *err)
{
	enum result res = facts_shape_check(v, err);

	facts_init(f);
	policy_rules_default(r);
	if (res == RESULT_OK)
		res = account_decode(json_get(v, "account"), f, r, err);
	if (res == RESULT_OK)
		res = people_decode(v, f, err);
	if (res == RESULT_OK)
		res = history_decode(json_get(v, "history"), f, err);
	if (res != RESULT_OK) {
		facts_release(f);
		policy_rules_default(r);
	}
	return res;
}

static struct json_t *reasons_encode(reason_set s)
{
	struct json_t *arr = json_new_arr();
	enum reason list[REASON_COUNT];
	size_t count = reason_set_list(s, list);

	for (size_t i = 0; i < count; i++)
		json_push(arr, json_new_str(reason_code(list[i])));
	return arr;
}

struct json_t *decision_encode_steps(const struct decision *d)
{
	struct json_t *arr = json_new_arr();

	for (size_t i = 0; i < d->step_count; i++)
		json_push(arr, json_new_str(step_name(d->steps[i])));
	return arr;
}

struct json_t *decision_encode(const struct decision *d, const char *zendesk)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "action", action_name(d->action));
	json_set_str(v, "reason", reason_code(d->reason));
	json_set(v, "reasons", reasons_encode(d->reasons));
	json_set_int(v, "rule", d->rule);
	json_set_str(v, "evidence", evidence_name(d->evidence));
	json_set_id(v, "profile_id", d->profile_id);
	json_set_bool(v, "applied", d->applied);
	json_set(v, "steps", decision_encode_steps(d));
	json_set_str(v, "zendesk", zendesk);
	return v;
}
