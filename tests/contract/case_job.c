/*
 * Cases: jobs by hand, folding, and what a settle writes into the row.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

static struct store_op enqueue_op(struct ct *c, const char *sunco_id,
				  uint64_t user)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = sunco_id;
	op.u.enqueue.zendesk_user_id = user;
	op.u.enqueue.ticket_id = 5;
	op.u.enqueue.lane = LANE_BACKFILL;
	op.u.enqueue.now_ms = c->now_ms;
	op.u.enqueue.wait_ms = HOUR;
	return op;
}

static void by_hand_makes_a_job(struct ct *c)
{
	struct store_op op = enqueue_op(c, "ann", 11);
	struct job job;

	op.u.enqueue.review_id = 3;
	CT_DO(c, &op);
	job = ct_claim(c);
	assert_int_equal(job.id, op.u.enqueue.job_id);
	assert_string_equal(job.person, "s:ann");
	assert_int_equal(job.zendesk_user_id, 11);
	assert_int_equal(job.ticket_id, 5);
	assert_int_equal(job.lane, LANE_BACKFILL);
	assert_int_equal(job.review_id, 3);
	assert_int_equal(job.deadline_ms, c->now_ms + HOUR);
	job_release(&job);
}

static void by_hand_does_not_wait_for_a_retry(struct ct *c)
{
	struct job job;
	struct store_op op;

	ct_rest(c, "ann", JOB_READY); /* in five minutes */
	assert_int_equal(ct_claim_count(c, 10), 0);
	op = enqueue_op(c, "ann", 0);
	CT_DO(c, &op);
	job = ct_claim(c);
	assert_int_equal(job.lane, LANE_LIVE); /* never demoted */
	assert_int_equal(job.gen, 2);
	job_release(&job);
}

static void a_live_event_lifts_backfill(struct ct *c)
{
	struct store_op op = enqueue_op(c, "ann", 0);
	struct job job;

	CT_DO(c, &op);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	job = ct_claim(c);
	assert_int_equal(job.lane, LANE_LIVE);
	job_release(&job);
}

