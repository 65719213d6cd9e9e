/*
 * The look-ups for a review: how many tickets somebody has, and who in
 * Sunshine Conversations holds an address or an external id.
 */
#include "unit.h"

#include "api/sunco.h"
#include "api_fixture.h"
#include "base/str.h"
#include "zendesk_kit.h"

static struct {
	int calls;
	enum result result;
	int64_t tickets;
	size_t count;
	char first[SUNCO_ID_SIZE];
} out;

static void on_count(const struct api_result *r, int64_t count, void *arg)
{
	out.calls++;
	out.result = r->result;
	out.tickets = count;
	loop_stop(arg);
}

static void on_users(const struct api_result *r, const struct sunco_user *users,
		     size_t count, void *arg)
{
	assert_true(count == 0 || r->result == RESULT_OK);
	out.calls++;
	out.result = r->result;
	out.count = count;
	str_copy(out.first, sizeof(out.first), count ? users[0].id : "");
	loop_stop(arg);
}

static void test_tickets_of_a_user(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
		enum result result;
		int64_t tickets;
	} rows[] = {
		{200, "{\"user_related\":{\"requested_tickets\":12}}",
		 RESULT_OK, 12},
		{200, "{\"user_related\":{\"requested_tickets\":0}}", RESULT_OK,
		 0},
		{200, "{\"user_related\":{}}", RESULT_TEMP, 0},
		{200, "{}", RESULT_TEMP, 0},
		{404, "{\"error\":\"RecordNotFound\"}", RESULT_NOTFOUND, 0},
		{500, "", RESULT_TEMP, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /api/v2/users/7/related ", rows[i].status,
				NULL, rows[i].body));
		zendesk_user_tickets(f->api, LANE_LIVE, 7, on_count, f->loop);
		wire_run(f->loop);
		assert_int_equal(out.result, rows[i].result);
		assert_int_equal(out.tickets, rows[i].tickets);
	}
}

#define BY_ADDRESS                                                             \
	"GET /v2/apps/app%2F1/users?filter%5Bidentities.email%5D="             \
	"a%2Bb%40x.example "

static void test_who_holds_an_address(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
		enum result result;
		size_t count;
	} rows[] = {
		{200, "{\"users\":[{\"id\":\"a1\"},{\"id\":\"b2\"}]}",
		 RESULT_OK, 2},
		{200, "{\"users\":[]}", RESULT_OK, 0},
		{200, "{\"users\":[{\"id\":\"a1\"},{\"id\":\"\"}]}",
		 RESULT_TEMP, 0},
		{200, "{}", RESULT_TEMP, 0},
		{403, "{\"errors\":[{\"code\":\"forbidden\"}]}", RESULT_AUTH,
		 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f,
		       REPLY(BY_ADDRESS, rows[i].status, NULL, rows[i].body));
		sunco_users_by_address(f->api, LANE_LIVE, "a+b@x.example", 0,
				       on_users, f->loop);
		wire_run(f->loop);
		assert_int_equal(out.result, rows[i].result);
		assert_int_equal(out.count, rows[i].count);
	}
}

/* The path takes an id or an external id: what looks like somebody's id is
 * not whom we asked for. */
static void test_who_holds_an_external_id(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
		enum result result;
		const char *first;
	} rows[] = {
		{200, "{\"user\":{\"id\":\"a1\",\"externalId\":\"c/1\"}}",
		 RESULT_OK, "a1"},
		{200, "{\"user\":{\"id\":\"a1\",\"externalId\":\"other\"}}",
		 RESULT_NOTFOUND, ""},
		{200, "{\"user\":{\"id\":\"a1\"}}", RESULT_NOTFOUND, ""},
		{200, "{}", RESULT_TEMP, ""},
		{404, "{\"errors\":[{\"code\":\"user_not_found\"}]}",
		 RESULT_NOTFOUND, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /v2/apps/app%2F1/users/c%2F1 ",
				rows[i].status, NULL, rows[i].body));
		sunco_users_by_external_id(f->api, LANE_LIVE, "c/1", 0,
					   on_users, f->loop);
		wire_run(f->loop);
		assert_int_equal(out.result, rows[i].result);
		assert_string_equal(out.first, rows[i].first);
	}
}

static void test_of_a_brand(void **state)
{
	struct api_fixture *f = *state;

	SCRIPT(f,
	       REPLY("users?filter%5Bidentities.email%5D=a%40x.example"
		     "&brandId=9 ",
		     200, NULL, "{\"users\":[]}"),
	       REPLY("users/c1?brandId=9 ", 404, NULL, "{}"));
	sunco_users_by_address(f->api, LANE_LIVE, "a@x.example", 9, on_users,
			       f->loop);
	wire_run(f->loop);
	assert_int_equal(out.result, RESULT_OK);
	sunco_users_by_external_id(f->api, LANE_LIVE, "c1", 9, on_users,
				   f->loop);
	wire_run(f->loop);
	assert_int_equal(out.result, RESULT_NOTFOUND);
}

static void test_cancelled(void **state)
{
	struct api_fixture *f = *state;
	int before = out.calls;

	api_cancel(sunco_users_by_address(f->api, LANE_LIVE, "a@x.example", 0,
					  on_users, f->loop));
	zendesk_cancel(
		zendesk_user_tickets(f->api, LANE_LIVE, 7, on_count, f->loop));
	sunco_users_by_external_id(f->api, LANE_LIVE, "c1", 0, on_users,
				   f->loop);
	api_client_free(f->api);
	f->api = NULL;
	assert_int_equal(out.calls, before);
}

int main(void)
{
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, zendesk_setup, zendesk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_tickets_of_a_user),
		CASE(test_who_holds_an_address),
		CASE(test_who_holds_an_external_id),
		CASE(test_of_a_brand),
		CASE(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
