/*
 * The sweeper over a whole engine, with Zendesk behind a script and another
 * process at its store: pages that fail, leases that are lost, backlogs,
 * accounts that go.
 */
#include "unit.h"

#include <unistd.h>

#include "app/sweeper.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"
#include "flow_rig.h"

#define MINUTE_MS INT64_C(60000)
#define TICKETS	  "GET /api/v2/incremental/tickets/cursor?"
#define USERS	  "GET /api/v2/incremental/users/cursor?"
#define PAGE(what, items, cursor, end)                                         \
	"{\"" what "\":[" items "],\"identities\":["                           \
	"{\"user_id\":11,\"type\":\"messaging\",\"value\":\"5aa1\"}],"         \
	"\"after_cursor\":\"" cursor "\",\"end_of_stream\":" end "}"
#define NO_TICKETS ALWAYS(TICKETS, 200, NULL, PAGE("tickets", "", "t", "true"))
#define NO_USERS   ALWAYS(USERS, 200, NULL, PAGE("users", "", "u", "true"))
#define ONE_USER   PAGE("users", "{\"id\":11}", "u", "true")

struct rig {
	struct flow f; /* its loop and APIs, no store */
	char dir[64];
	char path[96];
	struct engine *engine;
	struct sweeper *sweeper;
	struct store *other; /* another process */
	const char *every;   /* NULL: the default */
};

static struct config *load(struct rig *r, const char *account)
{
	const char *url = r->f.api->config.zendesk_url;
	struct config *config;
	struct error err;
	FILE *f = fopen(r->path, "w");

