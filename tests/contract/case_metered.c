/*
 * Cases: the lane backfill leaves room to the living, and begins no more than
 * the breaker has places for.
 */
#include "contract.h"

#include "base/str.h"

static void enqueue(struct ct *c, const char *sunco_id, enum job_lane lane)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = sunco_id;
	op.u.enqueue.lane = lane;
	op.u.enqueue.now_ms = c->now_ms;
	CT_DO(c, &op);
}

static void enqueue_four(struct ct *c)
{
	enqueue(c, "back1", LANE_BACKFILL);
	enqueue(c, "back2", LANE_BACKFILL);
	enqueue(c, "back3", LANE_BACKFILL);
	enqueue(c, "back4", LANE_BACKFILL);
}

/* A claim of at most ten, metered by so many an hour. */
static struct store_op claim(struct ct *c, int64_t per_hour)
{
	struct store_op op;

	ct_claim_op(c, &op, 10);
	op.u.claim.backfill_metered = true;
	op.u.claim.backfill_per_hour = per_hour;
	CT_DO(c, &op);
	return op;
}

/* Such a claim brings so many; the first of them: *new*, if wanted. */
static void claims(struct ct *c, int64_t per_hour, size_t count,
		   struct job *first)
{
	struct store_op op = claim(c, per_hour);

	assert_int_equal(op.u.claim.count, count);
	if (first) {
		*first = op.u.claim.jobs[0];
		job_init(&op.u.claim.jobs[0]);
	}
	store_op_release(&op);
}

/* The running job takes a place. */
static enum result intend(struct ct *c, const struct job *job, uint64_t profile,
			  struct store_intent *out)
{
	struct journal_entry e = ct_entry(11, profile);
	struct store_op op;

	ct_intent_op(c, &op, job, &e);
	op.u.intent.users[0] = op.u.intent.users[1] = 0;
	if (out) {
		op.u.intent.max_per_hour = out->max_per_hour;
		op.u.intent.max_per_profile = out->max_per_profile;
	}
	if (store_do(c->s, &op) == RESULT_RATE)
		*out = op.u.intent;
	return op.result;
}

/* Somebody's conversation took a place and is through. */
static void take(struct ct *c, const char *who, uint64_t profile)
{
	struct job job = ct_running(c, who);

	assert_int_equal(intend(c, &job, profile, NULL), RESULT_OK);
	ct_settle(c, &job, JOB_DONE);
}

static size_t claim_of(struct ct *c, size_t max, size_t kept)
{
	struct store_op op;
	size_t count;

	ct_claim_op(c, &op, max);
	op.u.claim.kept_free = kept;
	CT_DO(c, &op);
	count = op.u.claim.count;
	if (kept > 0 && count < max)
		assert_true(op.u.claim.next_ms > c->now_ms);
	store_op_release(&op);
	return count;
}

static void some_room_is_not_for_backfill(struct ct *c)
{
	enqueue_four(c);
	assert_int_equal(claim_of(c, 4, 4), 0);
	assert_int_equal(claim_of(c, 4, 2), 2);
	enqueue(c, "live1", LANE_LIVE);
	enqueue(c, "live2", LANE_REVIEW);
	assert_int_equal(claim_of(c, 3, 2), 2); /* none of the other two */
	assert_int_equal(claim_of(c, 3, 0), 2);
}

/* Ready and waiting ones share it. */
static void the_room_is_for_both_states(struct ct *c)
{
	struct job job;

	enqueue(c, "back1", LANE_BACKFILL);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_WAITING);
	c->now_ms += HOUR;
	enqueue(c, "back2", LANE_BACKFILL);
	claims(c, 1, 1, &job);
	assert_string_equal(job.sunco_id, "back1");
	job_release(&job);
}

static void a_place_is_for_one(struct ct *c)
{
	struct job job;

	enqueue_four(c);
	claims(c, 1, 1, &job);
	claims(c, 1, 0, NULL); /* it may take the place yet */
	claims(c, 2, 1, NULL);
	ct_settle(c, &job, JOB_DONE); /* it did not */
	claims(c, 2, 1, NULL);
}

