/*
 * What another setting of email_identities would have done about the same
 * conversation: see policy_linked_under() in policy.h.
 *
 * Only a typed address depends on the setting before reunite comes; what
 * Zendesk does about one is the part of policy_zendesk.c that needs no words.
 */
#include "policy_case.h"

/* The last rule of the first three stages that Zendesk's own doing cannot
 * pass either: nobody there, not to be touched, no one address. */
#define LAST_HARD_RULE 7
#define RULE_REJECTED  11

static bool is_typed(const struct policy_case *c)
{
	return !c->f->sunco.authenticated && c->evidence == EVIDENCE_CLAIMED;
}

static bool is_plain(const struct zd_user *u)
{
	return u->role == ZD_ROLE_END_USER && !u->suspended && !u->shared;
}

/* Whose the typed address is: the owner, or the messaging user itself. */
static const struct zd_user *holder_of(const struct policy_case *c)
{
	if (c->owner_count > 0)
		return c->owners[0];
	if (policy_address_of(c, c->person))
		return c->person;
	return NULL;
}

/* Zendesk gives a typed address to the conversation's user, or finds its
 * owner, by itself. */
static bool zendesk_links(const struct policy_case *c, enum email_identities s)
{
	const struct zd_user *holder = holder_of(c);

	if (s == EMAILS_VERIFIED_ONLY || c->displaced || c->owner_count > 1)
		return false;
	if (!holder)
		return true;
	return is_plain(holder) && (s == EMAILS_CLAIM_VERIFIED ||
				    !policy_address_marked(c, holder));
}

static bool decision_links(const struct decision *d)
{
	return d->action == ACTION_MERGE || d->action == ACTION_ADOPT ||
	       d->reason == REASON_ALREADY_LINKED;
}

static bool links_under(const struct facts *f, const struct policy_rules *own,
			enum email_identities s)
{
	struct policy_rules r = *own;
	struct policy_case c;
	struct decision d;
	bool links;

	r.email_identities = s;
	r.apply = APPLY_AUTO;
	policy_decide(f, &r, &d);
	links = decision_links(&d);
	if (s == own->email_identities || d.rule == RULE_REJECTED ||
	    (d.rule > 0 && d.rule <= LAST_HARD_RULE))
		return links;
	policy_case_init(&c, f, &r);
	if (is_typed(&c) && zendesk_links(&c, s))
		links = true;
	else if (is_typed(&c) && c.owner_count == 0 &&
		 zendesk_links(&c, own->email_identities))
		links = false; /* that it is linked is today's setting's work */
	policy_case_release(&c);
	return links;
}

unsigned policy_linked_under(const struct facts *f,
			     const struct policy_rules *r)
{
	struct facts alone = *f;
	unsigned mask = 0;

	alone.history.waived = 0;
	alone.history.merges_this_hour = 0;
	alone.history.merges_into_profile_today = 0;
	for (int s = EMAILS_VERIFIED_ONLY; s <= EMAILS_CLAIM_VERIFIED; s++)
		if (links_under(&alone, r, (enum email_identities)s))
			mask |= LINKED_BIT(s);
	return mask;
}
