/*
 * Cases: lists by id, in pages, with their filters.
 */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void accept_many(struct ct *c, size_t count)
{
	char id[32];
	size_t i;

	for (i = 0; i < count; i++) {
		snprintf(id, sizeof(id), "p%03zu", i);
		ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, id));
	}
}

/* The ids of one page rise from after; the last of them, or 0. */
static int64_t page(struct ct *c, int64_t after, size_t *seen)
{
	struct store_op op;
	int64_t last = after;
	size_t i, count;

	store_op_init(&op, STORE_JOBS);
	op.u.jobs.after_id = after;
	op.u.jobs.max = 3;
	CT_DO(c, &op);
	count = op.u.jobs.count;
	assert_true(count <= 3);
	for (i = 0; i < count; i++) {
		assert_true(op.u.jobs.jobs[i].id > last);
		last = op.u.jobs.jobs[i].id;
	}
	store_op_release(&op);
	*seen += count;
	return count > 0 ? last : 0;
}

static void jobs_come_in_pages(struct ct *c)
{
	int64_t after = 0;
	size_t seen = 0;

	accept_many(c, 7);
	do
		after = page(c, after, &seen);
	while (after != 0);
	assert_int_equal(seen, 7);
}

static size_t count_jobs(struct ct *c, const char *account, int state)
{
	struct store_op op;
	size_t count;

	store_op_init(&op, STORE_JOBS);
	op.u.jobs.account = account;
	op.u.jobs.state = state;
	CT_DO(c, &op);
	count = op.u.jobs.count;
	store_op_release(&op);
	return count;
}

static void jobs_are_filtered(struct ct *c)
{
	ct_rest(c, "ann", JOB_DONE);
	ct_rest(c, "bob", JOB_DEAD);
	ct_rest(c, "cy", JOB_WAITING);
	assert_int_equal(count_jobs(c, NULL, -1), 2);
	assert_int_equal(count_jobs(c, CT_ACCOUNT, JOB_DONE), 1);
	assert_int_equal(count_jobs(c, CT_ACCOUNT, JOB_DEAD), 1);
	assert_int_equal(count_jobs(c, "other", -1), 0);
}

static void a_job_is_read_by_id(struct ct *c)
{
	struct job job;
	struct store_op op;

	ct_rest(c, "ann", JOB_DONE);
	job = ct_job(c, "s:ann");
	store_op_init(&op, STORE_JOBS);
	op.u.jobs.id = job.id;
	CT_DO(c, &op);
	assert_int_equal(op.u.jobs.count, 1);
	assert_string_equal(op.u.jobs.jobs[0].person, "s:ann");
	store_op_release(&op);
	op.u.jobs.id = job.id + 1;
	CT_DO(c, &op);
	assert_int_equal(op.u.jobs.count, 0);
	store_op_release(&op);
	job_release(&job);
}

static void no_list_is_longer_than_its_bound(struct ct *c)
{
	struct store_op op;

	accept_many(c, STORE_LIST_MAX + 1);
	store_op_init(&op, STORE_JOBS);
	op.u.jobs.max = SIZE_MAX;
	CT_DO(c, &op);
	assert_int_equal(op.u.jobs.count, STORE_LIST_MAX);
	store_op_release(&op);
}

/* --- journal --- */

static enum event_source source_of_next;

static int64_t add_entry(struct ct *c, const char *sunco_id, uint64_t user,
			 uint64_t profile, enum action action)
{
	struct job job = ct_running(c, sunco_id);
	struct journal_entry e = ct_entry(user, profile);
	struct store_op op;

	e.action = action;
	e.source = source_of_next;
	e.status = JOURNAL_DONE;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	return op.u.settle.journal_id;
}

static size_t count_entries(struct ct *c, struct store_journal filter,
			    int64_t *first)
{
	struct store_op op;
	size_t count;

	store_op_init(&op, STORE_JOURNAL);
	op.u.journal = filter;
	op.u.journal.max = 10;
	CT_DO(c, &op);
	count = op.u.journal.count;
	*first = count > 0 ? op.u.journal.entries[0].id : 0;
	store_op_release(&op);
	return count;
}

#define FROM(...)   FILTER(.of_source = true, .source = EVENT_FROM_##__VA_ARGS__)
#define FILTER(...) ((struct store_journal){.action = -1, __VA_ARGS__})

static void the_journal_is_filtered(struct ct *c)
{
	int64_t first, id[4];
	struct job job;

	id[0] = add_entry(c, "ann", 11, 12, ACTION_MERGE);
	c->now_ms += HOUR;
	id[1] = add_entry(c, "bob", 13, 12, ACTION_MERGE);
	id[2] = add_entry(c, "cy", 12, 0, ACTION_NONE);
	source_of_next = EVENT_FROM_BACKFILL;
	id[3] = add_entry(c, "ann", 11, 14, ACTION_REFUSE);
	source_of_next = EVENT_FROM_SUNCO;
	job = ct_job(c, "s:ann");
	assert_int_equal(count_entries(c, FILTER(.account = NULL), &first), 4);
	assert_int_equal(count_entries(c, FILTER(.account = "other"), &first),
			 0);
	assert_int_equal(count_entries(c, FILTER(.after_id = id[1]), &first),
			 2);
	assert_int_equal(first, id[2]);
	assert_int_equal(
		count_entries(c, FILTER(.since_ms = c->now_ms), &first), 3);
	assert_int_equal(first, id[1]);
	assert_int_equal(count_entries(c, FILTER(.user = 12), &first), 3);
	assert_int_equal(
		count_entries(c, FILTER(.user = 12, .after_id = id[0]), &first),
		2);
	assert_int_equal(count_entries(c, FILTER(.job_id = job.id), &first), 2);
	assert_int_equal(
		count_entries(c, FILTER(.job_id = job.id, .user = 14), &first),
		1);
	assert_int_equal(first, id[3]);
	assert_int_equal(count_entries(c, FROM(BACKFILL), &first), 1);
	assert_int_equal(first, id[3]);
	assert_int_equal(count_entries(c, FROM(BACKFILL, .user = 12), &first),
			 0);
	assert_int_equal(
		count_entries(c, FROM(BACKFILL, .job_id = job.id), &first), 1);
	assert_int_equal(count_entries(c, FROM(SUNCO), &first), 3);
	job_release(&job);
}

