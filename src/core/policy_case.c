/*
 * What the policy's words mean: evidence, address, external id, owner,
 * proven, marked.
 *
 * Only exact matches count. Search hits that are no owners are dropped here,
 * so no rule ever sees them.
 */
#include "policy_case.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The e-mail identities of a SunCo user, taken together. */
struct email_scan {
	char address[ADDRESS_SIZE]; /* the first one that is an address */
	bool any;
	bool several; /* different ones */
	bool unreadable;
	bool vouched; /* embed or sso, for an address */
};

static bool is_vouched(const struct sunco_identity *i)
{
	return str_eq(i->verification, "embed") ||
	       str_eq(i->verification, "sso");
}

static void scan_email(const struct sunco_identity *i, struct email_scan *s)
{
	char address[ADDRESS_SIZE];

	s->any = true;
	if (!address_normalise(i->value, address)) {
		s->unreadable = true;
		return;
	}
	if (s->address[0] && !str_eq(s->address, address))
		s->several = true;
	if (!s->address[0])
		memcpy(s->address, address, sizeof(address));
	s->vouched = s->vouched || is_vouched(i);
}

/* What is no address cannot be compared, so beside one it counts as a
 * different one. */
static void scan_emails(const struct sunco_user *u, struct email_scan *s)
{
	*s = (struct email_scan){.any = false};
	for (size_t n = 0; n < u->identity_count; n++)
		if (str_eq(u->identities[n].type, "email"))
			scan_email(&u->identities[n], s);
	if (s->unreadable && s->address[0])
		s->several = true;
}

bool policy_address_ambiguous(const struct sunco_user *u)
{
	struct email_scan s;

	scan_emails(u, &s);
	return s.several;
}

enum evidence policy_evidence(const struct sunco_user *u,
			      char address[ADDRESS_SIZE])
{
	struct email_scan s;

	scan_emails(u, &s);
	address[0] = '\0';
	if (s.several)
		return EVIDENCE_CLAIMED;
	if (s.address[0]) {
		memcpy(address, s.address, sizeof(s.address));
		return u->authenticated && s.vouched ? EVIDENCE_VERIFIED
						     : EVIDENCE_CLAIMED;
	}
	if (!address_normalise(u->profile_email, address))
		return EVIDENCE_NONE;
	return u->authenticated && !s.any ? EVIDENCE_AUTHENTICATED
					  : EVIDENCE_CLAIMED;
}

const char *policy_external_id(const struct facts *f)
{
	const char *id = NULL;

	if (f->sunco.authenticated)
		id = f->sunco.external_id;
	else if (f->has_messaging_user)
		id = f->messaging_user.external_id;
	return str_is_empty(id) ? NULL : id;
}

bool policy_external_ids_equal(const struct policy_case *c,
			       const struct zd_user *u)
{
	return c->external_id && u->external_id &&
	       str_eq_nocase(c->external_id, u->external_id);
}

bool policy_is_address(const struct policy_case *c, const struct zd_identity *i)
{
	char address[ADDRESS_SIZE];

	return c->address[0] && str_eq(i->type, "email") &&
	       address_normalise(i->value, address) &&
	       str_eq(address, c->address);
}

const struct zd_identity *policy_address_of(const struct policy_case *c,
					    const struct zd_user *u)
{
	for (size_t n = 0; n < u->identity_count; n++)
		if (policy_is_address(c, &u->identities[n]))
			return &u->identities[n];
	return NULL;
}

static bool is_mark(const struct zd_identity *i)
{
	return i->verified || (i->method != VERIFICATION_NONE &&
			       i->method != VERIFICATION_UNKNOWN);
}

/* Zendesk keeps an address once, but for its case perhaps: of two that are
 * the same one that is not proven spoils it, and one that is marked will do. */
bool policy_address_proven(const struct policy_case *c, const struct zd_user *u)
{
	bool proven = false;

	for (size_t n = 0; n < u->identity_count; n++) {
		const struct zd_identity *i = &u->identities[n];

		if (!policy_is_address(c, i))
			continue;
		if (!zd_identity_proven(i))
			return false;
		proven = true;
	}
	return proven;
}

bool policy_address_marked(const struct policy_case *c, const struct zd_user *u)
{
	for (size_t n = 0; n < u->identity_count; n++) {
		const struct zd_identity *i = &u->identities[n];

		if (policy_is_address(c, i) && is_mark(i))
			return true;
	}
	return false;
}

bool policy_has_other_identity(const struct policy_case *c,
			       const struct zd_user *u)
{
	if (!u->identities_known)
		return true;
	for (size_t n = 0; n < u->identity_count; n++)
		if (!policy_is_address(c, &u->identities[n]))
			return true;
	return false;
}

static bool is_owner(const struct policy_case *c, const struct zd_user *u)
{
	if (!u->active || (c->person && u->id == c->person->id))
		return false;
	if (policy_address_of(c, u))
		return true;
	return c->f->sunco.authenticated && policy_external_ids_equal(c, u);
}

/* Without the owners. */
static void case_start(struct policy_case *c, const struct facts *f,
		       const struct policy_rules *r)
{
	*c = (struct policy_case){.f = f, .r = r};
	if (f->has_messaging_user)
		c->person = &f->messaging_user;
	c->evidence = policy_evidence(&f->sunco, c->address);
	c->external_id = policy_external_id(f);
}

/*
 * Several owners are always a review; whoever approves it must know with
 * whom. So the order of the search hits must not matter: the same external
 * id first, then a proven address, then the older user.
 */
static bool speaks_more_for(const struct policy_case *c,
			    const struct zd_user *a, const struct zd_user *b)
{
	int rank_a = 2 * policy_external_ids_equal(c, a) +
		     policy_address_proven(c, a);
	int rank_b = 2 * policy_external_ids_equal(c, b) +
		     policy_address_proven(c, b);

	return rank_a != rank_b ? rank_a > rank_b : a->id < b->id;
}

static void find_owners(struct policy_case *c)
{
	const struct facts *f = c->f;

	if (f->profile_count == 0)
		return;
	c->owners = xcalloc(f->profile_count, sizeof(*c->owners));
	for (size_t i = 0; i < f->profile_count; i++) {
		const struct zd_user *u = &f->profiles[i];

		if (!is_owner(c, u))
			continue;
		c->owners[c->owner_count++] = u;
		if (!c->profile || speaks_more_for(c, u, c->profile))
			c->profile = u;
	}
}

void policy_case_init(struct policy_case *c, const struct facts *f,
		      const struct policy_rules *r)
{
	const struct zd_user *d = &f->displaced;

	case_start(c, f, r);
	find_owners(c);
	if (c->owner_count > 0 || !f->has_displaced || !d->active)
		return;
	if (c->person && c->person->id == d->id)
		return;
	c->displaced = d;
	c->profile = d;
}

void policy_case_release(struct policy_case *c)
{
	free(c->owners);
	c->owners = NULL;
}

bool policy_is_owner(const struct facts *f, const struct zd_user *u)
{
	struct policy_case c;

	case_start(&c, f, NULL);
	return is_owner(&c, u);
}

bool policy_holds_address(const struct facts *f)
{
	struct policy_case c;

	case_start(&c, f, NULL);
	return c.person && policy_address_of(&c, c.person);
}

bool policy_holds_external_id(const struct facts *f)
{
	struct policy_case c;

	case_start(&c, f, NULL);
	return c.person && policy_external_ids_equal(&c, c.person);
}
