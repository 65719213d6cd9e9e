/*
 * Cases: every status that an entry of the journal had, and since when.
 */
#include "contract.h"

#include "base/str.h"

static int64_t intend(struct ct *c, const struct job *job)
{
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	ct_intent_op(c, &op, job, &e);
	CT_DO(c, &op);
	return op.u.intent.journal_id;
}

static void step(struct ct *c, const struct job *job, int64_t id,
		 enum journal_status status)
{
	struct store_op op;

	c->now_ms += 1000;
	store_op_init(&op, STORE_STEP);
	op.u.step.job_id = job->id;
	op.u.step.token = job->token;
	op.u.step.progress = "{}";
	op.u.step.journal_id = id;
	op.u.step.status = status;
	op.u.step.now_ms = c->now_ms;
	CT_DO(c, &op);
}

/* Ends the run with this entry; its id. */
static int64_t end(struct ct *c, struct job *job, int64_t id,
		   enum journal_status status)
{
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	c->now_ms += 1000;
	e.id = id;
	e.status = status;
	ct_settle_op(c, &op, job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(job);
	return op.u.settle.journal_id;
}

static void assert_changes(struct ct *c, int64_t id,
			   const struct journal_change *expected, size_t count)
{
	struct journal_entry e = ct_entry_read(c, id);

	assert_int_equal(e.change_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(e.changes[i].at_ms, expected[i].at_ms);
		assert_int_equal(e.changes[i].status, expected[i].status);
	}
	assert_int_equal(e.status, expected[count - 1].status);
	journal_entry_release(&e);
}

static void every_status_is_kept_in_order(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = intend(c, &job), t = c->now_ms;
	const struct journal_change expected[] = {
		{t, JOURNAL_PENDING},
		{t + 1000, JOURNAL_UNCERTAIN},
		{t + 2000, JOURNAL_PENDING},
		{t + 3000, JOURNAL_DONE},
	};

	step(c, &job, id, JOURNAL_UNCERTAIN);
	step(c, &job, id, JOURNAL_PENDING);
	assert_int_equal(end(c, &job, id, JOURNAL_DONE), id);
	assert_changes(c, id, expected, ARRAY_LEN(expected));
}

static void the_clock_may_go_back(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = intend(c, &job), t = c->now_ms;
	const struct journal_change expected[] = {
		{t, JOURNAL_PENDING},
		{t - HOUR + 1000, JOURNAL_UNCERTAIN},
		{t - HOUR + 2000, JOURNAL_FAILED},
	};

	c->now_ms -= HOUR;
	step(c, &job, id, JOURNAL_UNCERTAIN);
	end(c, &job, id, JOURNAL_FAILED);
	assert_changes(c, id, expected, ARRAY_LEN(expected));
}

static void a_step_without_another_status_is_no_change(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = intend(c, &job), t = c->now_ms;
	const struct journal_change expected[] = {
		{t, JOURNAL_PENDING},
		{t + 3000, JOURNAL_DONE},
	};

	step(c, &job, id, JOURNAL_PENDING);
	step(c, &job, id, JOURNAL_PENDING);
	end(c, &job, id, JOURNAL_DONE);
	assert_changes(c, id, expected, ARRAY_LEN(expected));
}

/* What is over at once has the status of its own time. */
static void what_is_over_at_once_has_one(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = end(c, &job, 0, JOURNAL_DONE);
	const struct journal_change expected[] = {{c->now_ms, JOURNAL_DONE}};

	assert_changes(c, id, expected, ARRAY_LEN(expected));
}

static void lists_leave_them_out(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	end(c, &job, intend(c, &job), JOURNAL_DONE);
	store_op_init(&op, STORE_JOURNAL);
	CT_DO(c, &op);
	assert_int_equal(op.u.journal.count, 1);
	assert_int_equal(op.u.journal.entries[0].change_count, 0);
	store_op_release(&op);
}

/* A refused write leaves no trace of itself. */
static void a_lost_lease_appends_nothing(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = intend(c, &job);
	const struct journal_change expected[] = {{c->now_ms, JOURNAL_PENDING}};
	struct store_op op;

	store_op_init(&op, STORE_STEP);
	op.u.step.job_id = job.id;
	op.u.step.token = job.token + 1;
	op.u.step.journal_id = id;
	op.u.step.status = JOURNAL_DONE;
	op.u.step.now_ms = c->now_ms;
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	assert_changes(c, id, expected, ARRAY_LEN(expected));
	job_release(&job);
}

static int64_t findings(struct ct *c)
{
	struct store_op op;
	int64_t count;

	store_op_init(&op, STORE_CHECK);
	op.u.check.now_ms = c->now_ms;
	op.u.check.grace_ms = CT_GRACE;
	CT_DO(c, &op);
	count = (int64_t)op.u.check.count;
	store_op_release(&op);
	return count;
}

/* They go with their entry, and no other's do. */
static void they_go_with_their_entry(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_change kept[2];
	struct store_op op;
	int64_t id;

	end(c, &job, intend(c, &job), JOURNAL_DONE);
	c->now_ms += DAY;
	job = ct_running(c, "bob");
	kept[0] = (struct journal_change){c->now_ms, JOURNAL_PENDING};
	id = intend(c, &job);
	end(c, &job, id, JOURNAL_FAILED);
	kept[1] = (struct journal_change){c->now_ms, JOURNAL_FAILED};
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.journal_before_ms = c->now_ms - HOUR;
	op.u.prune.max = 100;
	CT_DO(c, &op);
	assert_changes(c, id, kept, ARRAY_LEN(kept));
	assert_int_equal(findings(c), 0); /* no change without its entry */
}

/* Nobody knows how far the one before had come. */
static void what_is_taken_over_is_uncertain(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id = intend(c, &job), t = c->now_ms;
	const struct journal_change expected[] = {
		{t, JOURNAL_PENDING},
		{t + CT_LEASE + CT_GRACE, JOURNAL_UNCERTAIN},
	};

	job_release(&job);
	c->now_ms += CT_LEASE + CT_GRACE;
	job = ct_claim(c);
	assert_true(job.journal_id == id);
	assert_changes(c, id, expected, ARRAY_LEN(expected));
	job_release(&job);
}

static const struct ct_case cases[] = {
	CT_CASE(every_status_is_kept_in_order),
	CT_CASE(what_is_taken_over_is_uncertain),
	CT_CASE(the_clock_may_go_back),
	CT_CASE(a_step_without_another_status_is_no_change),
	CT_CASE(what_is_over_at_once_has_one),
	CT_CASE(lists_leave_them_out),
	CT_CASE(a_lost_lease_appends_nothing),
	CT_CASE(they_go_with_their_entry),
};
const struct ct_group ct_change_cases = {cases, ARRAY_LEN(cases)};