static void a_full_hour_is_waited_for(struct ct *c)
{
	struct store_op op;

	take(c, "ann", 21);
	c->now_ms += MINUTE;
	take(c, "bob", 22);
	enqueue_four(c);
	op = claim(c, 2);
	assert_int_equal(op.u.claim.count, 0);
	assert_int_equal(op.u.claim.next_ms, CT_START + HOUR);
	store_op_release(&op);
	c->now_ms = CT_START + HOUR - 1;
	claims(c, 2, 0, NULL);
	c->now_ms++;
	claims(c, 2, 1, NULL);
	claims(c, 4, 2, NULL);
}

/* Nothing in it: the same as for everybody. */
static void an_empty_hour_does_not_meter(struct ct *c)
{
	enqueue_four(c);
	claims(c, 200, 4, NULL);
}

static void no_places_are_never_waited_for(struct ct *c)
{
	struct store_op op;

	enqueue_four(c);
	op = claim(c, 0);
	assert_int_equal(op.u.claim.count, 0);
	assert_true(op.u.claim.next_ms == INT64_MAX);
	store_op_release(&op);
}

static void the_living_do_not_wait(struct ct *c)
{
	take(c, "ann", 21);
	enqueue_four(c);
	enqueue(c, "live", LANE_LIVE);
	enqueue(c, "review", LANE_REVIEW);
	claims(c, 1, 2, NULL);
}

/* Its place is taken, and Zendesk has to be looked at. */
static void a_saga_goes_on(struct ct *c)
{
	struct store_op op;
	struct job job;

	enqueue_four(c);
	claims(c, 1, 1, &job);
	assert_int_equal(intend(c, &job, 21, NULL), RESULT_OK);
	ct_settle(c, &job, JOB_READY);
	op = claim(c, 1);
	assert_int_equal(op.u.claim.count, 0);
	assert_int_equal(op.u.claim.next_ms, c->now_ms + 5 * MINUTE);
	store_op_release(&op);
	c->now_ms += 5 * MINUTE;
	claims(c, 1, 1, &job);
	assert_string_equal(job.sunco_id, "back1");
	assert_true(job.journal_id > 0);
	job_release(&job);
	c->now_ms += CT_LEASE + CT_GRACE; /* as after a crash */
	claims(c, 1, 1, NULL);
}

static void who_finds_no_place_hears_when(struct ct *c)
{
	struct store_intent n = {.max_per_hour = 2,
				 .max_per_profile = INT64_MAX};
	struct job job;

	take(c, "ann", 21);
	c->now_ms += MINUTE;
	take(c, "bob", 21);
	c->now_ms += MINUTE;
	job = ct_running(c, "cy");
	assert_int_equal(intend(c, &job, 21, &n), RESULT_RATE);
	assert_int_equal(n.place_ms, CT_START + HOUR);
	n.max_per_hour = INT64_MAX;
	n.max_per_profile = 1;
	assert_int_equal(intend(c, &job, 21, &n), RESULT_RATE);
	assert_int_equal(n.place_ms, CT_START + MINUTE + DAY);
	n.max_per_profile = 0;
	assert_int_equal(intend(c, &job, 21, &n), RESULT_RATE);
	assert_true(n.place_ms == INT64_MAX);
	job_release(&job);
}

static const struct ct_case cases[] = {
	CT_CASE(some_room_is_not_for_backfill),
	CT_CASE(the_room_is_for_both_states),
	CT_CASE(a_place_is_for_one),
	CT_CASE(a_full_hour_is_waited_for),
	CT_CASE(an_empty_hour_does_not_meter),
	CT_CASE(no_places_are_never_waited_for),
	CT_CASE(the_living_do_not_wait),
	CT_CASE(a_saga_goes_on),
	CT_CASE(who_finds_no_place_hears_when),
};

const struct ct_group ct_metered_cases = {cases, ARRAY_LEN(cases)};
