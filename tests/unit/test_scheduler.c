/*
 * When runs begin: accounts that come, go, pause and are in trouble while the
 * store is asked; clocks that leap; what a drain leaves behind.
 */
#include "unit.h"

#include "flow_rig.h"

#include "app/scheduler.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

static struct scheduler *start(struct flow *f)
{
	struct scheduler *s =
		scheduler_new(f->loop, f->q, f->leases, f->hmac, on_watch, f);

	scheduler_set_account(s, &f->account, f->api->api);
	flow_until_stored(f, STORE_CLAIM, 1);
	flow_settle(f);
	return s;
}

static enum job_state state_of(struct flow *f, int64_t id)
{
	struct job job = flow_job(f, id);
	enum job_state state = job.state;

	job_release(&job);
	return state;
}

static bool no_more(struct flow *f, void *arg)
{
	(void)f;
	return scheduler_runs(arg) == 0;
}

/* A claim is out, with this job in it; then something happens. */
static int64_t hold_a_claim(struct flow *f, struct scheduler *s)
{
	int64_t id = flow_enqueue(f);

	store_gate_hold_at(STORE_CLAIM);
	scheduler_wake(s, "acme");
	flow_settle(f);
	store_gate_await_held();
	return id;
}

static void let_go(struct flow *f)
{
	store_gate_hold_at(-1);
	flow_until_stored(f, STORE_SETTLE, 1);
	flow_settle(f);
}

/* Its lease would last a minute, and whoever comes next wait for more. */
static void assert_free(struct flow *f, int64_t id)
{
	struct job job = flow_job(f, id);

	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.token, 0);
	assert_int_equal(job.attempts, 0);
	assert_true(job.run_at_ms <= loop_wall_ms(f->loop));
	job_release(&job);
	assert_int_equal(f->api->request_count, 0);
}

static void test_an_account_stops_while_its_jobs_are_claimed(void **state)
{
	struct flow f;
	struct scheduler *s;
	int64_t id;

	(void)state;
	flow_start(&f);
	s = start(&f);
	id = hold_a_claim(&f, s);
	scheduler_stop_account(s, "acme");
	let_go(&f);
	assert_int_equal(scheduler_runs(s), 0);
	assert_free(&f, id);
	scheduler_free(s);
	flow_stop(&f);
}

static void test_a_drain_gives_back_what_it_did_not_begin(void **state)
{
	struct flow f;
	struct scheduler *s;
	int64_t id;

	(void)state;
	flow_start(&f);
	s = start(&f);
	id = hold_a_claim(&f, s);
	scheduler_drain(s, NULL, NULL);
	let_go(&f);
	assert_free(&f, id);
	scheduler_free(s);
	flow_stop(&f);
}

static void test_a_free_gives_back_what_it_did_not_begin(void **state)
{
	struct flow f;
	struct scheduler *s;
	int64_t id;

	(void)state;
	flow_start(&f);
	s = start(&f);
	id = hold_a_claim(&f, s);
	scheduler_free(s);
	let_go(&f);
	assert_free(&f, id);
	flow_stop(&f);
}

static void test_an_account_that_comes_back_goes_on(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct flow f;
	struct scheduler *s;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	id = hold_a_claim(&f, s);
	scheduler_stop_account(s, "acme");
	let_go(&f);
	scheduler_set_account(s, &f.account, f.api->api);
	flow_until_asked(&f, 1);
	flow_until(&f, no_more, s);
	assert_int_equal(state_of(&f, id), JOB_WAITING);
	scheduler_free(s);
	flow_stop(&f);
}

/* Every lease seems to have ended, our own ones, too. */
static void test_a_leap_of_the_clock_doubles_no_run(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct scheduler *s;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	flow_enqueue(&f);
	scheduler_wake(s, "acme");
	flow_until_asked(&f, 1);
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, 0);
	scheduler_wake(s, "acme");
	flow_until_asked(&f, 2);
	flow_settle(&f);
	assert_int_equal(scheduler_runs(s), 1);
	scheduler_free(s);
	flow_stop(&f);
}

/* Another server's clock is ahead of the old one's, by which another node has
 * its lease: it is waited for as long as it meant. */
