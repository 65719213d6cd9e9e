/*
 * Leases: one beat for all runs of a process, none for short ones; what is not
 * sent when too little of a lease is left; who is told that it is lost.
 */
#include "unit.h"

#include "flow_rig.h"

#include "base/clock.h"
#include "base/str.h"

#define RUNS 3

/* What one holder was told. */
struct holder {
	struct lease lease;
	int kept, failed, lost;
	bool sufficed;	      /* when it was told first */
	struct holder *drops; /* when it is told */
};

static void on_told(enum lease_news news, void *arg)
{
	struct holder *h = arg;

	if (!h->kept && !h->failed)
		h->sufficed = lease_suffices(&h->lease);
	h->kept += news == LEASE_KEPT;
	h->failed += news == LEASE_FAILED;
	h->lost += news == LEASE_LOST;
	if (h->drops)
		lease_drop(&h->drops->lease);
}

/* A job of somebody else each time. */
static struct job claimed(struct flow *f, const char *sunco_id)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = "acme";
	op.u.enqueue.sunco_id = sunco_id;
	op.u.enqueue.now_ms = loop_wall_ms(f->loop);
	assert_int_equal(flow_do(f, &op), RESULT_OK);
	return flow_claim(f, op.u.enqueue.job_id);
}

static void hold(struct flow *f, struct holder *h, const char *sunco_id)
{
	struct job job = claimed(f, sunco_id);

	memset(h, 0, sizeof(*h));
	lease_take(&h->lease, f->leases, job.id, job.token, f->claimed_ms,
		   on_told, h);
	job_release(&job);
}

static void hold_all(struct flow *f, struct holder *h)
{
	static const char *const ids[RUNS] = {"5aa1", "5aa2", "5aa3"};

	for (int i = 0; i < RUNS; i++)
		hold(f, &h[i], ids[i]);
}

static void drop_all(struct holder *h)
{
	for (int i = 0; i < RUNS; i++)
		lease_drop(&h[i].lease);
}

static void beat(struct flow *f, int count)
{
	flow_leap(RUN_BEAT_MS, RUN_BEAT_MS);
	flow_until_stored(f, STORE_EXTEND, count);
	flow_settle(f);
}

/* --- beats --- */

static void test_one_beat_is_for_all(void **state)
{
	struct holder h[RUNS];
	struct flow f;

	(void)state;
	flow_start(&f);
	hold_all(&f, h);
	for (int n = 1; n <= 3; n++) {
		beat(&f, n);
		assert_int_equal(store_gate_count(STORE_EXTEND), n);
		for (int i = 0; i < RUNS; i++)
			assert_int_equal(h[i].kept, n);
	}
	drop_all(h);
	flow_stop(&f);
}

static void test_short_runs_cost_no_beat(void **state)
{
	struct holder h;
	struct flow f;

	(void)state;
	flow_start(&f);
	for (int i = 0; i < 4; i++) {
		char id[8];

		snprintf(id, sizeof(id), "5aa%d", i);
		hold(&f, &h, id);
		flow_leap(RUN_BEAT_MS / 2, RUN_BEAT_MS / 2);
		flow_settle(&f);
		lease_drop(&h.lease);
	}
	flow_leap(RUN_BEAT_MS, RUN_BEAT_MS);
	flow_settle(&f);
	assert_int_equal(store_gate_count(STORE_EXTEND), 0);
	flow_stop(&f);
}

static void test_who_lost_its_lease_is_told(void **s)
{
	struct holder h[RUNS];
	struct store_op op;
	struct flow f;

	(void)s;
	flow_start(&f);
	hold_all(&f, h);
	store_op_init(&op, STORE_SETTLE);
	op.u.settle.job_id = h[1].lease.job_id;
	op.u.settle.token = h[1].lease.token;
	op.u.settle.state = JOB_DONE;
	assert_int_equal(flow_do(&f, &op), RESULT_OK);
	beat(&f, 1);
	beat(&f, 2);
	assert_int_equal(h[0].kept, 2);
	assert_int_equal(h[1].kept, 0);
	assert_int_equal(h[1].lost, 1);
	assert_int_equal(h[2].kept, 2);
	drop_all(h);
	flow_stop(&f);
}