	assert_non_null(f);
	fprintf(f,
		"store = \"sqlite:%s/store\"\naccount \"%s\" {\n"
		"zendesk_url = \"%s\"\n"
		"zendesk_auth = \"bearer\"\nzendesk_token = \"t\"\n"
		"sunco_url = \"%s\"\nsunco_app_id = \"a\"\n"
		"sunco_key_id = \"k\"\nsunco_key_secret = \"ks\"\n"
		"sunco_webhook_secrets = {\"ws\"}\nsweep_every = \"%s\"\n}\n",
		r->dir, account, url, url, r->every ? r->every : "15m");
	fclose(f);
	if (config_load(&config, r->path, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	return config;
}

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

/* The first sweep is due in no time. */
static void start_every(struct rig *r, const char *every)
{
	char url[96];
	struct error err;

	memset(r, 0, sizeof(*r));
	r->every = every;
	r->f.api = api_fixture_new();
	r->f.loop = r->f.api->loop;
	strcpy(r->dir, "/tmp/reunite_sweeper_XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	snprintf(r->path, sizeof(r->path), "%s/conf", r->dir);
	if (engine_new(&r->engine, r->f.loop, load(r, "acme"), STORE_SERVE,
		       on_watch, NULL, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	snprintf(url, sizeof(url), "sqlite:%s/store", r->dir);
	assert_int_equal(
		store_open(&r->other, url, STORE_WRITE, clock_wall_ms(), &err),
		RESULT_OK);
	r->sweeper = sweeper_new(r->f.loop, r->engine);
	flow_leap(35000, 35000);
}

static void start(struct rig *r)
{
	start_every(r, NULL);
}

static void stop(struct rig *r)
{
	static const char *const names[] = {"conf", "store", "store-wal",
					    "store-shm", "store.lock"};
	char path[128];

	sweeper_free(r->sweeper);
	store_close(r->other);
	engine_free(r->engine);
	api_fixture_free(r->f.api);
	metrics_reset();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(r->dir), 0);
}

static void do_op(struct rig *r, struct store_op *op)
{
	if (store_do(r->other, op) != RESULT_OK)
		fail_msg("%s", op->error.text);
}

/* How far a walk came; owns nothing any more. */
static struct store_cursor_row row(struct rig *r, const char *name)
{
	struct store_cursor_row found = {.done_ms = -1};
	struct store_op op;

	store_op_init(&op, STORE_CURSORS);
	op.u.cursors.now_ms = clock_wall_ms();
	do_op(r, &op);
	for (size_t i = 0; i < op.u.cursors.count; i++)
		if (str_eq(op.u.cursors.rows[i].name, name))
			found = op.u.cursors.rows[i];
	store_op_release(&op);
	return found;
}

static size_t jobs(struct rig *r)
{
	struct store_op op;
	size_t count;

	store_op_init(&op, STORE_JOBS);
	do_op(r, &op);
	count = op.u.jobs.count;
	store_op_release(&op);
	return count;
}

static double failing(const char *walk, const char *why)
{
	return metric_value(
		metric_get(METRIC_SWEEP_FAILING, "acme", walk, why));
}

static bool is_failing(struct flow *f, void *arg)
{
	const char *const *walk_and_why = arg;

	(void)f;
	return failing(walk_and_why[0], walk_and_why[1]) == 1;
}

static void until_failing(struct rig *r, const char *walk, const char *why)
{
	const char *wanted[] = {walk, why};

	flow_until(&r->f, is_failing, wanted);
	flow_settle(&r->f);
}

static bool is_complete(struct flow *f, void *arg)
{
	(void)f;
	(void)arg;
	return metric_value(metric_get(METRIC_SWEEP_TIMESTAMP, "acme")) > 0;
}

static void until_complete(struct rig *r)
{
	flow_until(&r->f, is_complete, NULL);
	flow_settle(&r->f);
}

/* The loop stands still as the nth call is made: its answer is still to come. */
static void stop_at_call(struct rig *r, int nth)
{
	r->f.api->stop_at = nth;
	wire_run(r->f.loop);
	r->f.api->stop_at = 0;
}

static int asked(const struct rig *r, const char *what)
{
	return api_fixture_count(r->f.api, what);
}

/* --- pages --- */

static void test_a_sweep(void **state)
{
	struct reply script[] = {NO_TICKETS, REPLY(USERS, 200, NULL, ONE_USER),
				 NO_USERS};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	until_complete(&r);
	assert_int_equal(jobs(&r), 1);
	assert_true(row(&r, "users").done);
	assert_int_equal(row(&r, "users").woken, 1);
	assert_true(row(&r, "tickets").done);
	assert_int_equal(asked(&r, "/incremental/"), 2);
	assert_int_equal(asked(&r, "per_page=200&start_time="), 2);
	flow_leap(16 * MINUTE_MS, 16 * MINUTE_MS);
	flow_until_asked(&r.f, r.f.api->request_count + 2);
	flow_settle(&r.f);
	assert_int_equal(asked(&r, "cursor=u"), 1);
	assert_int_equal(asked(&r, "cursor=t"), 1);
	stop(&r);
}

/* Ten exports a minute are for everybody. */
static void test_how_often_it_may(void **state)
{
	struct reply script[] = {NO_TICKETS, NO_USERS};
	struct rig r;

	(void)state;
	start_every(&r, "1s");
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	until_complete(&r);
	flow_leap(5000, 5000);
	flow_settle(&r.f);
	assert_int_equal(r.f.api->request_count, 2);
	flow_leap(15000, 15000);
	flow_until_asked(&r.f, 4);
	stop(&r);
}

static void test_pages_that_fail_get_smaller(void **state)
{
	struct reply script[] = {REPLY(TICKETS, 500, NULL, "{}"),
				 REPLY(TICKETS, 500, NULL, "{}"), NO_TICKETS,
				 NO_USERS};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	until_failing(&r, "tickets", "unreachable");
	flow_leap(MINUTE_MS, MINUTE_MS);
	flow_until_asked(&r.f, 3);
	flow_settle(&r.f);
	flow_leap(MINUTE_MS, MINUTE_MS);
	until_complete(&r);
	assert_int_equal(asked(&r, "tickets/cursor?"), 3);
	assert_int_equal(asked(&r, "per_page=100&"), 1);
	assert_int_equal(asked(&r, "per_page=50&"), 1);
	assert_true(failing("tickets", "unreachable") == 0);
	flow_leap(16 * MINUTE_MS, 16 * MINUTE_MS);
	flow_until_asked(&r.f, 6);
	assert_int_equal(asked(&r, "per_page=200&cursor=t"), 1);
	stop(&r);
}

/* Nothing has changed since, and no place is told. */
static void test_a_quiet_account(void **state)
{
	static const char none[] = "{\"users\":[],\"tickets\":[],"
				   "\"after_cursor\":null,"
				   "\"end_of_stream\":true}";
	struct reply script[] = {ALWAYS("/incremental/", 200, NULL, none)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	until_complete(&r);
	assert_true(row(&r, "users").done);
	assert_int_equal(r.f.api->request_count, 2);
	flow_leap(16 * MINUTE_MS, 16 * MINUTE_MS);
	flow_until_asked(&r.f, 4);
	assert_int_equal(asked(&r, "per_page=200&start_time="), 4);
	stop(&r);
}

/* An hour without Zendesk says nothing of the pages after it. */
static void test_pages_grow_again(void **state)
{
	struct reply script[] = {
		NO_USERS,
		REPLY(TICKETS, 500, NULL, "{}"),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "1", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "2", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "3", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "4", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "5", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "6", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "7", "false")),
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "8", "false")),
		NO_TICKETS};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	until_failing(&r, "tickets", "unreachable");
	for (int i = 0; i < 10; i++) { /* exports have a limit of their own */
		flow_leap(MINUTE_MS, MINUTE_MS);
		flow_settle(&r.f);
	}
	until_complete(&r);
	assert_int_equal(asked(&r, "per_page=100&"), 8);
	assert_int_equal(asked(&r, "per_page=200&cursor=8"), 1);
	stop(&r);
}

static bool is_put_off(struct flow *f, void *arg)
{
	const struct store_cursor_row users = row(arg, "users");

	(void)f;
	return !users.leased && users.due_ms > users.moved_ms;
}

/* It would go to and fro for ever. */
static void test_places_that_are_refused_again_and_again(void **state)
{
	struct reply script[] = {
		NO_TICKETS,
		ALWAYS("cursor=bad ", 422, NULL, "{\"error\":\"x\"}"),
		ALWAYS(USERS, 200, NULL, PAGE("users", "", "bad", "false"))};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	flow_until_asked(&r.f, 5); /* tickets, start, bad, start, bad */
	flow_until(&r.f, is_put_off, &r);
	assert_true(row(&r, "users").due_ms >=
		    row(&r, "users").moved_ms + RETRY_FIRST_MS);
	assert_true(failing("users", "cursor_refused") == 1);
	assert_int_equal(asked(&r, "start_time="), 3);
	stop(&r);
}

/* --- the store --- */

/* Another daemon has taken the walk over meanwhile. */
static void test_a_lease_that_is_lost(void **state)
{
	struct reply script[] = {NO_TICKETS, REPLY(USERS, 200, NULL, ONE_USER)};
	struct store_op op;
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	stop_at_call(&r, 2);
	store_op_init(&op, STORE_CURSOR);
	op.u.cursor.account = "acme";
	op.u.cursor.name = "users";
	op.u.cursor.what = STORE_CURSOR_BACK;
	op.u.cursor.token = 1; /* of the first claim */
	do_op(&r, &op);
	op.u.cursor.what = STORE_CURSOR_CLAIM;
	op.u.cursor.now_ms = clock_wall_ms();
	op.u.cursor.lease_ms = MINUTE_MS;
	do_op(&r, &op);
	assert_true(op.u.cursor.mine);
	store_op_release(&op);
	flow_settle(&r.f);
	assert_int_equal(jobs(&r), 0);
	assert_int_equal(row(&r, "users").moved_ms, 0);
	assert_true(row(&r, "users").leased);
	stop(&r);
}

/* Some of them run: those do not wait. */
enum { CROWD = 2000 + 1 + SCHEDULER_RUNS_MAX };

static void fill(struct rig *r)
{
	struct store_op *ops = xcalloc(CROWD, sizeof(*ops));
	struct store_op **list = xcalloc(CROWD, sizeof(struct store_op *));

	for (int i = 0; i < CROWD; i++) {
		store_op_init(&ops[i], STORE_ENQUEUE);
		ops[i].u.enqueue.account = "acme";
		ops[i].u.enqueue.zendesk_user_id = 1000 + (uint64_t)i;
		ops[i].u.enqueue.lane = LANE_BACKFILL;
		ops[i].u.enqueue.now_ms = clock_wall_ms();
		list[i] = &ops[i];
	}
	store_run(r->other, list, CROWD);
	assert_int_equal(ops[CROWD - 1].result, RESULT_OK);
	free(list);
	free(ops);
}

static void set_pause(struct rig *r, bool paused)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = "acme";
	op.u.account.set_paused = true;
	op.u.account.paused = paused;
	op.u.account.by = "test";
	do_op(r, &op);
	store_op_release(&op);
}