static void test_a_leap_of_the_stores_clock_ends_no_lease(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct scheduler *s;
	struct job others;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	others = flow_claim(&f, flow_enqueue(&f));
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, 0);
	scheduler_store_clock_set(s, RUN_LEASE_MS + RUN_GRACE_MS);
	scheduler_wake(s, "acme");
	flow_settle(&f);
	assert_int_equal(scheduler_runs(s), 0);
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, RUN_LEASE_MS + RUN_GRACE_MS);
	scheduler_wake(s, "acme");
	flow_until_asked(&f, 1);
	job_release(&others);
	scheduler_free(s);
	flow_stop(&f);
}

/* --- the account's row --- */

static enum result set_paused(struct flow *f, bool paused)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = "acme";
	op.u.account.set_paused = true;
	op.u.account.by = "maria";
	op.u.account.paused = paused;
	r = flow_do(f, &op);
	store_op_release(&op);
	return r;
}

static void test_a_pause_ends_although_the_store_failed_once(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct flow f;
	struct scheduler *s;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	assert_int_equal(set_paused(&f, true), RESULT_OK);
	s = scheduler_new(f.loop, f.q, f.leases, f.hmac, on_watch, &f);
	scheduler_set_account(s, &f.account, f.api->api);
	flow_enqueue(&f);
	flow_settle(&f);
	assert_int_equal(store_gate_count(STORE_CLAIM), 0);
	assert_int_equal(set_paused(&f, false), RESULT_OK);
	store_gate_spoil(STORE_ACCOUNT, 1);
	scheduler_wake(s, NULL);
	flow_until_asked(&f, 1);
	flow_until(&f, no_more, s);
	scheduler_free(s);
	flow_stop(&f);
}

/* One question is for all accounts; only of who has something to do more is
 * asked. */
static void test_who_sleeps_is_left_alone(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct scheduler *s;
	struct flow f;
	int claims, rows;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	claims = store_gate_count(STORE_CLAIM);
	rows = store_gate_count(STORE_ACCOUNT);
	flow_leap(0, 30000);
	flow_until_stored(&f, STORE_LOOK, 1);
	flow_settle(&f);
	assert_int_equal(store_gate_count(STORE_CLAIM), claims);
	flow_enqueue(&f);
	flow_leap(0, 30000);
	flow_until_asked(&f, 1);
	flow_until(&f, no_more, s);
	assert_true(store_gate_count(STORE_CLAIM) > claims);
	assert_int_equal(store_gate_count(STORE_ACCOUNT), rows);
	scheduler_free(s);
	flow_stop(&f);
}

/* --- backfill --- */

static void enqueue_backfill(struct flow *f, int count)
{
	for (int i = 0; i < count; i++) {
		struct store_op op;
		char id[SUNCO_ID_SIZE];

		snprintf(id, sizeof(id), "b%d", i);
		store_op_init(&op, STORE_ENQUEUE);
		op.u.enqueue.account = "acme";
		op.u.enqueue.sunco_id = id;
		op.u.enqueue.lane = LANE_BACKFILL;
		op.u.enqueue.now_ms = loop_wall_ms(f->loop);
		assert_int_equal(flow_do(f, &op), RESULT_OK);
	}
}

struct wanted {
	struct scheduler *s;
	size_t runs;
};

static bool has_runs(struct flow *f, void *arg)
{
	const struct wanted *w = arg;

	(void)f;
	return scheduler_runs(w->s) >= w->runs;
}

static void wake_until(struct flow *f, struct scheduler *s, size_t runs)
{
	struct wanted w = {s, runs};

	scheduler_wake(s, "acme");
	flow_until(f, has_runs, &w);
	flow_settle(f);
	assert_int_equal(scheduler_runs(s), runs);
}

static void test_backfill_leaves_room_for_whoever_writes_now(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct scheduler *s;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	enqueue_backfill(&f, 2 * SCHEDULER_RUNS_MAX);
	wake_until(&f, s, 3 * SCHEDULER_RUNS_MAX / 4);
	flow_enqueue(&f);
	wake_until(&f, s, 3 * SCHEDULER_RUNS_MAX / 4 + 1);
	scheduler_free(s);
	flow_stop(&f);
}

/* Sixty requests a minute carry four jobs: with more, what each of them read
 * would grow old. */