/* One that ends because of what another one was told. */
static void test_dropped_while_the_answer_is_told(void **state)
{
	struct holder h[RUNS];
	struct flow f;

	(void)state;
	flow_start(&f);
	hold_all(&f, h);
	h[0].drops = &h[1];
	h[2].drops = &h[2];
	beat(&f, 1);
	assert_int_equal(h[0].kept, 1);
	assert_int_equal(h[1].kept, 0);
	assert_int_equal(h[2].kept, 1);
	beat(&f, 2);
	assert_int_equal(h[0].kept, 2);
	assert_int_equal(h[2].kept, 1);
	drop_all(h);
	flow_stop(&f);
}

/* A beat that fails makes nothing longer, and another one follows soon. */
static void test_a_beat_that_fails(void **state)
{
	struct holder h;
	struct flow f;
	int64_t send_by_ms;

	(void)state;
	flow_start(&f);
	hold(&f, &h, FLOW_SUNCO);
	send_by_ms = lease_send_by_ms(&h.lease);
	store_gate_spoil(STORE_EXTEND, 1);
	beat(&f, 1);
	assert_int_equal(h.failed, 1);
	assert_int_equal(lease_send_by_ms(&h.lease), send_by_ms);
	flow_until_stored(&f, STORE_EXTEND, 2);
	flow_settle(&f);
	assert_int_equal(h.kept, 1);
	assert_true(lease_send_by_ms(&h.lease) > send_by_ms);
	lease_drop(&h.lease);
	flow_stop(&f);
}

/* What the store says late counts from when it was asked. */
static void test_a_late_answer_makes_a_lease_no_longer(void **state)
{
	struct holder h;
	struct flow f;

	(void)state;
	flow_start(&f);
	hold(&f, &h, FLOW_SUNCO);
	store_gate_hold_at(STORE_EXTEND);
	flow_leap(0, RUN_BEAT_MS);
	flow_settle(&f);
	store_gate_await_held();
	flow_leap(0, RUN_SEND_MS);
	store_gate_hold_at(-1);
	flow_until_stored(&f, STORE_EXTEND, 1);
	flow_settle(&f);
	assert_true(h.kept >= 1);
	assert_false(h.sufficed);
	lease_drop(&h.lease);
	flow_stop(&f);
}

/* --- runs --- */

struct ended {
	int times;
	enum linkjob_end end;
	enum job_state state;
	bool lost;
};

static void on_run(const struct run_report *r, void *arg)
{
	struct ended *e = arg;

	e->times++;
	e->end = r->link->end;
	e->state = r->state;
	e->lost = r->lost;
}

static bool has_ended(struct flow *f, void *arg)
{
	(void)f;
	return ((struct ended *)arg)->times > 0;
}

/* A run whose intent the store keeps to itself, until so long has passed that
 * the merge may not be sent any more. */
static int64_t run_out(struct flow *f, struct ended *e)
{
	struct job job = flow_running(f);
	int64_t id = job.id;
	struct run_env env = flow_env(f);

	memset(e, 0, sizeof(*e));
	store_gate_hold_at(STORE_INTENT);
	run_start(&env, &job, false, on_run, e);
	flow_until_asked(f, 3);
	flow_settle(f);
	store_gate_await_held();
	flow_leap(0, RUN_SEND_MS);
	return id;
}

static void let_go(struct flow *f, struct ended *e)
{
	store_gate_hold_at(-1);
	flow_until(f, has_ended, e);
	assert_int_equal(e->times, 1);
}

static void test_a_change_waits_for_a_longer_lease(void **state)
{
	struct reply script[] = {FLOW_PERSON, FLOW_USER(""), FLOW_OWNER,
				 FLOW_MERGED, FLOW_SURVIVOR};
	struct flow f;
	struct ended e;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	run_out(&f, &e);
	let_go(&f, &e);
	assert_int_equal(e.state, JOB_DONE);
	assert_int_equal(api_fixture_count(f.api, "/merge"), 1);
	assert_true(store_gate_count(STORE_EXTEND) >= 1);
	flow_stop(&f);
}

static void on_answer(const struct api_result *r, const struct json_t *json,
		      void *arg)
{
	(void)json;
	*(struct api_result *)arg = *r;
}

static bool answered(struct flow *f, void *arg)
{
	(void)f;
	return ((struct api_result *)arg)->call != NULL;
}

