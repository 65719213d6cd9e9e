/*
 * The two tables "What Zendesk does by itself, and what is left to do", one
 * named case a row (and a setting, where a row has several).
 */
#include "base/str.h"
#include "policy_kit.h"

enum { VO = 1, BOTH = 2, CLAIM = 4, ALL = 7 };

/* Who has the address, besides the conversation's user. */
enum owner {
	NOBODY,
	SELF,
	SELF_OTHER,	 /* it has another address; nobody has this one */
	VERIFIED,	 /* another profile, proven */
	UNVERIFIED,	 /* another profile, not proven */
	DISPLACED,	 /* another profile had it */
	EXTERNAL_ID_USER /* another profile has the external id, too */
};

static const struct outcome {
	const char *name;
	unsigned settings;
	bool authenticated;
	enum evidence evidence; /* what the conversation brings */
	enum owner owner;
	enum evidence link_evidence;
	enum action action;
	enum reason reason;
	const char *zendesk; /* a part of what it says */
} outcomes[] = {
	/* authenticated, all three settings alike */
	{"the external id's user has the verified address", ALL, true,
	 EVIDENCE_VERIFIED, SELF, EVIDENCE_VERIFIED, ACTION_NONE,
	 REASON_ALREADY_LINKED, "has the verified address"},
	{"the external id's user had none: it was added", ALL, true,
	 EVIDENCE_VERIFIED, SELF, EVIDENCE_VERIFIED, ACTION_NONE,
	 REASON_ALREADY_LINKED, "links by external id"},
	{"it was not added: adopt", ALL, true, EVIDENCE_VERIFIED, NOBODY,
	 EVIDENCE_VERIFIED, ACTION_ADOPT, REASON_NO_PROFILE,
	 "adds the verified address"},
	{"the external id's user took it from a profile", ALL, true,
	 EVIDENCE_VERIFIED, DISPLACED, EVIDENCE_VERIFIED, ACTION_REVIEW,
	 REASON_DISPLACED_PROFILE, "takes the address away"},
	{"the external id's user has another address", ALL, true,
	 EVIDENCE_VERIFIED, SELF_OTHER, EVIDENCE_VERIFIED, ACTION_REVIEW,
	 REASON_MESSAGING_USER_ESTABLISHED, "leaves the user's other address"},
	{"a new user with address and external id", ALL, true,
	 EVIDENCE_VERIFIED, SELF, EVIDENCE_VERIFIED, ACTION_NONE,
	 REASON_ALREADY_LINKED, "makes a new user"},
	{"a new user took the address from a profile", ALL, true,
	 EVIDENCE_VERIFIED, DISPLACED, EVIDENCE_AUTHENTICATED, ACTION_REVIEW,
	 REASON_DISPLACED_PROFILE, "takes the address away"},
	{"a verified profile kept its address", VO, true, EVIDENCE_VERIFIED,
	 VERIFIED, EVIDENCE_VERIFIED, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED,
	 "the duplicate stays"},
	{"a verified profile kept its address, sources differ", BOTH, true,
	 EVIDENCE_VERIFIED, VERIFIED, EVIDENCE_VERIFIED, ACTION_MERGE,
	 REASON_EMAIL_MATCH_VERIFIED, "only from an unverified profile"},
	{"a verified profile kept its address, the page differs with itself",
	 CLAIM, true, EVIDENCE_VERIFIED, VERIFIED, EVIDENCE_VERIFIED,
	 ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED,
	 "says in one place that here it does not"},
	{"an unverified profile kept its address", ALL, true, EVIDENCE_VERIFIED,
	 UNVERIFIED, EVIDENCE_VERIFIED, ACTION_MERGE,
	 REASON_EMAIL_MATCH_VERIFIED, "takes the address from the profile"},
	{"a second user in spite of the external id", ALL, true,
	 EVIDENCE_VERIFIED, EXTERNAL_ID_USER, EVIDENCE_VERIFIED, ACTION_MERGE,
	 REASON_EXTERNAL_ID_MATCH, "a second user created all the same"},
	{"the same with an address nobody vouches for", ALL, true,
	 EVIDENCE_AUTHENTICATED, EXTERNAL_ID_USER, EVIDENCE_VERIFIED,
	 ACTION_MERGE, REASON_EXTERNAL_ID_MATCH,
	 "a second user created all the same"},
	{"the same without an address", ALL, true, EVIDENCE_NONE,
	 EXTERNAL_ID_USER, EVIDENCE_VERIFIED, ACTION_MERGE,
	 REASON_EXTERNAL_ID_MATCH, "a second user created all the same"},
	{"an unverified claim that nobody owns", ALL, true,
	 EVIDENCE_AUTHENTICATED, NOBODY, EVIDENCE_VERIFIED, ACTION_WAIT,
	 REASON_EMAIL_NOT_VERIFIED, "leaves the address out"},
	{"adopted on authenticated evidence", BOTH | CLAIM, true,
	 EVIDENCE_AUTHENTICATED, NOBODY, EVIDENCE_AUTHENTICATED, ACTION_ADOPT,
	 REASON_NO_PROFILE, "leaves the address out"},
	{"but not where only verified addresses count", VO, true,
	 EVIDENCE_AUTHENTICATED, NOBODY, EVIDENCE_AUTHENTICATED, ACTION_WAIT,
	 REASON_EMAIL_NOT_VERIFIED, "leaves the address out"},
	{"the duplicate everyone complains about", ALL, true,
	 EVIDENCE_AUTHENTICATED, VERIFIED, EVIDENCE_VERIFIED, ACTION_REVIEW,
	 REASON_EMAIL_NOT_VERIFIED, "a duplicate of the profile"},
	{"the same, with authenticated evidence trusted", ALL, true,
	 EVIDENCE_AUTHENTICATED, VERIFIED, EVIDENCE_AUTHENTICATED, ACTION_MERGE,
	 REASON_EMAIL_MATCH_AUTHENTICATED, "a duplicate of the profile"},
	{"no address at all", ALL, true, EVIDENCE_NONE, NOBODY,
	 EVIDENCE_VERIFIED, ACTION_WAIT, REASON_NO_EMAIL,
	 "there is no address"},
	/* not authenticated, address typed */
	{"verified only, a verified profile", VO, false, EVIDENCE_CLAIMED,
	 VERIFIED, EVIDENCE_CLAIMED, ACTION_REVIEW,
	 REASON_VERIFIED_PROFILE_PROTECTED, "for every conversation"},
	{"verified only, an unverified profile", VO, false, EVIDENCE_CLAIMED,
	 UNVERIFIED, EVIDENCE_CLAIMED, ACTION_REVIEW,
	 REASON_UNAUTHENTICATED_EMAIL, "for every conversation"},
	{"verified only, nobody", VO, false, EVIDENCE_CLAIMED, NOBODY,
	 EVIDENCE_CLAIMED, ACTION_WAIT, REASON_EMAIL_NOT_VERIFIED,
	 "for every conversation"},
	{"both, a verified profile", BOTH, false, EVIDENCE_CLAIMED, VERIFIED,
	 EVIDENCE_CLAIMED, ACTION_REVIEW, REASON_VERIFIED_PROFILE_PROTECTED,
	 "since the profile's is verified"},
	{"both, an unverified profile, linked", BOTH, false, EVIDENCE_CLAIMED,
	 SELF, EVIDENCE_VERIFIED, ACTION_NONE, REASON_ALREADY_LINKED,
	 "typed address, unverified"},
	{"both, an unverified profile, not linked", BOTH, false,
	 EVIDENCE_CLAIMED, UNVERIFIED, EVIDENCE_VERIFIED, ACTION_REVIEW,
	 REASON_UNAUTHENTICATED_EMAIL, "with this unverified address"},
	{"both, an unverified profile, claims trusted", BOTH, false,
	 EVIDENCE_CLAIMED, UNVERIFIED, EVIDENCE_CLAIMED, ACTION_MERGE,
	 REASON_EMAIL_MATCH_CLAIMED, "with this unverified address"},
	{"both, nobody", BOTH, false, EVIDENCE_CLAIMED, SELF, EVIDENCE_VERIFIED,
	 ACTION_NONE, REASON_ALREADY_LINKED, "a new user with the typed"},
	{"claims, any profile, linked", CLAIM, false, EVIDENCE_CLAIMED, SELF,
	 EVIDENCE_VERIFIED, ACTION_NONE, REASON_ALREADY_LINKED,
	 "typed address, unverified"},
	{"claims, a verified profile, not linked", CLAIM, false,
	 EVIDENCE_CLAIMED, VERIFIED, EVIDENCE_VERIFIED, ACTION_REVIEW,
	 REASON_UNAUTHENTICATED_EMAIL, "though its address is verified"},
	{"claims, a verified profile, claims trusted", CLAIM, false,
	 EVIDENCE_CLAIMED, VERIFIED, EVIDENCE_CLAIMED, ACTION_MERGE,
	 REASON_EMAIL_MATCH_CLAIMED, "though its address is verified"},
	{"claims, an unverified profile, claims trusted", CLAIM, false,
	 EVIDENCE_CLAIMED, UNVERIFIED, EVIDENCE_CLAIMED, ACTION_MERGE,
	 REASON_EMAIL_MATCH_CLAIMED, "with this unverified address"},
	{"claims, nobody", CLAIM, false, EVIDENCE_CLAIMED, SELF,
	 EVIDENCE_VERIFIED, ACTION_NONE, REASON_ALREADY_LINKED,
	 "a new user with the typed"},
	{"no address typed", ALL, false, EVIDENCE_NONE, NOBODY,
	 EVIDENCE_CLAIMED, ACTION_WAIT, REASON_NO_EMAIL,
	 "for the conversation; there is no address"},
};