static void by_hand_a_running_job_runs_again(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op = enqueue_op(c, "ann", 0);

	CT_DO(c, &op);
	assert_int_equal(op.u.enqueue.job_id, job.id);
	assert_int_equal(ct_claim_count(c, 10), 0);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void by_hand_finds_the_person_of_a_user(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op = enqueue_op(c, "", 11);
	struct job job;

	e.zendesk_user_id = 11;
	ct_accept(c, e);
	CT_DO(c, &op);
	job = ct_claim(c);
	assert_int_equal(job.id, op.u.enqueue.job_id);
	assert_string_equal(job.person, "s:ann");
	job_release(&job);
	op = enqueue_op(c, "", 12);
	CT_DO(c, &op);
	assert_int_equal(ct_state(c, "z:12"), JOB_READY);
	op = enqueue_op(c, "bob", 11); /* who is named counts */
	CT_DO(c, &op);
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

/* --- folding --- */

static struct store_op fold_op(struct ct *c, const struct job *job,
			       const char *sunco_id)
{
	struct store_op op;

	store_op_init(&op, STORE_FOLD);
	op.u.fold.job_id = job->id;
	op.u.fold.token = job->token;
	op.u.fold.sunco_id = sunco_id;
	op.u.fold.read_ms = op.u.fold.now_ms = c->now_ms;
	return op;
}

static struct job ticket_job(struct ct *c)
{
	ct_accept(c, ct_ticket(11, 21));
	return ct_claim(c);
}

static void a_job_becomes_the_persons(struct ct *c)
{
	struct job job = ticket_job(c);
	struct store_op op = fold_op(c, &job, "ann");

	CT_DO(c, &op);
	assert_true(op.u.fold.kept);
	assert_false(ct_find(c, "z:11", &(struct job){0}));
	assert_int_equal(ct_state(c, "s:ann"), JOB_RUNNING);
	CT_DO(c, &op); /* again: nothing to do */
	assert_true(op.u.fold.kept);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

static void a_job_goes_into_the_persons_row(struct ct *c)
{
	struct job job = ticket_job(c), row;
	struct store_op op = fold_op(c, &job, "ann");

	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	CT_DO(c, &op);
	assert_false(op.u.fold.kept);
	assert_false(ct_find(c, "z:11", &row));
	row = ct_claim(c);
	assert_string_equal(row.person, "s:ann");
	assert_int_equal(row.zendesk_user_id, 11);
	assert_int_equal(row.ticket_id, 21);
	assert_int_equal(row.gen, 2);
	job_release(&row);
	ct_settle_op(c, &op, &job, JOB_DONE);
	CT_REFUSED(c, &op, RESULT_CONFLICT); /* ours is gone */
	job_release(&job);
}

static void folding_into_a_running_job_runs_it_again(struct ct *c)
{
	struct job ann = ct_running(c, "ann");
	struct job job = ticket_job(c);
	struct store_op op = fold_op(c, &job, "ann");

	CT_DO(c, &op);
	assert_false(op.u.fold.kept);
	assert_int_equal(ct_claim_count(c, 10), 0);
	ct_settle(c, &ann, JOB_DONE);
	assert_int_equal(ct_claim_count(c, 10), 1);
	job_release(&job);
}

/* --- and going on with it --- */

static bool takes(struct ct *c, struct job *job, struct store_op *op)
{
	*op = fold_op(c, job, "ann");
	op->u.fold.takes = true;
	CT_DO(c, op);
	assert_false(op->u.fold.kept);
	return op->u.fold.taken != NULL;
}

static void a_run_goes_on_with_the_persons_row(struct ct *c)
{
	static const enum job_state ends[] = {JOB_WAITING, JOB_DONE};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct job ann = i ? ct_claim(c) : ct_running(c, "ann");
		struct job job, row, *taken;
		struct store_op op, end;

		ct_settle_op(c, &op, &ann, ends[i]);
		op.u.settle.run_at_ms = c->now_ms + 60000;
		op.u.settle.progress = "{\"looks\":3}";
		CT_DO(c, &op);
		job_release(&ann);
		c->now_ms++;
		ct_accept(c, ct_ticket(11 + i, 21 + i));
		job = ct_claim(c);
		assert_true(takes(c, &job, &op));
		taken = op.u.fold.taken;
		assert_string_equal(taken->person, "s:ann");
		assert_int_equal(taken->token, job.token);
		assert_int_equal(taken->ticket_id, 21 + i);
		assert_string_equal(taken->progress, "{\"looks\":3}");
		row = ct_job(c, "s:ann");
		assert_int_equal(row.state, JOB_RUNNING);
		assert_int_equal(row.gen, taken->gen);
		job_release(&row);
		assert_int_equal(ct_claim_count(c, 10), 0);
		/* an event that comes now starts it again */
		ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
		ct_settle_op(c, &end, taken, JOB_DONE);
		CT_DO(c, &end);
		assert_true(end.u.settle.again);
		assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
		store_op_release(&op);
		job_release(&job);
	}
}

static void a_row_that_runs_is_left_alone(struct ct *c)
{
	struct job ann = ct_running(c, "ann");
	struct job job = ticket_job(c);
	struct store_op op;

	assert_false(takes(c, &job, &op));
	ct_settle(c, &ann, JOB_DONE);
	job_release(&job);
}

/* What ours has read of the user is older than what that row's run did. */
static void a_row_that_ran_meanwhile_is_left_alone(struct ct *c)
{
	static const enum job_state ends[] = {JOB_WAITING, JOB_DONE};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct job ann = i ? ct_claim(c) : ct_running(c, "ann");
		struct store_op op, end;
		struct job job;

		ct_accept(c, ct_ticket(51 + i, 61 + i));
		job = ct_claim(c);
		op = fold_op(c, &job, "ann");
		op.u.fold.takes = true;
		ct_settle_op(c, &end, &ann, ends[i]);
		end.u.settle.run_at_ms = c->now_ms + 60000;
		CT_DO(c, &end);
		job_release(&ann);
		CT_DO(c, &op);
		assert_null(op.u.fold.taken);
		assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
		job_release(&job);
	}
}

/* Nor than what it was told since: a run that begins now reads that. */
static void a_row_that_was_told_something_is_left_alone(struct ct *c)
{
	struct store_op op;
	struct job job;

	ct_rest(c, "ann", JOB_DONE);
	c->now_ms++;
	job = ticket_job(c);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	assert_false(takes(c, &job, &op));
	job_release(&job);
	assert_int_equal(ct_claim_count(c, 10), 1);
}

/* Its next try is later; or a saga is under way. */
static void a_row_that_is_not_due_is_left_alone(struct ct *c)
{
	static const enum job_state ends[] = {JOB_READY, JOB_DEAD, JOB_REVIEW};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct job ann = ct_running(c, "ann");
		struct store_op op;
		struct job job;

		ct_settle_op(c, &op, &ann, ends[i]);
		op.u.settle.run_at_ms = c->now_ms + 60000;
		op.u.settle.attempts = 1;
		CT_DO(c, &op);
		job_release(&ann);
		ct_accept(c, ct_ticket(31 + i, 41 + i));
		job = ct_claim(c);
		assert_false(takes(c, &job, &op));
		job_release(&job);
		c->now_ms += 120000;
	}
}

