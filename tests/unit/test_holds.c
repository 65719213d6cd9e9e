/*
 * What the world is told about a hold: the store's row, the metric, the log.
 */
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "flow_rig.h"

#include "api/sunco.h"
#include "api/zendesk.h"
#include "app/holds.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define HOUR_MS		 3600000
#define LOG_MAX		 16384
#define REFUSED		 "{\"errors\":[{\"code\":\"unauthorized\"}]}"
#define SUNCO(s, body)	 ALWAYS("GET /v2/apps/", s, NULL, body)
#define ZENDESK(s, body) ALWAYS("GET /api/v2/users/22?", s, NULL, body)

struct rig {
	struct flow f;
	struct holds *holds;
	int log;
	bool answered;
	const char *awaited; /* line of the log */
};

static void on_hold(void *arg)
{
	struct rig *r = arg;

	holds_look(r->holds, "acme");
}

static void start(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	flow_start(&r->f);
	r->log = memfd_create("log", 0);
	log_setup(LOG_INFO, LOG_TEXT, r->log);
	r->holds = holds_new(r->f.loop, r->f.q, "me");
	api_client_on_hold(r->f.api->api, on_hold, r);
	holds_set_account(r->holds, "acme", r->f.api->api);
	flow_settle(&r->f);
}

static void stop(struct rig *r)
{
	holds_free(r->holds);
	api_client_on_hold(r->f.api->api, NULL, NULL);
	flow_stop(&r->f);
	log_setup(LOG_WARN, LOG_TEXT, 2);
	close(r->log);
}

/* Of the log's lines, how many have this event; the last one's text. */
static int lines(struct rig *r, const char *event, char out[LOG_MAX])
{
	char text[LOG_MAX] = "";
	int n = 0;

	assert_true(pread(r->log, text, sizeof(text) - 1, 0) >= 0);
	out[0] = '\0';
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		const char *at = strstr(line, event);

		if (!at || at[strlen(event)] != ' ')
			continue;
		n++;
		str_copy(out, LOG_MAX, line);
	}
	return n;
}

static bool is_logged(struct flow *f, void *arg)
{
	struct rig *r = arg;
	char line[LOG_MAX];

	(void)f;
	return lines(r, r->awaited, line) > 0;
}

/* The store is asked for the number of jobs first, which takes its time. */
static void await_line(struct rig *r, const char *event)
{
	r->awaited = event;
	flow_until(&r->f, is_logged, r);
}

static double gauge(const char *reason)
{
	return metric_value(metric_get(METRIC_ACCOUNT_HELD, "acme", reason));
}

/* --- calls --- */

static bool has_answer(struct flow *f, void *arg)
{
	(void)f;
	return ((struct rig *)arg)->answered;
}

static void on_sunco(const struct api_result *r, const struct sunco_user *u,
		     void *arg)
{
	(void)r;
	(void)u;
	((struct rig *)arg)->answered = true;
}

static void on_zendesk(const struct api_result *r, const struct zd_user *u,
		       void *arg)
{
	(void)r;
	(void)u;
	((struct rig *)arg)->answered = true;
}

static void ask(struct rig *r, enum api api, struct reply *reply)
{
	api_fixture_script(r->f.api, reply, 1);
	r->answered = false;
	if (api == API_SUNCO)
		sunco_user_get(r->f.api->api, LANE_LIVE, "5aa1", on_sunco, r);
	else
		zendesk_user_get(r->f.api->api, LANE_LIVE, 22, on_zendesk, r);
	flow_until(&r->f, has_answer, r);
	flow_settle(&r->f);
}

static void refuse(struct rig *r, enum api api)
{
	struct reply no[] = {SUNCO(401, REFUSED)};
	struct reply nope[] = {ZENDESK(403, "{\"error\":\"Forbidden\"}")};

	ask(r, api, api == API_SUNCO ? no : nope);
}

static void work(struct rig *r, enum api api)
{
	struct reply yes[] = {SUNCO(200, "{\"user\":{\"id\":\"5aa1\"}}")};
	struct reply yep[] = {ZENDESK(200, "{\"user\":" FLOW_PROFILE "}")};

	ask(r, api, api == API_SUNCO ? yes : yep);
}

/* --- the row --- */

static void read_row(struct rig *r, struct store_op *op)
{
	store_op_init(op, STORE_ACCOUNT);
	op->u.account.account = "acme";
	assert_int_equal(flow_do(&r->f, op), RESULT_OK);
}

static void assert_row(struct rig *r, const char *reason, const char *api,
		       const char *text)
{
	struct store_op op;

	read_row(r, &op);
	if (reason) {
		assert_string_equal(op.u.account.held, reason);
		assert_string_equal(op.u.account.held_api, api);
		assert_string_equal(op.u.account.held_text, text);
		assert_true(op.u.account.held_ms > 0);
	} else {
		assert_null(op.u.account.held);
		assert_null(op.u.account.held_text);
		assert_int_equal(op.u.account.held_ms, 0);
	}
	store_op_release(&op);
}

static void test_the_row_says_it(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	refuse(&r, API_SUNCO);
	assert_row(&r, "credentials", "sunco",
		   "user_get: HTTP 401 unauthorized");
	work(&r, API_SUNCO);
	assert_row(&r, NULL, NULL, NULL);
	stop(&r);
}

static bool is_written(struct flow *f, void *arg)
{
	(void)f;
	return store_gate_count(STORE_ACCOUNT) >= *(int *)arg;
}