static void set_owner(struct kit *k, enum owner owner)
{
	struct zd_user *person = &k->f.messaging_user;

	if (owner == UNVERIFIED)
		kit_method(k, VERIFICATION_NONE, false);
	if (owner == EXTERNAL_ID_USER) {
		kit_text(&k->f.sunco.external_id, "cust-7");
		kit_text(&kit_owner(k)->external_id, "cust-7");
	}
	if (owner == SELF)
		zd_user_add_identity(person, "email", KIT_ADDRESS);
	if (owner == SELF_OTHER)
		zd_user_add_identity(person, "email", "m@harbour.example");
	if (owner == DISPLACED) {
		kit_displace(k);
		k->r.recover_displaced = false;
	}
	if (owner == SELF || owner == SELF_OTHER || owner == NOBODY)
		kit_drop_owners(k);
}

static void check(const struct outcome *o, enum email_identities setting)
{
	const char *zendesk;
	struct kit k;

	kit_init(&k);
	k.r.email_identities = setting;
	k.r.link_evidence = o->link_evidence;
	kit_evidence(&k, o->evidence);
	k.f.sunco.authenticated = o->authenticated;
	set_owner(&k, o->owner);
	kit_decide(&k);
	zendesk = policy_zendesk_does(&k.f, &k.r);
	if (k.d.action != o->action || k.d.reason != o->reason)
		fail_msg("%s (%s): %s, %s", o->name,
			 email_identities_name(setting),
			 action_name(k.d.action), reason_code(k.d.reason));
	if (!strstr(zendesk, o->zendesk))
		fail_msg("%s (%s): %s", o->name, email_identities_name(setting),
			 zendesk);
	kit_release(&k);
}

