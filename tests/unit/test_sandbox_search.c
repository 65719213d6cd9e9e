/*
 * Searches of the sandbox: what they find, how late, and the traps.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox_kit.h"

#define SEARCH "/api/v2/users/search?"
#define PEOPLE                                                                 \
	"{'users':[{'id':1,'name':'Ann Lee','email':'lee@x.example',"          \
	"'external_id':'U-1'},"                                                \
	"{'id':2,'name':'Bob','email':'ann.lee@x.example'},"                   \
	"{'id':3,'name':'Cy','notes':'knows Ann','identities':["               \
	"{'type':'email','value':'cy@x.example'},"                             \
	"{'type':'email','value':'second@x.example'}]}]}"

static void find(struct kit *k, const char *query, int64_t count,
		 int64_t first_id)
{
	char target[256];

	snprintf(target, sizeof(target), SEARCH "%s", query);
	assert_int_equal(kit_call(k, "GET", target, NULL), 200);
	assert_int_equal(kit_int(k, "count"), count);
	assert_int_equal(json_len(kit_at(k, "users")), count);
	if (count > 0)
		assert_int_equal(kit_int(k, "users.0.id"), first_id);
}

static void test_address_finds_owner_and_decoy(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	find(k, "query=email:\"lee@x.example\"", 2, 2);
	kit_set(k, "{'search_decoy_first':false}");
	find(k, "query=email:\"LEE@X.example\"", 2, 1);
	kit_set(k, "{'search_fuzzy':false}");
	find(k, "query=email:\"lee@x.example\"", 1, 1);
	find(k, "query=email:second@x.example", 1, 3);
	find(k, "query=email:\"x.example\"", 0, 0);
}

static void test_words_match_parts_of_any_field(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	find(k, "query=ann", 3, 1);
	find(k, "query=Ann Lee", 2, 1);
	find(k, "query=cy knows", 1, 3);
	find(k, "query=@x.exam", 3, 1);
	find(k, "query=nobody", 0, 0);
}

static void test_external_id_is_exact_but_for_case(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	find(k, "external_id=u-1", 1, 1);
	find(k, "external_id=u-", 0, 0);
}

static void test_new_users_appear_late(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_set(k, "{'index_lag_ms':3000}");
	kit_call(k, "POST", "/api/v2/users",
		 "{'user':{'name':'Di','email':'di@x.example',"
		 "'external_id':'u-4'}}");
	k->now_ms += 2999;
	find(k, "query=email:\"di@x.example\"", 0, 0);
	find(k, "external_id=u-4", 0, 0);
	kit_set(k, "{'external_id_search_lags':false}");
	find(k, "external_id=u-4", 1, 5004);
	k->now_ms += 1;
	find(k, "query=email:\"di@x.example\"", 1, 5004);
}

static void test_changed_users_are_found_as_they_were(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_set(k, "{'index_lag_ms':3000}");
	find(k, "query=email:\"cy@x.example\"", 1, 3);
	kit_call(k, "PUT", "/api/v2/users/3/identities/5002",
		 "{'identity':{'value':'new@x.example'}}");
	find(k, "query=email:\"cy@x.example\"", 1, 3);
	assert_string_equal(kit_str(k, "users.0.email"), "new@x.example");
	find(k, "query=email:\"new@x.example\"", 0, 0);
	k->now_ms += 3000;
	find(k, "query=email:\"cy@x.example\"", 0, 0);
	find(k, "query=email:\"new@x.example\"", 1, 3);
}

static void test_gone_users_are_not_found(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_set(k, "{'index_lag_ms':3000}");
	find(k, "external_id=u-1", 1, 1);
	kit_call(k, "PUT", "/api/v2/users/1/merge", "{'user':{'id':3}}");
	find(k, "query=email:\"lee@x.example\"", 1, 2);
	find(k, "external_id=u-1", 0, 0);
	find(k, "query=lee@x.example", 1, 2);
	k->now_ms += 3000;
	kit_set(k, "{'search_decoy_first':false}");
	find(k, "query=email:\"lee@x.example\"", 2, 3);
}

static void test_identities_come_along_if_asked(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	find(k, "query=second&include=identities", 1, 3);
	assert_int_equal(json_len(kit_at(k, "identities")), 2);
	assert_int_equal(kit_int(k, "identities.0.user_id"), 3);
	find(k, "query=second", 1, 3);
	assert_null(kit_at(k, "identities"));
	kit_set(k, "{'side_load_search':false}");
	find(k, "query=second&include=identities", 1, 3);
	assert_null(kit_at(k, "identities"));
}

static void load_many(struct kit *k, int count)
{
	char one[200];

	for (int i = 0; i < count; i++) {
		snprintf(one, sizeof(one),
			 "{'users':[{'name':'Many %d','external_id':'m%d',"
			 "'email':'many%d@x.example'}]}",
			 i, i, i);
		kit_load(k, one);
	}
}

static void test_results_come_in_pages(void **state)
{
	struct kit *k = *state;

	load_many(k, 250);
	kit_call(k, "GET", SEARCH "query=many", NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 100);
	assert_int_equal(kit_int(k, "count"), 250);
	assert_string_equal(kit_str(k, "next_page"),
			    "http://stand.example/api/v2/users/search?"
			    "query=many&page=2");
	assert_true(json_is_null(kit_at(k, "previous_page")));
	kit_call(k, "GET", SEARCH "query=many&page=3&per_page=500", NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 50);
	assert_true(json_is_null(kit_at(k, "next_page")));
	assert_non_null(kit_str(k, "previous_page"));
	kit_call(k, "GET", SEARCH "query=many&page=9&per_page=100", NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 0);
	assert_int_equal(kit_call(k, "GET", SEARCH "query=many&page=101", NULL),
			 400);
	assert_string_equal(kit_str(k, "errors.0.code"),
			    "InvalidPaginationDepth");
}

static void test_a_search_needs_something_to_look_for(void **state)
{
	assert_int_equal(kit_call(*state, "GET", SEARCH "page=1", NULL), 400);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_address_finds_owner_and_decoy),
		TEST(test_words_match_parts_of_any_field),
		TEST(test_external_id_is_exact_but_for_case),
		TEST(test_new_users_appear_late),
		TEST(test_changed_users_are_found_as_they_were),
		TEST(test_gone_users_are_not_found),
		TEST(test_identities_come_along_if_asked),
		TEST(test_results_come_in_pages),
		TEST(test_a_search_needs_something_to_look_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