static void test_no_more_jobs_than_the_limit_carries(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct scheduler *s;

	(void)state;
	flow_start(&f);
	f.api->config.requests_per_minute = 60;
	api_fixture_client(f.api);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	enqueue_backfill(&f, 2 * SCHEDULER_RUNS_MAX);
	wake_until(&f, s, 4);
	scheduler_free(s);
	flow_stop(&f);
}

/* Ten an hour are eight for it: so many calls are begun, not one more. */
static void test_backfill_asks_for_no_more_than_it_has_places(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct scheduler *s;

	(void)state;
	flow_start(&f);
	f.account.rules.max_merges_per_hour = 10;
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	enqueue_backfill(&f, 2 * SCHEDULER_RUNS_MAX);
	wake_until(&f, s, 8);
	scheduler_free(s);
	flow_stop(&f);
}

/* --- a held account --- */

static struct reply refused[] = {
	ALWAYS("GET /v2/apps/", 401, NULL,
	       "{\"errors\":[{\"code\":\"unauthorized\"}]}")};

static bool is_held(struct flow *f, void *arg)
{
	(void)arg;
	return api_client_is_held(f->api->api);
}

static struct scheduler *start_held(struct flow *f)
{
	struct scheduler *s;

	flow_start(f);
	api_fixture_script(f->api, refused, 1);
	s = start(f);
	flow_enqueue(f);
	scheduler_wake(s, "acme");
	flow_until(f, is_held, NULL);
	flow_until(f, no_more, s);
	flow_settle(f);
	return s;
}

static void stop_held(struct flow *f, struct scheduler *s)
{
	scheduler_free(s);
	flow_stop(f);
}

/* What it has been through is not the job's fault. */
static void test_a_hold_costs_a_job_nothing(void **state)
{
	struct scheduler *s;
	struct flow f;
	struct job job;

	(void)state;
	s = start_held(&f);
	job = flow_job(&f, 1);
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.attempts, 0);
	assert_true(job.run_at_ms <= loop_wall_ms(f.loop));
	assert_non_null(strstr(job.last_error, "HTTP 401"));
	job_release(&job);
	stop_held(&f, s);
}

static void test_nothing_begins_until_the_hold_says_so(void **state)
{
	struct scheduler *s;
	struct flow f;
	int asked;

	(void)state;
	s = start_held(&f);
	asked = f.api->request_count;
	enqueue_backfill(&f, 5);
	for (int i = 0; i < 5; i++) {
		scheduler_wake(s, "acme");
		scheduler_wake(s, NULL);
		flow_settle(&f);
	}
	assert_int_equal(f.api->request_count, asked);
	flow_leap(0, RETRY_HOLD_MS);
	scheduler_wake(s, "acme");
	flow_until_asked(&f, asked + 1);
	flow_until(&f, no_more, s);
	flow_settle(&f);
	assert_int_equal(f.api->request_count, asked + 1);
	stop_held(&f, s);
}

