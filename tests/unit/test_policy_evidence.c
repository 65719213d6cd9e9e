/*
 * The policy's words: evidence, address, external id, owner, names.
 */
#include "base/str.h"
#include "policy_kit.h"

#define A KIT_ADDRESS

struct identity_row {
	const char *type, *value, *verification;
};

static const struct evidence_case {
	const char *name;
	bool authenticated;
	struct identity_row identities[3];
	const char *profile_email;
	enum evidence evidence;
	const char *address;
} evidence_cases[] = {
	{"a JWT with email_verified",
	 true,
	 {{"email", A, "embed"}},
	 A,
	 EVIDENCE_VERIFIED,
	 A},
	{"a help-center login",
	 true,
	 {{"email", A, "sso"}},
	 NULL,
	 EVIDENCE_VERIFIED,
	 A},
	{"the identity is trimmed and lower-cased",
	 true,
	 {{"email", "  MIA@Harbour.Example ", "embed"}},
	 NULL,
	 EVIDENCE_VERIFIED,
	 A},
	{"the same address twice is one",
	 true,
	 {{"email", A, NULL}, {"email", "Mia@harbour.example", "sso"}},
	 NULL,
	 EVIDENCE_VERIFIED,
	 A},
	{"the identity wins over the profile",
	 true,
	 {{"email", A, "embed"}},
	 "other@harbour.example",
	 EVIDENCE_VERIFIED,
	 A},
	{"other types are no addresses",
	 true,
	 {{"phone", A, "embed"}, {"email", A, "embed"}},
	 NULL,
	 EVIDENCE_VERIFIED,
	 A},
	{"only the profile, logged in",
	 true,
	 {{0}},
	 " Mia@harbour.example",
	 EVIDENCE_AUTHENTICATED,
	 A},
	{"a phone identity does not matter",
	 true,
	 {{"phone", "123", "sso"}},
	 A,
	 EVIDENCE_AUTHENTICATED,
	 A},
	{"another verification",
	 true,
	 {{"email", A, "otp"}},
	 NULL,
	 EVIDENCE_CLAIMED,
	 A},
	{"no verification", true, {{"email", A, NULL}}, A, EVIDENCE_CLAIMED, A},
	{"the case of verification counts",
	 true,
	 {{"email", A, "SSO"}},
	 NULL,
	 EVIDENCE_CLAIMED,
	 A},
	{"not logged in, vouched for all the same",
	 false,
	 {{"email", A, "embed"}},
	 NULL,
	 EVIDENCE_CLAIMED,
	 A},
	{"not logged in, typed", false, {{0}}, A, EVIDENCE_CLAIMED, A},
	{"not logged in, the identity wins",
	 false,
	 {{"email", A, NULL}},
	 "other@harbour.example",
	 EVIDENCE_CLAIMED,
	 A},
	{"nothing, logged in", true, {{0}}, NULL, EVIDENCE_NONE, ""},
	{"nothing", false, {{0}}, NULL, EVIDENCE_NONE, ""},
	{"an empty profile address", true, {{0}}, "", EVIDENCE_NONE, ""},
	{"what is no address",
	 true,
	 {{"email", "mia@harbour", "embed"}},
	 "also none",
	 EVIDENCE_NONE,
	 ""},
	{"an identity that is no address does not leave the profile's alone",
	 true,
	 {{"email", "mia@harbour", "embed"}},
	 A,
	 EVIDENCE_CLAIMED,
	 A},
	{"a look-alike is no address",
	 true,
	 {{"email", "mi\xd0\xb0@harbour.example", "embed"}},
	 NULL,
	 EVIDENCE_NONE,
	 ""},
	{"two addresses",
	 true,
	 {{"email", A, "embed"}, {"email", "m@harbour.example", "embed"}},
	 NULL,
	 EVIDENCE_CLAIMED,
	 ""},
	{"an address and what is none",
	 true,
	 {{"email", "mia@harbour", "embed"}, {"email", A, "embed"}},
	 NULL,
	 EVIDENCE_CLAIMED,
	 ""},
};

static void fill(struct sunco_user *u, const struct evidence_case *c)
{
	sunco_user_init(u);
	u->authenticated = c->authenticated;
	u->profile_email = xstrdup(c->profile_email);
	for (size_t i = 0; i < ARRAY_LEN(c->identities); i++)
		if (c->identities[i].type)
			sunco_user_add_identity(u, c->identities[i].type,
						c->identities[i].value,
						c->identities[i].verification);
}

