/*
 * Stage 4: rules 12 to 24, each with its nearest neighbour that does not
 * match, and all of them together.
 */
#include "base/str.h"
#include "policy_kit.h"

static struct kit kit;

static int start(void **state)
{
	(void)state;
	kit_init(&kit);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	kit_release(&kit);
	return 0;
}

/* This rule alone asks for a person, and what would be done stays known. */
static void expect_only(enum reason reason, int rule)
{
	kit_expect(&kit, ACTION_REVIEW, reason, rule);
	assert_int_equal(kit.d.reasons, REASON_BIT(reason));
	assert_false(kit.d.applied);
	assert_true(kit.d.intended == ACTION_MERGE ||
		    kit.d.intended == ACTION_ADOPT);
}

static void expect_merge(enum reason reason)
{
	kit_expect(&kit, ACTION_MERGE, reason, 0);
	assert_int_equal(kit.d.reasons, REASON_BIT(reason));
}

static void expect_plain_merge(void)
{
	expect_merge(REASON_EMAIL_MATCH_VERIFIED);
}

static void share_external_id(void)
{
	kit_text(&kit.f.sunco.external_id, "cust-7");
	kit_text(&kit_owner(&kit)->external_id, "CUST-7");
}

static void rule_12_several_owners(void **state)
{
	(void)state;
	kit_add_owner(&kit, KIT_SECOND);
	expect_only(REASON_AMBIGUOUS_PROFILE, 12);
}

static void rule_12_names_the_same_profile_in_any_order(void **state)
{
	struct zd_user *second;

	(void)state;
	kit_add_owner(&kit, 17);
	kit_decide(&kit);
	assert_int_equal(kit.d.profile_id, 17); /* the older one */
	kit.f.profiles[1].identities[0].method = VERIFICATION_LOW;
	kit_decide(&kit);
	assert_int_equal(kit.d.profile_id, KIT_OWNER); /* proven */
	kit_text(&kit.f.sunco.external_id, "cust-7");
	second = kit_add_owner(&kit, KIT_SECOND);
	kit_text(&second->external_id, "cust-7");
	kit_decide(&kit);
	assert_int_equal(kit.d.profile_id, KIT_SECOND); /* external id */
	assert_true(kit.d.external_ids_equal);
}

static void rule_12_does_not_count_other_hits(void **state)
{
	struct zd_user *u = kit_add_owner(&kit, KIT_SECOND);

	(void)state;
	kit_text(&u->identities[0].value, "mia@harbour.example.org");
	kit_add_owner(&kit, 17)->active = false;
	kit_add_owner(&kit, KIT_PERSON);
	expect_plain_merge();
}

static void rule_13_other_identities(void **state)
{
	static const char *const others[][2] = {
		{"email", "other@harbour.example"},
		{"email", ""},
		{"phone_number", "+1555"},
		{"messaging", "c0ffee0123456789abcdef02"},
		{"sdk", KIT_SUNCO_ID},
	};
	struct zd_identity *i;

	(void)state;
	i = zd_user_add_identity(&kit.f.messaging_user, "email", KIT_ADDRESS);
	expect_plain_merge();
	for (size_t n = 0; n < ARRAY_LEN(others); n++) {
		i = &kit.f.messaging_user.identities[1];
		kit_text(&i->type, others[n][0]);
		kit_text(&i->value, others[n][1]);
		expect_only(REASON_MESSAGING_USER_ESTABLISHED, 13);
	}
}

static void rule_13_earlier_merges(void **state)
{
	(void)state;
	kit.f.messaging_user.survived_merge = true;
	expect_only(REASON_MESSAGING_USER_ESTABLISHED, 13);
	kit_drop_owners(&kit);
	expect_only(REASON_MESSAGING_USER_ESTABLISHED, 13);
	assert_int_equal(kit.d.intended, ACTION_ADOPT);
}