static void the_journal_is_filtered_by_action(struct ct *c)
{
	int64_t first, id;
	struct store_journal filter = FILTER(.account = CT_ACCOUNT);

	add_entry(c, "ann", 11, 12, ACTION_MERGE);
	id = add_entry(c, "cy", 12, 0, ACTION_NONE);
	filter.action = ACTION_NONE;
	assert_int_equal(count_entries(c, filter, &first), 1);
	assert_int_equal(first, id);
	filter.user = 11;
	assert_int_equal(count_entries(c, filter, &first), 0);
}

static void the_journal_is_filtered_by_reason_and_ticket(struct ct *c)
{
	struct store_journal filter = FILTER(.of_reason = true);
	struct journal_entry e = ct_entry(11, 12);
	struct job job = ct_running(c, "ann");
	struct store_op op;
	int64_t first;

	add_entry(c, "bob", 13, 14, ACTION_MERGE);
	e.reason = REASON_BRAND_MISMATCH;
	e.reasons = REASON_BIT(REASON_BRAND_MISMATCH) |
		    REASON_BIT(REASON_EMAIL_DENIED) |
		    REASON_BIT(REASON_MERGE_SURGE);
	e.ticket_id = 501;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	for (enum reason r = 0; r < REASON_COUNT; r++) {
		filter.reason = r;
		assert_int_equal(count_entries(c, filter, &first),
				 (e.reasons & REASON_BIT(r)) != 0 ||
					 r == REASON_EMAIL_MATCH_VERIFIED);
	}
	filter = FILTER(.ticket = 501);
	assert_int_equal(count_entries(c, filter, &first), 1);
	assert_int_equal(first, op.u.settle.journal_id);
	filter.user = 11;
	assert_int_equal(count_entries(c, filter, &first), 1);
	filter.ticket = 502;
	assert_int_equal(count_entries(c, filter, &first), 0);
}

/* An outcome may be none of the reasons of the decision. */
static void the_first_reason_counts_by_itself(struct ct *c)
{
	struct store_journal filter =
		FILTER(.of_reason = true, .reason = REASON_MERGE_REFUSED);
	struct journal_entry e = ct_entry(11, 12);
	struct job job = ct_running(c, "ann");
	struct store_op op;
	int64_t first;

	e.reason = REASON_MERGE_REFUSED;
	e.reasons = 0;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	assert_int_equal(count_entries(c, filter, &first), 1);
	filter.job_id = job.id;
	assert_int_equal(count_entries(c, filter, &first), 1);
	filter.reason = REASON_MERGE_SURGE;
	assert_int_equal(count_entries(c, filter, &first), 0);
	job_release(&job);
}

/* --- reviews --- */

static size_t count_reviews(struct ct *c, const char *account, int state,
			    int64_t after)
{
	struct store_op op;
	size_t count;

	store_op_init(&op, STORE_REVIEWS);
	op.u.reviews.account = account;
	op.u.reviews.state = state;
	op.u.reviews.after_id = after;
	CT_DO(c, &op);
	count = op.u.reviews.count;
	store_op_release(&op);
	return count;
}

static void reviews_are_filtered(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob;
	int64_t first = ct_settle_review(c, &ann, 11, 12);

	bob = ct_running(c, "bob");
	ct_settle_review(c, &bob, 13, 14);
	ct_rest(c, "ann", JOB_DONE); /* closes the first */
	assert_int_equal(count_reviews(c, NULL, -1, 0), 2);
	assert_int_equal(count_reviews(c, NULL, -1, first), 1);
	assert_int_equal(count_reviews(c, CT_ACCOUNT, REVIEW_OPEN, 0), 1);
	assert_int_equal(count_reviews(c, CT_ACCOUNT, REVIEW_EXPIRED, 0), 1);
	assert_int_equal(count_reviews(c, "other", -1, 0), 0);
}

static void reviews_are_filtered_by_reason(struct ct *c)
{
	struct job ann = ct_running(c, "ann");
	struct review r;
	struct store_op op;
	int64_t id = ct_settle_review(c, &ann, 11, 12);

	r = ct_review_read(c, id);
	assert_true(r.reasons != 0);
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		store_op_init(&op, STORE_REVIEWS);
		op.u.reviews.of_reason = true;
		op.u.reviews.reason = reason;
		CT_DO(c, &op);
		assert_int_equal(op.u.reviews.count,
				 (r.reasons & REASON_BIT(reason)) != 0);
		store_op_release(&op);
	}
	review_release(&r);
}

static const struct ct_case cases[] = {
	CT_CASE(jobs_come_in_pages),
	CT_CASE(jobs_are_filtered),
	CT_CASE(a_job_is_read_by_id),
	CT_CASE(no_list_is_longer_than_its_bound),
	CT_CASE(the_journal_is_filtered),
	CT_CASE(the_journal_is_filtered_by_action),
	CT_CASE(the_journal_is_filtered_by_reason_and_ticket),
	CT_CASE(the_first_reason_counts_by_itself),
	CT_CASE(reviews_are_filtered),
	CT_CASE(reviews_are_filtered_by_reason),
};
const struct ct_group ct_list_cases = {cases, ARRAY_LEN(cases)};
