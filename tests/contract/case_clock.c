/*
 * Cases: the wall clock is set, while a daemon works or between two of them:
 * what is planned moves along, either way.
 */
#include "contract.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"

static const int64_t steps[] = {-30 * INT64_C(365) * DAY, -DAY, -HOUR, HOUR,
				10 * INT64_C(365) * DAY};

/* The case goes on by the new time. */
static int64_t set_clock(struct ct *c, int64_t by_ms, int64_t sure_ms)
{
	struct store_op op;

	c->now_ms += by_ms;
	store_op_init(&op, STORE_CLOCK);
	op.u.clock.now_ms = c->now_ms;
	op.u.clock.by_ms = by_ms;
	op.u.clock.sure_ms = sure_ms;
	CT_DO(c, &op);
	return op.u.clock.sure_ms;
}

/* A daemon's next life, which begins by another clock. */
static void restart(struct ct *c, int64_t by_ms)
{
	store_close(c->s);
	c->now_ms += by_ms;
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
}

static int64_t next_due(struct ct *c)
{
	struct store_op op;
	int64_t next_ms;

	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 0);
	next_ms = op.u.claim.next_ms;
	store_op_release(&op);
	return next_ms;
}

static void who_waits_waits_as_long(struct ct *c)
{
	struct job job;

	ct_rest(c, "ann", JOB_WAITING);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		set_clock(c, steps[i], 0);
		assert_int_equal(next_due(c), c->now_ms + 5 * MINUTE);
	}
	c->now_ms += 5 * MINUTE;
	job = ct_claim(c);
	assert_int_equal(job.deadline_ms, c->now_ms - 5 * MINUTE + CT_WAIT);
	assert_int_equal(job.created_ms, c->now_ms - 5 * MINUTE);
	job_release(&job);
}

static void a_lease_lasts_as_long(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		set_clock(c, steps[i], 0);
		assert_int_equal(next_due(c), c->now_ms + CT_LEASE + CT_GRACE);
	}
	c->now_ms += CT_LEASE + CT_GRACE;
	assert_int_equal(ct_claim_count(c, 10), 1);
	job_release(&job);
}

static enum result lock_both(struct ct *c, const char *who)
{
	struct job job = ct_running(c, who);
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;
	enum result r;

	ct_intent_op(c, &op, &job, &e);
	op.u.intent.lock_until_ms = c->now_ms + MINUTE / 2;
	r = store_do(c->s, &op);
	job_release(&job);
	return r;
}

static void a_lock_lasts_as_long(struct ct *c)
{
	assert_int_equal(lock_both(c, "ann"), RESULT_OK);
	set_clock(c, DAY, 0);
	assert_int_equal(lock_both(c, "bob"), RESULT_CONFLICT);
	set_clock(c, -2 * DAY, 0);
	c->now_ms += MINUTE / 2;
	assert_int_equal(lock_both(c, "cy"), RESULT_OK);
}

static int64_t merges_this_hour(struct ct *c)
{
	return ct_recall(c, "", 21, 0).merges_this_hour;
}

static void the_breakers_hour_is_as_long(struct ct *c)
{
	assert_int_equal(lock_both(c, "ann"), RESULT_OK);
	set_clock(c, DAY, 0);
	assert_int_equal(merges_this_hour(c), 1);
	set_clock(c, -2 * DAY, 0);
	c->now_ms += HOUR - 1;
	assert_int_equal(merges_this_hour(c), 1);
	c->now_ms++;
	assert_int_equal(merges_this_hour(c), 0);
}

static void an_open_review_stays_open_as_long(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = ct_settle_review(c, &job, 11, 12);
	struct review before = ct_review_read(c, id), after;

	set_clock(c, 10 * DAY, 0);
	after = ct_review_read(c, id);
	assert_int_equal(after.expires_ms, before.expires_ms + 10 * DAY);
	assert_int_equal(after.created_ms, before.created_ms); /* as it was */
	review_release(&before);
	review_release(&after);
}

