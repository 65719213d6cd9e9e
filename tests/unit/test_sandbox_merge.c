/*
 * Merges of the sandbox: who may, what moves, what is lost, what lags.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox_kit.h"

#define MERGE_1_INTO_2 "PUT", "/api/v2/users/1/merge", "{'user':{'id':2}}"
/* 1 came from a conversation, 2 is the profile. */
#define PAIR                                                                   \
	"{'users':[{'id':1,'name':'Web User','external_id':'ext',"             \
	"'tags':['a'],'notes':'n','phone':'+1','organization_id':77,"          \
	"'identities':[{'type':'messaging','value':'sun1','verified':true},"   \
	"{'type':'email','value':'one@x.example'}]},"                          \
	"{'id':2,'name':'Ann','email':'two@x.example'}],"                      \
	"'tickets':[{'id':11,'requester_id':1},{'id':12,'requester_id':1},"    \
	"{'id':21,'requester_id':2}]}"

static void test_tickets_and_identities_move(void **state)
{
	struct kit *k = *state;
	struct state *s = k->account.state;
	const struct zen_user *into;

	kit_load(k, PAIR);
	assert_int_equal(kit_call(k, MERGE_1_INTO_2), 200);
	assert_true(k->answer.applied);
	assert_int_equal(kit_int(k, "user.id"), 2);
	into = kit_user(k, 2);
	assert_string_equal(into->name, "Ann");
	assert_int_equal(into->identity_count, 3);
	assert_string_equal(state_primary_email(into)->value, "two@x.example");
	assert_non_null(state_identity_named(into, "email", "one@x.example"));
	assert_ptr_equal(state_user_by_messaging(s, "sun1"), into);
	assert_ptr_equal(state_user_by_address(s, "one@x.example", 0), into);
	assert_int_equal(state_tickets_of(s, into), 3);
	assert_int_equal(state_ticket(s, 11)->requester_id, 2);
	assert_int_equal(into->organization_id, 77);
	assert_string_equal(into->phone, "+1");
}

static void test_organizations_join_where_there_may_be_several(void **state)
{
	static const char people[] =
		"{'users':[{'id':1,'name':'A','organization_ids':[77,78]},"
		"{'id':2,'name':'B','organization_id':79}]}";
	struct kit *k = *state;

	kit_load(k, people);
	kit_call(k, MERGE_1_INTO_2);
	assert_int_equal(kit_user(k, 2)->membership_count, 1);
	state_reset(k->account.state);
	kit_load(k, people);
	kit_set(k, "{'multiple_organizations':true}");
	kit_call(k, MERGE_1_INTO_2);
	assert_int_equal(kit_user(k, 2)->membership_count, 3);
	assert_int_equal(kit_user(k, 2)->organization_id, 79);
}

static void test_the_rest_is_lost(void **state)
{
	struct kit *k = *state;
	struct state *s = k->account.state;
	const struct zen_user *from;
	const struct zen_user *into;

	kit_load(k, PAIR);
	kit_call(k, MERGE_1_INTO_2);
	from = kit_user(k, 1);
	into = kit_user(k, 2);
	assert_false(from->active);
	assert_int_equal(from->merged_into, 2);
	assert_null(into->external_id);
	assert_null(into->notes);
	assert_int_equal(json_len(into->tags), 0);
	assert_null(state_user_by_external_id(s, "ext", 0));
	assert_int_equal(s->merge_count, 1);
	assert_int_equal(s->merges[0].from, 1);
	assert_int_equal(s->merges[0].into, 2);
	assert_string_equal(s->merges[0].by, "api");
}

static void test_the_loser_is_gone(void **state)
{
	struct kit *k = *state;

	kit_load(k, PAIR);
	assert_int_equal(kit_call(k, "GET", "/api/v2/deleted_users/1", NULL),
			 404);
	kit_call(k, MERGE_1_INTO_2);
	assert_int_equal(kit_call(k, "GET", "/api/v2/users/1", NULL), 404);
	assert_string_equal(kit_str(k, "error"), "RecordNotFound");
	assert_int_equal(kit_call(k, "GET", "/api/v2/deleted_users/1", NULL),
			 200);
	assert_int_equal(kit_int(k, "deleted_user.id"), 1);
	assert_int_equal(kit_call(k, MERGE_1_INTO_2), 404);
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/2/merge",
				  "{'user':{'id':1}}"),
			 404);
	assert_false(k->answer.applied);
	kit_set(k, "{'show_merged':true}");
	assert_int_equal(kit_call(k, "GET", "/api/v2/users/1", NULL), 200);
	assert_false(json_bool(kit_at(k, "user.active"), true));
}

static void test_an_id_may_be_text(void **state)
{
	struct kit *k = *state;

	kit_load(k, PAIR);
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/1/merge.json",
				  "{'user':{'id':'2'}}"),
			 200);
}

static void test_an_address_becomes_primary_where_there_was_none(void **state)
{
	struct kit *k = *state;

	kit_load(k, "{'users':[{'id':1,'name':'A','email':'a@x.example'},"
		    "{'id':2,'name':'B'}]}");
	kit_call(k, MERGE_1_INTO_2);
	assert_string_equal(state_primary_email(kit_user(k, 2))->value,
			    "a@x.example");
}

static void refused(struct kit *k, const char *people, const char *settings,
		    int status)
{
	state_reset(k->account.state);
	kit_load(k, people);
	kit_set(k, settings);
	assert_int_equal(kit_call(k, MERGE_1_INTO_2), status);
	assert_int_equal(k->answer.applied, status == 200);
	assert_int_equal(k->account.state->merge_count, status == 200);
	if (status == 422) {
		assert_string_equal(kit_str(k, "error"), "RecordInvalid");
		assert_non_null(kit_str(k, "details.base.0.description"));
	}
}

