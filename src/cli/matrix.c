/*
 * The made-up people of `explain --table`: see matrix.h.
 */
#include "matrix.h"

#include "base/buf.h"
#include "base/str.h"

#define SUNCO_ID    "0123456789abcdef01234567"
#define ADDRESS	    "person@customer.example"
#define OTHER	    "other@customer.example"
#define EXTERNAL_ID "customer"

enum { PERSON_ID = 1, PROFILE_ID = 2, SECOND_ID = 3 };

static const struct matrix_person persons[] = {
	{"logged in", "verified", true, "embed", false, false},
	{"signed in at the help center", "verified", true, "sso", false, false},
	{"logged in", "not verified", true, NULL, true, false},
	{"logged in", "several", true, "embed", false, true},
	{"logged in", "none", true, NULL, false, false},
	{"not logged in", "typed", false, NULL, true, false},
	{"not logged in", "none", false, NULL, false, false},
};

enum whose {
	NOBODYS,
	THE_USERS, /* the messaging user's own */
	A_PROFILES,
	SEVERAL_PROFILES,
	TAKEN, /* the messaging user has it from a profile */
};

/* What else there is about the owner. */
enum more {
	OTHER_ADDRESS = 1, /* of the messaging user */
	OTHER_IDENTITY = 2,
	OTHER_EXTERNAL_ID = 4,
	AGENT = 8,
	SUSPENDED = 16,
	SHARED = 32,
	OTHER_BRAND = 64,
	OTHER_ORGANIZATION = 128,
	RECOVER = 256,	       /* recover_displaced is on */
	HAS_EXTERNAL_ID = 512, /* the owner has the person's */
	ELSEWHERE = 1024,      /* another user has it */
};

static const struct matrix_owner {
	const char *name;
	enum whose whose;
	enum verification method; /* of the owner's address */
	unsigned more;
} owners[] = {
	{"nobody", NOBODYS, VERIFICATION_NONE, 0},
	{"nobody; the user has another address", NOBODYS, VERIFICATION_NONE,
	 OTHER_ADDRESS},
	{"the user itself", THE_USERS, VERIFICATION_NONE, 0},
	{"the user itself, an agent or admin", THE_USERS, VERIFICATION_FULL,
	 AGENT},
	{"the user itself, suspended", THE_USERS, VERIFICATION_FULL, SUSPENDED},
	{"a verified profile", A_PROFILES, VERIFICATION_FULL, 0},
	{"a verified profile with other identities", A_PROFILES,
	 VERIFICATION_FULL, OTHER_IDENTITY},
	{"a verified profile with another external id", A_PROFILES,
	 VERIFICATION_FULL, OTHER_EXTERNAL_ID},
	{"a marked profile", A_PROFILES, VERIFICATION_LOW, 0},
	{"a marked profile with other identities", A_PROFILES, VERIFICATION_LOW,
	 OTHER_IDENTITY},
	{"a marked profile with another external id", A_PROFILES,
	 VERIFICATION_LOW, OTHER_EXTERNAL_ID},
	{"an unverified profile", A_PROFILES, VERIFICATION_NONE, 0},
	{"an unverified profile with other identities", A_PROFILES,
	 VERIFICATION_NONE, OTHER_IDENTITY},
	{"an unverified profile with another external id", A_PROFILES,
	 VERIFICATION_NONE, OTHER_EXTERNAL_ID},
	{"a profile; the user has another address", A_PROFILES,
	 VERIFICATION_FULL, OTHER_ADDRESS},
	{"several profiles", SEVERAL_PROFILES, VERIFICATION_FULL, 0},
	{"an agent or admin", A_PROFILES, VERIFICATION_FULL, AGENT},
	{"a suspended profile", A_PROFILES, VERIFICATION_FULL, SUSPENDED},
	{"a shared profile", A_PROFILES, VERIFICATION_FULL, SHARED},
	{"a profile of another brand", A_PROFILES, VERIFICATION_FULL,
	 OTHER_BRAND},
	{"a profile of another organization", A_PROFILES, VERIFICATION_FULL,
	 OTHER_ORGANIZATION},
	{"the profile with the same external id", A_PROFILES, VERIFICATION_NONE,
	 HAS_EXTERNAL_ID | OTHER_IDENTITY},
	{"nobody; another user has the external id", NOBODYS, VERIFICATION_NONE,
	 ELSEWHERE},
	{"the user itself; another has the external id", THE_USERS,
	 VERIFICATION_FULL, ELSEWHERE},
	{"a profile; another user has the external id", A_PROFILES,
	 VERIFICATION_FULL, ELSEWHERE},
	{"taken from a profile", TAKEN, VERIFICATION_NONE, 0},
	{"taken from a profile seen verified before", TAKEN, VERIFICATION_FULL,
	 0},
	{"taken from a profile, recover_displaced on", TAKEN, VERIFICATION_NONE,
	 RECOVER},
	{"taken from a profile seen verified before, recover_displaced on",
	 TAKEN, VERIFICATION_FULL, RECOVER},
	{"taken from such a profile with other identities, recover_displaced "
	 "on",
	 TAKEN, VERIFICATION_FULL, RECOVER | OTHER_IDENTITY},
};