static void what_rests_keeps_its_date(struct ct *c)
{
	struct store_op op;

	ct_rest(c, "ann", JOB_DONE);
	set_clock(c, 10 * DAY, 0);
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.jobs_before_ms = c->now_ms - 9 * DAY;
	op.u.prune.max = 10;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 1);
}

/* --- between two lives, where there is one clock a life --- */

static void a_start_by_an_earlier_clock_moves_what_is_planned(struct ct *c)
{
	if (c->factory->shared)
		skip();
	ct_rest(c, "ann", JOB_WAITING);
	for (size_t i = 0; i < 3; i++) {
		restart(c, steps[i]);
		assert_int_equal(next_due(c), c->now_ms + 5 * MINUTE);
	}
	restart(c, 0); /* only once */
	assert_int_equal(next_due(c), c->now_ms + 5 * MINUTE);
}

/* The daemon may have been away. */
static void a_start_by_a_later_clock_moves_nothing(struct ct *c)
{
	ct_rest(c, "ann", JOB_WAITING);
	restart(c, DAY);
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void the_clock_of_the_last_life_is_the_last_told(struct ct *c)
{
	if (c->factory->shared)
		skip();
	ct_rest(c, "ann", JOB_WAITING);
	c->now_ms += MINUTE;
	set_clock(c, 0, 0);
	restart(c, -MINUTE);
	assert_int_equal(next_due(c), c->now_ms + 4 * MINUTE);
}

static void the_sure_clock_is_kept(struct ct *c)
{
	if (c->factory->shared)
		skip();
	assert_int_equal(set_clock(c, 0, 0), CT_START);
	assert_int_equal(set_clock(c, 0, CT_START + HOUR), CT_START + HOUR);
	restart(c, 10 * DAY);
	assert_int_equal(set_clock(c, 0, 0), CT_START + HOUR);
	restart(c, -20 * DAY);
	assert_int_equal(set_clock(c, 0, 0), CT_START + HOUR);
}

/* Each node knows for itself how far it is: the latest counts. */
static void a_shared_sure_clock_goes_on_only(struct ct *c)
{
	if (!c->factory->shared)
		skip();
	set_clock(c, 0, c->now_ms + HOUR);
	assert_int_equal(set_clock(c, 0, c->now_ms), c->now_ms + HOUR);
}

/* --- a clock of its own --- */

static int64_t ask_clock(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_CLOCK);
	op.u.clock.sure_ms = CT_START + DAY;
	CT_DO(c, &op);
	return op.u.clock.store_ms;
}

/* This machine's, here; and nothing is written. */
static void the_clock_may_be_asked(struct ct *c)
{
	int64_t sure_ms = set_clock(c, 0, CT_START + HOUR);
	int64_t before_ms = clock_wall_ms();
	int64_t said_ms = ask_clock(c);

	if (c->factory->shared)
		assert_in_range(said_ms - before_ms + MINUTE, 0, 2 * MINUTE);
	else
		assert_int_equal(said_ms, 0);
	assert_true(ask_clock(c) >= said_ms);
	assert_int_equal(set_clock(c, 0, 0), sure_ms);
}

static const struct ct_case cases[] = {
	CT_CASE(a_shared_sure_clock_goes_on_only),
	CT_CASE(the_clock_may_be_asked),
	CT_CASE(who_waits_waits_as_long),
	CT_CASE(a_lease_lasts_as_long),
	CT_CASE(a_lock_lasts_as_long),
	CT_CASE(the_breakers_hour_is_as_long),
	CT_CASE(an_open_review_stays_open_as_long),
	CT_CASE(what_rests_keeps_its_date),
	CT_CASE(a_start_by_an_earlier_clock_moves_what_is_planned),
	CT_CASE(a_start_by_a_later_clock_moves_nothing),
	CT_CASE(the_clock_of_the_last_life_is_the_last_told),
	CT_CASE(the_sure_clock_is_kept),
};
const struct ct_group ct_clock_cases = {cases, ARRAY_LEN(cases)};
