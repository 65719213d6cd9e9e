/*
 * See policy_factors.h. Every setter sets its value whatever was there.
 */
#include "policy_factors.h"

#include "base/str.h"

/* ---- settings ---- */

void set_emails(struct kit *k, int v)
{
	k->r.email_identities = (enum email_identities)v;
}

void set_link(struct kit *k, int v)
{
	k->r.link_evidence = (enum evidence)(EVIDENCE_CLAIMED + v);
}

void set_apply(struct kit *k, int v)
{
	k->r.apply = (enum apply)v;
}

void set_recover(struct kit *k, int v)
{
	k->r.recover_displaced = v;
}

void set_verify(struct kit *k, int v)
{
	k->r.verify_profile_email = v;
}

void set_complete(struct kit *k, int v)
{
	k->r.complete_name = v;
}

/* ---- the conversation ---- */

static const struct brings {
	bool authenticated;
	const char *first, *first_by;
	const char *second, *second_by;
	const char *profile;
} brings[] = {
	/* the four kinds of evidence, in its order */
	{true, NULL, NULL, NULL, NULL, NULL},
	{false, NULL, NULL, NULL, NULL, KIT_ADDRESS},
	{true, NULL, NULL, NULL, NULL, KIT_ADDRESS},
	{true, KIT_ADDRESS, "embed", NULL, NULL, NULL},
	/* and what comes near them */
	{true, KIT_ADDRESS, "sso", NULL, NULL, NULL},
	{true, KIT_ADDRESS, "sms", NULL, NULL, KIT_ADDRESS},
	{true, KIT_ADDRESS, NULL, NULL, NULL, NULL},
	{true, KIT_ADDRESS, "embed", FACTOR_OTHER_ADDRESS, "embed", NULL},
	{true, KIT_ADDRESS, NULL, " MIA@Harbour.example ", "embed", NULL},
	{true, KIT_ADDRESS, "embed", NULL, NULL, FACTOR_OTHER_ADDRESS},
	{true, "no address", "embed", NULL, NULL, KIT_ADDRESS},
	{true, "no address", "embed", KIT_ADDRESS, "embed", NULL},
	{true, "no address", "embed", "none either", "sso", NULL},
	{true, NULL, NULL, NULL, NULL, "\tMia@HARBOUR.example\n"},
	{true, NULL, NULL, NULL, NULL, "m\303\255a@harbour.example"},
	{false, NULL, NULL, NULL, NULL, NULL},
	{false, KIT_ADDRESS, "embed", NULL, NULL, KIT_ADDRESS},
	{false, KIT_ADDRESS, "sso", FACTOR_OTHER_ADDRESS, NULL, NULL},
};

void set_brings(struct kit *k, int v)
{
	const struct brings *b = &brings[v];
	struct sunco_user *u = &k->f.sunco;

	kit_evidence(k, EVIDENCE_NONE);
	u->authenticated = b->authenticated;
	kit_text(&u->profile_email, b->profile);
	if (b->first)
		sunco_user_add_identity(u, "email", b->first, b->first_by);
	if (b->second)
		sunco_user_add_identity(u, "email", b->second, b->second_by);
}

void set_sunco_external(struct kit *k, int v)
{
	kit_text(&k->f.sunco.external_id, v ? "cust-7" : NULL);
}

void set_sunco_brand(struct kit *k, int v)
{
	k->f.sunco.brand_id = v ? 6 : 0;
}

void set_sunco_name(struct kit *k, int v)
{
	static const char *const given[] = {NULL, "Mia", NULL, " "};
	static const char *const surname[] = {NULL, NULL, "Sand", ""};

	kit_text(&k->f.sunco.given_name, given[v]);
	kit_text(&k->f.sunco.surname, surname[v]);
}

/* ---- the messaging user ---- */

static const char *const external_ids[] = {NULL, "CUST-7", "cust-8"};

void set_person_external(struct kit *k, int v)
{
	kit_text(&k->f.messaging_user.external_id, external_ids[v]);
}

/* Besides the conversation: nothing, the address, a phone number, both, an
 * earlier merge. */
void set_person_more(struct kit *k, int v)
{
	struct zd_user *u = &k->f.messaging_user;
	struct zd_user fresh;

	zd_user_init(&fresh);
	zd_user_add_identity(&fresh, "messaging", KIT_SUNCO_ID);
	if (v == 1 || v == 3)
		zd_user_add_identity(&fresh, "email", KIT_ADDRESS);
	if (v == 2 || v == 3)
		zd_user_add_identity(&fresh, "phone_number", "+1555");
	fresh.id = u->id;
	fresh.name = xstrdup(u->name);
	fresh.external_id = xstrdup(u->external_id);
	fresh.survived_merge = v == 4;
	zd_user_release(u);
	*u = fresh;
}

/* There, missing, not active, without this conversation. */
void set_person_state(struct kit *k, int v)
{
	k->f.has_messaging_user = v != 1;
	k->f.messaging_user.active = v != 2;
	kit_text(&k->f.messaging_user.identities[0].value,
		 v == 3 ? "c0ffee0123456789abcdef99" : KIT_SUNCO_ID);
}

void set_person_role(struct kit *k, int v)
{
	k->f.messaging_user.role = v ? ZD_ROLE_OTHER : ZD_ROLE_END_USER;
}

void set_person_suspended(struct kit *k, int v)
{
	k->f.messaging_user.suspended = v;
}

void set_person_shared(struct kit *k, int v)
{
	k->f.messaging_user.shared = v;
}

void set_person_survived(struct kit *k, int v)
{
	k->f.messaging_user.survived_merge = v;
}

void set_person_name(struct kit *k, int v)
{
	static const char *const names[] = {"Mia Sand", NULL, "Visitor 12",
					    "Web User 65f0"};

	kit_text(&k->f.messaging_user.name, names[v]);
}