const struct matrix_person *matrix_person(size_t i)
{
	return i < ARRAY_LEN(persons) ? &persons[i] : NULL;
}

const struct matrix_owner *matrix_owner(size_t i)
{
	return i < ARRAY_LEN(owners) ? &owners[i] : NULL;
}

const char *matrix_owner_name(const struct matrix_owner *o)
{
	return o->name;
}

/* ---- facts ---- */

static void add_email(struct zd_user *u, const char *value,
		      enum verification method)
{
	struct zd_identity *i = zd_user_add_identity(u, "email", value);

	i->method = method;
	i->verified = method != VERIFICATION_NONE;
}

static struct zd_user *add_profile(struct facts *f, uint64_t id)
{
	struct zd_user u;

	zd_user_init(&u);
	u.id = id;
	u.identities_known = true;
	facts_add_profile(f, &u);
	zd_user_release(&u);
	return &f->profiles[f->profile_count - 1];
}

static void set_more(struct zd_user *u, unsigned more)
{
	if (more & OTHER_IDENTITY)
		zd_user_add_identity(u, "phone_number", "1");
	if (more & OTHER_EXTERNAL_ID)
		u->external_id = xstrdup("another-" EXTERNAL_ID);
	if (more & HAS_EXTERNAL_ID)
		u->external_id = xstrdup(EXTERNAL_ID);
	if (more & AGENT)
		u->role = ZD_ROLE_AGENT;
	u->suspended = more & SUSPENDED;
	u->shared = more & SHARED;
	u->brand_id = more & OTHER_BRAND ? 1 : 0;
	u->organization_id = more & OTHER_ORGANIZATION ? 1 : 0;
}

static void set_displaced(struct facts *f, const struct matrix_owner *o)
{
	f->has_displaced = true;
	f->displaced.id = PROFILE_ID;
	f->displaced.identities_known = true;
	f->displaced.proven_before_loss = o->method == VERIFICATION_FULL;
	f->displaced.coincides = true;
	set_more(&f->displaced, o->more);
}

static void set_owner(struct facts *f, const struct matrix_owner *o)
{
	struct zd_user *user = &f->messaging_user;
	size_t profiles = o->whose == A_PROFILES	 ? 1
			  : o->whose == SEVERAL_PROFILES ? 2
							 : 0;

	for (size_t i = 0; i < profiles; i++) {
		struct zd_user *u = add_profile(f, PROFILE_ID + i);

		add_email(u, ADDRESS, o->method);
		set_more(u, o->more);
	}
	if (o->whose == TAKEN)
		set_displaced(f, o);
	if (o->whose == THE_USERS || o->whose == TAKEN)
		add_email(user, ADDRESS, o->method);
	if (o->whose == THE_USERS)
		set_more(user, o->more);
	if (o->more & OTHER_ADDRESS)
		add_email(user, OTHER, VERIFICATION_NONE);
	if (o->more & OTHER_ORGANIZATION)
		user->organization_id = 2;
}

/* A login brings an external id, and the messaging user has it, unless
 * another user does. */
static void set_external_id(struct facts *f, const struct matrix_owner *o)
{
	f->sunco.external_id = xstrdup(EXTERNAL_ID);
	if (o->more & ELSEWHERE)
		add_profile(f, SECOND_ID)->external_id = xstrdup(EXTERNAL_ID);
	else if (!(o->more & HAS_EXTERNAL_ID))
		f->messaging_user.external_id = xstrdup(EXTERNAL_ID);
}

static void make_facts(struct facts *f, const struct matrix_person *p,
		       const struct matrix_owner *o)
{
	facts_init(f);
	str_copy(f->sunco.id, sizeof(f->sunco.id), SUNCO_ID);
	f->sunco.authenticated = p->authenticated;
	if (p->verification)
		sunco_user_add_identity(&f->sunco, "email", ADDRESS,
					p->verification);
	if (p->several)
		sunco_user_add_identity(&f->sunco, "email", OTHER,
					p->verification);
	if (p->profile_email)
		f->sunco.profile_email = xstrdup(ADDRESS);
	f->has_messaging_user = true;
	f->messaging_user.id = PERSON_ID;
	zd_user_add_identity(&f->messaging_user, "messaging", SUNCO_ID);
	set_owner(f, o);
	if (p->authenticated)
		set_external_id(f, o);
}