static void test_the_row_says_it_although_the_store_failed_once(void **state)
{
	struct rig r;
	int writes;

	(void)state;
	start(&r);
	writes = store_gate_count(STORE_ACCOUNT) + 2;
	store_gate_spoil(STORE_ACCOUNT, 1);
	refuse(&r, API_SUNCO);
	flow_until(&r.f, is_written, &writes);
	flow_settle(&r.f);
	assert_row(&r, "credentials", "sunco",
		   "user_get: HTTP 401 unauthorized");
	stop(&r);
}

static void test_a_hold_of_a_former_life_is_over(void **state)
{
	struct store_op op;
	struct rig r;

	(void)state;
	start(&r);
	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = "acme";
	op.u.account.set_hold = true;
	op.u.account.hold = "unreachable";
	op.u.account.hold_text = "of old";
	op.u.account.hold_ms = 5;
	assert_int_equal(flow_do(&r.f, &op), RESULT_OK);
	store_op_release(&op);
	holds_set_account(r.holds, "acme", r.f.api->api);
	flow_settle(&r.f);
	assert_row(&r, NULL, NULL, NULL);
	stop(&r);
}

static void test_an_account_that_goes_is_held_no_more(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	refuse(&r, API_SUNCO);
	assert_true(gauge("credentials") == 1);
	holds_stop_account(r.holds, "acme");
	flow_settle(&r.f);
	assert_true(gauge("credentials") == 0);
	assert_row(&r, NULL, NULL, NULL);
	stop(&r);
}

/* --- both APIs --- */

static void test_the_worse_one_is_in_the_row(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	for (int i = 0; i < HOLD_USER_TRIES; i++)
		refuse(&r, API_ZENDESK);
	assert_row(&r, "forbidden", "zendesk", "user_get: HTTP 403 Forbidden");
	refuse(&r, API_SUNCO);
	assert_row(&r, "credentials", "sunco",
		   "user_get: HTTP 401 unauthorized");
	assert_true(gauge("forbidden") == 1);
	assert_true(gauge("credentials") == 1);
	work(&r, API_SUNCO);
	assert_true(gauge("forbidden") == 1);
	assert_true(gauge("credentials") == 0);
	assert_row(&r, "forbidden", "zendesk", "user_get: HTTP 403 Forbidden");
	stop(&r);
}

/* --- the log --- */

static void test_the_log_has_a_line_at_both_ends(void **state)
{
	char line[LOG_MAX];
	struct rig r;

	(void)state;
	start(&r);
	flow_enqueue(&r.f);
	for (int i = 0; i < 5; i++)
		refuse(&r, API_SUNCO);
	assert_int_equal(lines(&r, "account_held", line), 1);
	assert_non_null(strstr(line, "account=acme api=sunco "
				     "reason=credentials "
				     "text=\"user_get: HTTP 401 unauthorized\" "
				     "mend="));
	assert_non_null(strstr(line, "sunco_key_secret"));
	flow_leap(90000, 90000);
	work(&r, API_SUNCO);
	await_line(&r, "account_resumed");
	assert_int_equal(lines(&r, "account_held", line), 1);
	assert_int_equal(lines(&r, "account_resumed", line), 1);
	assert_non_null(strstr(line, "account=acme api=sunco "
				     "reason=credentials seconds=9"));
	assert_non_null(strstr(line, "failures=5 jobs=1"));
	stop(&r);
}

static void test_the_log_reminds_every_hour(void **state)
{
	char line[LOG_MAX];
	struct rig r;

	(void)state;
	start(&r);
	flow_enqueue(&r.f);
	refuse(&r, API_SUNCO);
	flow_leap(HOUR_MS, HOUR_MS);
	await_line(&r, "account_still_held");
	lines(&r, "account_still_held", line);
	assert_non_null(strstr(line, "seconds=360"));
	assert_non_null(strstr(line, "failures=1 jobs=1"));
	work(&r, API_SUNCO);
	flow_leap(HOUR_MS, HOUR_MS);
	flow_settle(&r.f);
	assert_int_equal(lines(&r, "account_still_held", line), 1);
	stop(&r);
}

/* --- the end --- */

static void test_it_is_freed_while_the_store_is_at_work(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	store_gate_hold_at(STORE_ACCOUNT);
	refuse(&r, API_SUNCO);
	store_gate_await_held();
	holds_free(r.holds);
	r.holds = NULL;
	store_gate_hold_at(-1);
	flow_settle(&r.f);
	stop(&r);
}

static void test_every_hold_has_an_advice(void **state)
{
	(void)state;
	for (int i = HOLD_NONE + 1; i < HOLD_REASON_COUNT; i++) {
		const char *reason = hold_reason_name((enum hold_reason)i);

		assert_true(strlen(holds_advice(reason, "zendesk")) > 10);
		assert_true(strlen(holds_advice(reason, "sunco")) > 10);
	}
	assert_string_not_equal(holds_advice("credentials", "zendesk"),
				holds_advice("credentials", "sunco"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_row_says_it),
		cmocka_unit_test(
			test_the_row_says_it_although_the_store_failed_once),
		cmocka_unit_test(test_a_hold_of_a_former_life_is_over),
		cmocka_unit_test(test_an_account_that_goes_is_held_no_more),
		cmocka_unit_test(test_the_worse_one_is_in_the_row),
		cmocka_unit_test(test_the_log_has_a_line_at_both_ends),
		cmocka_unit_test(test_the_log_reminds_every_hour),
		cmocka_unit_test(test_it_is_freed_while_the_store_is_at_work),
		cmocka_unit_test(test_every_hold_has_an_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
