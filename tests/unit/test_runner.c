/*
 * A run against a real store and a scripted API: dropped in every state, when
 * its lease is lost, when the store fails or refuses, and how it ends.
 */
#include "unit.h"

#include "flow_rig.h"

#include "base/str.h"

/* What the callback was told. */
struct ended {
	int times;
	enum job_state state;
	enum linkjob_end end;
	bool lost;
	struct run *cancel; /* from inside */
};

static void on_run(const struct run_report *r, void *arg)
{
	struct ended *e = arg;

	e->times++;
	e->state = r->state;
	e->end = r->link->end;
	e->lost = r->lost;
	if (e->cancel)
		run_cancel(e->cancel);
}

static bool has_ended(struct flow *f, void *arg)
{
	(void)f;
	return ((struct ended *)arg)->times > 0;
}

static struct run *begin(struct flow *f, struct job *job, struct ended *e)
{
	struct run_env env = flow_env(f);

	memset(e, 0, sizeof(*e));
	return run_start(&env, job, false, on_run, e);
}

/* A whole run of a new job; its id. */
static int64_t whole(struct flow *f, struct ended *e)
{
	struct job job = flow_running(f);
	int64_t id = job.id;

	begin(f, &job, e);
	flow_until(f, has_ended, e);
	assert_int_equal(e->times, 1);
	return id;
}

/* --- dropped --- */

static void wait_for_nothing(struct flow *f)
{
	(void)f;
}

static void wait_for_the_store(struct flow *f)
{
	flow_settle(f);
	store_gate_await_held();
}

static void wait_for_the_api(struct flow *f)
{
	flow_until_asked(f, 1);
}

static void wait_for_the_lease(struct flow *f)
{
	flow_until_asked(f, 1);
	flow_leap(0, RUN_BEAT_MS);
	store_gate_hold_at(STORE_EXTEND);
	flow_settle(f);
	store_gate_await_held();
}

static void wait_for_the_settle(struct flow *f)
{
	flow_until_asked(f, 1);
	flow_settle(f);
	store_gate_await_held();
}

static void wait_for_the_retry(struct flow *f)
{
	flow_until_stored(f, STORE_SETTLE, 1);
	flow_settle(f);
}

static const struct stage {
	int hold_at; /* the store; -1: nowhere */
	bool silent; /* the API */
	bool settle_fails;
	bool review;
	void (*reach)(struct flow *f);
} stages[] = {
	{-1, true, false, false, wait_for_nothing},
	{STORE_REVIEWS, true, false, true, wait_for_the_store},
	{STORE_RECALL, true, false, false, wait_for_the_store},
	{-1, true, false, false, wait_for_the_api},
	{-1, true, false, false, wait_for_the_lease},
	{STORE_SETTLE, false, false, false, wait_for_the_settle},
	{-1, false, true, false, wait_for_the_retry},
};

/* Never heard of again, and nothing of it is left behind (the sanitizers
 * look for that). */
static void drop_at(const struct stage *s)
{
	struct flow f;
	struct ended e;
	struct job job;
	struct run *run;
	struct reply silence[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct reply stranger[] = {FLOW_STRANGER};

	flow_start(&f);
	api_fixture_script(f.api, s->silent ? silence : stranger, 1);
	if (s->settle_fails)
		store_gate_spoil(STORE_SETTLE, 1000);
	job = flow_running(&f);
	job.review_id = s->review ? 4711 : 0;
	store_gate_hold_at(s->hold_at);
	run = begin(&f, &job, &e);
	s->reach(&f);
	run_cancel(run);
	store_gate_hold_at(-1);
	flow_settle(&f);
	flow_leap(0, 2 * RUN_BEAT_MS);
	flow_settle(&f);
	assert_int_equal(e.times, 0);
	flow_stop(&f);
}

static void test_dropped_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(stages); i++)
		drop_at(&stages[i]);
}

/* The queue goes while it holds operations of a run that was dropped. */
static void test_dropped_before_the_store_goes(void **state)
{
	struct flow f;
	struct ended e;
	struct job job;
	struct run *run;

	(void)state;
	flow_start(&f);
	job = flow_running(&f);
	store_gate_hold_at(STORE_RECALL);
	run = begin(&f, &job, &e);
	flow_settle(&f);
	store_gate_await_held();
	run_cancel(run);
	store_gate_hold_at(-1);
	flow_stop(&f);
	assert_int_equal(e.times, 0);
}

static void test_dropping_what_has_ended_does_nothing(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct flow f;
	struct ended e;
	struct job job;
	struct run *run;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	job = flow_running(&f);
	run = begin(&f, &job, &e);
	e.cancel = run;
	flow_until(&f, has_ended, &e);
	flow_settle(&f);
	assert_int_equal(e.times, 1);
	flow_stop(&f);
}

/* --- the lease --- */