static void every_row_has_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		for (int s = 0; s <= EMAILS_CLAIM_VERIFIED; s++)
			if (outcomes[i].settings & (1U << s))
				check(&outcomes[i], (enum email_identities)s);
}

static void a_displaced_profile_may_be_recovered(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_displace(&k);
	zd_user_add_identity(&k.f.messaging_user, "email", KIT_ADDRESS);
	kit_expect(&k, ACTION_MERGE, REASON_DISPLACED_PROFILE, 0);
	kit_release(&k);
}

static void expect_sentence(const struct kit *k)
{
	const char *text = policy_zendesk_does(&k->f, &k->r);

	assert_true(str_starts(text, "Zendesk "));
	assert_null(strpbrk(text, "_\n"));
}

/* In every setting, before and after the user is there. */
static void expect_sentences(enum evidence e, enum owner o, bool authenticated)
{
	struct kit k;

	kit_init(&k);
	kit_evidence(&k, e);
	k.f.sunco.authenticated = authenticated;
	set_owner(&k, o);
	for (int i = 0; i < 2 * (EMAILS_CLAIM_VERIFIED + 1); i++) {
		k.r.email_identities = (enum email_identities)(i / 2);
		k.f.has_messaging_user = i % 2;
		expect_sentence(&k);
	}
	kit_release(&k);
}

static void zendesk_always_does_something(void **state)
{
	(void)state;
	for (int e = 0; e <= EVIDENCE_VERIFIED; e++)
		for (int o = NOBODY; o <= EXTERNAL_ID_USER; o++) {
			expect_sentences((enum evidence)e, (enum owner)o, true);
			expect_sentences((enum evidence)e, (enum owner)o,
					 false);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_has_its_outcome),
		cmocka_unit_test(a_displaced_profile_may_be_recovered),
		cmocka_unit_test(zendesk_always_does_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
