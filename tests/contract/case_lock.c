/*
 * Cases: users whom something else than a job holds.
 */
#include "contract.h"

#define US   (-7)
#define THEM (-8)

static void lock(struct ct *c, int64_t owner, const uint64_t *users,
		 size_t count, bool *held)
{
	struct store_op op;

	store_op_init(&op, STORE_LOCK);
	op.u.lock = (struct store_lock){
		.account = CT_ACCOUNT,
		.owner = owner,
		.users = users,
		.count = count,
		.now_ms = c->now_ms,
		.until_ms = c->now_ms + MINUTE,
		.held = held,
	};
	CT_DO(c, &op);
}

static enum result intend(struct ct *c, const struct job *job, uint64_t user,
			  uint64_t profile)
{
	struct journal_entry e = ct_entry(user, profile);
	struct store_op op;

	ct_intent_op(c, &op, job, &e);
	return store_do(c->s, &op);
}

static void jobs_and_others_hold_each_other_off(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");
	const uint64_t users[] = {11, 12, 13};
	bool held[3];

	assert_int_equal(intend(c, &ann, 11, 12), RESULT_OK);
	lock(c, US, users, 3, held);
	assert_false(held[0] || held[1]);
	assert_true(held[2]);
	assert_int_equal(intend(c, &bob, 13, 14), RESULT_CONFLICT);
	lock(c, US, NULL, 0, NULL);
	assert_int_equal(intend(c, &bob, 13, 14), RESULT_OK);
	job_release(&ann);
	job_release(&bob);
}

static void owners_hold_each_other_off(struct ct *c)
{
	const uint64_t users[] = {21, 22};
	bool held[2];

	lock(c, US, users, 1, held);
	assert_true(held[0]);
	lock(c, THEM, users, 2, held);
	assert_false(held[0]);
	assert_true(held[1]);
	lock(c, THEM, NULL, 0, NULL); /* its own */
	lock(c, US, users, 2, held);
	assert_true(held[0] && held[1]);
}

static void they_end_by_themselves_unless_renewed(struct ct *c)
{
	const uint64_t users[] = {31};
	bool held[1];

	lock(c, US, users, 1, held);
	c->now_ms += MINUTE - 1;
	lock(c, US, users, 1, held); /* longer */
	assert_true(held[0]);
	c->now_ms += MINUTE - 1;
	lock(c, THEM, users, 1, held);
	assert_false(held[0]);
	c->now_ms += 1;
	lock(c, THEM, users, 1, held);
	assert_true(held[0]);
}

static void wrong_locks_are_refused(struct ct *c)
{
	const uint64_t users[] = {42, 41};
	bool held[2];
	struct store_op op;

	store_op_init(&op, STORE_LOCK);
	op.u.lock = (struct store_lock){.account = CT_ACCOUNT,
					.owner = US,
					.users = users,
					.count = 2,
					.held = held};
	CT_REFUSED(c, &op, RESULT_INVALID);
	op.u.lock.count = 1;
	op.u.lock.owner = 7; /* a job's */
	CT_REFUSED(c, &op, RESULT_INVALID);
}

static const struct ct_case cases[] = {
	CT_CASE(jobs_and_others_hold_each_other_off),
	CT_CASE(owners_hold_each_other_off),
	CT_CASE(they_end_by_themselves_unless_renewed),
	CT_CASE(wrong_locks_are_refused),
};
const struct ct_group ct_lock_cases = {cases, ARRAY_LEN(cases)};