static void test_a_waiting_run_keeps_its_lease(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct ended e;
	struct job job, row;
	struct run *run;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	job = flow_running(&f);
	id = job.id;
	run = begin(&f, &job, &e);
	flow_until_asked(&f, 1);
	for (int i = 1; i <= 9; i++) {
		flow_leap(RUN_BEAT_MS, RUN_BEAT_MS);
		flow_until_stored(&f, STORE_EXTEND, i);
		flow_settle(&f);
	}
	row = flow_job(&f, id);
	assert_int_equal(row.state, JOB_RUNNING);
	assert_int_equal(row.token, run_job(run)->token);
	job_release(&row);
	assert_int_equal(e.times, 0);
	run_cancel(run);
	flow_stop(&f);
}

/* Somebody else has the job while the merge is on its way. */
static void test_a_lost_lease_ends_the_run(void **state)
{
	struct reply script[] = {
		FLOW_PERSON, FLOW_USER(""), FLOW_OWNER,
		REPLY("PUT /api/v2/users/11/merge", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct ended e;
	struct job job, other;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	job = flow_running(&f);
	id = job.id;
	begin(&f, &job, &e);
	flow_until_asked(&f, 4);
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, 0);
	other = flow_claim(&f, id);
	assert_non_null(other.progress);
	assert_true(other.journal_id > 0);
	assert_true(other.recovered);
	flow_leap(0, RUN_BEAT_MS);
	flow_until(&f, has_ended, &e);
	assert_int_equal(e.times, 1);
	assert_true(e.lost);
	job_release(&other);
	other = flow_job(&f, id);
	assert_int_equal(other.state, JOB_RUNNING);
	assert_true(other.journal_id > 0);
	job_release(&other);
	flow_stop(&f);
}

static void test_an_end_without_the_lease_is_none(void **state)
{
	struct reply script[] = {
		ALWAYS("GET /v2/apps/", REPLY_SILENCE, NULL, NULL)};
	struct flow f;
	struct ended e;
	struct job job, other;

	(void)state;
	flow_start(&f);
	f.api->config.timeout_ms = RUN_BEAT_MS / 2;
	api_fixture_client(f.api);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	job = flow_running(&f);
	begin(&f, &job, &e);
	flow_until_asked(&f, 1);
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, 0);
	other = flow_claim(&f, 1);
	flow_leap(0, RUN_BEAT_MS / 2 + 1000);
	flow_until(&f, has_ended, &e);
	assert_true(e.lost);
	assert_int_equal(store_gate_count(STORE_EXTEND), 0);
	assert_int_equal(store_gate_count(STORE_SETTLE), 1);
	job_release(&other);
	other = flow_job(&f, 1);
	assert_int_equal(other.state, JOB_RUNNING);
	assert_int_equal(other.attempts, 0);
	job_release(&other);
	flow_stop(&f);
}

/* --- ends --- */

/* The store fails for a while: the end is kept until it does not. */
static void test_an_end_waits_for_the_store(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct flow f;
	struct ended e;
	struct job row;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	store_gate_spoil(STORE_SETTLE, 2);
	id = whole(&f, &e);
	assert_int_equal(store_gate_count(STORE_SETTLE), 3);
	assert_false(e.lost);
	row = flow_job(&f, id);
	assert_int_equal(row.state, JOB_WAITING);
	job_release(&row);
	flow_stop(&f);
}

/* An approval that cannot be read is not the same as none. */
static void test_the_approval_is_read_again(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct flow f;
	struct ended e;
	struct job job;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	store_gate_spoil(STORE_REVIEWS, 1);
	job = flow_running(&f);
	job.review_id = 4711;
	begin(&f, &job, &e);
	flow_until_stored(&f, STORE_REVIEWS, 1);
	flow_settle(&f);
	assert_int_equal(f.api->request_count, 0);
	flow_until(&f, has_ended, &e);
	assert_int_equal(store_gate_count(STORE_REVIEWS), 2);
	flow_stop(&f);
}

/* Two users, together larger than what the store takes, wait for a person:
 * the job does not run for ever, nor its slot stay taken. */
static void test_what_the_store_refuses_is_dead(void **state)
{
	const size_t size = STORE_TEXT_MAX;
	char *notes = xcalloc(1, size + 1);
	char *user = xcalloc(1, size + 1024);
	struct reply script[] = {
		FLOW_PERSON, FLOW_OWNER,
		ALWAYS("GET /api/v2/users/11?", 200, NULL, user)};
	struct flow f;
	struct ended e;
	struct job row;
	int64_t id;

	(void)state;
	memset(notes, 'x', size);
	sprintf(user,
		"{\"user\":{\"id\":11,\"role\":\"end-user\",\"active\":true,"
		"\"notes\":\"%s\"},\"identities\":[{\"id\":1,\"user_id\":11,"
		"\"type\":\"messaging\",\"value\":\"5aa1\"}]}",
		notes);
	flow_start(&f);
	f.account.rules.apply = APPLY_REVIEW;
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	id = whole(&f, &e);
	assert_int_equal(e.state, JOB_DEAD);
	assert_false(e.lost);
	row = flow_job(&f, id);
	assert_int_equal(row.state, JOB_DEAD);
	assert_non_null(row.last_error);
	job_release(&row);
	flow_stop(&f);
	free(notes);
	free(user);
}