static void rule_14_denied_addresses(void **state)
{
	static const char *const patterns[] = {"*@harbour.example"};

	(void)state;
	kit.r.deny_emails = patterns;
	kit.r.deny_email_count = 1;
	expect_only(REASON_EMAIL_DENIED, 14);
	kit_drop_owners(&kit);
	expect_only(REASON_EMAIL_DENIED, 14);
	kit.r.deny_email_count = 0;
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
}

static void rule_14_role_addresses(void **state)
{
	(void)state;
	kit_text(&kit.f.sunco.identities[0].value, "Sales@harbour.example");
	kit_text(&kit_owner(&kit)->identities[0].value,
		 "sales@harbour.example");
	expect_only(REASON_EMAIL_DENIED, 14);
}

static void rule_15_suspended_profiles(void **state)
{
	(void)state;
	kit_owner(&kit)->suspended = true;
	expect_only(REASON_PROFILE_SUSPENDED, 15);
	kit_displace(&kit)->suspended = true;
	expect_only(REASON_PROFILE_SUSPENDED, 15);
}

static void rule_16_brands(void **state)
{
	static const struct {
		uint64_t conversation, person, owner;
		bool differ;
	} cases[] = {
		{0, 0, 0, false}, {0, 5, 5, false}, {5, 5, 5, false},
		{0, 5, 6, true},  {0, 5, 0, true},  {0, 0, 5, true},
		{6, 5, 5, true},  {5, 0, 0, true},  {5, 5, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		kit.f.sunco.brand_id = cases[i].conversation;
		kit.f.messaging_user.brand_id = cases[i].person;
		kit_owner(&kit)->brand_id = cases[i].owner;
		if (cases[i].differ)
			expect_only(REASON_BRAND_MISMATCH, 16);
		else
			expect_plain_merge();
	}
}

static void rule_16_asks_an_adopt_too(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	kit.f.messaging_user.brand_id = 5;
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
	kit.f.sunco.brand_id = 5;
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
	kit.f.sunco.brand_id = 6;
	expect_only(REASON_BRAND_MISMATCH, 16);
}

static void rule_17_organizations(void **state)
{
	(void)state;
	kit.f.messaging_user.organization_id = 41;
	expect_plain_merge();
	kit_owner(&kit)->organization_id = 41;
	expect_plain_merge();
	kit_owner(&kit)->organization_id = 42;
	expect_only(REASON_ORGANIZATION_MISMATCH, 17);
	kit.f.messaging_user.organization_id = 0;
	expect_plain_merge();
}

static void rule_18_external_ids(void **state)
{
	(void)state;
	kit_text(&kit.f.sunco.external_id, "cust-7");
	expect_plain_merge();
	kit_text(&kit_owner(&kit)->external_id, "cust-8");
	expect_only(REASON_EXTERNAL_ID_CONFLICT, 18);
	kit_text(&kit_owner(&kit)->external_id, "Cust-7");
	expect_merge(REASON_EXTERNAL_ID_MATCH);
	kit_text(&kit.f.sunco.external_id, NULL);
	expect_plain_merge();
}

static void rule_18_asks_the_messaging_user_itself(void **state)
{
	(void)state;
	kit_text(&kit.f.messaging_user.external_id, "cust-9");
	kit_text(&kit_owner(&kit)->external_id, "cust-7");
	expect_only(REASON_EXTERNAL_ID_CONFLICT, 18);
	kit_text(&kit.f.sunco.external_id, "cust-7");
	expect_only(REASON_EXTERNAL_ID_CONFLICT, 18);
	kit_text(&kit.f.messaging_user.external_id, "CUST-7");
	expect_merge(REASON_EXTERNAL_ID_MATCH);
}

static void rule_19_recovers_with_every_condition_only(void **state)
{
	struct zd_user *d = kit_displace(&kit);

	(void)state;
	expect_merge(REASON_DISPLACED_PROFILE);
	assert_true(kit.d.displaced);
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
	kit.r.recover_displaced = false;
	expect_only(REASON_DISPLACED_PROFILE, 19);
	kit.r.recover_displaced = true;
	d->proven_before_loss = false;
	expect_only(REASON_DISPLACED_PROFILE, 19);
	d->proven_before_loss = true;
	d->coincides = false;
	expect_only(REASON_DISPLACED_PROFILE, 19);
	d->coincides = true;
	d->identities_known = false;
	expect_only(REASON_DISPLACED_PROFILE, 19);
	zd_user_add_identity(d, "phone_number", "+1555");
	expect_only(REASON_DISPLACED_PROFILE, 19);
}

static void rule_19_needs_verified_evidence(void **state)
{
	(void)state;
	kit_displace(&kit);
	kit.r.link_evidence = EVIDENCE_AUTHENTICATED;
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	expect_only(REASON_DISPLACED_PROFILE, 19);
}

static void rule_19_is_not_asked_with_an_owner(void **state)
{
	(void)state;
	kit_displace(&kit);
	kit.r.recover_displaced = false;
	kit_add_owner(&kit, KIT_SECOND);
	expect_plain_merge();
	assert_int_equal(kit.d.profile_id, KIT_SECOND);
	assert_false(kit.d.displaced);
}

/* Which addresses are marked, and which of them proven. */
static const struct method_case {
	enum verification method;
	bool verified, marked, proven;
} methods[] = {
	{VERIFICATION_NONE, false, false, false},
	{VERIFICATION_NONE, true, true, false},
	{VERIFICATION_LOW, false, true, false},
	{VERIFICATION_LOW, true, true, false},
	{VERIFICATION_SSO, false, true, true},
	{VERIFICATION_SSO, true, true, true},
	{VERIFICATION_EMBED, true, true, true},
	{VERIFICATION_FULL, false, true, true},
	{VERIFICATION_FULL, true, true, true},
	{VERIFICATION_OTHER, false, true, false},
	{VERIFICATION_OTHER, true, true, false},
	{VERIFICATION_UNKNOWN, false, false, false},
	{VERIFICATION_UNKNOWN, true, true, true},
};

static void rule_20_protects_marked_addresses(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_CLAIMED);
	kit.r.link_evidence = EVIDENCE_CLAIMED;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		kit_method(&kit, methods[i].method, methods[i].verified);
		kit.r.email_identities = EMAILS_VERIFIED_AND_UNVERIFIED;
		if (methods[i].marked)
			expect_only(REASON_VERIFIED_PROFILE_PROTECTED, 20);
		else
			expect_merge(REASON_EMAIL_MATCH_CLAIMED);
		kit.r.email_identities = EMAILS_CLAIM_VERIFIED;
		expect_merge(REASON_EMAIL_MATCH_CLAIMED);
	}
}

