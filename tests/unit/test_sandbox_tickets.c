/*
 * The sandbox's tickets: what an update changes and what it leaves, closed
 * ones, comments by page, tags, and how often one may be updated.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox_kit.h"

#define T "/api/v2/tickets/9"

static struct kit *with_ticket(void **state)
{
	struct kit *k = *state;

	kit_load(k, "{'users':[{'id':1,'name':'Ann'}],'tickets':["
		    "{'id':9,'requester_id':1,'tags':['vip']},"
		    "{'id':10,'requester_id':1,'status':'closed'}]}");
	return k;
}

static int comment(struct kit *k, const char *text)
{
	char body[256];

	snprintf(body, sizeof(body),
		 "{'ticket':{'comment':{'body':'%s','public':false}}}", text);
	return kit_call(k, "PUT", T, body);
}

static void test_a_comment_is_listed(void **state)
{
	struct kit *k = with_ticket(state);

	assert_int_equal(comment(k, "one"), 200);
	assert_int_equal(comment(k, "two"), 200);
	assert_int_equal(kit_call(k, "GET", T "/comments", NULL), 200);
	assert_string_equal(kit_str(k, "comments.0.body"), "one");
	assert_string_equal(kit_str(k, "comments.1.plain_body"), "two");
	assert_false(json_bool(kit_at(k, "comments.0.public"), true));
	assert_int_equal(kit_call(k, "GET",
				  T "/comments?page[size]=1&sort=-created_at",
				  NULL),
			 200);
	assert_string_equal(kit_str(k, "comments.0.body"), "two");
	assert_null(kit_at(k, "comments.1"));
	assert_true(json_bool(kit_at(k, "meta.has_more"), false));
	assert_int_equal(
		kit_call(k, "GET", T "/comments?sort_order=desc", NULL), 200);
	assert_string_equal(kit_str(k, "comments.1.body"), "one");
	assert_int_equal(kit_call(k, "GET", "/api/v2/tickets/8/comments", NULL),
			 404);
}

static void test_a_comment_is_public_unless_it_says_so(void **state)
{
	struct kit *k = with_ticket(state);

	kit_call(k, "PUT", T, "{'ticket':{'comment':{'body':'hello'}}}");
	kit_call(k, "GET", T "/comments", NULL);
	assert_true(json_bool(kit_at(k, "comments.0.public"), false));
}

static void test_tags_come_and_go(void **state)
{
	struct kit *k = with_ticket(state);

	assert_int_equal(kit_call(k, "PUT", T "/tags", "{'tags':['a','b']}"),
			 200);
	assert_string_equal(kit_str(k, "tags.0"), "vip");
	assert_string_equal(kit_str(k, "tags.2"), "b");
	kit_call(k, "PUT", T "/tags", "{'tags':['a']}");
	assert_null(kit_at(k, "tags.3"));
	assert_int_equal(kit_call(k, "DELETE", T "/tags?tags=a,c", NULL), 200);
	assert_string_equal(kit_str(k, "tags.1"), "b");
	assert_null(kit_at(k, "tags.2"));
	kit_call(k, "GET", T, NULL);
	assert_string_equal(kit_str(k, "ticket.tags.1"), "b");
}

/* An update that names tags replaces them all. */
static void test_an_update_overwrites_tags(void **state)
{
	struct kit *k = with_ticket(state);

	kit_call(k, "PUT", T, "{'ticket':{'tags':['a']}}");
	assert_string_equal(kit_str(k, "ticket.tags.0"), "a");
	assert_null(kit_at(k, "ticket.tags.1"));
}

static void test_a_closed_ticket_takes_nothing(void **state)
{
	struct kit *k = with_ticket(state);
	const char *const closed = "/api/v2/tickets/10";

	assert_int_equal(kit_call(k, "PUT", closed,
				  "{'ticket':{'comment':{'body':'x'}}}"),
			 422);
	assert_string_equal(kit_str(k, "error"), "RecordInvalid");
	assert_int_equal(
		kit_call(k, "PUT", "/api/v2/tickets/10/tags", "{'tags':['a']}"),
		422);
	assert_int_equal(
		kit_call(k, "DELETE", "/api/v2/tickets/10/tags?tags=a", NULL),
		422);
	assert_int_equal(
		kit_call(k, "GET", "/api/v2/tickets/10/comments", NULL), 200);
	assert_null(kit_at(k, "comments.0"));
	assert_int_equal(kit_call(k, "GET", closed, NULL), 200);
}

/* Thirty of one ticket in ten minutes, a hundred a minute in all. */
static void test_updates_are_limited(void **state)
{
	struct kit *k = with_ticket(state);

	kit_set(k, "{'limit':0}");
	for (int i = 0; i < 30; i++)
		assert_int_equal(comment(k, "x"), 200);
	assert_int_equal(comment(k, "x"), 429);
	k->now_ms += 9 * 60000;
	assert_int_equal(comment(k, "x"), 429);
	k->now_ms += 60000;
	assert_int_equal(comment(k, "x"), 200);
	kit_set(k, "{'ticket_update_limits':false}");
	for (int i = 0; i < 40; i++)
		assert_int_equal(comment(k, "x"), 200);
}

static void test_updates_of_all_are_limited(void **state)
{
	struct kit *k = *state;
	char path[64];

	kit_set(k, "{'limit':0}");
	kit_load(k, "{'users':[{'id':1,'name':'Ann'}],'tickets':["
		    "{'id':1,'requester_id':1},{'id':2,'requester_id':1},"
		    "{'id':3,'requester_id':1},{'id':4,'requester_id':1}]}");
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/api/v2/tickets/%d/tags",
			 i % 4 + 1);
		assert_int_equal(kit_call(k, "PUT", path, "{'tags':['a']}"),
				 200);
	}
	assert_int_equal(kit_call(k, "PUT", path, "{'tags':['a']}"), 429);
	k->now_ms += 60000;
	assert_int_equal(kit_call(k, "PUT", path, "{'tags':['a']}"), 200);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_a_comment_is_listed),
		TEST(test_a_comment_is_public_unless_it_says_so),
		TEST(test_tags_come_and_go),
		TEST(test_an_update_overwrites_tags),
		TEST(test_a_closed_ticket_takes_nothing),
		TEST(test_updates_are_limited),
		TEST(test_updates_of_all_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
