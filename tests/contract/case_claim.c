/*
 * Cases: who runs next, under which lease, and what a lost lease may do.
 */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void enqueue(struct ct *c, const char *sunco_id, enum job_lane lane)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = sunco_id;
	op.u.enqueue.lane = lane;
	op.u.enqueue.now_ms = c->now_ms;
	op.u.enqueue.wait_ms = CT_WAIT;
	CT_DO(c, &op);
}

static void check_order(struct ct *c, size_t max, const char *const *people,
			size_t count)
{
	struct store_op op;
	size_t i;

	ct_claim_op(c, &op, max);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, count);
	for (i = 0; i < count; i++)
		assert_string_equal(op.u.claim.jobs[i].sunco_id, people[i]);
	store_op_release(&op);
}

static void live_comes_first_then_by_time(struct ct *c)
{
	static const char *const first[] = {"live1", "live2", "review"};
	static const char *const rest[] = {"back1", "back2"};

	enqueue(c, "back1", LANE_BACKFILL);
	c->now_ms++;
	enqueue(c, "live1", LANE_LIVE);
	enqueue(c, "back2", LANE_BACKFILL);
	c->now_ms++;
	enqueue(c, "live2", LANE_LIVE);
	enqueue(c, "review", LANE_REVIEW);
	check_order(c, 3, first, 3);
	check_order(c, 3, rest, 2);
	check_order(c, 3, NULL, 0);
}

static void waiting_and_ready_share_the_order(struct ct *c)
{
	static const char *const both[] = {"waits", "ready"};

	ct_rest(c, "waits", JOB_WAITING);
	c->now_ms += HOUR;
	enqueue(c, "ready", LANE_LIVE);
	check_order(c, 10, both, 2);
}

static void nothing_runs_before_its_time(struct ct *c)
{
	struct store_op op;

	ct_rest(c, "ann", JOB_WAITING);
	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 0);
	assert_int_equal(op.u.claim.next_ms, c->now_ms + 5 * MINUTE);
	store_op_release(&op);
	c->now_ms += 5 * MINUTE;
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void resting_jobs_are_not_claimed(struct ct *c)
{
	struct store_op op;

	ct_rest(c, "ann", JOB_DONE);
	ct_rest(c, "bob", JOB_DEAD);
	ct_rest(c, "cy", JOB_REVIEW);
	c->now_ms += DAY;
	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 0);
	assert_true(op.u.claim.next_ms == INT64_MAX);
	store_op_release(&op);
}

static void what_is_left_over_is_due_at_once(struct ct *c)
{
	struct store_op op;

	enqueue(c, "ann", LANE_LIVE);
	enqueue(c, "bob", LANE_LIVE);
	ct_claim_op(c, &op, 1);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 1);
	assert_int_equal(op.u.claim.next_ms, c->now_ms);
	store_op_release(&op);
}

static void a_lease_ends_after_its_grace(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	c->now_ms += CT_LEASE + CT_GRACE - 1;
	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 0);
	assert_int_equal(op.u.claim.next_ms, c->now_ms + 1);
	store_op_release(&op);
	c->now_ms++;
	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 1);
	assert_true(op.u.claim.jobs[0].recovered);
	assert_int_equal(op.u.claim.jobs[0].id, job.id);
	assert_true(op.u.claim.jobs[0].token != job.token);
	store_op_release(&op);
	job_release(&job);
}

static void a_lease_may_be_extended(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	assert_true(ct_extend(c, &job, c->now_ms + HOUR, 0));
	/* never shorter */
	assert_true(ct_extend(c, &job, c->now_ms + MINUTE, 0));
	c->now_ms += HOUR;
	assert_int_equal(ct_claim_count(c, 10), 0);
	c->now_ms += CT_GRACE;
	assert_int_equal(ct_claim_count(c, 10), 1);
	job_release(&job);
}

/* One beat of a process: each run hears of its own lease. */
static void many_leases_are_extended_at_once(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob"),
		   cid = ct_running(c, "cid");
	struct store_lease leases[] = {{.job_id = ann.id, .token = ann.token},
				       {.job_id = bob.id, .token = bob.token},
				       {.job_id = cid.id, .token = 4711}};
	struct store_op op;

	ct_settle(c, &bob, JOB_DONE);
	store_op_init(&op, STORE_EXTEND);
	op.u.extend.leases = leases;
	op.u.extend.count = 3;
	op.u.extend.until_ms = c->now_ms + HOUR;
	CT_DO(c, &op);
	assert_true(leases[0].held);
	assert_false(leases[1].held);
	assert_false(leases[2].held);
	c->now_ms += CT_LEASE + CT_GRACE;
	assert_int_equal(ct_claim_count(c, 10), 1);
	c->now_ms += HOUR;
	assert_int_equal(ct_claim_count(c, 10), 2);
	job_release(&ann);
	job_release(&cid);
}

