/*
 * The plain case and its changes; see policy_kit.h.
 */
#include "policy_kit.h"

#include "base/str.h"

void kit_text(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

struct zd_user *kit_add_owner(struct kit *k, uint64_t id)
{
	struct zd_user u;
	struct zd_identity *i;

	zd_user_init(&u);
	u.id = id;
	i = zd_user_add_identity(&u, "email", KIT_ADDRESS);
	i->method = VERIFICATION_FULL;
	i->verified = true;
	facts_add_profile(&k->f, &u);
	zd_user_release(&u);
	return &k->f.profiles[k->f.profile_count - 1];
}

void kit_init(struct kit *k)
{
	memset(k, 0, sizeof(*k));
	facts_init(&k->f);
	policy_rules_default(&k->r);
	k->r.apply = APPLY_AUTO;
	str_copy(k->f.sunco.id, sizeof(k->f.sunco.id), KIT_SUNCO_ID);
	kit_evidence(k, EVIDENCE_VERIFIED);
	k->f.has_messaging_user = true;
	k->f.messaging_user.id = KIT_PERSON;
	kit_text(&k->f.messaging_user.name, "Mia Sand");
	zd_user_add_identity(&k->f.messaging_user, "messaging", KIT_SUNCO_ID);
	kit_add_owner(k, KIT_OWNER);
}

void kit_release(struct kit *k)
{
	facts_release(&k->f);
}

static void clear_conversation(struct sunco_user *u)
{
	struct sunco_user fresh;

	sunco_user_init(&fresh);
	str_copy(fresh.id, sizeof(fresh.id), u->id);
	fresh.external_id = xstrdup(u->external_id);
	fresh.brand_id = u->brand_id;
	sunco_user_release(u);
	*u = fresh;
}

void kit_evidence(struct kit *k, enum evidence e)
{
	struct sunco_user *u = &k->f.sunco;

	clear_conversation(u);
	u->authenticated = e >= EVIDENCE_AUTHENTICATED;
	if (e == EVIDENCE_VERIFIED)
		sunco_user_add_identity(u, "email", KIT_ADDRESS, "embed");
	else if (e != EVIDENCE_NONE)
		kit_text(&u->profile_email, KIT_ADDRESS);
}

struct zd_user *kit_owner(struct kit *k)
{
	return &k->f.profiles[0];
}

void kit_drop_owners(struct kit *k)
{
	for (size_t i = 0; i < k->f.profile_count; i++)
		zd_user_release(&k->f.profiles[i]);
	k->f.profile_count = 0;
}

void kit_method(struct kit *k, enum verification method, bool verified)
{
	kit_owner(k)->identities[0].method = method;
	kit_owner(k)->identities[0].verified = verified;
}

struct zd_user *kit_displace(struct kit *k)
{
	struct zd_user *d = &k->f.displaced;

	kit_drop_owners(k);
	k->f.has_displaced = true;
	d->id = KIT_OWNER;
	d->identities_known = true;
	d->proven_before_loss = true;
	d->coincides = true;
	k->r.recover_displaced = true;
	return d;
}

void kit_decide(struct kit *k)
{
	policy_decide(&k->f, &k->r, &k->d);
}

void kit_expect(struct kit *k, enum action action, enum reason reason, int rule)
{
	kit_decide(k);
	assert_string_equal(reason_code(k->d.reason), reason_code(reason));
	assert_string_equal(action_name(k->d.action), action_name(action));
	assert_int_equal(k->d.rule, rule);
	assert_true(k->d.reasons & REASON_BIT(reason));
}

void kit_expect_reasons(struct kit *k, reason_set reasons)
{
	kit_decide(k);
	assert_int_equal(k->d.reasons, reasons);
}

void kit_expect_steps(struct kit *k, const char *steps)
{
	char text[200] = "";

	kit_decide(k);
	for (size_t i = 0; i < k->d.step_count; i++) {
		strcat(text, i > 0 ? " " : "");
		strcat(text, step_name(k->d.steps[i]));
	}
	assert_string_equal(text, steps);
}