static void rule_20_is_about_claims(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	kit.r.link_evidence = EVIDENCE_CLAIMED;
	expect_merge(REASON_EMAIL_MATCH_AUTHENTICATED);
}

/* Owners by external id alone have no address that could be marked. */
static void rule_20_needs_the_address(void **state)
{
	(void)state;
	kit.r.link_evidence = EVIDENCE_CLAIMED;
	kit.r.email_identities = EMAILS_VERIFIED_AND_UNVERIFIED;
	kit_text(&kit.f.sunco.identities[0].verification, "sms");
	share_external_id();
	expect_only(REASON_VERIFIED_PROFILE_PROTECTED, 20);
	kit_text(&kit_owner(&kit)->identities[0].value, "m@harbour.example");
	expect_merge(REASON_EXTERNAL_ID_MATCH);
}

static void rule_21_distrusts_what_was_typed(void **state)
{
	(void)state;
	kit_method(&kit, VERIFICATION_NONE, false);
	kit_evidence(&kit, EVIDENCE_CLAIMED);
	for (int l = EVIDENCE_CLAIMED; l <= EVIDENCE_VERIFIED; l++)
		for (int s = 0; s <= EMAILS_CLAIM_VERIFIED; s++) {
			kit.r.link_evidence = (enum evidence)l;
			kit.r.email_identities = (enum email_identities)s;
			if (l == EVIDENCE_CLAIMED && s != EMAILS_VERIFIED_ONLY)
				expect_merge(REASON_EMAIL_MATCH_CLAIMED);
			else
				expect_only(REASON_UNAUTHENTICATED_EMAIL, 21);
		}
}

