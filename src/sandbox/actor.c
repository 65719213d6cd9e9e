/*
 * The platforms' own doing, row by row: see actor.h.
 *
 * Invariants: one messaging identity per SunCo id; no address and no external
 * id is ever held by two active users of one brand.
 */
#include "sandbox/actor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "sandbox/account.h"

#define TRANSCRIPT_MAX 65536

/* ---- SunCo ---- */

static void set_profile_name(struct sun_user *u, const char *name)
{
	const char *space;

	if (str_is_empty(name))
		return;
	space = strchr(name, ' ');
	free(u->given_name);
	u->given_name =
		space ? xstrndup(name, (size_t)(space - name)) : xstrdup(name);
	state_user_set_text(&u->surname, space ? space + 1 : NULL);
}

static bool has_email(const struct sun_user *u, const char *email)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (str_eq(u->identities[i].type, "email") &&
		    str_eq_nocase(u->identities[i].value, email))
			return true;
	}
	return false;
}

static void sun_sign_in(struct account *a, struct sun_user *u,
			const struct actor_person *p)
{
	u->authenticated = true;
	u->zendesk_id =
		p->help_center_user ? p->help_center_user : u->zendesk_id;
	if (p->external_id && !str_eq(u->external_id, p->external_id))
		state_sun_set_external_id(a->state, u, p->external_id);
	set_profile_name(u, p->name);
	if (!p->email)
		return;
	state_user_set_text(&u->email, p->email);
	if (p->email_verified && !has_email(u, p->email)) {
		state_sun_drop_emails(a->state, u, NULL);
		state_sun_add_identity(a->state, u, "email", p->email,
				       p->verification ? p->verification
						       : "embed");
	}
}

/* The verified address is an identity of somebody with another external id. */
static bool conflicts(const struct account *a, const struct actor_person *p)
{
	const struct sun_user *other;

	if (!a->settings.reject_conflicting_jwt || !p->email ||
	    !p->email_verified)
		return false;
	for (size_t n = 0;
	     (other = state_sun_by_address(a->state, p->email, n)); n++) {
		if (other->brand_id == p->brand_id &&
		    !str_eq(other->external_id, p->external_id))
			return true;
	}
	return false;
}

static struct sun_user *sun_new(struct account *a, const struct actor_person *p,
				int64_t now_ms)
{
	struct sun_user *u = state_sun_add(a->state, NULL, now_ms);

	u->brand_id = p->brand_id;
	return u;
}

struct sun_user *actor_arrive(struct account *a, struct sun_user *known,
			      const struct actor_person *p, int64_t now_ms,
			      enum actor_login *login)
{
	struct sun_user *u = known;

	*login = ACTOR_NOT_SIGNED_IN;
	if (p->signed_in && conflicts(a, p)) {
		*login = ACTOR_REJECTED;
	} else if (p->signed_in) {
		*login = ACTOR_SIGNED_IN;
		if (p->external_id)
			u = state_sun_by_external_id(a->state, p->external_id,
						     p->brand_id);
		if (!u)
			u = known ? known : sun_new(a, p, now_ms);
		sun_sign_in(a, u, p);
	}
	return u ? u : sun_new(a, p, now_ms);
}

void actor_type(struct account *a, struct conversation *c,
		const struct actor_person *p)
{
	if (p->email)
		state_user_set_text(&c->typed_email, p->email);
	if (p->name)
		state_user_set_text(&c->typed_name, p->name);
	set_profile_name(c->user, p->name);
	if (p->email && a->settings.typed_email_in_profile)
		state_user_set_text(&c->user->email, p->email);
}

struct conversation *actor_start(struct account *a, struct sun_user *u,
				 const struct actor_person *p)
{
	struct conversation *c = state_conversation_add(a->state, u);

	if (!p->signed_in)
		actor_type(a, c, p);
	return c;
}

/* ---- Zendesk ---- */

/* What became known about a conversation's person. */
struct known {
	const char *external_id;
	const char *email; /* verified, if signed in; else typed */
	char *name;	   /* *new* */
	bool signed_in;
};

static struct known known_of(const struct account *a,
			     const struct conversation *c)
{
	const struct sun_user *u = c->user;
	struct known k = {.signed_in = u->authenticated};
	bool named = a->settings.jwt_name && u->given_name;
	char name[512];

	if (!u->authenticated) {
		k.email = c->typed_email;
		named = c->typed_name != NULL;
	} else {
		k.external_id = u->external_id;
		for (size_t i = 0; i < u->identity_count && !k.email; i++) {
			if (str_eq(u->identities[i].type, "email"))
				k.email = u->identities[i].value;
		}
	}
	if (!named)
		snprintf(name, sizeof(name), "Web User %s", u->id);
	else if (!u->authenticated)
		snprintf(name, sizeof(name), "%s", c->typed_name);
	else
		snprintf(name, sizeof(name), "%s%s%s", u->given_name,
			 u->surname ? " " : "", u->surname ? u->surname : "");
	k.name = xstrdup(name);
	return k;
}

