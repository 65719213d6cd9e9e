/*
 * The values of the policy: words for its enums, default rules, making and
 * releasing facts. Nothing here decides.
 */
#include <stdlib.h>

#include "base/str.h"
#include "core/policy.h"

static const char *const evidence_names[] = {
	[EVIDENCE_NONE] = "none",
	[EVIDENCE_CLAIMED] = "claimed",
	[EVIDENCE_AUTHENTICATED] = "authenticated",
	[EVIDENCE_VERIFIED] = "verified",
};
static const char *const setting_names[] = {
	[EMAILS_VERIFIED_ONLY] = "verified_only",
	[EMAILS_VERIFIED_AND_UNVERIFIED] = "verified_and_unverified",
	[EMAILS_CLAIM_VERIFIED] = "claim_verified",
};
static const char *const apply_names[] = {
	[APPLY_OBSERVE] = "observe",
	[APPLY_REVIEW] = "review",
	[APPLY_AUTO] = "auto",
};
static const char *const action_names[] = {
	[ACTION_NONE] = "none",
	[ACTION_WAIT] = "wait",
	[ACTION_REFUSE] = "refuse",
	[ACTION_REVIEW] = "review",
	[ACTION_MERGE] = "merge",
	[ACTION_ADOPT] = "adopt",
	[ACTION_PAUSE] = "pause",
	[ACTION_RESUME] = "resume",
	[ACTION_CLOSE_BREAKER] = "close_breaker",
};
static const char *const step_names[STEP_COUNT] = {
	[STEP_RELEASE] = "release",	[STEP_MERGE] = "merge",
	[STEP_ADOPT] = "adopt",		[STEP_COMPLETE_NAME] = "complete_name",
	[STEP_READ_BACK] = "read_back", [STEP_PIN] = "pin",
	[STEP_VERIFY] = "verify",
};

static const char *name_of(const char *const *names, size_t count,
			   unsigned value)
{
	return value < count ? names[value] : "unknown";
}

static bool parse_name(const char *const *names, size_t count, const char *s,
		       unsigned *out)
{
	for (unsigned i = 0; i < count; i++) {
		if (!str_eq(s, names[i]))
			continue;
		*out = i;
		return true;
	}
	return false;
}

#define NAME_OF(names, v)  name_of((names), ARRAY_LEN(names), (unsigned)(v))
#define PARSE(names, s, v) parse_name((names), ARRAY_LEN(names), (s), (v))

const char *evidence_name(enum evidence e)
{
	return NAME_OF(evidence_names, e);
}

const char *email_identities_name(enum email_identities s)
{
	return NAME_OF(setting_names, s);
}

const char *apply_name(enum apply a)
{
	return NAME_OF(apply_names, a);
}

const char *action_name(enum action a)
{
	return NAME_OF(action_names, a);
}

bool action_is_act(enum action a)
{
	return a >= ACTION_PAUSE;
}

const char *step_name(enum step s)
{
	return NAME_OF(step_names, s);
}

bool evidence_parse(const char *s, enum evidence *out)
{
	unsigned v;

	if (!PARSE(evidence_names, s, &v))
		return false;
	*out = (enum evidence)v;
	return true;
}

bool email_identities_parse(const char *s, enum email_identities *out)
{
	unsigned v;

	if (!PARSE(setting_names, s, &v))
		return false;
	*out = (enum email_identities)v;
	return true;
}

bool apply_parse(const char *s, enum apply *out)
{
	unsigned v;

	if (!PARSE(apply_names, s, &v))
		return false;
	*out = (enum apply)v;
	return true;
}

bool action_parse(const char *s, enum action *out)
{
	unsigned v;

	if (!PARSE(action_names, s, &v))
		return false;
	*out = (enum action)v;
	return true;
}

void policy_rules_default(struct policy_rules *r)
{
	*r = (struct policy_rules){
		.email_identities = EMAILS_VERIFIED_ONLY,
		.link_evidence = EVIDENCE_VERIFIED,
		.apply = APPLY_OBSERVE,
		.max_merges_per_hour = 200,
		.max_merges_per_profile = 3,
		.complete_name = true,
	};
}

void facts_init(struct facts *f)
{
	*f = (struct facts){0};
	sunco_user_init(&f->sunco);
	zd_user_init(&f->messaging_user);
	zd_user_init(&f->displaced);
}

void facts_release(struct facts *f)
{
	sunco_user_release(&f->sunco);
	zd_user_release(&f->messaging_user);
	zd_user_release(&f->displaced);
	for (size_t i = 0; i < f->profile_count; i++)
		zd_user_release(&f->profiles[i]);
	free(f->profiles);
	for (size_t i = 0; i < f->deny_email_count; i++)
		free(f->deny_emails[i]);
	free(f->deny_emails);
	facts_init(f);
}

const struct zd_user *facts_profile(const struct facts *f, uint64_t id)
{
	for (size_t i = 0; i < f->profile_count; i++)
		if (f->profiles[i].id == id)
			return &f->profiles[i];
	return f->has_displaced && f->displaced.id == id ? &f->displaced : NULL;
}

void facts_add_profile(struct facts *f, const struct zd_user *u)
{
	for (size_t i = 0; i < f->profile_count; i++)
		if (f->profiles[i].id == u->id)
			return;
	f->profiles = xrealloc(f->profiles,
			       (f->profile_count + 1) * sizeof(*f->profiles));
	zd_user_copy(&f->profiles[f->profile_count++], u);
}