static void evidence_is_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(evidence_cases); i++) {
		const struct evidence_case *c = &evidence_cases[i];
		char address[ADDRESS_SIZE];
		struct sunco_user u;

		fill(&u, c);
		if (policy_evidence(&u, address) != c->evidence)
			fail_msg("%s", c->name);
		assert_string_equal(address, c->address);
		sunco_user_release(&u);
	}
}

static void only_different_addresses_are_ambiguous(void **state)
{
	size_t ambiguous = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(evidence_cases); i++) {
		struct sunco_user u;

		fill(&u, &evidence_cases[i]);
		ambiguous += policy_address_ambiguous(&u);
		sunco_user_release(&u);
	}
	assert_int_equal(ambiguous, 2); /* the last two */
}

static void the_external_id_is_the_conversations_when_logged_in(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_null(policy_external_id(&k.f));
	kit_text(&k.f.messaging_user.external_id, "z-1");
	assert_null(policy_external_id(&k.f));
	kit_text(&k.f.sunco.external_id, "s-1");
	assert_string_equal(policy_external_id(&k.f), "s-1");
	k.f.sunco.authenticated = false;
	assert_string_equal(policy_external_id(&k.f), "z-1");
	kit_text(&k.f.messaging_user.external_id, "");
	assert_null(policy_external_id(&k.f));
	k.f.has_messaging_user = false;
	assert_null(policy_external_id(&k.f));
	kit_release(&k);
}

static void owners_have_exactly_the_address(void **state)
{
	static const struct {
		const char *type, *value;
		bool owner;
	} cases[] = {
		{"email", A, true},
		{"email", " MIA@harbour.EXAMPLE", true},
		{"email", "mia@harbour.example.org", false},
		{"email", "a-mia@harbour.example", false},
		{"email", "mia+shop@harbour.example", false},
		{"email", "m.ia@harbour.example", false},
		{"email", "mi\xd0\xb0@harbour.example", false},
		{"google", A, false},
		{"agent_forwarding", A, false},
		{"email", "", false},
	};
	struct kit k;

	(void)state;
	kit_init(&k);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zd_user u;

		zd_user_init(&u);
		u.id = 77;
		zd_user_add_identity(&u, cases[i].type, cases[i].value);
		assert_int_equal(policy_is_owner(&k.f, &u), cases[i].owner);
		u.active = false;
		assert_false(policy_is_owner(&k.f, &u));
		u.active = true;
		u.id = KIT_PERSON;
		assert_false(policy_is_owner(&k.f, &u));
		zd_user_release(&u);
	}
	kit_release(&k);
}

static void without_an_address_nobody_owns_it(void **state)
{
	struct zd_user u;
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_NONE);
	zd_user_init(&u);
	u.id = 77;
	zd_user_add_identity(&u, "email", "");
	zd_user_add_identity(&u, "email", A);
	assert_false(policy_is_owner(&k.f, &u));
	zd_user_release(&u);
	kit_release(&k);
}

static void external_ids_make_owners_of_those_logged_in(void **state)
{
	struct zd_user u;
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_text(&k.f.sunco.external_id, "Cust-7");
	zd_user_init(&u);
	u.id = 77;
	u.external_id = xstrdup("cUST-7");
	assert_true(policy_is_owner(&k.f, &u));
	kit_text(&u.external_id, "cust-70");
	assert_false(policy_is_owner(&k.f, &u));
	kit_text(&u.external_id, "cust-7");
	kit_text(&k.f.messaging_user.external_id, "cust-7");
	k.f.sunco.authenticated = false;
	assert_false(policy_is_owner(&k.f, &u));
	kit_text(&k.f.sunco.external_id, "");
	kit_text(&u.external_id, "");
	k.f.sunco.authenticated = true;
	assert_false(policy_is_owner(&k.f, &u));
	zd_user_release(&u);
	kit_release(&k);
}

static void the_messaging_user_may_hold_both_itself(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_false(policy_holds_address(&k.f));
	assert_false(policy_holds_external_id(&k.f));
	zd_user_add_identity(&k.f.messaging_user, "email",
			     "MIA@harbour.example");
	kit_text(&k.f.sunco.external_id, "cust-7");
	kit_text(&k.f.messaging_user.external_id, "CUST-7");
	assert_true(policy_holds_address(&k.f));
	assert_true(policy_holds_external_id(&k.f));
	k.f.has_messaging_user = false;
	assert_false(policy_holds_address(&k.f));
	assert_false(policy_holds_external_id(&k.f));
	kit_release(&k);
}