/* It says nothing of the API: nobody's jobs are held. */
static void test_a_request_that_would_be_too_late(void **state)
{
	struct api_call call = {
		.name = "user_merge", .method = "PUT", .path = "/x"};
	struct api_result r = {.call = NULL};
	struct flow f;

	(void)state;
	flow_start(&f);
	api_send_by(api_send(f.api->api, &call, on_answer, &r),
		    clock_boot_ms() - 1);
	flow_until(&f, answered, &r);
	assert_int_equal(r.result, RESULT_TEMP);
	assert_true(r.late);
	assert_false(r.sent);
	assert_int_equal(f.api->request_count, 0);
	assert_false(api_client_is_held(f.api->api));
	flow_stop(&f);
}

/* Not sent, which is no trouble of the account; tried again later. */
static void test_a_change_without_a_lease_is_not_sent(void **state)
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
	store_gate_spoil(STORE_EXTEND, 1000);
	id = run_out(&f, &e);
	let_go(&f, &e);
	assert_int_equal(api_fixture_count(f.api, "/merge"), 0);
	assert_int_equal(e.end, LINKJOB_END_RETRY);
	assert_false(api_client_is_held(f.api->api));
	row = flow_job(&f, id);
	assert_int_equal(row.state, JOB_READY);
	assert_int_equal(row.journal_id, 0);
	job_release(&row);
	flow_stop(&f);
}

/* The process was stopped, and somebody else has the job now. */
static void test_a_change_of_a_lost_job_is_not_sent(void **state)
{
	struct reply script[] = {FLOW_PERSON, FLOW_USER(""), FLOW_OWNER,
				 FLOW_MERGED, FLOW_SURVIVOR};
	struct flow f;
	struct ended e;
	struct job other;
	int64_t id;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	id = run_out(&f, &e);
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, 0);
	store_gate_hold_at(-1);
	other = flow_claim(&f, id);
	flow_until(&f, has_ended, &e);
	assert_true(e.lost);
	assert_int_equal(api_fixture_count(f.api, "/merge"), 0);
	job_release(&other);
	flow_stop(&f);
}

/* It was stopped when it had decided to send, and Zendesk refuses, since the
 * other node's merge was first. No trouble, and the job is theirs. */
static void refused_merge(int status, const char *body)
{
	struct reply script[] = {
		FLOW_PERSON, FLOW_USER(""), FLOW_OWNER,
		REPLY("PUT /api/v2/users/11/merge", status, NULL, body)};
	struct run_env env;
	struct job job, other;
	struct ended e;
	struct flow f;

	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	job = flow_running(&f);
	memset(&e, 0, sizeof(e));
	env = flow_env(&f);
	f.api->stop_at = 4;
	run_start(&env, &job, false, on_run, &e);
	wire_run(f.loop);
	flow_leap(RUN_LEASE_MS + RUN_GRACE_MS, 0);
	other = flow_claim(&f, 1);
	flow_until(&f, has_ended, &e);
	assert_true(e.lost);
	assert_false(api_client_is_held(f.api->api));
	assert_int_equal(f.api->request_count, 4);
	job_release(&other);
	other = flow_job(&f, 1);
	assert_int_equal(other.state, JOB_RUNNING);
	assert_int_equal(other.attempts, 0);
	assert_true(other.journal_id > 0);
	job_release(&other);
	flow_stop(&f);
}

static void test_a_second_merge_that_is_refused(void **state)
{
	(void)state;
	refused_merge(404, "{\"error\":\"RecordNotFound\"}");
	refused_merge(422, "{\"error\":\"RecordInvalid\"}");
	refused_merge(409, "{\"error\":\"Conflict\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_beat_is_for_all),
		cmocka_unit_test(test_short_runs_cost_no_beat),
		cmocka_unit_test(test_who_lost_its_lease_is_told),
		cmocka_unit_test(test_dropped_while_the_answer_is_told),
		cmocka_unit_test(test_a_beat_that_fails),
		cmocka_unit_test(test_a_late_answer_makes_a_lease_no_longer),
		cmocka_unit_test(test_a_request_that_would_be_too_late),
		cmocka_unit_test(test_a_change_waits_for_a_longer_lease),
		cmocka_unit_test(test_a_change_without_a_lease_is_not_sent),
		cmocka_unit_test(test_a_change_of_a_lost_job_is_not_sent),
		cmocka_unit_test(test_a_second_merge_that_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