static void link_user(struct account *a, struct zen_user *u,
		      const struct sun_user *sun, int64_t now_ms)
{
	struct zen_identity *i =
		state_identity_add(a->state, u, "messaging", sun->id, now_ms);

	state_identity_verify(a->state, i, true, NULL, now_ms);
}

static void prove(struct account *a, struct zen_identity *i, int64_t now_ms)
{
	state_identity_verify(a->state, i, true, "embed", now_ms);
}

static void add_proven(struct account *a, struct zen_user *u, const char *email,
		       int64_t now_ms)
{
	prove(a, state_identity_add(a->state, u, "email", email, now_ms),
	      now_ms);
}

/* One loses it, the other gains a new one. */
static void take_address(struct account *a, struct zen_user *from,
			 struct zen_user *to, const char *email, int64_t now_ms)
{
	state_identity_remove(
		a->state, state_identity_named(from, "email", email), now_ms);
	add_proven(a, to, email, now_ms);
}

/* The external id found u; the address is verified. */
static void settle_address(struct account *a, struct zen_user *u,
			   const char *email, int64_t now_ms)
{
	struct zen_identity *own = state_identity_named(u, "email", email);
	struct zen_user *owner;

	if (own && !own->verified)
		prove(a, own, now_ms);
	if (own || state_identity_count(u, "email") > 0)
		return;
	owner = state_user_by_address(a->state, email, u->brand_id);
	if (owner)
		take_address(a, owner, u, email, now_ms);
	else
		add_proven(a, u, email, now_ms);
}

static enum actor_way way_of(const struct account *a, enum actor_way way)
{
	const char *set = a->settings.verified_email_owner;

	if (way != ACTOR_AUTO)
		return way;
	if (str_eq(set, "link"))
		return ACTOR_LINK;
	return str_eq(set, "duplicate") ? ACTOR_DUPLICATE : ACTOR_TAKE;
}

/* May a new user take the address of its owner? */
static bool may_take(const struct account *a, const struct zen_user *owner,
		     const char *email, enum actor_way way)
{
	const struct zen_identity *i =
		state_identity_named(owner, "email", email);

	if (way == ACTOR_TAKE)
		return true;
	return way_of(a, way) == ACTOR_TAKE &&
	       (!i->verified || !str_eq(a->settings.email_identities,
					"verified_and_unverified"));
}

static void gain_address(struct account *a, struct zen_user *u,
			 const char *email, enum actor_way way, int64_t now_ms)
{
	struct zen_user *owner =
		state_user_by_address(a->state, email, u->brand_id);

	if (owner == u)
		settle_address(a, u, email, now_ms);
	else if (!owner)
		add_proven(a, u, email, now_ms);
	else if (may_take(a, owner, email, way))
		take_address(a, owner, u, email, now_ms);
}

static void gain_external_id(struct account *a, struct zen_user *u,
			     const char *external_id, int64_t now_ms)
{
	if (!external_id || u->external_id ||
	    state_user_by_external_id(a->state, external_id, u->brand_id) ||
	    state_external_id_reserved(a->state, external_id, now_ms))
		return;
	state_user_set_external_id(a->state, u, external_id, now_ms);
}

static struct zen_user *new_user(struct account *a,
				 const struct conversation *c,
				 const struct known *k, int64_t now_ms)
{
	struct zen_user *u = state_user_add(a->state, 0, k->name, now_ms);

	u->brand_id = c->user->brand_id;
	link_user(a, u, c->user, now_ms);
	return u;
}

static struct zen_user *find_signed_in(struct account *a,
				       const struct conversation *c,
				       const struct known *k,
				       enum actor_way way, int64_t now_ms)
{
	uint64_t brand_id = c->user->brand_id;
	struct zen_user *u = NULL;

	if (c->user->zendesk_id)
		u = state_user(a->state, c->user->zendesk_id);
	if (u && u->active)
		return u;
	u = k->external_id ? state_user_by_external_id(a->state, k->external_id,
						       brand_id)
			   : NULL;
	if (u && k->email)
		settle_address(a, u, k->email, now_ms);
	if (!u && k->email && way_of(a, way) == ACTOR_LINK)
		u = state_user_by_address(a->state, k->email, brand_id);
	return u;
}

static struct zen_user *resolve_signed_in(struct account *a,
					  const struct conversation *c,
					  const struct known *k,
					  enum actor_way way, int64_t now_ms)
{
	struct zen_user *u = NULL;

	if (way != ACTOR_DUPLICATE)
		u = find_signed_in(a, c, k, way, now_ms);
	if (u) {
		link_user(a, u, c->user, now_ms);
		return u;
	}
	u = new_user(a, c, k, now_ms);
	gain_external_id(a, u, k->external_id, now_ms);
	if (k->email && way != ACTOR_DUPLICATE)
		gain_address(a, u, k->email, way, now_ms);
	return u;
}

