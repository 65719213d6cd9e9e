/*
 * `explain --facts` at its source: golden facts with their answers, and what
 * is refused with which words.
 */
#include "base/json.h"
#include "base/str.h"
#include "fixture.h"
#include "policy_kit.h"

static enum result decode(const char *text, struct facts *f,
			  struct policy_rules *r, struct error *err)
{
	struct json_t *v = json_parse(text, strlen(text), NULL);
	enum result result;

	assert_non_null(v);
	result = facts_decode(v, f, r, err);
	json_free(v);
	return result;
}

static char *answer(struct slice text)
{
	struct json_t *v = json_parse(text.ptr, text.len, NULL);
	struct error err = {""};
	struct policy_rules r;
	struct decision d;
	struct facts f;
	char *line;

	if (facts_decode(v, &f, &r, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	json_free(v);
	policy_decide(&f, &r, &d);
	v = decision_encode(&d, policy_zendesk_does(&f, &r));
	line = json_text(v);
	json_free(v);
	facts_release(&f);
	return line;
}

static void compare(const char *name, struct slice text, void *arg)
{
	char path[200];
	struct slice want, have;
	char *line = answer(text);

	(void)arg;
	snprintf(path, sizeof(path), "%.*s.expected",
		 (int)(strlen(name) - strlen(".json")), name);
	want = fixture_read(path);
	have = slice_of(line);
	if (!slice_eq(slice_trim(want), have))
		fail_msg("%s: %s", name, line);
	free((char *)want.ptr);
	free(line);
}

static void golden_facts_have_their_answers(void **state)
{
	(void)state;
	assert_true(fixture_each("facts", compare, NULL) >= 25);
}

/* Field by field: what lies between the fields is nobody's. */
static void assert_same_rules(const struct policy_rules *a,
			      const struct policy_rules *b)
{
	assert_int_equal(a->email_identities, b->email_identities);
	assert_int_equal(a->link_evidence, b->link_evidence);
	assert_int_equal(a->apply, b->apply);
	assert_ptr_equal(a->deny_emails, b->deny_emails);
	assert_int_equal(a->deny_email_count, b->deny_email_count);
	assert_int_equal(a->max_merges_per_hour, b->max_merges_per_hour);
	assert_int_equal(a->max_merges_per_profile, b->max_merges_per_profile);
	assert_int_equal(a->recover_displaced, b->recover_displaced);
	assert_int_equal(a->release_external_id, b->release_external_id);
	assert_int_equal(a->verify_profile_email, b->verify_profile_email);
	assert_int_equal(a->complete_name, b->complete_name);
}

static void left_out_keys_take_their_defaults(void **state)
{
	struct policy_rules r, defaults;
	struct facts f;

	(void)state;
	policy_rules_default(&defaults);
	assert_int_equal(decode("{}", &f, &r, NULL), RESULT_OK);
	assert_same_rules(&r, &defaults);
	assert_false(f.has_messaging_user || f.has_displaced);
	assert_int_equal(f.profile_count, 0);
	assert_int_equal(f.history.waived, 0);
	facts_release(&f);
}

static void left_out_keys_of_users_too(void **state)
{
	struct policy_rules r;
	struct facts f;

	(void)state;
	assert_int_equal(decode("{\"sunco_user\":{\"id\":\"a1\"},"
				"\"messaging_user\":{\"id\":1},"
				"\"profiles\":[{\"id\":2}],"
				"\"displaced\":{\"id\":3}}",
				&f, &r, NULL),
			 RESULT_OK);
	assert_true(f.has_messaging_user && f.has_displaced);
	assert_true(f.messaging_user.active);
	assert_true(f.messaging_user.identities_known);
	assert_int_equal(f.profiles[0].role, ZD_ROLE_END_USER);
	assert_false(f.sunco.authenticated);
	assert_false(f.displaced.proven_before_loss || f.displaced.coincides);
	facts_release(&f);
}

static const char all_settings[] =
	"{\"account\":{\"email_identities\":\"claim_verified\","
	"\"link_evidence\":\"claimed\",\"apply\":\"review\","
	"\"deny_emails\":[\"*@a.example\",\"b@*\"],"
	"\"max_merges_per_hour\":7,\"max_merges_per_profile\":0,"
	"\"recover_displaced\":true,\"release_external_id\":\"auto\","
	"\"verify_profile_email\":true,\"complete_name\":false,"
	"\"settle_after\":\"3m\",\"review_expires\":\"14d\"},"
	"\"history\":{\"rejected\":true,\"searched_twice\":true,"
	"\"merges_this_hour\":4,\"merges_into_profile_today\":5,"
	"\"backfill\":true,\"waived\":[\"merge_surge\",\"email_denied\"]}}";

static void every_setting_is_read(void **state)
{
	struct policy_rules r;
	struct facts f;

	(void)state;
	assert_int_equal(decode(all_settings, &f, &r, NULL), RESULT_OK);
	assert_int_equal(r.email_identities, EMAILS_CLAIM_VERIFIED);
	assert_int_equal(r.link_evidence, EVIDENCE_CLAIMED);
	assert_int_equal(r.apply, APPLY_REVIEW);
	assert_int_equal(r.deny_email_count, 2);
	assert_string_equal(r.deny_emails[1], "b@*");
	assert_int_equal(r.max_merges_per_hour, 7);
	assert_int_equal(r.max_merges_per_profile, 0);
	assert_true(r.recover_displaced && r.release_external_id &&
		    r.verify_profile_email);
	assert_false(r.complete_name);
	assert_true(f.history.rejected && f.history.searched_twice &&
		    f.history.backfill);
	assert_int_equal(f.history.merges_this_hour, 4);
	assert_int_equal(f.history.merges_into_profile_today, 5);
	assert_int_equal(f.history.waived,
			 REASON_BIT(REASON_MERGE_SURGE) |
				 REASON_BIT(REASON_EMAIL_DENIED));
	facts_release(&f);
}

static const struct refusal {
	const char *text, *message;
} refusals[] = {
	{"[]", "not an object"},
	{"7", "not an object"},
	{"{\"acount\":{}}", "acount: unknown key"},
	{"{\"account\":null}", "account: not an object"},
	{"{\"account\":{\"aply\":\"auto\"}}", "account.aply: unknown key"},
	{"{\"account\":{\"apply\":\"always\"}}",
	 "account.apply: not one of its values"},
	{"{\"account\":{\"apply\":null}}", "account.apply: not a string"},
	{"{\"account\":{\"link_evidence\":\"none\"}}",
	 "account.link_evidence: not one of its values"},
	{"{\"account\":{\"email_identities\":\"all\"}}",
	 "account.email_identities: not one of its values"},
	{"{\"account\":{\"release_external_id\":true}}",
	 "account.release_external_id: not a string"},
	{"{\"account\":{\"release_external_id\":\"never\"}}",
	 "account.release_external_id: not one of its values"},
	{"{\"account\":{\"max_merges_per_hour\":-1}}",
	 "account.max_merges_per_hour: not a whole number"},
	{"{\"account\":{\"max_merges_per_hour\":1.5}}",
	 "account.max_merges_per_hour: not a whole number"},
	{"{\"account\":{\"max_merges_per_hour\":\"9\"}}",
	 "account.max_merges_per_hour: not a whole number"},
	{"{\"account\":{\"recover_displaced\":\"on\"}}",
	 "account.recover_displaced: not true or false"},
	{"{\"account\":{\"deny_emails\":[\"a@b.c\",3]}}",
	 "account.deny_emails[1]: not a string"},
	{"{\"sunco_user\":null}", "sunco_user: not an object"},
	{"{\"sunco_user\":{}}", "sunco_user.id: missing or not an id"},
	{"{\"sunco_user\":{\"id\":\"a b\"}}",
	 "sunco_user.id: missing or not an id"},
	{"{\"sunco_user\":{\"id\":\"a\",\"authenticated\":null}}",
	 "sunco_user.authenticated: not true or false"},
	{"{\"sunco_user\":{\"id\":\"a\",\"external_id\":\"x\"}}",
	 "sunco_user.external_id: unknown key"},
	{"{\"sunco_user\":{\"id\":\"a\",\"brandId\":\"x\"}}",
	 "sunco_user.brandId: not an id"},
	{"{\"sunco_user\":{\"id\":\"a\",\"identities\":{}}}",
	 "sunco_user.identities: not an array of objects"},
	{"{\"sunco_user\":{\"id\":\"a\",\"identities\":[{\"type\":\"email\","
	 "\"valeu\":\"secret@a.example\"}]}}",
	 "sunco_user.identities[0].valeu: unknown key"},
	{"{\"sunco_user\":{\"id\":\"a\",\"profile\":{\"name\":\"x\"}}}",
	 "sunco_user.profile.name: unknown key"},
	{"{\"messaging_user\":{}}", "messaging_user.id: missing or not an id"},
	{"{\"messaging_user\":[]}", "messaging_user: not an object or null"},
	{"{\"messaging_user\":{\"id\":1,\"active\":1}}",
	 "messaging_user.active: not true or false"},
	{"{\"messaging_user\":{\"id\":1,\"identities\":[{\"verified\":"
	 "\"yes\"}]}}",
	 "messaging_user.identities[0].verified: not true or false"},
	{"{\"profiles\":{}}", "profiles: not an array of objects"},
	{"{\"profiles\":[{\"id\":1},null]}", "profiles[1]: not an object"},
	{"{\"profiles\":[{\"id\":1},{\"id\":\"x\"}]}",
	 "profiles[1].id: missing or not an id"},
	{"{\"profiles\":[{\"id\":1,\"organization_id\":\"secret\"}]}",
	 "profiles[0].organization_id: not an id"},
	{"{\"displaced\":{\"id\":1,\"coincides\":\"yes\"}}",
	 "displaced.coincides: not true or false"},
	{"{\"history\":{\"waived\":[\"merge_surge\",\"secret\"]}}",
	 "history.waived[1]: no reason"},
	{"{\"history\":{\"rejected\":0}}",
	 "history.rejected: not true or false"},
	{"{\"secret@a.example\":1}", "(...): unknown key"},
	{"{\"account\":{\"\\u001b[2J\":1}}", "account.(...): unknown key"},
	{"{\"account\":{\"\":1}}", "account.(...): unknown key"},
};

static void what_is_wrong_is_named_by_its_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		struct error err = {""};
		struct policy_rules r;
		struct facts f;

		if (decode(refusals[i].text, &f, &r, &err) != RESULT_INVALID)
			fail_msg("taken: %s", refusals[i].text);
		assert_string_equal(err.text, refusals[i].message);
		assert_null(strstr(err.text, "secret"));
	}
}