/* Writers that take rows in the same order never wait for each other. */
static void leases_come_in_order(struct ct *c)
{
	struct store_lease leases[] = {{.job_id = 2, .token = 1},
				       {.job_id = 1, .token = 1}};
	struct store_op op;

	store_op_init(&op, STORE_EXTEND);
	op.u.extend.leases = leases;
	op.u.extend.count = 2;
	CT_REFUSED(c, &op, RESULT_INVALID);
}

static void one_job_may_be_asked_for(struct ct *c)
{
	struct job job;
	struct store_op op;

	ct_rest(c, "ann", JOB_WAITING);
	enqueue(c, "bob", LANE_LIVE);
	job = ct_job(c, "s:ann");
	ct_claim_op(c, &op, 10);
	op.u.claim.job_id = job.id;
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 1);
	assert_int_equal(op.u.claim.jobs[0].id, job.id);
	store_op_release(&op);
	CT_DO(c, &op); /* it runs now */
	assert_int_equal(op.u.claim.count, 0);
	store_op_release(&op);
	job_release(&job);
}

/* "-" where the account is left out, else paused and jobs as digits. */
static void check_look(struct ct *c, int64_t until_ms, const char *expected)
{
	char found[3] = "-";
	struct store_op op;
	size_t i;

	store_op_init(&op, STORE_LOOK);
	op.u.look.until_ms = until_ms;
	CT_DO(c, &op);
	for (i = 0; i < op.u.look.count; i++) {
		const struct store_stir *s = &op.u.look.rows[i];

		if (i > 0)
			assert_true(strcmp(s[-1].account, s->account) < 0);
		if (strcmp(s->account, CT_ACCOUNT) == 0)
			snprintf(found, sizeof(found), "%d%d", s->paused,
				 s->jobs);
	}
	assert_string_equal(found, expected);
	store_op_release(&op);
}

static void pause_account(struct ct *c, bool paused)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = true;
	op.u.account.paused = paused;
	op.u.account.by = "somebody";
	op.u.account.now_ms = c->now_ms;
	CT_DO(c, &op);
	store_op_release(&op);
}

static void one_look_finds_who_has_something_to_do(struct ct *c)
{
	struct job job;

	check_look(c, c->now_ms, "-");
	enqueue(c, "ann", LANE_BACKFILL);
	check_look(c, c->now_ms - 1, "-");
	check_look(c, c->now_ms, "01");
	pause_account(c, true);
	check_look(c, c->now_ms - 1, "10");
	check_look(c, c->now_ms, "11");
	pause_account(c, false);
	job = ct_claim(c);
	check_look(c, 0, "01");
	ct_settle(c, &job, JOB_DONE);
	check_look(c, INT64_MAX, "-");
}

static void an_account_claims_its_own(struct ct *c)
{
	struct store_op op;
	struct job job;

	enqueue(c, "ann", LANE_LIVE);
	job = ct_job(c, "s:ann");
	ct_claim_op(c, &op, 10);
	op.u.claim.account = "other";
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 0);
	store_op_release(&op);
	op.u.claim.job_id = job.id;
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 0);
	store_op_release(&op);
	job_release(&job);
}

/* --- tokens --- */

static void refuse_all(struct ct *c, const struct job *job)
{
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	ct_settle_op(c, &op, job, JOB_DONE);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	ct_intent_op(c, &op, job, &e);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	store_op_init(&op, STORE_STEP);
	op.u.step.job_id = job->id;
	op.u.step.token = job->token;
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	assert_false(ct_extend(c, job, c->now_ms + DAY, 0));
	store_op_init(&op, STORE_FOLD);
	op.u.fold.job_id = job->id;
	op.u.fold.token = job->token;
	op.u.fold.sunco_id = "zoe";
	CT_REFUSED(c, &op, RESULT_CONFLICT);
}

static void a_lost_lease_changes_nothing(struct ct *c)
{
	struct job old = ct_running(c, "ann"), new;

	c->now_ms += HOUR;
	new = ct_claim(c);
	refuse_all(c, &old);
	ct_settle(c, &new, JOB_DONE);
	refuse_all(c, &old);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
	job_release(&old);
}

static void a_wrong_token_changes_nothing(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct job bad = job;

	bad.token++;
	refuse_all(c, &bad);
	bad.token = 0;
	refuse_all(c, &bad);
	bad = job;
	bad.id += 1000;
	refuse_all(c, &bad);
	ct_settle(c, &job, JOB_DONE);
}