/* Whom a typed address finds: the settings differ here. */
static struct zen_user *typed_owner(struct account *a, const char *email,
				    uint64_t brand_id)
{
	struct zen_user *owner =
		state_user_by_address(a->state, email, brand_id);
	const char *set = a->settings.email_identities;
	const struct zen_identity *i;

	if (!owner || str_eq(set, "verified_only"))
		return NULL;
	i = state_identity_named(owner, "email", email);
	return i->verified && !str_eq(set, "claim_verified") ? NULL : owner;
}

static struct zen_user *resolve_typed(struct account *a,
				      const struct conversation *c,
				      const struct known *k, enum actor_way way,
				      int64_t now_ms)
{
	uint64_t brand_id = c->user->brand_id;
	struct zen_user *u = NULL;

	if (k->email && way != ACTOR_DUPLICATE)
		u = typed_owner(a, k->email, brand_id);
	if (u) {
		link_user(a, u, c->user, now_ms);
		return u;
	}
	u = new_user(a, c, k, now_ms);
	if (k->email && way != ACTOR_DUPLICATE &&
	    !str_eq(a->settings.email_identities, "verified_only") &&
	    !state_user_by_address(a->state, k->email, brand_id))
		state_identity_add(a->state, u, "email", k->email, now_ms);
	return u;
}

/* The messaging user that is there already learns who it is. */
static void upgrade(struct account *a, struct zen_user *u,
		    const struct known *k, int64_t now_ms)
{
	if (!k->signed_in)
		return;
	gain_external_id(a, u, k->external_id, now_ms);
	if (k->email && (state_identity_named(u, "email", k->email) ||
			 state_identity_count(u, "email") == 0))
		gain_address(a, u, k->email, ACTOR_AUTO, now_ms);
}

static struct zen_user *resolve(struct account *a, const struct conversation *c,
				enum actor_way way, int64_t now_ms)
{
	struct zen_user *u = state_user_by_messaging(a->state, c->user->id);
	struct known k = known_of(a, c);

	if (u)
		upgrade(a, u, &k, now_ms);
	else if (k.signed_in)
		u = resolve_signed_in(a, c, &k, way, now_ms);
	else
		u = resolve_typed(a, c, &k, way, now_ms);
	free(k.name);
	return u;
}

/* What the form collected is in the ticket, whatever becomes of it. */
static void add_transcript(struct zen_ticket *t, const struct conversation *c,
			   int64_t now_ms)
{
	struct buf text;

	if (!c->typed_email && !c->typed_name)
		return;
	buf_init(&text, TRANSCRIPT_MAX);
	if (c->typed_name)
		buf_printf(&text, "Name: %s\n", c->typed_name);
	if (c->typed_email)
		buf_printf(&text, "Email: %s\n", c->typed_email);
	state_ticket_comment(t, text.data, true, t->requester_id, now_ms);
	buf_release(&text);
}

struct zen_user *actor_hand_off(struct account *a, struct conversation *c,
				enum actor_way way, const char *subject,
				int64_t now_ms)
{
	struct zen_ticket *t = state_ticket(a->state, c->ticket_id);
	struct zen_user *u;

	if (t)
		return state_user(a->state, t->requester_id);
	u = resolve(a, c, way, now_ms);
	t = state_ticket_add(a->state, 0, u, now_ms);
	t->conversation_id = xstrdup(c->id);
	add_transcript(t, c, now_ms);
	if (subject)
		state_user_set_text(&t->subject, subject);
	c->ticket_id = t->id;
	if (a->settings.zendesk_id_on_hand_off && !c->user->zendesk_id)
		c->user->zendesk_id = u->id;
	return u;
}

/* ---- a login in the middle ---- */

/* Zendesk's side of SunCo's merge of from into c->user. */
static void follow_merge(struct account *a, const struct conversation *c,
			 const struct sun_user *from, int64_t now_ms)
{
	const struct merge_rules rules = {.by = "zendesk"};
	struct zen_user *old = state_user_by_messaging(a->state, from->id);
	struct zen_user *into = state_user_by_messaging(a->state, c->user->id);
	struct zen_identity *i;

	if (!old || old == into || a->settings.multi_conversation)
		return;
	if (into) {
		state_user_merge(a->state, old, into, &rules, now_ms);
		return;
	}
	i = state_identity_named(old, "messaging", from->id);
	state_identity_set_value(a->state, i, c->user->id, now_ms);
}

enum actor_login actor_sign_in(struct account *a, struct conversation *c,
			       const struct actor_person *p, int64_t now_ms,
			       struct sun_user **discarded)
{
	struct sun_user *known = NULL;
	struct sun_user *former = c->user;

	*discarded = NULL;
	if (conflicts(a, p))
		return ACTOR_REJECTED;
	if (p->external_id)
		known = state_sun_by_external_id(a->state, p->external_id,
						 p->brand_id);
	if (!known || known == former) {
		sun_sign_in(a, former, p);
		if (state_user_by_messaging(a->state, former->id))
			resolve(a, c, ACTOR_AUTO, now_ms);
		return ACTOR_SIGNED_IN;
	}
	state_sun_retire(a->state, former, known);
	sun_sign_in(a, known, p);
	follow_merge(a, c, former, now_ms);
	*discarded = former;
	return ACTOR_MERGED;
}
