/*
 * The rules, stage by stage. See policy_oracle.h.
 */
#include "policy_oracle.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "policy_oracle_words.h"

/* ---- stages 1 to 3 ---- */

static bool trusts_logins(const struct words *w)
{
	return w->evidence == EVIDENCE_AUTHENTICATED &&
	       w->r->link_evidence != EVIDENCE_VERIFIED &&
	       w->r->email_identities != EMAILS_VERIFIED_ONLY;
}

static bool carries_the_conversation(const struct words *w)
{
	for (size_t i = 0; i < w->person->identity_count; i++) {
		const struct zd_identity *id = &w->person->identities[i];

		if (words_same(id->type, "messaging") &&
		    words_any(w->f->sunco.id) &&
		    words_same(id->value, w->f->sunco.id))
			return true;
	}
	return false;
}

/* A displaced profile that would be merged with counts as an owner here. */
static bool any_other(const struct words *w,
		      bool (*test)(const struct zd_user *))
{
	for (int i = 0; i < w->owner_count; i++)
		if (test(w->owners[i]))
			return true;
	return w->displaced && test(w->displaced);
}

static bool is_shared(const struct zd_user *u)
{
	return u->shared;
}

static bool is_staff(const struct zd_user *u)
{
	return u->role != ZD_ROLE_END_USER;
}

static int early_rule(const struct words *w)
{
	if (!w->person)
		return 1;
	if (!w->person->active || !carries_the_conversation(w))
		return 2;
	if (is_staff(w->person))
		return 3;
	if (w->person->suspended)
		return 4;
	if (w->person->shared || any_other(w, is_shared))
		return 5;
	if (any_other(w, is_staff))
		return 6;
	if (w->several)
		return 7;
	if (w->evidence == EVIDENCE_NONE && w->owner_count == 0)
		return 8;
	if (!w->profile && words_has_address(w, w->person))
		return 9;
	if (!w->profile && w->evidence != EVIDENCE_VERIFIED &&
	    !trusts_logins(w))
		return 10;
	if (w->f->history.rejected)
		return 11;
	return 0;
}

static void answer_early(const struct words *w, int rule, struct decision *out)
{
	static const struct {
		enum action action;
		enum reason reason;
	} said[] = {
		[1] = {ACTION_WAIT, REASON_NO_MESSAGING_USER},
		[2] = {ACTION_NONE, REASON_MESSAGING_USER_GONE},
		[3] = {ACTION_REFUSE, REASON_MESSAGING_USER_NOT_END_USER},
		[4] = {ACTION_REFUSE, REASON_MESSAGING_USER_SUSPENDED},
		[5] = {ACTION_REFUSE, REASON_SHARED_USER},
		[6] = {ACTION_REFUSE, REASON_PROFILE_IS_AGENT},
		[7] = {ACTION_REVIEW, REASON_AMBIGUOUS_ADDRESS},
		[8] = {ACTION_WAIT, REASON_NO_EMAIL},
		[9] = {ACTION_NONE, REASON_ALREADY_LINKED},
		[10] = {ACTION_WAIT, REASON_EMAIL_NOT_VERIFIED},
		[11] = {ACTION_NONE, REASON_REJECTED_BEFORE},
	};

	out->rule = rule;
	out->action = said[rule].action;
	out->reason = said[rule].reason;
	out->reasons = REASON_BIT(out->reason);
	if (rule == 10 && w->f->history.searched_twice)
		out->action = ACTION_NONE;
	if (rule != 5 && rule != 6 && rule != 11)
		return;
	if (w->profile) {
		out->profile_id = w->profile->id;
		out->displaced = w->profile == w->displaced;
		out->external_ids_equal = words_ids_equal(w, w->profile);
	}
}

/* ---- stage 4 ---- */

static bool is_established(const struct words *w)
{
	for (size_t i = 0; i < w->person->identity_count; i++) {
		const struct zd_identity *id = &w->person->identities[i];
		bool own = words_same(id->type, "messaging") &&
			   words_same(id->value, w->f->sunco.id);

		if (!own && !words_is_address(w, id))
			return true;
	}
	return w->person->survived_merge;
}

static bool is_denied(const struct words *w)
{
	static const char roles[] =
		"^(info|support|sales|admin|noreply|no-reply|postmaster|"
		"office|contact|hello)@";

	if (!w->address[0])
		return false;
	for (size_t i = 0; i < w->r->deny_email_count; i++)
		if (fnmatch(w->r->deny_emails[i], w->address, 0) == 0)
			return true;
	return words_match(roles, w->address);
}

static void ask_about_the_case(const struct words *w, bool asked[24])
{
	uint64_t brand = w->f->sunco.brand_id;

	asked[12] = w->owner_count > 1;
	asked[13] = is_established(w);
	asked[14] = is_denied(w);
	asked[16] = brand != 0 && brand != w->person->brand_id;
	asked[21] = w->evidence == EVIDENCE_CLAIMED &&
		    (w->r->email_identities == EMAILS_VERIFIED_ONLY ||
		     w->r->link_evidence != EVIDENCE_CLAIMED);
}