static void an_expired_lease_holds_until_taken(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	c->now_ms += DAY;
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

static void a_new_daemon_takes_over_at_once(struct ct *c)
{
	struct job old = ct_running(c, "ann"), new;

	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	if (c->factory->shared) { /* the last one may be alive */
		assert_int_equal(ct_claim_count(c, 10), 0);
		c->now_ms += CT_LEASE + CT_GRACE;
	} else {
		refuse_all(c, &old);
	}
	new = ct_claim(c);
	assert_int_equal(new.id, old.id);
	assert_true(new.recovered);
	job_release(&new);
	job_release(&old);
}

static void along_op(struct ct *c, struct store_op *op)
{
	ct_claim_op(c, op, 10);
	op->u.claim.along = true;
}

/* Asks right behind the event, in its transaction. */
static size_t claims_along(struct ct *c, struct event e)
{
	struct store_op accept, claim, *both[] = {&accept, &claim};
	size_t count;

	store_op_init(&accept, STORE_ACCEPT);
	accept.u.accept = (struct store_accept){
		.account = CT_ACCOUNT,
		.events = &e,
		.count = 1,
		.now_ms = c->now_ms,
		.wait_ms = CT_WAIT,
		.recheck_ms = 7 * DAY,
	};
	along_op(c, &claim);
	store_run(c->s, both, 2);
	assert_int_equal(accept.result, RESULT_OK);
	assert_int_equal(claim.result, RESULT_OK);
	count = claim.u.claim.count;
	assert_true(count == 0 || !claim.u.claim.asleep);
	store_op_release(&claim);
	return count;
}

static bool sleeps(struct ct *c)
{
	struct store_op op;
	bool asleep;

	along_op(c, &op);
	CT_DO(c, &op);
	asleep = op.u.claim.asleep;
	store_op_release(&op);
	return asleep;
}

static void what_events_wake_is_claimed_along(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	assert_int_equal(claims_along(c, e), 1);
	assert_true(sleeps(c));
	e = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	assert_int_equal(claims_along(c, e), 1);
	/* the same event again */
	assert_int_equal(claims_along(c, e), 0);
	assert_true(sleeps(c));
	enqueue(c, "eve", LANE_LIVE);
	assert_false(sleeps(c));
	assert_true(sleeps(c));
}

/* What it wakes later is told, too. */
static void what_is_hastened_is_told_along(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_MESSAGE, "ann");
	struct store_op op;

	ct_rest(c, "ann", JOB_WAITING);
	c->now_ms += MINUTE;
	assert_true(sleeps(c));
	assert_int_equal(ct_accept(c, e).woken, 1);
	along_op(c, &op);
	CT_DO(c, &op);
	assert_false(op.u.claim.asleep);
	assert_int_equal(op.u.claim.count, 0);
	assert_true(op.u.claim.next_ms < c->now_ms + MINUTE);
	store_op_release(&op);
}

/* Nor is anything asked for them. */
static void who_is_known_to_be_linked_wakes_nobody(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	ct_link(c, "ann", 11, 1);
	(void)sleeps(c);
	e.print.known = true;
	memset(e.print.hash, 1, sizeof(e.print.hash));
	assert_int_equal(ct_accept(c, e).known, 1);
	assert_true(sleeps(c));
}

/* In doubt there is something to do. */
static void a_new_daemon_is_not_asleep(struct ct *c)
{
	enqueue(c, "ann", LANE_LIVE);
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	assert_false(sleeps(c));
}

static const struct ct_case cases[] = {
	CT_CASE(live_comes_first_then_by_time),
	CT_CASE(waiting_and_ready_share_the_order),
	CT_CASE(nothing_runs_before_its_time),
	CT_CASE(resting_jobs_are_not_claimed),
	CT_CASE(what_is_left_over_is_due_at_once),
	CT_CASE(a_lease_ends_after_its_grace),
	CT_CASE(a_lease_may_be_extended),
	CT_CASE(many_leases_are_extended_at_once),
	CT_CASE(leases_come_in_order),
	CT_CASE(one_job_may_be_asked_for),
	CT_CASE(an_account_claims_its_own),
	CT_CASE(one_look_finds_who_has_something_to_do),
	CT_CASE(a_lost_lease_changes_nothing),
	CT_CASE(a_wrong_token_changes_nothing),
	CT_CASE(an_expired_lease_holds_until_taken),
	CT_CASE(a_new_daemon_takes_over_at_once),
	CT_CASE(what_events_wake_is_claimed_along),
	CT_CASE(what_is_hastened_is_told_along),
	CT_CASE(who_is_known_to_be_linked_wakes_nobody),
	CT_CASE(a_new_daemon_is_not_asleep),
};
const struct ct_group ct_claim_cases = {cases, ARRAY_LEN(cases)};