static void folding_wakes_a_resting_job(struct ct *c)
{
	struct job job;
	struct store_op op;

	ct_rest(c, "ann", JOB_DONE);
	job = ticket_job(c);
	op = fold_op(c, &job, "ann");
	CT_DO(c, &op);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
	job_release(&job);
}

static void a_persons_job_is_not_anothers(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op = fold_op(c, &job, "bob");

	CT_REFUSED(c, &op, RESULT_INVALID);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

/* --- settling --- */

static void a_settle_writes_the_row(struct ct *c)
{
	struct job job = ct_running(c, "ann"), row;
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_WAITING);
	op.u.settle.attempts = 2;
	op.u.settle.progress = "{\"p\":1}";
	op.u.settle.last_error = "no answer";
	op.u.settle.zendesk_user_id = 11;
	op.u.settle.ticket_id = 21;
	CT_DO(c, &op);
	assert_false(op.u.settle.again);
	row = ct_job(c, "s:ann");
	assert_int_equal(row.state, JOB_WAITING);
	assert_int_equal(row.run_at_ms, c->now_ms + 5 * MINUTE);
	assert_int_equal(row.attempts, 2);
	assert_int_equal(row.token, 0);
	assert_string_equal(row.progress, "{\"p\":1}");
	assert_string_equal(row.last_error, "no answer");
	assert_int_equal(row.zendesk_user_id, 11);
	assert_int_equal(row.ticket_id, 21);
	job_release(&row);
	job_release(&job);
}

static void a_settle_clears_and_keeps(struct ct *c)
{
	struct job job;

	a_settle_writes_the_row(c);
	c->now_ms += HOUR;
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	job = ct_job(c, "s:ann");
	assert_null(job.progress);
	assert_null(job.last_error);
	assert_int_equal(job.zendesk_user_id, 11);
	assert_int_equal(job.ticket_id, 21);
	job_release(&job);
}

/* --- retry and drop --- */

static enum result retry(struct ct *c, int64_t id, const char *account,
			 int64_t *count)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_RETRY);
	op.u.retry.job_id = id;
	op.u.retry.account = account;
	op.u.retry.now_ms = c->now_ms;
	op.u.retry.wait_ms = HOUR;
	r = store_do(c->s, &op);
	*count = op.u.retry.count;
	return r;
}

static int64_t id_of(struct ct *c, const char *person)
{
	struct job job = ct_job(c, person);
	int64_t id = job.id;

	job_release(&job);
	return id;
}

