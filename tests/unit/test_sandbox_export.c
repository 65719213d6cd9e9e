/*
 * The sandbox's exports: by change, without the last minute, page by page, of
 * users and of tickets, with a limit of their own.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox_kit.h"

#define USERS	"/api/v2/incremental/users/cursor?"
#define TICKETS "/api/v2/incremental/tickets/cursor?"

static struct kit *with_people(void **state)
{
	struct kit *k = *state;

	kit_load(k, "{'users':["
		    "{'id':1,'name':'Ann','email':'ann@x.example'},"
		    "{'id':2,'name':'Bob'},{'id':3,'name':'Eve'}],"
		    "'tickets':[{'id':9,'requester_id':1},"
		    "{'id':10,'requester_id':2,'channel':'email'}]}");
	return k;
}

/* The page behind the last one. */
static int next(struct kit *k, const char *what)
{
	char target[200];

	snprintf(target, sizeof(target), "%scursor=%s", what,
		 kit_str(k, "after_cursor"));
	return kit_call(k, "GET", target, NULL);
}

static void test_users_go_by_change(void **state)
{
	struct kit *k = with_people(state);

	k->now_ms += 1000;
	kit_call(k, "PUT", "/api/v2/users/2", "{'user':{'notes':'n'}}");
	kit_call(k, "GET", USERS "start_time=1&per_page=1", NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 1);
	assert_int_equal(kit_int(k, "users.0.id"), 1);
	assert_false(json_bool(kit_at(k, "end_of_stream"), true));
	next(k, USERS);
	assert_int_equal(json_len(kit_at(k, "users")), 1);
	assert_int_equal(kit_int(k, "users.0.id"), 3);
	assert_true(json_bool(kit_at(k, "end_of_stream"), false));
	k->now_ms += 60000;
	next(k, USERS); /* the minute is over */
	assert_int_equal(json_len(kit_at(k, "users")), 1);
	assert_int_equal(kit_int(k, "users.0.id"), 2);
	k->now_ms += 60000;
	next(k, USERS);
	assert_int_equal(json_len(kit_at(k, "users")), 0);
}

static void test_tickets_go_by_change(void **state)
{
	struct kit *k = with_people(state);

	k->now_ms += 60000;
	kit_call(k, "PUT", "/api/v2/tickets/9", "{'ticket':{'tags':['a']}}");
	kit_call(k, "GET", TICKETS "start_time=1", NULL);
	assert_int_equal(json_len(kit_at(k, "tickets")), 1);
	assert_int_equal(kit_int(k, "tickets.0.id"), 10);
	assert_string_equal(kit_str(k, "tickets.0.via.channel"), "email");
	assert_true(json_bool(kit_at(k, "end_of_stream"), false));
	k->now_ms += 60000;
	next(k, TICKETS);
	assert_int_equal(json_len(kit_at(k, "tickets")), 1);
	assert_int_equal(kit_int(k, "tickets.0.id"), 9);
	assert_string_equal(kit_str(k, "tickets.0.via.channel"),
			    "native_messaging");
}

static void test_identities_are_side_loaded(void **state)
{
	struct kit *k = with_people(state);

	kit_call(k, "GET", USERS "start_time=1&include=identities", NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 1);
	kit_set(k, "{'side_load_export':false}");
	kit_call(k, "GET", USERS "start_time=1&include=identities", NULL);
	assert_null(kit_at(k, "identities"));
}

static void test_a_start_is_a_minute_ago(void **state)
{
	struct kit *k = with_people(state);
	char target[100];

	snprintf(target, sizeof(target), USERS "start_time=%lld",
		 (long long)(k->now_ms / 1000 - 50));
	assert_int_equal(kit_call(k, "GET", target, NULL), 422);
	assert_int_equal(kit_call(k, "GET", TICKETS, NULL), 400);
	assert_int_equal(kit_call(k, "GET", TICKETS "cursor=x", NULL), 400);
	kit_set(k, "{'incremental_lag_ms':0}");
	assert_int_equal(kit_call(k, "GET", target, NULL), 200);
}

static void test_exports_share_a_limit(void **state)
{
	struct kit *k = with_people(state);

	for (int i = 0; i < 10; i++)
		assert_int_equal(kit_call(k, "GET",
					  i % 2 ? USERS "start_time=1"
						: TICKETS "start_time=1",
					  NULL),
				 200);
	assert_int_equal(kit_call(k, "GET", USERS "start_time=1", NULL), 429);
	assert_int_equal(kit_call(k, "GET", TICKETS "start_time=1", NULL), 429);
	assert_int_equal(kit_call(k, "GET", "/api/v2/users/1", NULL), 200);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_users_go_by_change),
		TEST(test_tickets_go_by_change),
		TEST(test_identities_are_side_loaded),
		TEST(test_a_start_is_a_minute_ago),
		TEST(test_exports_share_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