static void generated_names_are_known(void **state)
{
	static const char *const generated[] = {
		NULL,
		"",
		"Web User 65f1c0ffee0123456789abcd",
		"Web User 65f...",
		"Visitor 123",
		"Visitor 31416926",
		"iOS User 5f1",
		"Android User 0a1b2c",
	};
	static const char *const chosen[] = {
		"Mia Sand",
		"Web User",
		"Web User ",
		"Web User Abe",
		"Web User 65f and more",
		"web user 65f",
		"Visitor",
		"Visitor ",
		"Visitor Fee",
		"Visitor 12a",
		"A Web User 65f",
		"Visitors 123",
		"Web User 65\xc3\xa4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(generated); i++)
		assert_true(policy_name_generated(generated[i]));
	for (size_t i = 0; i < ARRAY_LEN(chosen); i++)
		assert_false(policy_name_generated(chosen[i]));
}

static void words_parse_back(void **state)
{
	enum email_identities s;
	enum evidence e;
	enum action a;
	enum apply p;

	(void)state;
	for (unsigned i = EVIDENCE_NONE; i <= EVIDENCE_VERIFIED; i++) {
		assert_true(evidence_parse(evidence_name(i), &e));
		assert_int_equal(e, i);
	}
	for (unsigned i = 0; i <= EMAILS_CLAIM_VERIFIED; i++) {
		assert_true(
			email_identities_parse(email_identities_name(i), &s));
		assert_int_equal(s, i);
	}
	for (unsigned i = 0; i <= APPLY_AUTO; i++) {
		assert_true(apply_parse(apply_name(i), &p));
		assert_int_equal(p, i);
	}
	for (unsigned i = 0; i <= ACTION_CLOSE_BREAKER; i++) {
		assert_true(action_parse(action_name(i), &a));
		assert_int_equal(a, i);
		assert_int_equal(action_is_act(a), i > ACTION_ADOPT);
	}
	assert_false(evidence_parse("Verified", &e));
	assert_false(email_identities_parse("verified", &s));
	assert_false(apply_parse(NULL, &p));
	assert_false(action_parse("unknown", &a));
	assert_string_equal(step_name(STEP_READ_BACK), "read_back");
	assert_string_equal(step_name(STEP_COMPLETE_NAME), "complete_name");
}

static void defaults_change_nothing_in_zendesk(void **state)
{
	struct policy_rules r;

	(void)state;
	policy_rules_default(&r);
	assert_int_equal(r.email_identities, EMAILS_VERIFIED_ONLY);
	assert_int_equal(r.link_evidence, EVIDENCE_VERIFIED);
	assert_int_equal(r.apply, APPLY_OBSERVE);
	assert_int_equal(r.max_merges_per_hour, 200);
	assert_int_equal(r.max_merges_per_profile, 3);
	assert_int_equal(r.deny_email_count, 0);
	assert_false(r.recover_displaced || r.release_external_id ||
		     r.verify_profile_email);
	assert_true(r.complete_name);
}

static void reasons_are_listed_in_the_order_of_the_rules(void **state)
{
	enum reason list[REASON_COUNT];

	(void)state;
	assert_int_equal(reason_set_list(0, list), 0);
	assert_int_equal(
		reason_set_list(REASON_BIT(REASON_MERGE_FAN_IN) |
					REASON_BIT(REASON_PROFILE_UNVERIFIED) |
					REASON_BIT(REASON_EMAIL_NOT_VERIFIED) |
					REASON_BIT(REASON_BRAND_MISMATCH),
				list),
		4);
	assert_int_equal(list[0], REASON_BRAND_MISMATCH);
	assert_int_equal(list[1], REASON_EMAIL_NOT_VERIFIED);
	assert_int_equal(list[2], REASON_PROFILE_UNVERIFIED);
	assert_int_equal(list[3], REASON_MERGE_FAN_IN);
	assert_int_equal(
		reason_set_list(REASON_BIT(REASON_ADDRESS_TAKEN), list), 1);
	assert_int_equal(list[0], REASON_ADDRESS_TAKEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evidence_is_as_the_table_says),
		cmocka_unit_test(only_different_addresses_are_ambiguous),
		cmocka_unit_test(
			the_external_id_is_the_conversations_when_logged_in),
		cmocka_unit_test(owners_have_exactly_the_address),
		cmocka_unit_test(without_an_address_nobody_owns_it),
		cmocka_unit_test(external_ids_make_owners_of_those_logged_in),
		cmocka_unit_test(the_messaging_user_may_hold_both_itself),
		cmocka_unit_test(generated_names_are_known),
		cmocka_unit_test(words_parse_back),
		cmocka_unit_test(defaults_change_nothing_in_zendesk),
		cmocka_unit_test(reasons_are_listed_in_the_order_of_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