static void test_a_held_account_has_one_run(void **state)
{
	static struct reply silence[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct scheduler *s;
	struct flow f;

	(void)state;
	s = start_held(&f);
	enqueue_backfill(&f, 5);
	api_fixture_script(f.api, silence, 1);
	api_client_try_again(f.api->api);
	wake_until(&f, s, 1);
	stop_held(&f, s);
}

struct most {
	struct scheduler *s;
	struct flow *f;
	struct loop_timer *timer;
	size_t runs;  /* at the same time, at most so far */
	size_t began; /* how many requests there were then */
};

/* In every turn of the loop: all of it lasts some milliseconds. */
static void sample(void *arg)
{
	struct most *m = arg;

	if (scheduler_runs(m->s) > m->runs) {
		m->runs = scheduler_runs(m->s);
		m->began = (size_t)m->f->api->request_count;
	}
	loop_timer_set(m->timer, 0);
}

static bool is_done(struct flow *f, void *arg)
{
	const struct most *m = arg;

	return scheduler_runs(m->s) == 0 && f->api->request_count >= 12;
}

/* What waited does not fall upon an API that has just come back: the second
 * place comes with the first run that got through, and so on. */
static void test_room_grows_after_a_hold(void **state)
{
	static struct reply nobody[] = {
		ALWAYS("GET /v2/apps/", 404, NULL,
		       "{\"errors\":[{\"code\":\"user_not_found\"}]}")};
	struct scheduler *s;
	struct most m;
	struct flow f;

	(void)state;
	s = start_held(&f);
	enqueue_backfill(&f, 11);
	api_fixture_script(f.api, nobody, 1);
	api_client_try_again(f.api->api);
	m = (struct most){.s = s, .f = &f};
	m.timer = loop_timer_new(f.loop, sample, &m);
	sample(&m);
	scheduler_wake(s, "acme");
	flow_until(&f, is_done, &m);
	loop_timer_free(m.timer);
	assert_false(api_client_is_held(f.api->api));
	assert_in_range(m.runs, 2, m.began);
	stop_held(&f, s);
}

static void test_a_pause_that_ends_tries_again(void **state)
{
	struct scheduler *s;
	struct flow f;
	int asked;

	(void)state;
	s = start_held(&f);
	asked = f.api->request_count;
	assert_int_equal(set_paused(&f, true), RESULT_OK);
	scheduler_wake(s, NULL);
	flow_settle(&f);
	assert_int_equal(set_paused(&f, false), RESULT_OK);
	scheduler_wake(s, NULL);
	flow_until_asked(&f, asked + 1);
	stop_held(&f, s);
}

/* A run that ends before it asks what is held tells the hold nothing: then the
 * job waits for itself, or it would run again without end. */
static void test_a_limit_that_outlasts_the_hold_is_waited_for(void **state)
{
	static struct reply limited[] = {
		FLOW_PERSON, FLOW_USER(""),
		ALWAYS("GET /api/v2/users/search?", 429,
		       "Retry-After: 60\r\nX-Rate-Limit: 700\r\n"
		       "X-Rate-Limit-Remaining: 600\r\n",
		       "{}")};
	struct scheduler *s;
	struct flow f;
	struct job job;
	int asked;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, limited, ARRAY_LEN(limited));
	s = start(&f);
	flow_enqueue(&f);
	for (int i = 0; i < HOLD_ROW_MIN; i++) {
		asked = f.api->request_count;
		flow_leap(RETRY_HOLD_MS + 5000, RETRY_HOLD_MS + 5000);
		scheduler_wake(s, "acme");
		flow_until_asked(&f, asked + 1);
		flow_until(&f, no_more, s);
		flow_settle(&f);
	}
	assert_true(api_client_is_held(f.api->api));
	asked = f.api->request_count;
	flow_leap(10000, 10000);
	scheduler_wake(s, "acme");
	flow_until_asked(&f, asked + 1);
	flow_until(&f, no_more, s);
	flow_settle(&f);
	job = flow_job(&f, 1);
	assert_true(job.run_at_ms > loop_wall_ms(f.loop) + 10000);
	job_release(&job);
	stop_held(&f, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_sleeps_is_left_alone),
		cmocka_unit_test(
			test_an_account_stops_while_its_jobs_are_claimed),
		cmocka_unit_test(test_a_drain_gives_back_what_it_did_not_begin),
		cmocka_unit_test(test_a_free_gives_back_what_it_did_not_begin),
		cmocka_unit_test(test_an_account_that_comes_back_goes_on),
		cmocka_unit_test(test_a_leap_of_the_clock_doubles_no_run),
		cmocka_unit_test(test_a_leap_of_the_stores_clock_ends_no_lease),
		cmocka_unit_test(
			test_a_pause_ends_although_the_store_failed_once),
		cmocka_unit_test(
			test_backfill_leaves_room_for_whoever_writes_now),
		cmocka_unit_test(test_no_more_jobs_than_the_limit_carries),
		cmocka_unit_test(
			test_backfill_asks_for_no_more_than_it_has_places),
		cmocka_unit_test(test_a_hold_costs_a_job_nothing),
		cmocka_unit_test(test_nothing_begins_until_the_hold_says_so),
		cmocka_unit_test(test_a_held_account_has_one_run),
		cmocka_unit_test(test_room_grows_after_a_hold),
		cmocka_unit_test(test_a_pause_that_ends_tries_again),
		cmocka_unit_test(
			test_a_limit_that_outlasts_the_hold_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
