/*
 * What Zendesk does by itself, as a table of situations.
 *
 * Three sources disagree in places: Zendesk's own page, and two articles of
 * internalnote.com, a test of 2023 and a flow chart of the three settings.
 * Where they do, the sentence says so. Nothing here takes part in
 * a decision.
 */
#include "policy_case.h"

#include "base/str.h"

/* Who the person is to Zendesk, and what address comes along. */
enum who {
	LOGIN_VERIFIED = 1,   /* authenticated, e-mail verified by the issuer */
	LOGIN_UNVERIFIED = 2, /* authenticated, an e-mail nobody vouches for */
	LOGIN_WITHOUT = 4,    /* authenticated, no e-mail */
	GUEST_TYPED = 8,
	GUEST_WITHOUT = 16,
	HELP_CENTER = 32, /* signed in there, e-mail verified */
	ANY_LOGIN =
		LOGIN_VERIFIED | LOGIN_UNVERIFIED | LOGIN_WITHOUT | HELP_CENTER,
};

/* Whose the address is; the first that fits. */
enum whose {
	EXTERNAL_ID_USER = 1, /* another user has the external id */
	VERIFIED_PROFILE = 2, /* marked, in the policy's words */
	UNVERIFIED_PROFILE = 4,
	DISPLACED_PROFILE = 8,
	OWN = 16,
	OTHER_OWN = 32, /* the user has another one; signed in, or nobody has
			 * this one */
	NOBODY = 64,
	ANY_PROFILE = EXTERNAL_ID_USER | VERIFIED_PROFILE | UNVERIFIED_PROFILE,
	ANYBODY = 127,
};

enum where {
	VERIFIED_ONLY = 1 << EMAILS_VERIFIED_ONLY,
	BOTH = 1 << EMAILS_VERIFIED_AND_UNVERIFIED,
	CLAIM = 1 << EMAILS_CLAIM_VERIFIED,
	ALL = VERIFIED_ONLY | BOTH | CLAIM,
};

static const struct situation {
	unsigned where, who, whose;
	const char *does;
} situations[] = {
	{ALL, ANY_LOGIN, EXTERNAL_ID_USER,
	 "Zendesk should link the conversation to the user with this external "
	 "id; internalnote.com's test of 2023 saw a second user created all "
	 "the same, as here."},
	{ALL, HELP_CENTER, OWN,
	 "Zendesk links the conversation to the user who is signed in at the "
	 "help center; that user has the address."},
	{ALL, HELP_CENTER, ANYBODY,
	 "Zendesk links the conversation to the user who is signed in at the "
	 "help center; where it did not, as here, there is a second user."},
	{ALL, LOGIN_VERIFIED, OWN,
	 "Zendesk links by external id, or makes a new user, and that user has "
	 "the verified address; an unverified one becomes verified."},
	{ALL, LOGIN_VERIFIED, OTHER_OWN,
	 "Zendesk links by external id and leaves the user's other address as "
	 "it is; this one stays where it is."},
	{ALL, LOGIN_VERIFIED, NOBODY,
	 "Zendesk links by external id, or makes a new user, and adds the "
	 "verified address."},
	{BOTH, LOGIN_VERIFIED, DISPLACED_PROFILE,
	 "Zendesk takes the address away from the profile that had it and "
	 "gives it to the conversation's user; internalnote.com's flow chart "
	 "says only where it was unverified."},
	{CLAIM, LOGIN_VERIFIED, DISPLACED_PROFILE,
	 "Zendesk takes the address away from the profile that had it and "
	 "gives it to the conversation's user; its own page says in one place "
	 "that here it does not."},
	{ALL, LOGIN_VERIFIED, DISPLACED_PROFILE,
	 "Zendesk takes the address away from the profile that had it and "
	 "gives it to the conversation's user."},
	{BOTH, LOGIN_VERIFIED, VERIFIED_PROFILE,
	 "Zendesk makes a new user; its own page lets that user take the "
	 "address from the profile, internalnote.com's flow chart only from an "
	 "unverified profile: then the duplicate stays, as here."},
	{CLAIM, LOGIN_VERIFIED, VERIFIED_PROFILE | UNVERIFIED_PROFILE,
	 "Zendesk makes a new user that takes the address from the profile, "
	 "but its own page says in one place that here it does not: then the "
	 "duplicate stays, as here."},
	{ALL, LOGIN_VERIFIED, VERIFIED_PROFILE | UNVERIFIED_PROFILE,
	 "Zendesk makes a new user that takes the address from the profile, "
	 "or, by its own page's order of look-ups, links to the profile; where "
	 "it did neither, as here, the duplicate stays."},
	{ALL, LOGIN_UNVERIFIED, VERIFIED_PROFILE | UNVERIFIED_PROFILE,
	 "Zendesk makes or finds a user by external id and leaves the address "
	 "out: a duplicate of the profile."},
	{ALL, LOGIN_UNVERIFIED, OWN,
	 "Zendesk links by external id; that user has the address already."},
	{ALL, LOGIN_UNVERIFIED, ANYBODY,
	 "Zendesk makes or finds a user by external id and leaves the address "
	 "out."},
	{ALL, LOGIN_WITHOUT, ANYBODY,
	 "Zendesk makes or finds a user by external id; there is no address."},
	{VERIFIED_ONLY, GUEST_TYPED, OWN,
	 "Zendesk makes a new user for every conversation and leaves the typed "
	 "address out; this user has it from elsewhere."},
	{VERIFIED_ONLY, GUEST_TYPED, ANYBODY,
	 "Zendesk makes a new user for every conversation and leaves the typed "
	 "address out."},
	{BOTH, GUEST_TYPED, OWN,
	 "Zendesk links the conversation to the unverified profile with this "
	 "address, or makes a new user with the typed address, unverified."},
	{CLAIM, GUEST_TYPED, OWN,
	 "Zendesk links the conversation to the profile with this address, "
	 "verified or not, or makes a new user with the typed address, "
	 "unverified."},
	{BOTH, GUEST_TYPED, VERIFIED_PROFILE,
	 "Zendesk makes a new user and leaves the typed address out, since the "
	 "profile's is verified."},
	{CLAIM, GUEST_TYPED, VERIFIED_PROFILE,
	 "Zendesk links the conversation to the profile, though its address is "
	 "verified and the person only typed it; where it did not, as here, "
	 "the duplicate stays."},
	{BOTH | CLAIM, GUEST_TYPED, UNVERIFIED_PROFILE,
	 "Zendesk links the conversation to the profile with this unverified "
	 "address; where it did not, as here, the duplicate stays."},
	{BOTH | CLAIM, GUEST_TYPED, ANYBODY,
	 "Zendesk makes a new user with the typed address, unverified."},
	{ALL, GUEST_WITHOUT, ANYBODY,
	 "Zendesk makes a new user for the conversation; there is no address."},
};

