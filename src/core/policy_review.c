/*
 * Stage 4: does a person have to look? One row a rule; every rule is asked.
 *
 * Rules about two users are asked for each owner, or for the displaced
 * profile, and match when they do for any of them. An adopt has no second
 * user: only the rules about the case are asked.
 */
#include "policy_case.h"

#include "base/str.h"

/* u: the other user, or NULL for a rule about the case. */
typedef bool review_test(const struct policy_case *c, const struct zd_user *u);

static bool has_several_owners(const struct policy_case *c,
			       const struct zd_user *u)
{
	(void)u;
	return c->owner_count > 1;
}

static bool is_own_messaging(const struct policy_case *c,
			     const struct zd_identity *i)
{
	return str_eq(i->type, "messaging") && str_eq(i->value, c->f->sunco.id);
}

static bool is_established(const struct policy_case *c, const struct zd_user *u)
{
	const struct zd_user *person = c->person;

	(void)u;
	for (size_t n = 0; n < person->identity_count; n++) {
		const struct zd_identity *i = &person->identities[n];

		if (!is_own_messaging(c, i) && !policy_is_address(c, i))
			return true;
	}
	return person->survived_merge;
}

static bool is_denied(const struct policy_case *c, const struct zd_user *u)
{
	(void)u;
	return c->address[0] && address_denied(c->address, c->r->deny_emails,
					       c->r->deny_email_count);
}

static bool is_suspended(const struct policy_case *c, const struct zd_user *u)
{
	(void)c;
	return u->suspended;
}

/* None counts as a value here: with separated brands it is one. */
static bool brands_differ(const struct policy_case *c, const struct zd_user *u)
{
	uint64_t sunco = c->f->sunco.brand_id;

	return u->brand_id != c->person->brand_id ||
	       (sunco != 0 && sunco != u->brand_id);
}

static bool conversation_brand_differs(const struct policy_case *c,
				       const struct zd_user *u)
{
	uint64_t sunco = c->f->sunco.brand_id;

	(void)u;
	return sunco != 0 && sunco != c->person->brand_id;
}

static bool organizations_differ(const struct policy_case *c,
				 const struct zd_user *u)
{
	return u->organization_id != 0 && c->person->organization_id != 0 &&
	       u->organization_id != c->person->organization_id;
}

/* The messaging user's own external id is lost in a merge, so it must not
 * differ either when the conversation brings another one, or none. */
static bool external_ids_differ(const struct policy_case *c,
				const struct zd_user *u)
{
	if (!u->external_id)
		return false;
	if (c->external_id && !policy_external_ids_equal(c, u))
		return true;
	return c->person->external_id &&
	       !str_eq_nocase(c->person->external_id, u->external_id);
}

static bool is_unsafe_displaced(const struct policy_case *c,
				const struct zd_user *u)
{
	if (u != c->displaced)
		return false;
	return !(c->r->recover_displaced && c->evidence == EVIDENCE_VERIFIED &&
		 u->proven_before_loss && u->coincides &&
		 !policy_has_other_identity(c, u));
}

static bool is_protected(const struct policy_case *c, const struct zd_user *u)
{
	return c->evidence == EVIDENCE_CLAIMED &&
	       c->r->email_identities != EMAILS_CLAIM_VERIFIED &&
	       policy_address_marked(c, u);
}

static bool is_claim_untrusted(const struct policy_case *c,
			       const struct zd_user *u)
{
	(void)u;
	return c->evidence == EVIDENCE_CLAIMED &&
	       (c->r->email_identities == EMAILS_VERIFIED_ONLY ||
		c->r->link_evidence != EVIDENCE_CLAIMED);
}

static bool is_login_untrusted(const struct policy_case *c,
			       const struct zd_user *u)
{
	return c->evidence == EVIDENCE_AUTHENTICATED &&
	       c->r->link_evidence == EVIDENCE_VERIFIED &&
	       !policy_external_ids_equal(c, u);
}

/* Somebody may have typed this address into a profile that is known by
 * something else: the person would take that over. A displaced profile does
 * not have the address any more; rule 19 asks how it had it. */
static bool is_unproven_with_more(const struct policy_case *c,
				  const struct zd_user *u)
{
	if (u == c->displaced)
		return false;
	return !policy_address_proven(c, u) &&
	       !policy_external_ids_equal(c, u) &&
	       (policy_has_other_identity(c, u) || u->external_id);
}