/* Rule 18: both the id that the conversation brings and the one that the
 * messaging user has must not differ from the profile's. */
static void ask_about_two(const struct words *w, const struct zd_user *u,
			  bool asked[24])
{
	const struct zd_user *p = w->person;
	uint64_t brand = w->f->sunco.brand_id;
	bool lost = u == w->displaced;

	asked[15] |= u->suspended;
	asked[16] |= p->brand_id != u->brand_id ||
		     (brand != 0 && brand != u->brand_id);
	asked[17] |= p->organization_id != 0 && u->organization_id != 0 &&
		     p->organization_id != u->organization_id;
	asked[18] |= words_ids_differ(w->external_id, u->external_id) ||
		     words_ids_differ(p->external_id, u->external_id);
	asked[19] |=
		lost &&
		!(w->r->recover_displaced && w->evidence == EVIDENCE_VERIFIED &&
		  u->proven_before_loss && u->coincides && !words_more(w, u));
	asked[20] |= w->evidence == EVIDENCE_CLAIMED && words_marked(w, u) &&
		     w->r->email_identities != EMAILS_CLAIM_VERIFIED;
	asked[22] |= w->evidence == EVIDENCE_AUTHENTICATED &&
		     w->r->link_evidence == EVIDENCE_VERIFIED &&
		     !words_ids_equal(w, u);
	asked[23] |= !lost && !words_proven(w, u) && !words_ids_equal(w, u) &&
		     (words_more(w, u) || words_any(u->external_id));
}

static const enum reason asked_for[24] = {
	[12] = REASON_AMBIGUOUS_PROFILE,
	[13] = REASON_MESSAGING_USER_ESTABLISHED,
	[14] = REASON_EMAIL_DENIED,
	[15] = REASON_PROFILE_SUSPENDED,
	[16] = REASON_BRAND_MISMATCH,
	[17] = REASON_ORGANIZATION_MISMATCH,
	[18] = REASON_EXTERNAL_ID_CONFLICT,
	[19] = REASON_DISPLACED_PROFILE,
	[20] = REASON_VERIFIED_PROFILE_PROTECTED,
	[21] = REASON_UNAUTHENTICATED_EMAIL,
	[22] = REASON_EMAIL_NOT_VERIFIED,
	[23] = REASON_PROFILE_UNVERIFIED,
};

static reason_set open_breakers(const struct words *w)
{
	const struct policy_rules *r = w->r;
	reason_set set = 0;

	if (w->f->history.backfill)
		return 0;
	if (w->f->history.merges_this_hour >= r->max_merges_per_hour)
		set |= REASON_BIT(REASON_MERGE_SURGE);
	if (w->profile && w->f->history.merges_into_profile_today >=
				  r->max_merges_per_profile)
		set |= REASON_BIT(REASON_MERGE_FAN_IN);
	return set;
}

static reason_set all_reasons(const struct words *w)
{
	bool asked[24] = {false};
	reason_set set = open_breakers(w);

	ask_about_the_case(w, asked);
	for (int i = 0; i < w->owner_count; i++)
		ask_about_two(w, w->owners[i], asked);
	if (w->displaced)
		ask_about_two(w, w->displaced, asked);
	for (int rule = 12; rule <= 23; rule++)
		if (asked[rule])
			set |= REASON_BIT(asked_for[rule]);
	return set;
}

static void answer_review(reason_set left, struct decision *out)
{
	bool surge = left & REASON_BIT(REASON_MERGE_SURGE);

	out->action = ACTION_REVIEW;
	out->reasons = left;
	out->rule = 24;
	out->reason = surge ? REASON_MERGE_SURGE : REASON_MERGE_FAN_IN;
	for (int rule = 23; rule >= 12; rule--)
		if (left & REASON_BIT(asked_for[rule])) {
			out->rule = rule;
			out->reason = asked_for[rule];
		}
}

/* ---- stage 5 ---- */

static enum reason reason_to_link(const struct words *w)
{
	if (!w->profile)
		return REASON_NO_PROFILE;
	if (words_ids_equal(w, w->profile))
		return REASON_EXTERNAL_ID_MATCH;
	if (w->displaced)
		return REASON_DISPLACED_PROFILE;
	switch (w->evidence) {
	case EVIDENCE_VERIFIED:
		return REASON_EMAIL_MATCH_VERIFIED;
	case EVIDENCE_AUTHENTICATED:
		return REASON_EMAIL_MATCH_AUTHENTICATED;
	default:
		return REASON_EMAIL_MATCH_CLAIMED;
	}
}