/* ---- the other user: an owner, or the displaced profile ---- */

static struct zd_user *other(struct kit *k)
{
	return k->f.has_displaced ? &k->f.displaced : kit_owner(k);
}

/* Not the address; or it, by every method and flag. */
static void set_address(struct zd_user *u, int v)
{
	struct zd_identity *i = &u->identities[0];

	kit_text(&i->value,
		 v == 0 ? FACTOR_OTHER_ADDRESS : " Mia@harbour.example");
	i->method =
		v == 0 ? VERIFICATION_FULL : (enum verification)((v - 1) / 2);
	i->verified = v == 0 || (v - 1) % 2 == 1;
}

void set_other_address(struct kit *k, int v)
{
	set_address(other(k), v);
}

/* Unproved, or proved in full. */
void set_other_proof(struct kit *k, int v)
{
	set_address(other(k), v ? ADDRESSES - 3 : 3);
}

void set_other_external(struct kit *k, int v)
{
	kit_text(&other(k)->external_id, external_ids[v]);
}

/* Nothing more; a phone number; identities that are not known; the address
 * once more, unproved or proved. */
static void set_more(struct zd_user *u, int v)
{
	struct zd_identity *i;

	while (u->identity_count > 1) {
		i = &u->identities[--u->identity_count];
		free(i->type);
		free(i->value);
	}
	if (v == 1)
		zd_user_add_identity(u, "phone_number", "+1666");
	if (v >= 3) {
		i = zd_user_add_identity(u, "email", KIT_ADDRESS);
		i->verified = v == 4;
		i->method = v == 4 ? VERIFICATION_FULL : VERIFICATION_NONE;
	}
	u->identities_known = v != 2;
}

void set_other_more(struct kit *k, int v)
{
	set_more(other(k), v);
}

void set_other_role(struct kit *k, int v)
{
	other(k)->role = v ? ZD_ROLE_AGENT : ZD_ROLE_END_USER;
}

void set_other_active(struct kit *k, int v)
{
	other(k)->active = !v;
}

void set_other_suspended(struct kit *k, int v)
{
	other(k)->suspended = v;
}

void set_other_shared(struct kit *k, int v)
{
	other(k)->shared = v;
}

void set_other_brand(struct kit *k, int v)
{
	other(k)->brand_id = v ? 5 : 0;
}

void set_other_organization(struct kit *k, int v)
{
	k->f.messaging_user.organization_id = v > 0 ? 41 : 0;
	other(k)->organization_id = v > 0 ? 40 + (uint64_t)v : 7;
}

void set_proven_before(struct kit *k, int v)
{
	k->f.displaced.proven_before_loss = v;
}

void set_coincides(struct kit *k, int v)
{
	k->f.displaced.coincides = v;
}

/* ---- two owners, each of a class ---- */

static void set_class(struct zd_user *u, int v)
{
	static const int addresses[] = {0, 3, ADDRESSES - 3};

	set_address(u, addresses[v % 3]);
	kit_text(&u->external_id, external_ids[v / 3 % 3]);
	set_more(u, v / 9 % 2);
	u->suspended = v / 18 % 2;
	u->role = v / 36 ? ZD_ROLE_ADMIN : ZD_ROLE_END_USER;
}

void set_first_class(struct kit *k, int v)
{
	set_class(&k->f.profiles[0], v);
}

void set_second_class(struct kit *k, int v)
{
	set_class(&k->f.profiles[1], v);
}

/* ---- the case ---- */

void set_denied(struct kit *k, int v)
{
	static const char *const patterns[] = {"m*@harbour.*"};

	k->r.deny_emails = patterns;
	k->r.deny_email_count = v ? 1 : 0;
}

void set_rejected(struct kit *k, int v)
{
	k->f.history.rejected = v;
}

void set_searched(struct kit *k, int v)
{
	k->f.history.searched_twice = v;
}

void set_surge(struct kit *k, int v)
{
	k->f.history.merges_this_hour = v ? 200 : 199;
}

void set_fan_in(struct kit *k, int v)
{
	k->f.history.merges_into_profile_today = v ? 3 : 2;
}

void set_backfill(struct kit *k, int v)
{
	k->f.history.backfill = v;
}

/* Nothing, everything, one reason, all but one. */
void set_waived(struct kit *k, int v)
{
	reason_set *w = &k->f.history.waived;

	if (v < 2)
		*w = v ? ~(reason_set)0 : 0;
	else if (v % 2 == 0)
		*w = REASON_BIT((v - 2) / 2);
	else
		*w = ~REASON_BIT((v - 2) / 2);
}

/* Nothing, or what an approval of a pin names. */
void set_pin_named(struct kit *k, int v)
{
	k->f.history.waived = v ? REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED) : 0;
}

static void set_organizations_differ(struct kit *k, int v)
{
	set_other_organization(k, v ? 2 : 0);
}

/* One thing that is special, or nothing (0). */
static void (*const specials[])(struct kit *k, int v) = {
	set_person_role,     set_person_suspended,
	set_person_shared,   set_person_survived,
	set_other_role,	     set_other_active,
	set_other_suspended, set_other_shared,
	set_other_brand,     set_denied,
	set_rejected,	     set_searched,
	set_surge,	     set_fan_in,
	set_sunco_brand,     set_organizations_differ,
};
void set_special(struct kit *k, int v)
{
	for (int i = 0; i + 1 < SPECIALS; i++)
		specials[i](k, i + 1 == v);
}

_Static_assert(ARRAY_LEN(brings) == BRINGS, "counted");
_Static_assert(ARRAY_LEN(specials) + 1 == SPECIALS, "counted");