static bool is_of_help_center(const struct sunco_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++)
		if (str_eq(u->identities[i].verification, "sso"))
			return true;
	return false;
}

static enum who who_is(const struct policy_case *c)
{
	if (!c->f->sunco.authenticated)
		return c->evidence == EVIDENCE_NONE ? GUEST_WITHOUT
						    : GUEST_TYPED;
	if (c->evidence == EVIDENCE_NONE)
		return LOGIN_WITHOUT;
	if (c->evidence != EVIDENCE_VERIFIED)
		return LOGIN_UNVERIFIED;
	return is_of_help_center(&c->f->sunco) ? HELP_CENTER : LOGIN_VERIFIED;
}

static bool has_other_address(const struct policy_case *c)
{
	return c->person && !policy_address_of(c, c->person) &&
	       zd_user_count(c->person, "email") > 0;
}

static enum whose whose_of_owners(const struct policy_case *c)
{
	enum whose whose = UNVERIFIED_PROFILE;

	for (size_t i = 0; i < c->owner_count; i++) {
		if (c->f->sunco.authenticated &&
		    policy_external_ids_equal(c, c->owners[i]))
			return EXTERNAL_ID_USER;
		if (policy_address_marked(c, c->owners[i]))
			whose = VERIFIED_PROFILE;
	}
	return whose;
}

static enum whose whose_is(const struct policy_case *c)
{
	enum whose whose;

	if (c->owner_count > 0) {
		whose = whose_of_owners(c);
		if (whose != EXTERNAL_ID_USER && c->f->sunco.authenticated &&
		    has_other_address(c))
			whose = OTHER_OWN;
		return whose;
	}
	if (c->displaced)
		return DISPLACED_PROFILE;
	if (c->person && policy_address_of(c, c->person))
		return OWN;
	return has_other_address(c) ? OTHER_OWN : NOBODY;
}

const char *policy_zendesk_does(const struct facts *f,
				const struct policy_rules *r)
{
	const char *does = "";
	struct policy_case c;
	unsigned where, who, whose;

	policy_case_init(&c, f, r);
	where = 1U << r->email_identities;
	who = who_is(&c);
	whose = whose_is(&c);
	policy_case_release(&c);
	for (size_t i = 0; i < ARRAY_LEN(situations) && !*does; i++) {
		const struct situation *s = &situations[i];

		if ((s->where & where) && (s->who & who) && (s->whose & whose))
			does = s->does;
	}
	return does;
}