/* With apply = review an approval must be of this very link: of its reason,
 * or of one of stage 4 that is there still. */
static void answer_link(const struct words *w, reason_set all,
			struct decision *out)
{
	reason_set waived = w->f->history.waived;

	out->reason = reason_to_link(w);
	out->reasons = REASON_BIT(out->reason);
	out->action = out->intended;
	if (w->r->apply == APPLY_REVIEW &&
	    (waived & (all | out->reasons)) == 0) {
		out->action = ACTION_REVIEW;
		return;
	}
	out->applied = w->r->apply != APPLY_OBSERVE;
}

/* ---- what it takes ---- */

static bool is_made_up(const char *name)
{
	static const char visitor[] = "^Visitor [0-9]+$";
	static const char user[] = "^(Web|iOS|Android) User [-.0-9A-Za-z]*"
				   "[0-9][-.0-9A-Za-z]*$";

	return !words_any(name) || words_match(visitor, name) ||
	       words_match(user, name);
}

static bool says_something(const char *text)
{
	return words_any(text) && strspn(text, " ") < strlen(text);
}

static bool may_complete_name(const struct words *w)
{
	const struct sunco_user *s = &w->f->sunco;

	return w->r->complete_name && w->person && s->authenticated &&
	       is_made_up(w->person->name) &&
	       (says_something(s->given_name) || says_something(s->surname));
}

static void take(struct decision *out, enum step s)
{
	out->steps[out->step_count++] = s;
}

static void plan_merge(const struct words *w, struct decision *out)
{
	bool named = w->f->history.waived &
		     REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED);
	bool verified = w->evidence == EVIDENCE_VERIFIED;

	take(out, STEP_MERGE);
	take(out, STEP_READ_BACK);
	if (words_any(w->external_id) && !words_any(w->profile->external_id) &&
	    (verified || named))
		take(out, STEP_PIN);
	if (w->r->verify_profile_email && verified &&
	    words_has_address(w, w->profile) && !words_proven(w, w->profile))
		take(out, STEP_VERIFY);
}

static void plan_adopt(const struct words *w, struct decision *out)
{
	take(out, STEP_ADOPT);
	if (may_complete_name(w))
		take(out, STEP_COMPLETE_NAME);
	take(out, STEP_READ_BACK);
	out->verified = w->evidence == EVIDENCE_VERIFIED;
}

static void plan(const struct words *w, struct decision *out)
{
	bool over = out->rule >= 8 && out->rule <= 10;

	if (out->intended == ACTION_MERGE)
		plan_merge(w, out);
	if (out->intended == ACTION_ADOPT)
		plan_adopt(w, out);
	if (out->action == ACTION_ADOPT)
		out->complete_name = out->applied && may_complete_name(w);
	if (over && out->intended == ACTION_NONE)
		out->complete_name =
			w->r->apply == APPLY_AUTO && may_complete_name(w);
}

void oracle_decide(const struct facts *f, const struct policy_rules *r,
		   struct decision *out)
{
	struct words w;
	reason_set all, left;
	int rule;

	memset(out, 0, sizeof(*out));
	words_of(&w, f, r);
	out->evidence = w.evidence;
	strcpy(out->address, w.address);
	rule = early_rule(&w);
	if (rule != 0) {
		answer_early(&w, rule, out);
		plan(&w, out);
		return;
	}
	out->intended = w.profile ? ACTION_MERGE : ACTION_ADOPT;
	if (w.profile) {
		out->profile_id = w.profile->id;
		out->displaced = w.profile == w.displaced;
		out->external_ids_equal = words_ids_equal(&w, w.profile);
	}
	all = all_reasons(&w);
	left = all & ~f->history.waived;
	if (left != 0)
		answer_review(left, out);
	else
		answer_link(&w, all, out);
	plan(&w, out);
}

/* ---- two decisions ---- */

#define DIFFERS(field)                                                         \
	((a->field) != (b->field) &&                                           \
	 snprintf(text, size, #field ": %lld, %lld", (long long)(a->field),    \
		  (long long)(b->field)) > 0)

bool oracle_agrees(const struct decision *a, const struct decision *b,
		   char *text, size_t size)
{
	if (DIFFERS(action) || DIFFERS(reason) || DIFFERS(reasons) ||
	    DIFFERS(rule) || DIFFERS(evidence) || DIFFERS(profile_id) ||
	    DIFFERS(displaced) || DIFFERS(external_ids_equal) ||
	    DIFFERS(applied) || DIFFERS(complete_name) || DIFFERS(verified) ||
	    DIFFERS(intended) || DIFFERS(step_count))
		return false;
	if (strcmp(a->address, b->address) != 0) {
		snprintf(text, size, "address");
		return false;
	}
	for (size_t i = 0; i < a->step_count; i++)
		if (DIFFERS(steps[i]))
			return false;
	return true;
}
