/*
 * Users, identities, tickets and exports of the sandbox.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox_kit.h"

#define PEOPLE                                                                 \
	"{'users':[{'id':1,'name':'Ann','email':'ann@x.example',"              \
	"'external_id':'e1'},"                                                 \
	"{'id':2,'name':'Bob'},"                                               \
	"{'id':3,'name':'Cy','shared':true,'role':'end-user'},"                \
	"{'id':4,'name':'Di','role':'admin'}]}"
#define USER_2 "/api/v2/users/2"

static void free_of_limits(struct kit *k)
{
	kit_load(k, PEOPLE);
	kit_set(k, "{'user_update_limits':false}");
}

static void test_create(void **state)
{
	struct kit *k = *state;

	free_of_limits(k);
	assert_int_equal(kit_call(k, "POST", "/api/v2/users",
				  "{'user':{'name':'Eve','email':"
				  "'eve@x.example','external_id':'e5',"
				  "'verified':true}}"),
			 201);
	assert_string_equal(kit_str(k, "user.email"), "eve@x.example");
	assert_string_equal(kit_str(k, "user.external_id"), "e5");
	assert_string_equal(kit_str(k, "user.role"), "end-user");
	assert_true(json_bool(kit_at(k, "user.verified"), false));
	assert_true(k->answer.applied);
}

static void duplicate(struct kit *k, const char *method, const char *target,
		      const char *body, const char *field)
{
	char path[80];

	assert_int_equal(kit_call(k, method, target, body), 422);
	assert_false(k->answer.applied);
	assert_string_equal(kit_str(k, "error"), "RecordInvalid");
	snprintf(path, sizeof(path), "details.%s.0.error", field);
	assert_string_equal(kit_str(k, path), "DuplicateValue");
}

static void test_addresses_and_external_ids_are_unique(void **state)
{
	struct kit *k = *state;

	free_of_limits(k);
	duplicate(k, "POST", "/api/v2/users",
		  "{'user':{'name':'E','email':'ANN@x.example'}}", "email");
	duplicate(k, "POST", "/api/v2/users",
		  "{'user':{'name':'E','external_id':'E1'}}", "external_id");
	duplicate(k, "PUT", USER_2, "{'user':{'email':'ann@X.example'}}",
		  "email");
	duplicate(k, "PUT", USER_2, "{'user':{'external_id':'E1'}}",
		  "external_id");
	duplicate(k, "POST", USER_2 "/identities",
		  "{'identity':{'type':'email','value':'ann@x.example'}}",
		  "email");
	assert_int_equal(kit_user_count(k), 4);
	assert_int_equal(kit_user(k, 2)->identity_count, 0);
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/1",
				  "{'user':{'external_id':'E1'}}"),
			 200);
	assert_string_equal(kit_user(k, 1)->external_id, "E1");
}

static void test_what_is_no_user_is_refused(void **state)
{
	struct kit *k = *state;

	free_of_limits(k);
	assert_int_equal(kit_call(k, "POST", "/api/v2/users",
				  "{'user':{'email':'z@x.example'}}"),
			 422);
	assert_int_equal(
		kit_call(k, "PUT", USER_2, "{'user':{'email':'no address'}}"),
		422);
	assert_non_null(kit_str(k, "details.email.0.description"));
	assert_int_equal(kit_call(k, "PUT", USER_2, "{'user':{'name':''}}"),
			 422);
	assert_int_equal(
		kit_call(k, "PUT", "/api/v2/users/3", "{'user':{'name':'S'}}"),
		403);
	assert_string_equal(kit_str(k, "error.title"), "Forbidden");
	assert_int_equal(
		kit_call(k, "PUT", "/api/v2/users/99", "{'user':{'name':'S'}}"),
		404);
}

static void test_an_update_makes_an_agent(void **state)
{
	struct kit *k = *state;

	free_of_limits(k);
	kit_call(k, "PUT", USER_2, "{'user':{'role':'agent'}}");
	assert_string_equal(kit_user(k, 2)->role, "agent");
	kit_call(k, "PUT", USER_2, "{'user':{'name':'Bo'}}");
	assert_string_equal(kit_user(k, 2)->role, "agent");
}

static void test_an_update_adds_a_secondary_address(void **state)
{
	struct kit *k = *state;
	const struct zen_user *u;

	free_of_limits(k);
	kit_call(k, "PUT", "/api/v2/users/1",
		 "{'user':{'email':'two@x.example'}}");
	assert_string_equal(kit_str(k, "user.email"), "ann@x.example");
	u = kit_user(k, 1);
	assert_int_equal(u->identity_count, 2);
	assert_false(u->identities[1]->primary);
	assert_false(u->identities[1]->verified);
	kit_call(k, "PUT", USER_2,
		 "{'user':{'email':'bob@x.example','verified':true}}");
	u = kit_user(k, 2);
	assert_true(u->identities[0]->primary);
	assert_true(u->identities[0]->verified);
	assert_string_equal(u->identities[0]->method, "low");
	kit_call(k, "PUT", USER_2, "{'user':{'verified':false}}");
	assert_false(u->identities[0]->verified);
}

static void test_null_clears_the_external_id(void **state)
{
	struct kit *k = *state;

	free_of_limits(k);
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/1",
				  "{'user':{'external_id':null}}"),
			 200);
	assert_true(json_is_null(kit_at(k, "user.external_id")));
	assert_null(state_user_by_external_id(k->account.state, "e1", 0));
	kit_call(k, "PUT", USER_2, "{'user':{'external_id':'e1'}}");
	assert_string_equal(kit_user(k, 2)->external_id, "e1");
}

static void test_updates_have_their_own_limits(void **state)
{
	static const char body[] = "{'user':{'notes':'n'}}";
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	assert_int_equal(kit_call(k, "PUT", USER_2, body), 200);
	assert_non_null(strstr(k->answer.headers.data,
			       "Zendesk-RateLimit-create-update-user: "
			       "total=5; remaining=4; resets="));
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/1", body), 429);
	assert_non_null(strstr(k->answer.headers.data, "Retry-After: 1\r\n"));
	for (int i = 0; i < 4; i++) {
		k->now_ms += 1000;
		assert_int_equal(kit_call(k, "PUT", USER_2, body), 200);
	}
	k->now_ms += 1000;
	assert_int_equal(kit_call(k, "PUT", USER_2, body), 429);
	assert_non_null(strstr(k->answer.headers.data, "remaining=0"));
	k->now_ms += 1000;
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/1", body), 200);
	k->now_ms += 60000;
	assert_int_equal(kit_call(k, "PUT", USER_2, body), 200);
}

static void test_identities(void **state)
{
	struct kit *k = *state;
	const struct zen_user *u;

	free_of_limits(k);
	assert_int_equal(kit_call(k, "POST", "/api/v2/users/1/identities",
				  "{'identity':{'type':'email',"
				  "'value':'two@x.example'}}"),
			 201);
	u = kit_user(k, 1);
	assert_int_equal(kit_int(k, "identity.id"), u->identities[1]->id);
	assert_string_equal(kit_str(k, "identity.verification_method"), "none");
	kit_call(k, "PUT", "/api/v2/users/1/identities/5001/verify", NULL);
	assert_true(u->identities[1]->verified);
	assert_string_equal(u->identities[1]->method, "low");
	kit_call(k, "PUT", "/api/v2/users/1/identities/5001/make_primary",
		 NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 2);
	assert_string_equal(state_primary_email(u)->value, "two@x.example");
	assert_int_equal(
		kit_call(k, "DELETE", "/api/v2/users/1/identities/5001", NULL),
		204);
	assert_string_equal(state_primary_email(u)->value, "ann@x.example");
	assert_int_equal(
		kit_call(k, "GET", "/api/v2/users/1/identities/5001", NULL),
		404);
	kit_set(k, "{'verification_method':false}");
	kit_call(k, "GET", "/api/v2/users/1/identities", NULL);
	assert_null(kit_at(k, "identities.0.verification_method"));
}

static void test_messaging_identities_are_read_only(void **state)
{
	struct kit *k = *state;

	kit_load(k, "{'users':[{'id':1,'name':'A','identities':["
		    "{'type':'messaging','value':'sun'}]}]}");
	assert_int_equal(kit_call(k, "POST", "/api/v2/users/1/identities",
				  "{'identity':{'type':'messaging',"
				  "'value':'other'}}"),
			 422);
	assert_int_equal(
		kit_call(k, "DELETE", "/api/v2/users/1/identities/5000", NULL),
		403);
	assert_int_equal(kit_call(k, "PUT", "/api/v2/users/1/identities/5000",
				  "{'identity':{'value':'x'}}"),
			 403);
	assert_int_equal(kit_user(k, 1)->identity_count, 1);
}

static void test_identities_come_in_pages(void **state)
{
	struct kit *k = *state;
	char target[120];

	kit_load(k, "{'users':[{'id':1,'name':'A','identities':["
		    "{'type':'email','value':'a@x.example'},"
		    "{'type':'email','value':'b@x.example'},"
		    "{'type':'email','value':'c@x.example'}]}]}");
	kit_call(k, "GET", "/api/v2/users/1/identities?page[size]=2", NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 2);
	assert_true(json_bool(kit_at(k, "meta.has_more"), false));
	assert_non_null(strstr(kit_str(k, "links.next"), "page%5Bafter%5D="));
	snprintf(target, sizeof(target),
		 "/api/v2/users/1/identities?page[size]=2&page[after]=%s",
		 kit_str(k, "meta.after_cursor"));
	kit_call(k, "GET", target, NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 1);
	assert_string_equal(kit_str(k, "identities.0.value"), "c@x.example");
	assert_false(json_bool(kit_at(k, "meta.has_more"), true));
	assert_true(json_is_null(kit_at(k, "links.next")));
	kit_call(k, "GET", "/api/v2/users/1/identities?per_page=2&page=2",
		 NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 1);
	assert_int_equal(kit_int(k, "count"), 3);
}

static void test_show_many(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_call(k, "GET", "/api/v2/users/show_many?ids=2,99,1", NULL);
	assert_int_equal(kit_int(k, "count"), 2);
	assert_int_equal(kit_int(k, "users.0.id"), 2);
	kit_call(k, "GET", "/api/v2/users/show_many?external_ids=x,E1", NULL);
	assert_int_equal(kit_int(k, "users.0.id"), 1);
	kit_call(k, "DELETE", "/api/v2/users/2", NULL);
	kit_call(k, "GET", "/api/v2/users/show_many?ids=2", NULL);
	assert_int_equal(kit_int(k, "count"), 0);
	kit_call(k, "GET", "/api/v2/users/show_many?ids=2&include_deleted=true",
		 NULL);
	assert_int_equal(kit_int(k, "count"), 1);
}

static void test_side_load_of_one_user(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_call(k, "GET", "/api/v2/users/1?include=roles,identities", NULL);
	assert_int_equal(json_len(kit_at(k, "identities")), 1);
	kit_set(k, "{'side_load_show':false}");
	kit_call(k, "GET", "/api/v2/users/1?include=identities", NULL);
	assert_null(kit_at(k, "identities"));
}

static void test_organizations_are_side_loaded(void **state)
{
	struct kit *k = *state;

	kit_load(k, "{'organizations':[{'id':5,'name':'Acme'},"
		    "{'id':6,'name':'Ajax'}],"
		    "'users':[{'id':1,'name':'Ann','organization_id':6,"
		    "'organization_ids':[5,6,7]},{'id':2,'name':'Ann Two',"
		    "'organization_ids':[5]}]}");
	kit_call(k, "GET", "/api/v2/users/1?include=organizations", NULL);
	assert_int_equal(kit_int(k, "user.organization_id"), 6);
	assert_int_equal(json_len(kit_at(k, "organizations")), 2);
	assert_string_equal(kit_str(k, "organizations.0.name"), "Ajax");
	assert_null(kit_at(k, "identities"));
	kit_call(k, "GET",
		 "/api/v2/users/search?query=ann&include=identities,"
		 "organizations",
		 NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 2);
	assert_int_equal(json_len(kit_at(k, "organizations")), 2);
	assert_non_null(kit_at(k, "identities"));
	kit_set(k, "{'side_load_organizations':false}");
	kit_call(k, "GET", "/api/v2/users/1?include=organizations", NULL);
	assert_null(kit_at(k, "organizations"));
}

static void test_organizations_change_with_the_user(void **state)
{
	struct kit *k = *state;
	const struct zen_user *u;

	kit_load(k, "{'users':[{'id':1,'name':'A','organization_id':5}]}");
	kit_set(k, "{'user_update_limits':false}");
	kit_call(k, "PUT", "/api/v2/users/1", "{'user':{'organization_id':6}}");
	u = kit_user(k, 1);
	assert_int_equal(u->organization_id, 6);
	assert_int_equal(u->membership_count, 2);
	kit_call(k, "PUT", "/api/v2/users/1",
		 "{'user':{'organization_id':null}}");
	assert_int_equal(u->organization_id, 5);
}

static void test_nobody_is_an_anonymous_user(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	assert_int_equal(kit_call(k, "GET", "/api/v2/users/me", NULL), 200);
	assert_true(json_is_null(kit_at(k, "user.id")));
	assert_string_equal(kit_str(k, "user.name"), "Anonymous user");
}

static void test_tickets(void **state)
{
	struct kit *k = *state;
	const struct zen_ticket *t;

	kit_load(k, "{'users':[{'id':1,'name':'A'}],"
		    "'tickets':[{'id':7,'requester_id':1,'tags':['a']}]}");
	kit_call(k, "GET", "/api/v2/tickets/7", NULL);
	assert_int_equal(kit_int(k, "ticket.requester_id"), 1);
	assert_int_equal(kit_call(k, "GET", "/api/v2/tickets/8", NULL), 404);
	kit_call(k, "PUT", "/api/v2/tickets/7",
		 "{'ticket':{'comment':{'body':'note','public':false}}}");
	t = state_ticket(k->account.state, 7);
	assert_int_equal(t->comment_count, 1);
	assert_false(t->comments[0].is_public);
	assert_int_equal(json_len(t->tags), 1);
	kit_call(k, "PUT", "/api/v2/tickets/7/tags", "{'tags':['b','a']}");
	assert_int_equal(json_len(t->tags), 2);
	kit_call(k, "PUT", "/api/v2/tickets/7", "{'ticket':{'tags':['c']}}");
	assert_string_equal(json_str(json_at(t->tags, 0)), "c");
	assert_int_equal(json_len(t->tags), 1);
	assert_int_equal(
		kit_call(k, "PUT", "/api/v2/tickets/7",
			 "{'ticket':{'safe_update':true,'updated_stamp':"
			 "'2020-01-01T00:00:00Z','tags':['d']}}"),
		409);
	assert_string_equal(json_str(json_at(t->tags, 0)), "c");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),
		TEST(test_addresses_and_external_ids_are_unique),
		TEST(test_what_is_no_user_is_refused),
		TEST(test_an_update_makes_an_agent),
		TEST(test_an_update_adds_a_secondary_address),
		TEST(test_null_clears_the_external_id),
		TEST(test_updates_have_their_own_limits),
		TEST(test_identities),
		TEST(test_messaging_identities_are_read_only),
		TEST(test_identities_come_in_pages),
		TEST(test_show_many),
		TEST(test_organizations_are_side_loaded),
		TEST(test_organizations_change_with_the_user),
		TEST(test_side_load_of_one_user),
		TEST(test_nobody_is_an_anonymous_user),
		TEST(test_tickets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
