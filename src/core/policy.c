/*
 * The decision: stages 1 to 3 as a table whose first matching row decides,
 * stage 4 (policy_review.c), stage 5, and what carrying it out takes.
 *
 * Rules are numbered as in deploy/deciding.md. An approval (history.waived)
 * reaches stage 4 and apply = review only: nothing of stages 1 to 3 can be
 * approved. Rule 7 is a review too, but it names no profile: whoever looks at
 * it mends the conversation's addresses, and the job decides anew.
 */
#include "core/policy.h"

#include <string.h>

#include "base/str.h"
#include "policy_case.h"

typedef bool verdict_test(const struct policy_case *c);

static bool is_nobody(const struct policy_case *c)
{
	return !c->person;
}

static bool is_gone(const struct policy_case *c)
{
	return !c->person->active || !c->f->sunco.id[0] ||
	       !zd_user_identity(c->person, "messaging", c->f->sunco.id);
}

static bool is_no_end_user(const struct policy_case *c)
{
	return c->person->role != ZD_ROLE_END_USER;
}

static bool is_suspended(const struct policy_case *c)
{
	return c->person->suspended;
}

static bool is_shared(const struct policy_case *c)
{
	bool shared =
		c->person->shared || (c->displaced && c->displaced->shared);

	for (size_t i = 0; i < c->owner_count; i++)
		shared = shared || c->owners[i]->shared;
	return shared;
}

static bool is_profile_of_agent(const struct policy_case *c)
{
	bool agent = c->displaced && c->displaced->role != ZD_ROLE_END_USER;

	for (size_t i = 0; i < c->owner_count; i++)
		agent = agent || c->owners[i]->role != ZD_ROLE_END_USER;
	return agent;
}

static bool is_ambiguous(const struct policy_case *c)
{
	return policy_address_ambiguous(&c->f->sunco);
}

static bool is_without_address(const struct policy_case *c)
{
	return c->evidence == EVIDENCE_NONE && c->owner_count == 0;
}

static bool is_linked(const struct policy_case *c)
{
	return !c->profile && policy_address_of(c, c->person);
}

/* An address that nobody owns may be added on good evidence only. */
static bool is_adopt_untrusted(const struct policy_case *c)
{
	if (c->profile || c->evidence == EVIDENCE_VERIFIED)
		return false;
	return !(c->evidence == EVIDENCE_AUTHENTICATED &&
		 c->r->link_evidence != EVIDENCE_VERIFIED &&
		 c->r->email_identities != EMAILS_VERIFIED_ONLY);
}

static bool is_adopt_untrusted_for_good(const struct policy_case *c)
{
	return c->f->history.searched_twice && is_adopt_untrusted(c);
}

static bool is_rejected(const struct policy_case *c)
{
	return c->f->history.rejected;
}

static const struct verdict {
	int rule;
	enum action action;
	enum reason reason;
	bool names_profile;
	verdict_test *matches;
} verdicts[] = {
	/* stage 1: is there anybody? */
	{1, ACTION_WAIT, REASON_NO_MESSAGING_USER, false, is_nobody},
	{2, ACTION_NONE, REASON_MESSAGING_USER_GONE, false, is_gone},
	/* stage 2: never */
	{3, ACTION_REFUSE, REASON_MESSAGING_USER_NOT_END_USER, false,
	 is_no_end_user},
	{4, ACTION_REFUSE, REASON_MESSAGING_USER_SUSPENDED, false,
	 is_suspended},
	{5, ACTION_REFUSE, REASON_SHARED_USER, true, is_shared},
	{6, ACTION_REFUSE, REASON_PROFILE_IS_AGENT, true, is_profile_of_agent},
	/* stage 3: with whom? */
	{7, ACTION_REVIEW, REASON_AMBIGUOUS_ADDRESS, false, is_ambiguous},
	{8, ACTION_WAIT, REASON_NO_EMAIL, false, is_without_address},
	{9, ACTION_NONE, REASON_ALREADY_LINKED, false, is_linked},
	{10, ACTION_NONE, REASON_EMAIL_NOT_VERIFIED, false,
	 is_adopt_untrusted_for_good},
	{10, ACTION_WAIT, REASON_EMAIL_NOT_VERIFIED, false, is_adopt_untrusted},
	{11, ACTION_NONE, REASON_REJECTED_BEFORE, true, is_rejected},
};

static void decision_name_profile(struct decision *d,
				  const struct policy_case *c)
{
	if (!c->profile)
		return;
	d->profile_id = c->profile->id;
	d->displaced = c->profile == c->displaced;
	d->external_ids_equal = policy_external_ids_equal(c, c->profile);
}

/* Stages 1 to 3. False: a merge or an adopt is left. */
static bool decide_verdict(struct decision *d, const struct policy_case *c)
{
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		const struct verdict *v = &verdicts[i];

		if (!v->matches(c))
			continue;
		d->rule = v->rule;
		d->action = v->action;
		d->reason = v->reason;
		d->reasons = REASON_BIT(v->reason);
		if (v->names_profile)
			decision_name_profile(d, c);
		return true;
	}
	return false;
}

/* Stage 4. False: nothing is left for a person to look at. */
static bool decide_review(struct decision *d, reason_set reasons)
{
	enum reason list[REASON_COUNT];

	if (reason_set_list(reasons, list) == 0)
		return false;
	d->action = ACTION_REVIEW;
	d->reason = list[0];
	d->reasons = reasons;
	d->rule = policy_review_rule(list[0]);
	return true;
}