static void the_same_profile_twice_is_one(void **state)
{
	struct policy_rules r;
	struct facts f;

	(void)state;
	assert_int_equal(decode("{\"profiles\":[{\"id\":4},{\"id\":\"4\"},"
				"{\"id\":5}]}",
				&f, &r, NULL),
			 RESULT_OK);
	assert_int_equal(f.profile_count, 2);
	facts_release(&f);
}

static void encoded_users_are_facts(void **state)
{
	struct json_t *v = json_new_obj();
	struct json_t *profiles = json_new_arr();
	struct error err = {""};
	struct policy_rules r;
	struct facts f;
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_text(&k.f.sunco.external_id, "cust-7");
	kit_displace(&k);
	kit_add_owner(&k, KIT_SECOND);
	json_set(v, "sunco_user", sunco_user_encode(&k.f.sunco));
	json_set(v, "messaging_user", zd_user_encode(&k.f.messaging_user));
	json_set(v, "displaced", zd_user_encode(&k.f.displaced));
	json_push(profiles, zd_user_encode(kit_owner(&k)));
	json_set(v, "profiles", profiles);
	if (facts_decode(v, &f, &r, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	policy_decide(&f, &k.r, &k.d);
	assert_int_equal(k.d.reason, REASON_EMAIL_MATCH_VERIFIED);
	assert_int_equal(k.d.profile_id, KIT_SECOND);
	assert_true(f.displaced.proven_before_loss && f.displaced.coincides);
	facts_release(&f);
	kit_release(&k);
	json_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_facts_have_their_answers),
		cmocka_unit_test(left_out_keys_take_their_defaults),
		cmocka_unit_test(left_out_keys_of_users_too),
		cmocka_unit_test(every_setting_is_read),
		cmocka_unit_test(what_is_wrong_is_named_by_its_path),
		cmocka_unit_test(the_same_profile_twice_is_one),
		cmocka_unit_test(encoded_users_are_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