static void rests_are_retried(struct ct *c)
{
	static const enum job_state states[] = {JOB_DEAD, JOB_WAITING,
						JOB_REVIEW, JOB_READY};
	struct job job;
	int64_t n;
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++) {
		ct_rest(c, "ann", states[i]);
		assert_int_equal(retry(c, id_of(c, "s:ann"), NULL, &n),
				 RESULT_OK);
		assert_int_equal(n, 1);
		job = ct_claim(c);
		assert_int_equal(job.attempts, 0);
		assert_int_equal(job.deadline_ms, c->now_ms + HOUR);
		ct_settle(c, &job, JOB_DONE);
	}
}

static void all_dead_are_retried(struct ct *c)
{
	int64_t n;

	ct_rest(c, "ann", JOB_DEAD);
	ct_rest(c, "bob", JOB_DEAD);
	ct_rest(c, "cy", JOB_WAITING);
	assert_int_equal(retry(c, 0, "other", &n), RESULT_OK);
	assert_int_equal(n, 0);
	assert_int_equal(retry(c, 0, CT_ACCOUNT, &n), RESULT_OK);
	assert_int_equal(n, 2);
	assert_int_equal(ct_claim_count(c, 10), 2);
	ct_rest(c, "dan", JOB_DEAD);
	assert_int_equal(retry(c, 0, NULL, &n), RESULT_OK);
	assert_int_equal(n, 1);
}

static void some_jobs_are_not_retried(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t n;

	assert_int_equal(retry(c, job.id, NULL, &n), RESULT_CONFLICT);
	assert_int_equal(retry(c, job.id + 1, NULL, &n), RESULT_NOTFOUND);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(retry(c, id_of(c, "s:ann"), NULL, &n),
			 RESULT_CONFLICT);
}

static void a_resting_job_is_dropped(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;
	struct review r;
	int64_t review;

	store_op_init(&op, STORE_DROP);
	op.u.drop.job_id = job.id;
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	review = ct_settle_review(c, &job, 11, 12);
	CT_DO(c, &op);
	assert_false(ct_find(c, "s:ann", &job));
	r = ct_review_read(c, review);
	assert_int_equal(r.state, REVIEW_EXPIRED);
	review_release(&r);
	CT_REFUSED(c, &op, RESULT_NOTFOUND);
}

static void ids_are_never_used_again(struct ct *c)
{
	struct store_op op;
	int64_t id;

	ct_rest(c, "ann", JOB_DONE);
	id = id_of(c, "s:ann");
	store_op_init(&op, STORE_DROP);
	op.u.drop.job_id = id;
	CT_DO(c, &op);
	ct_rest(c, "bob", JOB_DONE);
	assert_true(id_of(c, "s:bob") > id);
}

static const struct ct_case cases[] = {
	CT_CASE(by_hand_makes_a_job),
	CT_CASE(by_hand_does_not_wait_for_a_retry),
	CT_CASE(a_live_event_lifts_backfill),
	CT_CASE(by_hand_a_running_job_runs_again),
	CT_CASE(by_hand_finds_the_person_of_a_user),
	CT_CASE(a_job_becomes_the_persons),
	CT_CASE(a_job_goes_into_the_persons_row),
	CT_CASE(folding_into_a_running_job_runs_it_again),
	CT_CASE(a_run_goes_on_with_the_persons_row),
	CT_CASE(a_row_that_runs_is_left_alone),
	CT_CASE(a_row_that_ran_meanwhile_is_left_alone),
	CT_CASE(a_row_that_was_told_something_is_left_alone),
	CT_CASE(a_row_that_is_not_due_is_left_alone),
	CT_CASE(folding_wakes_a_resting_job),
	CT_CASE(a_persons_job_is_not_anothers),
	CT_CASE(a_settle_writes_the_row),
	CT_CASE(a_settle_clears_and_keeps),
	CT_CASE(rests_are_retried),
	CT_CASE(all_dead_are_retried),
	CT_CASE(some_jobs_are_not_retried),
	CT_CASE(a_resting_job_is_dropped),
	CT_CASE(ids_are_never_used_again),
};
const struct ct_group ct_job_cases = {cases, ARRAY_LEN(cases)};
