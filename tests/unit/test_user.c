/*
 * Users read from the two APIs and from facts, and written back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "core/user.h"

static struct json_t *parse(const char *text)
{
	struct json_t *v = json_parse(text, strlen(text), NULL);

	assert_non_null(v);
	return v;
}

static enum result decode(const char *text, struct zd_user *u,
			  struct error *err)
{
	struct json_t *v = parse(text);
	enum result r = zd_user_decode(v, u, err);

	json_free(v);
	return r;
}

static enum result decode_sunco_user(const char *text, struct sunco_user *u,
				     struct error *err)
{
	struct json_t *v = parse(text);
	enum result r = sunco_user_decode(v, u, err);

	json_free(v);
	return r;
}

static const char api_user[] =
	"{\"id\":7001,\"url\":\"https://shop.zendesk.example/7001.json\","
	"\"name\":\"Ann Lee\",\"role\":\"end-user\",\"active\":true,"
	"\"suspended\":true,\"shared\":false,\"shared_agent\":false,"
	"\"external_id\":\"cust-9\",\"organization_id\":31,"
	"\"separation\":{\"scope\":\"brand\",\"brand_id\":88},"
	"\"updated_at\":\"2026-03-14T10:26:53+01:00\",\"tags\":[\"x\"],"
	"\"identities\":["
	"{\"id\":1,\"user_id\":7001,\"type\":\"email\","
	"\"value\":\"Ann@Shop.example\",\"primary\":true,\"verified\":true,"
	"\"verification_method\":\"low\","
	"\"created_at\":\"2026-03-14T09:26:53Z\"},"
	"{\"id\":2,\"user_id\":7001,\"type\":\"messaging\","
	"\"value\":\"aa11\",\"verified\":true},"
	"{\"id\":3,\"user_id\":7002,\"type\":\"email\",\"value\":\"b@c.de\"}]}";

static void api_objects_are_read(void **state)
{
	struct zd_user u;

	(void)state;
	assert_int_equal(decode(api_user, &u, NULL), RESULT_OK);
	assert_int_equal(u.id, 7001);
	assert_string_equal(u.name, "Ann Lee");
	assert_int_equal(u.role, ZD_ROLE_END_USER);
	assert_true(u.active);
	assert_true(u.suspended);
	assert_false(u.shared);
	assert_string_equal(u.external_id, "cust-9");
	assert_int_equal(u.organization_id, 31);
	assert_int_equal(u.brand_id, 88);
	assert_true(u.identities_known);
	assert_int_equal(u.identity_count, 2);
	assert_int_equal(u.identities[0].method, VERIFICATION_LOW);
	assert_true(u.identities[0].primary);
	assert_int_equal(u.identities[1].method, VERIFICATION_UNKNOWN);
	assert_int_equal(u.updated_ms, INT64_C(1773480413000));
	assert_int_equal(u.identities[0].created_ms, INT64_C(1773480413000));
	assert_int_equal(u.identities[1].created_ms, 0);
	zd_user_release(&u);
}

static void times_survive_a_copy_and_a_text(void **state)
{
	struct zd_user u, copy, again;
	struct json_t *v;

	(void)state;
	assert_int_equal(decode(api_user, &u, NULL), RESULT_OK);
	zd_user_copy(&copy, &u);
	v = zd_user_encode(&copy);
	assert_int_equal(zd_user_decode(v, &again, NULL), RESULT_OK);
	assert_int_equal(again.updated_ms, u.updated_ms);
	assert_int_equal(again.identities[0].created_ms,
			 u.identities[0].created_ms);
	json_free(v);
	zd_user_release(&again);
	zd_user_release(&copy);
	zd_user_release(&u);
}

static void identities_are_found_by_exact_value(void **state)
{
	struct zd_user u;

	(void)state;
	assert_int_equal(decode(api_user, &u, NULL), RESULT_OK);
	assert_non_null(zd_user_identity(&u, "email", "ann@shop.example"));
	assert_null(zd_user_identity(&u, "email", "ann@shop.exampl"));
	assert_non_null(zd_user_identity(&u, "messaging", "aa11"));
	assert_null(zd_user_identity(&u, "messaging", "AA11"));
	assert_null(zd_user_identity(&u, "email", "aa11"));
	assert_int_equal(zd_user_count(&u, "email"), 1);
	assert_int_equal(zd_user_count(&u, "phone_number"), 0);
	zd_user_release(&u);
}

static void facts_shape_is_read(void **state)
{
	struct zd_user u;

	(void)state;
	assert_int_equal(decode("{\"id\":\"12\",\"brand_id\":5,"
				"\"survived_merge\":true,"
				"\"proven_before_loss\":true,"
				"\"coincides\":true}",
				&u, NULL),
			 RESULT_OK);
	assert_int_equal(u.id, 12);
	assert_int_equal(u.brand_id, 5);
	assert_true(u.survived_merge && u.proven_before_loss && u.coincides);
	assert_true(u.active);
	assert_int_equal(u.role, ZD_ROLE_END_USER);
	assert_false(u.identities_known);
	zd_user_release(&u);
}

static void empty_means_none(void **state)
{
	struct zd_user u;

	(void)state;
	assert_int_equal(decode("{\"id\":1,\"external_id\":\"\","
				"\"organization_id\":\"0\",\"separation\":null,"
				"\"brand_id\":0,\"identities\":[]}",
				&u, NULL),
			 RESULT_OK);
	assert_null(u.external_id);
	assert_null(u.name);
	assert_int_equal(u.organization_id, 0);
	assert_int_equal(u.brand_id, 0);
	assert_true(u.identities_known);
	zd_user_release(&u);
}

static void numeric_external_ids_are_text(void **state)
{
	struct zd_user u;
	struct sunco_user s;

	(void)state;
	assert_int_equal(decode("{\"id\":1,\"external_id\":912}", &u, NULL),
			 RESULT_OK);
	assert_string_equal(u.external_id, "912");
	zd_user_release(&u);
	assert_int_equal(decode_sunco_user("{\"id\":\"a1\",\"externalId\":913}",
					   &s, NULL),
			 RESULT_OK);
	assert_string_equal(s.external_id, "913");
	sunco_user_release(&s);
}

static void unknown_roles_are_no_end_users(void **state)
{
	static const struct {
		const char *text;
		enum zd_role role;
	} cases[] = {
		{"{\"id\":1}", ZD_ROLE_END_USER},
		{"{\"id\":1,\"role\":\"agent\"}", ZD_ROLE_AGENT},
		{"{\"id\":1,\"role\":\"admin\"}", ZD_ROLE_ADMIN},
		{"{\"id\":1,\"role\":\"bot\"}", ZD_ROLE_OTHER},
		{"{\"id\":1,\"role\":\"End-User\"}", ZD_ROLE_OTHER},
		{"{\"id\":1,\"role\":3}", ZD_ROLE_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zd_user u;

		assert_int_equal(decode(cases[i].text, &u, NULL), RESULT_OK);
		assert_int_equal(u.role, cases[i].role);
		zd_user_release(&u);
	}
}

static void shared_agents_are_shared(void **state)
{
	struct zd_user u;

	(void)state;
	assert_int_equal(decode("{\"id\":1,\"shared\":false,"
				"\"shared_agent\":true}",
				&u, NULL),
			 RESULT_OK);
	assert_true(u.shared);
	zd_user_release(&u);
}

static void unusable_users_are_refused_by_key(void **state)
{
	static const char *const cases[][2] = {
		{"{}", "id"},
		{"{\"id\":null}", "id"},
		{"{\"id\":0}", "id"},
		{"{\"id\":\"12x\"}", "id"},
		{"{\"id\":-4}", "id"},
		{"{\"id\":1,\"active\":\"yes\"}", "active"},
		{"{\"id\":1,\"suspended\":1}", "suspended"},
		{"{\"id\":1,\"shared\":\"secret-word\"}", "shared"},
		{"{\"id\":1,\"external_id\":[]}", "external_id"},
		{"{\"id\":1,\"organization_id\":\"a\"}", "organization_id"},
		{"{\"id\":1,\"separation\":{\"brand_id\":\"a\"}}", "brand_id"},
		{"{\"id\":1,\"brand_id\":1.5}", "brand_id"},
		{"{\"id\":1,\"brand_id\":-1}", "brand_id"},
		{"{\"id\":1,\"organization_id\":true}", "organization_id"},
		{"[]", "user"},
		{"null", "user"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zd_user u;
		struct error err = {""};

		assert_int_equal(decode(cases[i][0], &u, &err), RESULT_INVALID);
		assert_true(str_starts(err.text, cases[i][1]));
		assert_null(strstr(err.text, "secret-word"));
	}
}

static void verification_words(void **state)
{
	static const struct {
		const char *word;
		enum verification method;
	} cases[] = {
		{NULL, VERIFICATION_UNKNOWN},
		{"none", VERIFICATION_NONE},
		{"low", VERIFICATION_LOW},
		{"sso", VERIFICATION_SSO},
		{"embed", VERIFICATION_EMBED},
		{"full", VERIFICATION_FULL},
		{"Full", VERIFICATION_OTHER},
		{"biometric", VERIFICATION_OTHER},
		{"", VERIFICATION_OTHER},
		{"unknown", VERIFICATION_OTHER},
		{"other", VERIFICATION_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(verification_parse(cases[i].word),
				 cases[i].method);
	assert_string_equal(verification_name(VERIFICATION_UNKNOWN), "unknown");
	assert_string_equal(verification_name(VERIFICATION_OTHER), "other");
}

static void unreadable_methods_are_no_absent_ones(void **state)
{
	struct zd_user u;

	(void)state;
	assert_int_equal(decode("{\"id\":1,\"identities\":["
				"{\"type\":\"email\",\"value\":\"a@b.c\","
				"\"verified\":true,\"verification_method\":4},"
				"{\"type\":null,\"value\":77}]}",
				&u, NULL),
			 RESULT_OK);
	assert_int_equal(u.identities[0].method, VERIFICATION_OTHER);
	assert_string_equal(u.identities[1].type, "");
	assert_string_equal(u.identities[1].value, "77");
	zd_user_release(&u);
}

static void identities_are_replaced(void **state)
{
	struct json_t *arr = parse("[{\"user_id\":7001,\"type\":\"email\","
				   "\"value\":\"n@e.w\"},"
				   "{\"user_id\":9,\"type\":\"email\","
				   "\"value\":\"x@y.z\"}]");
	struct zd_user u;

	(void)state;
	assert_int_equal(decode(api_user, &u, NULL), RESULT_OK);
	zd_user_decode_identities(&u, arr);
	assert_int_equal(u.identity_count, 1);
	assert_non_null(zd_user_identity(&u, "email", "n@e.w"));
	zd_user_decode_identities(&u, NULL);
	assert_int_equal(u.identity_count, 0);
	assert_false(u.identities_known);
	zd_user_release(&u);
	json_free(arr);
}

static void too_many_identities_are_none_known(void **state)
{
	struct json_t *arr = json_new_arr();
	struct zd_user u;

	(void)state;
	zd_user_init(&u);
	for (int i = 0; i < ZD_IDENTITIES_MAX; i++)
		json_push(arr, json_new_obj());
	zd_user_decode_identities(&u, arr);
	assert_true(u.identities_known);
	assert_int_equal(u.identity_count, ZD_IDENTITIES_MAX);
	json_push(arr, json_new_obj());
	zd_user_decode_identities(&u, arr);
	assert_false(u.identities_known);
	assert_int_equal(u.identity_count, 0);
	zd_user_release(&u);
	json_free(arr);
}

static void too_many_organizations_are_none_known(void **state)
{
	struct json_t *arr = json_new_arr();
	struct zd_user u;

	(void)state;
	zd_user_init(&u);
	for (int i = 0; i < ZD_ORGANIZATIONS_MAX; i++)
		json_push(arr, parse("{\"id\":5}"));
	zd_user_decode_organizations(&u, arr, true);
	assert_true(u.organizations_known);
	assert_int_equal(u.organization_count, ZD_ORGANIZATIONS_MAX);
	assert_string_equal(u.organizations[0].name, "");
	json_push(arr, json_new_obj());
	zd_user_decode_organizations(&u, arr, true);
	assert_false(u.organizations_known);
	assert_int_equal(u.organization_count, 0);
	zd_user_release(&u);
	json_free(arr);
}

static void encoded_users_decode_to_the_same(void **state)
{
	struct zd_user u, copy, back;
	struct json_t *first, *second;
	char *a, *b;

	(void)state;
	assert_int_equal(decode(api_user, &u, NULL), RESULT_OK);
	zd_user_add_organization(&u, 31, "Shop & Co");
	zd_user_add_organization(&u, 32, "Other");
	u.organizations_known = true;
	zd_user_copy(&copy, &u);
	zd_user_release(&u);
	assert_string_equal(zd_user_organization(&copy), "Shop & Co");
	first = zd_user_encode(&copy);
	assert_int_equal(zd_user_decode(first, &back, NULL), RESULT_OK);
	second = zd_user_encode(&back);
	a = json_text(first);
	b = json_text(second);
	assert_string_equal(a, b);
	assert_non_null(strstr(a, "\"brand_id\":88"));
	assert_non_null(strstr(a, "{\"id\":32,\"name\":\"Other\"}"));
	assert_non_null(strstr(a, "\"verification_method\":null"));
	free(a);
	free(b);
	json_free(first);
	json_free(second);
	zd_user_release(&copy);
	zd_user_release(&back);
}

static const char sunco_text[] =
	"{\"id\":\"60aa01\",\"externalId\":\"cust-9\",\"zendeskId\":\"7001\","
	"\"brandId\":\"88\",\"authenticated\":true,\"signedUpAt\":\"x\","
	"\"identities\":[{\"type\":\"email\",\"value\":\"ann@shop.example\","
	"\"verification\":\"embed\"},{\"type\":\"email\"}],"
	"\"profile\":{\"givenName\":\"Ann\",\"surname\":\"Lee\","
	"\"email\":\"ann@shop.example\",\"locale\":\"en\"}}";

static void sunco_users_are_read(void **state)
{
	struct sunco_user u, copy;

	(void)state;
	assert_int_equal(decode_sunco_user(sunco_text, &u, NULL), RESULT_OK);
	sunco_user_copy(&copy, &u);
	sunco_user_release(&u);
	assert_string_equal(copy.id, "60aa01");
	assert_true(copy.authenticated);
	assert_int_equal(copy.zendesk_id, 7001);
	assert_int_equal(copy.brand_id, 88);
	assert_int_equal(copy.identity_count, 2);
	assert_string_equal(copy.identities[0].verification, "embed");
	assert_null(copy.identities[1].verification);
	assert_string_equal(copy.identities[1].value, "");
	assert_string_equal(copy.given_name, "Ann");
	assert_string_equal(copy.profile_email, "ann@shop.example");
	sunco_user_release(&copy);
}

static void absent_sunco_fields_are_weak(void **state)
{
	struct sunco_user u;

	(void)state;
	assert_int_equal(decode_sunco_user("{\"id\":\"60aa01\","
					   "\"externalId\":\"\","
					   "\"authenticated\":\"true\"}",
					   &u, NULL),
			 RESULT_OK);
	assert_false(u.authenticated);
	assert_null(u.external_id);
	assert_null(u.profile_email);
	assert_int_equal(u.brand_id, 0);
	sunco_user_release(&u);
}

static void unusable_sunco_users_are_refused(void **state)
{
	static const char *const cases[] = {
		"{}",
		"{\"id\":\"\"}",
		"{\"id\":\"a/b\"}",
		"{\"id\":null}",
		"{\"id\":\"a\",\"brandId\":\"x\"}",
		"{\"id\":\"a\",\"externalId\":{}}",
		"3",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sunco_user u;

		assert_int_equal(decode_sunco_user(cases[i], &u, NULL),
				 RESULT_INVALID);
	}
}

static void sunco_users_encode_and_decode(void **state)
{
	struct sunco_user u, back;
	struct json_t *first, *second;
	char *a, *b;

	(void)state;
	assert_int_equal(decode_sunco_user(sunco_text, &u, NULL), RESULT_OK);
	first = sunco_user_encode(&u);
	assert_int_equal(sunco_user_decode(first, &back, NULL), RESULT_OK);
	second = sunco_user_encode(&back);
	a = json_text(first);
	b = json_text(second);
	assert_string_equal(a, b);
	free(a);
	free(b);
	json_free(first);
	json_free(second);
	sunco_user_release(&u);
	sunco_user_release(&back);
}

static void sunco_ids_are_checked(void **state)
{
	char longest[SUNCO_ID_SIZE + 1];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	assert_true(sunco_id_valid("425a9d0b", 8));
	assert_true(sunco_id_valid("AZaz09_-", 8));
	assert_true(sunco_id_valid(longest, 64));
	assert_false(sunco_id_valid(longest, 65));
	assert_false(sunco_id_valid("", 0));
	assert_false(sunco_id_valid("a b", 3));
	assert_false(sunco_id_valid("a\0b", 3));
	assert_false(sunco_id_valid("\xc3\xa4", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(api_objects_are_read),
		cmocka_unit_test(times_survive_a_copy_and_a_text),
		cmocka_unit_test(identities_are_found_by_exact_value),
		cmocka_unit_test(facts_shape_is_read),
		cmocka_unit_test(empty_means_none),
		cmocka_unit_test(numeric_external_ids_are_text),
		cmocka_unit_test(unknown_roles_are_no_end_users),
		cmocka_unit_test(shared_agents_are_shared),
		cmocka_unit_test(unusable_users_are_refused_by_key),
		cmocka_unit_test(verification_words),
		cmocka_unit_test(unreadable_methods_are_no_absent_ones),
		cmocka_unit_test(identities_are_replaced),
		cmocka_unit_test(too_many_identities_are_none_known),
		cmocka_unit_test(too_many_organizations_are_none_known),
		cmocka_unit_test(encoded_users_decode_to_the_same),
		cmocka_unit_test(sunco_users_are_read),
		cmocka_unit_test(absent_sunco_fields_are_weak),
		cmocka_unit_test(unusable_sunco_users_are_refused),
		cmocka_unit_test(sunco_users_encode_and_decode),
		cmocka_unit_test(sunco_ids_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