static bool is_surge(const struct policy_case *c, const struct zd_user *u)
{
	(void)u;
	return !c->f->history.backfill &&
	       c->f->history.merges_this_hour >= c->r->max_merges_per_hour;
}

static bool is_fan_in(const struct policy_case *c, const struct zd_user *u)
{
	(void)u;
	return !c->f->history.backfill &&
	       c->f->history.merges_into_profile_today >=
		       c->r->max_merges_per_profile;
}

enum review_scope { ABOUT_THE_CASE, ABOUT_TWO };

static const struct review_rule {
	int rule;
	enum review_scope scope;
	enum reason reason;
	review_test *matches;
} review_rules[] = {
	{12, ABOUT_THE_CASE, REASON_AMBIGUOUS_PROFILE, has_several_owners},
	{13, ABOUT_THE_CASE, REASON_MESSAGING_USER_ESTABLISHED, is_established},
	{14, ABOUT_THE_CASE, REASON_EMAIL_DENIED, is_denied},
	{15, ABOUT_TWO, REASON_PROFILE_SUSPENDED, is_suspended},
	{16, ABOUT_TWO, REASON_BRAND_MISMATCH, brands_differ},
	{16, ABOUT_THE_CASE, REASON_BRAND_MISMATCH, conversation_brand_differs},
	{17, ABOUT_TWO, REASON_ORGANIZATION_MISMATCH, organizations_differ},
	{18, ABOUT_TWO, REASON_EXTERNAL_ID_CONFLICT, external_ids_differ},
	{19, ABOUT_TWO, REASON_DISPLACED_PROFILE, is_unsafe_displaced},
	{20, ABOUT_TWO, REASON_VERIFIED_PROFILE_PROTECTED, is_protected},
	{21, ABOUT_THE_CASE, REASON_UNAUTHENTICATED_EMAIL, is_claim_untrusted},
	{22, ABOUT_TWO, REASON_EMAIL_NOT_VERIFIED, is_login_untrusted},
	{23, ABOUT_TWO, REASON_PROFILE_UNVERIFIED, is_unproven_with_more},
	{24, ABOUT_THE_CASE, REASON_MERGE_SURGE, is_surge},
	{24, ABOUT_TWO, REASON_MERGE_FAN_IN, is_fan_in},
};

static bool rule_matches(const struct review_rule *rule,
			 const struct policy_case *c)
{
	if (rule->scope == ABOUT_THE_CASE)
		return rule->matches(c, NULL);
	for (size_t i = 0; i < c->owner_count; i++)
		if (rule->matches(c, c->owners[i]))
			return true;
	return c->displaced && rule->matches(c, c->displaced);
}

reason_set policy_review_reasons(const struct policy_case *c)
{
	reason_set set = 0;

	for (size_t i = 0; i < ARRAY_LEN(review_rules); i++)
		if (rule_matches(&review_rules[i], c))
			set |= REASON_BIT(review_rules[i].reason);
	return set;
}

int policy_review_rule(enum reason r)
{
	for (size_t i = 0; i < ARRAY_LEN(review_rules); i++)
		if (review_rules[i].reason == r)
			return review_rules[i].rule;
	return 0;
}

bool policy_approvable(reason_set s)
{
	return !(s & REASON_BIT(REASON_AMBIGUOUS_ADDRESS));
}

/* Sets of several reasons come from stage 4: its rows give the order. */
size_t reason_set_list(reason_set s, enum reason out[REASON_COUNT])
{
	size_t count = 0;

	for (int r = 0; r < REASON_COUNT; r++)
		if (s & REASON_OUTCOMES & REASON_BIT(r))
			out[count++] = (enum reason)r;
	s &= ~REASON_OUTCOMES;

	for (size_t i = 0; i < ARRAY_LEN(review_rules); i++) {
		enum reason r = review_rules[i].reason;

		if (s & REASON_BIT(r))
			out[count++] = r;
		s &= ~REASON_BIT(r);
	}
	for (int r = 0; r < REASON_COUNT; r++)
		if (s & REASON_BIT(r))
			out[count++] = (enum reason)r;
	return count;
}