static void test_who_cannot_be_merged(void **state)
{
	struct kit *k = *state;

	refused(k, "{'users':[{'id':1,'name':'A'}]}", "{}", 404);
	refused(k, "{'users':[{'id':2,'name':'B'}]}", "{}", 404);
	refused(k,
		"{'users':[{'id':1,'name':'A','role':'agent'},"
		"{'id':2,'name':'B'}]}",
		"{}", 422);
	refused(k,
		"{'users':[{'id':1,'name':'A'},"
		"{'id':2,'name':'B','role':'admin'}]}",
		"{}", 422);
	refused(k,
		"{'users':[{'id':1,'name':'A'},"
		"{'id':2,'name':'B','shared':true}]}",
		"{}", 422);
	kit_load(k, "{'users':[{'id':9,'name':'C'}]}");
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/9/merge",
				  "{'user':{'id':9}}"),
			 422);
	assert_int_equal(
		kit_call(k, "PUT", "/api/v2/users/9/merge", "{'user':{}}"),
		422);
}

static void test_ten_thousand_tickets_are_the_limit(void **state)
{
	struct kit *k = *state;

	refused(k,
		"{'users':[{'id':1,'name':'A','tickets':9999},"
		"{'id':2,'name':'B','tickets':20000}],"
		"'tickets':[{'requester_id':1}]}",
		"{}", 200);
	refused(k,
		"{'users':[{'id':1,'name':'A','tickets':10000},"
		"{'id':2,'name':'B'}],'tickets':[{'requester_id':1}]}",
		"{}", 422);
}

static void test_switchable_refusals(void **state)
{
	static const char suspended[] =
		"{'users':[{'id':1,'name':'A','suspended':true},"
		"{'id':2,'name':'B'}]}";
	static const char external[] =
		"{'users':[{'id':1,'name':'A'},"
		"{'id':2,'name':'B','external_id':'e'}]}";
	static const char messaging[] =
		"{'users':[{'id':1,'name':'A','identities':["
		"{'type':'messaging','value':'s'}]},{'id':2,'name':'B'}]}";
	struct kit *k = *state;

	refused(k, suspended, "{'merge_suspended':false}", 422);
	refused(k, suspended, "{'merge_suspended':true}", 200);
	refused(k, external, "{'sso_external_id_refusal':true}", 422);
	assert_non_null(strstr(kit_str(k, "details.base.0.description"),
			       "external_id"));
	refused(k, external, "{'sso_external_id_refusal':false}", 200);
	refused(k, messaging, "{'merge_unverified_messaging':false}", 422);
	refused(k, messaging, "{'merge_unverified_messaging':true}", 200);
}

static void test_identities_may_arrive_late(void **state)
{
	struct kit *k = *state;

	kit_load(k, PAIR);
	kit_set(k, "{'identity_move_lag_ms':5000}");
	kit_call(k, MERGE_1_INTO_2);
	k->now_ms += 4999;
	kit_call(k, "GET", "/api/v2/users/2/identities", NULL);
	assert_int_equal(kit_int(k, "count"), 1);
	kit_call(k, "GET", "/api/v2/users/2?include=identities", NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 1);
	k->now_ms += 1;
	kit_call(k, "GET", "/api/v2/users/2/identities", NULL);
	assert_int_equal(kit_int(k, "count"), 3);
}

static void test_the_messaging_identity_may_stay_behind(void **state)
{
	struct kit *k = *state;

	kit_load(k, PAIR);
	kit_set(k, "{'messaging_identity_moves':false}");
	kit_call(k, MERGE_1_INTO_2);
	assert_int_equal(kit_user(k, 2)->identity_count, 2);
	assert_null(state_user_by_messaging(k->account.state, "sun1"));
}

static void test_a_lost_external_id_may_be_free_late(void **state)
{
	static const char pin[] = "{'user':{'external_id':'EXT'}}";
	struct kit *k = *state;

	kit_load(k, PAIR);
	kit_set(k, "{'external_id_release_lag_ms':5000,"
		   "'user_update_limits':false}");
	kit_call(k, MERGE_1_INTO_2);
	k->now_ms += 4999;
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/2", pin), 422);
	assert_string_equal(kit_str(k, "details.external_id.0.error"),
			    "DuplicateValue");
	k->now_ms += 1;
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/2", pin), 200);
	assert_string_equal(kit_user(k, 2)->external_id, "EXT");
}

static void test_a_merge_is_told(void **state)
{
	struct kit *k = *state;
	struct change *changes;
	size_t merged = 0;
	size_t count;

	kit_load(k, PAIR);
	kit_call(k, MERGE_1_INTO_2);
	changes = state_changes_take(k->account.state, &count);
	for (size_t i = 0; i < count; i++) {
		if (changes[i].kind != CHANGE_USER_MERGED)
			continue;
		merged++;
		assert_int_equal(changes[i].user_id, 1);
		assert_int_equal(changes[i].other_user_id, 2);
	}
	assert_int_equal(merged, 1);
	state_changes_free(changes, count);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tickets_and_identities_move),
		TEST(test_organizations_join_where_there_may_be_several),
		TEST(test_the_rest_is_lost),
		TEST(test_the_loser_is_gone),
		TEST(test_an_id_may_be_text),
		TEST(test_an_address_becomes_primary_where_there_was_none),
		TEST(test_who_cannot_be_merged),
		TEST(test_ten_thousand_tickets_are_the_limit),
		TEST(test_switchable_refusals),
		TEST(test_identities_may_arrive_late),
		TEST(test_the_messaging_identity_may_stay_behind),
		TEST(test_a_lost_external_id_may_be_free_late),
		TEST(test_a_merge_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