static void rules_20_and_21_come_together(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_CLAIMED);
	kit_expect(&kit, ACTION_REVIEW, REASON_VERIFIED_PROFILE_PROTECTED, 20);
	kit_expect_reasons(&kit,
			   REASON_BIT(REASON_VERIFIED_PROFILE_PROTECTED) |
				   REASON_BIT(REASON_UNAUTHENTICATED_EMAIL));
}

static void rule_22_needs_somebody_to_vouch(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	expect_only(REASON_EMAIL_NOT_VERIFIED, 22);
	kit.r.link_evidence = EVIDENCE_AUTHENTICATED;
	expect_merge(REASON_EMAIL_MATCH_AUTHENTICATED);
	kit.r.link_evidence = EVIDENCE_VERIFIED;
	share_external_id();
	expect_merge(REASON_EXTERNAL_ID_MATCH);
}

static void rule_22_asks_every_owner(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	share_external_id();
	kit_add_owner(&kit, KIT_SECOND);
	kit_expect_reasons(&kit, REASON_BIT(REASON_AMBIGUOUS_PROFILE) |
					 REASON_BIT(REASON_EMAIL_NOT_VERIFIED));
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
}

static void rule_23_unproven_profiles_with_more(void **state)
{
	(void)state;
	zd_user_add_identity(kit_owner(&kit), "phone_number", "+1555");
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		kit_method(&kit, methods[i].method, methods[i].verified);
		if (methods[i].proven)
			expect_plain_merge();
		else
			expect_only(REASON_PROFILE_UNVERIFIED, 23);
	}
}

static void rule_23_needs_something_more(void **state)
{
	(void)state;
	kit_method(&kit, VERIFICATION_NONE, false);
	expect_plain_merge();
	zd_user_add_identity(kit_owner(&kit), "email", "MIA@Harbour.example");
	expect_plain_merge();
	kit_text(&kit_owner(&kit)->external_id, "cust-8");
	expect_only(REASON_PROFILE_UNVERIFIED, 23);
	kit_text(&kit.f.sunco.external_id, "CUST-8");
	expect_merge(REASON_EXTERNAL_ID_MATCH);
}

static void rule_24_this_hour(void **state)
{
	(void)state;
	kit.f.history.merges_this_hour = 199;
	expect_plain_merge();
	kit.f.history.merges_this_hour = 200;
	expect_only(REASON_MERGE_SURGE, 24);
	kit_drop_owners(&kit);
	expect_only(REASON_MERGE_SURGE, 24);
	kit.f.history.backfill = true;
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
}

static void rule_24_this_profile(void **state)
{
	(void)state;
	kit.f.history.merges_into_profile_today = 2;
	expect_plain_merge();
	kit.f.history.merges_into_profile_today = 3;
	expect_only(REASON_MERGE_FAN_IN, 24);
	kit.f.history.backfill = true;
	expect_plain_merge();
	kit.f.history.backfill = false;
	kit_drop_owners(&kit);
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
}

static void any_owner_is_enough(void **state)
{
	struct zd_user *u = kit_add_owner(&kit, KIT_SECOND);

	(void)state;
	u->suspended = true;
	u->brand_id = 5;
	u->organization_id = 42;
	kit.f.messaging_user.organization_id = 41;
	kit_text(&u->external_id, "cust-8");
	kit_text(&kit.f.sunco.external_id, "cust-7");
	u->identities[0].method = VERIFICATION_LOW;
	kit_expect_reasons(&kit,
			   REASON_BIT(REASON_AMBIGUOUS_PROFILE) |
				   REASON_BIT(REASON_PROFILE_SUSPENDED) |
				   REASON_BIT(REASON_BRAND_MISMATCH) |
				   REASON_BIT(REASON_ORGANIZATION_MISMATCH) |
				   REASON_BIT(REASON_EXTERNAL_ID_CONFLICT) |
				   REASON_BIT(REASON_PROFILE_UNVERIFIED));
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
}