/* Another job's lock on one of the two users. */
static void lock(struct flow *f, uint64_t user)
{
	struct journal_entry entry;
	struct store_op op;
	struct job job;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = "acme";
	op.u.enqueue.sunco_id = "other";
	assert_int_equal(flow_do(f, &op), RESULT_OK);
	job = flow_claim(f, op.u.enqueue.job_id);
	journal_entry_init(&entry);
	entry.action = ACTION_MERGE;
	store_op_init(&op, STORE_INTENT);
	op.u.intent.job_id = job.id;
	op.u.intent.token = job.token;
	op.u.intent.users[0] = user;
	op.u.intent.entry = &entry;
	op.u.intent.now_ms = loop_wall_ms(f->loop);
	op.u.intent.lock_until_ms = op.u.intent.now_ms + 3600000;
	assert_int_equal(flow_do(f, &op), RESULT_OK);
	job_release(&job);
}

/* Later each time: the other one may be at it for long, and every look costs
 * calls. */
static void test_work_of_others_is_waited_for(void **state)
{
	struct reply script[] = {FLOW_PERSON, FLOW_USER(""), FLOW_OWNER};
	struct flow f;
	struct ended e;
	struct job row;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	lock(&f, 22);
	id = whole(&f, &e);
	assert_int_equal(e.end, LINKJOB_END_AGAIN);
	for (int i = 1; i <= 4; i++) {
		int64_t now_ms = loop_wall_ms(f.loop);

		row = flow_job(&f, id);
		assert_int_equal(row.state, JOB_READY);
		assert_int_equal(row.attempts, i);
		assert_true(row.run_at_ms >
			    now_ms + 250 * (1 << (i - 1)) - 250);
		job_release(&row);
		row = flow_claim(&f, id);
		begin(&f, &row, &e);
		flow_until(&f, has_ended, &e);
	}
	flow_stop(&f);
}

static void test_a_merge_from_end_to_end(void **state)
{
	struct reply script[] = {FLOW_PERSON, FLOW_USER(""), FLOW_OWNER,
				 FLOW_MERGED, FLOW_SURVIVOR};
	struct flow f;
	struct ended e;
	struct job row;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	id = whole(&f, &e);
	assert_int_equal(e.state, JOB_DONE);
	assert_int_equal(api_fixture_count(f.api, "/merge"), 1);
	assert_int_equal(f.api->request_count, 5);
	row = flow_job(&f, id);
	assert_int_equal(row.state, JOB_DONE);
	assert_int_equal(row.zendesk_user_id, 22);
	assert_null(row.progress);
	job_release(&row);
	flow_stop(&f);
}

/* Four fifths of one place are none. */
static void test_backfill_leaves_places_to_the_living(void **state)
{
	struct reply script[] = {FLOW_PERSON, FLOW_USER(""), FLOW_OWNER,
				 FLOW_MERGED, FLOW_SURVIVOR};
	static const enum job_state ends[] = {
		[LANE_LIVE] = JOB_DONE, [LANE_BACKFILL] = JOB_READY};

	(void)state;
	for (int lane = 0; lane < LANE_COUNT; lane += LANE_BACKFILL) {
		struct flow f;
		struct ended e;
		struct job job;

		flow_start(&f);
		api_fixture_script(f.api, script, ARRAY_LEN(script));
		f.account.rules.max_merges_per_hour = 1;
		job = flow_running(&f);
		job.lane = (enum job_lane)lane;
		begin(&f, &job, &e);
		flow_until(&f, has_ended, &e);
		assert_int_equal(e.state, ends[lane]);
		assert_int_equal(api_fixture_count(f.api, "/merge"),
				 lane == LANE_LIVE);
		flow_stop(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dropped_in_every_state),
		cmocka_unit_test(test_dropped_before_the_store_goes),
		cmocka_unit_test(test_dropping_what_has_ended_does_nothing),
		cmocka_unit_test(test_a_waiting_run_keeps_its_lease),
		cmocka_unit_test(test_a_lost_lease_ends_the_run),
		cmocka_unit_test(test_an_end_without_the_lease_is_none),
		cmocka_unit_test(test_an_end_waits_for_the_store),
		cmocka_unit_test(test_the_approval_is_read_again),
		cmocka_unit_test(test_what_the_store_refuses_is_dead),
		cmocka_unit_test(test_work_of_others_is_waited_for),
		cmocka_unit_test(test_a_merge_from_end_to_end),
		cmocka_unit_test(test_backfill_leaves_places_to_the_living),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