static enum reason link_reason(const struct decision *d)
{
	if (d->intended == ACTION_ADOPT)
		return REASON_NO_PROFILE;
	if (d->external_ids_equal)
		return REASON_EXTERNAL_ID_MATCH;
	if (d->displaced)
		return REASON_DISPLACED_PROFILE;
	if (d->evidence == EVIDENCE_VERIFIED)
		return REASON_EMAIL_MATCH_VERIFIED;
	if (d->evidence == EVIDENCE_AUTHENTICATED)
		return REASON_EMAIL_MATCH_AUTHENTICATED;
	return REASON_EMAIL_MATCH_CLAIMED;
}

/*
 * Stage 5. seen: the reasons of stage 4, waived ones included. With apply =
 * review a person must have approved this link: its own reason, or a reason
 * of stage 4 that still holds.
 */
static void decide_link(struct decision *d, const struct policy_case *c,
			reason_set seen)
{
	bool approved;

	d->action = d->intended;
	d->reason = link_reason(d);
	d->reasons = REASON_BIT(d->reason);
	approved = (c->f->history.waived & (seen | d->reasons)) != 0;
	if (c->r->apply == APPLY_REVIEW && !approved)
		d->action = ACTION_REVIEW;
	else
		d->applied = c->r->apply != APPLY_OBSERVE;
}

bool policy_name_generated(const char *name)
{
	static const char *const users[] = {"Web User ", "iOS User ",
					    "Android User "};
	static const char digits[] = "0123456789";
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				       "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
	const char *rest;

	if (str_is_empty(name))
		return true;
	if (str_starts(name, "Visitor ")) {
		rest = name + strlen("Visitor ");
		return *rest && !rest[strspn(rest, digits)];
	}
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		if (!str_starts(name, users[i]))
			continue;
		rest = name + strlen(users[i]);
		return !rest[strspn(rest, alphabet)] && strpbrk(rest, digits);
	}
	return false;
}

/* The conversation knows a name, and Zendesk only has one that it made up. */
static bool can_complete_name(const struct policy_case *c)
{
	const struct sunco_user *s = &c->f->sunco;
	struct slice given = slice_trim(slice_of(s->given_name));
	struct slice surname = slice_trim(slice_of(s->surname));

	return c->r->complete_name && c->person && s->authenticated &&
	       given.len + surname.len > 0 &&
	       policy_name_generated(c->person->name);
}

/* The messaging user stays what it is, for good or when the wait ends. */
static bool is_left_alone(const struct decision *d)
{
	return d->reason == REASON_ALREADY_LINKED ||
	       d->reason == REASON_NO_EMAIL ||
	       (d->reason == REASON_EMAIL_NOT_VERIFIED && d->rule == 10);
}

static void add_step(struct decision *d, enum step s)
{
	d->steps[d->step_count++] = s;
}

/* Without the pin the next login makes the duplicate again; on weaker
 * evidence it would hand a stranger a key. An approval may name it. */
static bool needs_pin(const struct decision *d, const struct policy_case *c)
{
	bool named = c->f->history.waived &
		     REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED);

	if (c->profile->external_id || !c->external_id)
		return false;
	return d->evidence == EVIDENCE_VERIFIED || named;
}

static bool needs_verify(const struct decision *d, const struct policy_case *c)
{
	return c->r->verify_profile_email && d->evidence == EVIDENCE_VERIFIED &&
	       policy_address_of(c, c->profile) &&
	       !policy_address_proven(c, c->profile);
}

static void plan_merge(struct decision *d, const struct policy_case *c)
{
	add_step(d, STEP_MERGE);
	add_step(d, STEP_READ_BACK);
	if (needs_pin(d, c))
		add_step(d, STEP_PIN);
	if (needs_verify(d, c))
		add_step(d, STEP_VERIFY);
}

static void plan_adopt(struct decision *d, const struct policy_case *c)
{
	add_step(d, STEP_ADOPT);
	if (can_complete_name(c))
		add_step(d, STEP_COMPLETE_NAME);
	add_step(d, STEP_READ_BACK);
	d->verified = d->evidence == EVIDENCE_VERIFIED;
}

static void decide_plan(struct decision *d, const struct policy_case *c)
{
	if (d->intended == ACTION_MERGE)
		plan_merge(d, c);
	if (d->intended == ACTION_ADOPT)
		plan_adopt(d, c);
	if (d->action == ACTION_ADOPT)
		d->complete_name = d->applied && can_complete_name(c);
	else if (is_left_alone(d))
		d->complete_name =
			c->r->apply == APPLY_AUTO && can_complete_name(c);
}

void policy_decide(const struct facts *f, const struct policy_rules *r,
		   struct decision *out)
{
	struct policy_case c;
	reason_set seen;

	policy_case_init(&c, f, r);
	*out = (struct decision){.evidence = c.evidence};
	memcpy(out->address, c.address, sizeof(out->address));
	if (!decide_verdict(out, &c)) {
		out->intended = c.profile ? ACTION_MERGE : ACTION_ADOPT;
		decision_name_profile(out, &c);
		seen = policy_review_reasons(&c);
		if (!decide_review(out, seen & ~f->history.waived))
			decide_link(out, &c, seen);
	}
	decide_plan(out, &c);
	policy_case_release(&c);
}