static void make_everything_wrong(void)
{
	struct zd_user *u = kit_owner(&kit);

	kit_evidence(&kit, EVIDENCE_CLAIMED);
	kit_text(&kit.f.sunco.profile_email, "info@harbour.example");
	kit_text(&u->identities[0].value, "info@harbour.example");
	kit_method(&kit, VERIFICATION_LOW, true);
	kit_text(&u->external_id, "cust-8");
	kit_text(&kit.f.messaging_user.external_id, "cust-7");
	kit.f.messaging_user.survived_merge = true;
	kit.f.messaging_user.organization_id = 41;
	u->organization_id = 42;
	u->brand_id = 5;
	u->suspended = true;
	kit.f.history.merges_this_hour = 1000;
	kit.f.history.merges_into_profile_today = 1000;
}

static void every_rule_that_matches_is_listed_in_order(void **state)
{
	static const enum reason expected[] = {
		REASON_MESSAGING_USER_ESTABLISHED,
		REASON_EMAIL_DENIED,
		REASON_PROFILE_SUSPENDED,
		REASON_BRAND_MISMATCH,
		REASON_ORGANIZATION_MISMATCH,
		REASON_EXTERNAL_ID_CONFLICT,
		REASON_VERIFIED_PROFILE_PROTECTED,
		REASON_UNAUTHENTICATED_EMAIL,
		REASON_PROFILE_UNVERIFIED,
		REASON_MERGE_SURGE,
		REASON_MERGE_FAN_IN,
	};
	static const int rules[] = {13, 14, 15, 16, 17, 18, 20, 21, 23, 24, 24};
	enum reason list[REASON_COUNT];

	(void)state;
	make_everything_wrong();
	kit_decide(&kit);
	assert_int_equal(reason_set_list(kit.d.reasons, list),
			 ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_int_equal(list[i], expected[i]);
		kit_expect(&kit, ACTION_REVIEW, expected[i], rules[i]);
		kit.f.history.waived |= REASON_BIT(expected[i]);
	}
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_CLAIMED, 0);
}

static void an_approval_waives_exactly_its_reasons(void **state)
{
	(void)state;
	make_everything_wrong();
	kit.f.history.waived = REASON_BIT(REASON_EMAIL_DENIED) |
			       REASON_BIT(REASON_MERGE_SURGE) |
			       REASON_BIT(REASON_AMBIGUOUS_PROFILE);
	kit_expect(&kit, ACTION_REVIEW, REASON_MESSAGING_USER_ESTABLISHED, 13);
	assert_false(kit.d.reasons & kit.f.history.waived);
	assert_true(kit.d.reasons & REASON_BIT(REASON_MERGE_FAN_IN));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rule_12_several_owners),
		CASE(rule_12_names_the_same_profile_in_any_order),
		CASE(rule_12_does_not_count_other_hits),
		CASE(rule_13_other_identities),
		CASE(rule_13_earlier_merges),
		CASE(rule_14_denied_addresses),
		CASE(rule_14_role_addresses),
		CASE(rule_15_suspended_profiles),
		CASE(rule_16_brands),
		CASE(rule_16_asks_an_adopt_too),
		CASE(rule_17_organizations),
		CASE(rule_18_external_ids),
		CASE(rule_18_asks_the_messaging_user_itself),
		CASE(rule_19_recovers_with_every_condition_only),
		CASE(rule_19_needs_verified_evidence),
		CASE(rule_19_is_not_asked_with_an_owner),
		CASE(rule_20_protects_marked_addresses),
		CASE(rule_20_is_about_claims),
		CASE(rule_20_needs_the_address),
		CASE(rule_21_distrusts_what_was_typed),
		CASE(rules_20_and_21_come_together),
		CASE(rule_22_needs_somebody_to_vouch),
		CASE(rule_22_asks_every_owner),
		CASE(rule_23_unproven_profiles_with_more),
		CASE(rule_23_needs_something_more),
		CASE(rule_24_this_hour),
		CASE(rule_24_this_profile),
		CASE(any_owner_is_enough),
		CASE(every_rule_that_matches_is_listed_in_order),
		CASE(an_approval_waives_exactly_its_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