/* What it found before is not looked at: it does not run further ahead. */
static void test_a_backlog(void **state)
{
	struct reply script[] = {ALWAYS("GET ", REPLY_SILENCE, NULL, NULL)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	fill(&r);
	until_failing(&r, "tickets", "backlog");
	until_failing(&r, "users", "backlog");
	assert_int_equal(asked(&r, "/incremental/"), 0);
	stop(&r);
}

static void test_a_paused_account(void **state)
{
	struct reply script[] = {NO_TICKETS, NO_USERS};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	set_pause(&r, true);
	flow_settle(&r.f);
	flow_leap(MINUTE_MS, MINUTE_MS);
	flow_settle(&r.f);
	assert_int_equal(r.f.api->request_count, 0);
	set_pause(&r, false);
	flow_leap(MINUTE_MS, MINUTE_MS);
	until_complete(&r);
	stop(&r);
}

/* --- reloads --- */

static void on_stored(struct store_op *op, void *arg)
{
	(void)arg;
	assert_int_equal(op->result, RESULT_OK);
}

static bool at_once(struct flow *f, void *arg)
{
	(void)f;
	(void)arg;
	return true;
}

/* The walk is claimed while the account is paused; the pause ends and the
 * reload comes before that is known. */
static void test_a_reload_during_a_claim(void **state)
{
	struct reply script[] = {NO_TICKETS, NO_USERS};
	struct store_op op;
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	set_pause(&r, true);
	flow_until(&r.f, at_once, NULL); /* the timer's turn */
	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = "acme";
	op.u.account.set_paused = true;
	op.u.account.by = "test";
	storeq_submit(engine_storeq(r.engine), &op, on_stored, NULL);
	sweeper_reloaded(r.sweeper);
	until_complete(&r);
	store_op_release(&op);
	stop(&r);
}

/* Who is forbidden is not asked again for an hour. */
static void test_a_reload_during_a_call(void **state)
{
	struct reply script[] = {REPLY(TICKETS, 403, NULL, "{}"), NO_TICKETS,
				 NO_USERS};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	stop_at_call(&r, 1);
	sweeper_reloaded(r.sweeper);
	until_complete(&r);
	assert_true(failing("tickets", "forbidden") == 0);
	stop(&r);
}

/* --- ends --- */

static void test_an_account_that_goes(void **state)
{
	struct reply script[] = {
		REPLY(TICKETS, 200, NULL, PAGE("tickets", "", "t", "true"))};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	stop_at_call(&r, 1);
	engine_reload(r.engine, load(&r, "other"));
	flow_settle(&r.f);
	assert_false(row(&r, "tickets").leased);
	assert_int_equal(row(&r, "tickets").moved_ms, 0);
	stop(&r);
}

static void on_drained(void *arg)
{
	*(bool *)arg = true;
}

static bool is_true(struct flow *f, void *arg)
{
	(void)f;
	return *(bool *)arg;
}

static void test_a_drain_gives_the_walk_back(void **state)
{
	struct reply script[] = {ALWAYS(TICKETS, REPLY_SILENCE, NULL, NULL)};
	bool drained = false;
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	flow_until_asked(&r.f, 1);
	assert_true(row(&r, "tickets").leased);
	sweeper_drain(r.sweeper, on_drained, &drained);
	assert_false(drained);
	flow_until(&r.f, is_true, &drained);
	assert_false(row(&r, "tickets").leased);
	assert_null(row(&r, "tickets").failure);
	stop(&r);
}

static void test_a_free_drops_what_is_under_way(void **state)
{
	struct reply script[] = {ALWAYS(TICKETS, REPLY_SILENCE, NULL, NULL)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	flow_until_asked(&r.f, 1);
	stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_sweep),
		cmocka_unit_test(test_how_often_it_may),
		cmocka_unit_test(test_pages_that_fail_get_smaller),
		cmocka_unit_test(test_pages_grow_again),
		cmocka_unit_test(test_a_quiet_account),
		cmocka_unit_test(test_places_that_are_refused_again_and_again),
		cmocka_unit_test(test_a_lease_that_is_lost),
		cmocka_unit_test(test_a_backlog),
		cmocka_unit_test(test_a_paused_account),
		cmocka_unit_test(test_a_reload_during_a_claim),
		cmocka_unit_test(test_a_reload_during_a_call),
		cmocka_unit_test(test_an_account_that_goes),
		cmocka_unit_test(test_a_drain_gives_the_walk_back),
		cmocka_unit_test(test_a_free_drops_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