static bool can_be(const struct matrix_person *p, const struct matrix_owner *o)
{
	if (!p->authenticated && (o->more & (ELSEWHERE | HAS_EXTERNAL_ID)))
		return false;
	if (o->whose == TAKEN)
		return p->verification && !p->several;
	if (p->verification || p->profile_email)
		return true;
	return o->whose == NOBODYS && !(o->more & OTHER_ADDRESS);
}

/* ---- outcomes ---- */

bool matrix_ask(const struct matrix_person *p, const struct matrix_owner *o,
		struct matrix_outcomes *out)
{
	struct policy_rules r;
	struct decision d;
	struct facts f;

	if (!can_be(p, o))
		return false;
	policy_rules_default(&r);
	r.apply = APPLY_AUTO;
	r.recover_displaced = o->more & RECOVER;
	make_facts(&f, p, o);
	for (int s = 0; s < MATRIX_SETTINGS; s++)
		for (int t = 0; t < MATRIX_THRESHOLDS; t++) {
			r.email_identities = (enum email_identities)s;
			r.link_evidence = (enum evidence)(t + 1);
			policy_decide(&f, &r, &d);
			out->at[s][t] = (struct matrix_outcome){
				policy_zendesk_does(&f, &r), d.action, d.reason,
				d.rule};
		}
	facts_release(&f);
	return true;
}

static bool is_same(const struct matrix_outcome *a,
		    const struct matrix_outcome *b, enum matrix_facet facet)
{
	if (facet & MATRIX_ZENDESK && !str_eq(a->zendesk, b->zendesk))
		return false;
	return !(facet & MATRIX_REUNITE) ||
	       (a->action == b->action && a->reason == b->reason);
}

static bool is_same_setting(const struct matrix_outcomes *a, int s,
			    const struct matrix_outcomes *b, int u,
			    enum matrix_facet facet)
{
	for (int t = 0; t < MATRIX_THRESHOLDS; t++)
		if (!is_same(&a->at[s][t], &b->at[u][t], facet))
			return false;
	return true;
}

bool matrix_outcomes_equal(const struct matrix_outcomes *a,
			   const struct matrix_outcomes *b,
			   enum matrix_facet facet)
{
	for (int s = 0; s < MATRIX_SETTINGS; s++)
		if (!is_same_setting(a, s, b, s, facet))
			return false;
	return true;
}

/* Nothing, if one before i is in the set. */
static unsigned from_first(unsigned set, int i)
{
	return set & ((1U << i) - 1) ? 0 : set;
}

unsigned matrix_settings_like(const struct matrix_outcomes *o, int s,
			      enum matrix_facet facet)
{
	unsigned set = 0;

	for (int u = 0; u < MATRIX_SETTINGS; u++)
		if (is_same_setting(o, s, o, u, facet))
			set |= 1U << u;
	return from_first(set, s);
}

unsigned matrix_thresholds_like(const struct matrix_outcomes *o, int s, int t,
				enum matrix_facet facet)
{
	unsigned set = 0;

	for (int u = 0; u < MATRIX_THRESHOLDS; u++)
		if (is_same(&o->at[s][t], &o->at[s][u], facet))
			set |= 1U << u;
	return from_first(set, t);
}

/* ---- words ---- */

static const char *setting_word(int s)
{
	return email_identities_name((enum email_identities)s);
}

static const char *threshold_word(int t)
{
	return evidence_name((enum evidence)(t + 1));
}

static char *words(unsigned set, int count, const char *(*word)(int),
		   const char *quote, const char *all)
{
	struct buf b;

	if (set == (1U << count) - 1)
		return xstrdup(all);
	buf_init(&b, 256);
	for (int i = 0; i < count; i++)
		if (set & (1U << i))
			buf_printf(&b, "%s%s%s%s", b.len > 0 ? ", " : "", quote,
				   word(i), quote);
	return buf_detach(&b);
}

char *matrix_setting_words(unsigned settings, const char *quote,
			   const char *all)
{
	return words(settings, MATRIX_SETTINGS, setting_word, quote, all);
}

char *matrix_threshold_words(unsigned thresholds, const char *quote,
			     const char *all)
{
	return words(thresholds, MATRIX_THRESHOLDS, threshold_word, quote, all);
}
