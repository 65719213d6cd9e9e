/*
 * Cases: reviews are opened once per profile, decided, attached to, closed.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

static enum review_state state_of(struct ct *c, int64_t id)
{
	struct review r = ct_review_read(c, id);
	enum review_state s = r.state;

	review_release(&r);
	return s;
}

static int64_t open_review(struct ct *c, const char *sunco_id, uint64_t user,
			   uint64_t profile)
{
	struct job job = ct_running(c, sunco_id);

	return ct_settle_review(c, &job, user, profile);
}

static struct store_op decide_op(struct ct *c, int64_t id, bool approve)
{
	struct store_op op;

	store_op_init(&op, STORE_DECIDE);
	op.u.decide.review_id = id;
	op.u.decide.approve = approve;
	op.u.decide.by = "eve";
	op.u.decide.now_ms = c->now_ms;
	op.u.decide.wait_ms = HOUR;
	return op;
}

static struct store_decide decide(struct ct *c, int64_t id, bool approve)
{
	struct store_op op = decide_op(c, id, approve);

	CT_DO(c, &op);
	return op.u.decide;
}

static void a_review_is_kept_as_given(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t job_id = job.id;
	struct review r = ct_review_read(c, ct_settle_review(c, &job, 11, 12));

	assert_string_equal(r.account, CT_ACCOUNT);
	assert_int_equal(r.state, REVIEW_OPEN);
	assert_int_equal(r.job_id, job_id);
	assert_int_equal(r.intended, ACTION_MERGE);
	assert_true(r.reasons == (REASON_BIT(REASON_EMAIL_DENIED) |
				  REASON_BIT(REASON_BRAND_MISMATCH)));
	assert_int_equal(r.evidence, EVIDENCE_CLAIMED);
	assert_int_equal(r.messaging_user_id, 11);
	assert_int_equal(r.profile_id, 12);
	assert_string_equal(r.sunco_id, "ann");
	assert_int_equal(r.ticket_id, 77);
	assert_int_equal(r.address_hash[15], 0xad);
	assert_int_equal(r.facts_hash[15], 0xfa);
	assert_string_equal(r.facts, "{\"who\":\"kept\"}");
	assert_int_equal(r.created_ms, c->now_ms);
	assert_int_equal(r.expires_ms, CT_START + 14 * DAY);
	assert_int_equal(r.attached, 0);
	assert_null(r.decided_by);
	review_release(&r);
}

static void a_review_points_at_its_entry(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct review r = ct_review(&job, 11, 12);
	struct store_op op;

	e.action = ACTION_REVIEW;
	ct_settle_op(c, &op, &job, JOB_REVIEW);
	op.u.settle.entry = &e;
	op.u.settle.review = &r;
	CT_DO(c, &op);
	r = ct_review_read(c, op.u.settle.review_id);
	assert_int_equal(r.journal_id, op.u.settle.journal_id);
	review_release(&r);
	job_release(&job);
}

static void one_is_open_per_profile(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct review r;

	assert_int_equal(open_review(c, "bob", 13, 12), id);
	assert_int_equal(open_review(c, "cy", 14, 12), id);
	assert_true(open_review(c, "dan", 15, 16) != id);
	r = ct_review_read(c, id);
	assert_int_equal(r.attached, 2);
	assert_string_equal(r.sunco_id, "ann");
	review_release(&r);
}

static void adopts_are_per_messaging_user(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 0);

	assert_true(open_review(c, "bob", 12, 0) != id);
	assert_int_equal(open_review(c, "cy", 11, 0), id);
}

static void wake(struct ct *c, const char *sunco_id)
{
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, sunco_id));
}

/* The same question: only what it points at is newer. */
static void its_own_job_refreshes_it(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct review r;
	struct store_op op;
	struct job job;

	wake(c, "ann");
	job = ct_claim(c);
	r = ct_review(&job, 11, 12);
	r.ticket_id = 0;
	ct_settle_op(c, &op, &job, JOB_REVIEW);
	op.u.settle.review = &r;
	CT_DO(c, &op);
	assert_int_equal(op.u.settle.review_id, id);
	r = ct_review_read(c, id);
	assert_int_equal(r.attached, 0);
	assert_int_equal(r.ticket_id, 77); /* the last one known */
	review_release(&r);
	job_release(&job);
}

static void other_facts(struct review *r)
{
	static char facts[] = "{\"newer\":1}";

	r->facts = facts;
	memset(r->facts_hash, 0x11, sizeof(r->facts_hash));
}

static void other_reasons(struct review *r)
{
	r->reasons |= REASON_BIT(REASON_MERGE_SURGE);
}

static void other_address(struct review *r)
{
	memset(r->address_hash, 0x22, sizeof(r->address_hash));
}

/* What a person was shown is approved, nothing else: what changed has another
 * number, and those attached come along. */
static void what_changed_is_another_review(struct ct *c)
{
	static void (*const changes[])(struct review *) = {
		other_facts, other_reasons, other_address};
	size_t i;

	for (i = 0; i < ARRAY_LEN(changes); i++) {
		uint64_t profile = 20 + i;
		int64_t id = open_review(c, "ann", 11, profile), next;
		struct review r;
		struct store_op op;
		struct job job;

		assert_int_equal(open_review(c, "bob", 13, profile), id);
		job = ct_running(c, "ann");
		r = ct_review(&job, 11, profile);
		r.ticket_id = 0;
		changes[i](&r);
		ct_settle_op(c, &op, &job, JOB_REVIEW);
		op.u.settle.review = &r;
		CT_DO(c, &op);
		job_release(&job);
		next = op.u.settle.review_id;
		assert_true(next != id);
		assert_int_equal(state_of(c, id), REVIEW_EXPIRED);
		r = ct_review_read(c, next);
		assert_int_equal(r.state, REVIEW_OPEN);
		assert_int_equal(r.attached, 1);
		assert_int_equal(r.ticket_id, 77);
		review_release(&r);
		op = decide_op(c, id, true);
		CT_REFUSED(c, &op, RESULT_CONFLICT);
		assert_int_equal(ct_state(c, "s:bob"), JOB_REVIEW);
		decide(c, next, false);
		assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
		job = ct_claim(c);
		ct_settle(c, &job, JOB_DONE);
	}
}

static void coming_back_attaches_once(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct review r;

	assert_int_equal(open_review(c, "bob", 13, 12), id);
	assert_int_equal(open_review(c, "bob", 13, 12), id);
	r = ct_review_read(c, id);
	assert_int_equal(r.attached, 1);
	review_release(&r);
}

static void another_end_closes_it(struct ct *c)
{
	static const enum job_state ends[] = {JOB_DONE, JOB_WAITING};
	size_t i;

	for (i = 0; i < ARRAY_LEN(ends); i++) {
		int64_t id = open_review(c, "ann", 11, 12);

		ct_rest(c, "ann", ends[i]);
		assert_int_equal(state_of(c, id), REVIEW_EXPIRED);
	}
}

static void a_failure_leaves_it_open(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);

	ct_rest(c, "ann", JOB_DEAD);
	assert_int_equal(state_of(c, id), REVIEW_OPEN);
	ct_rest(c, "ann", JOB_READY);
	assert_int_equal(state_of(c, id), REVIEW_OPEN);
}

static void another_profile_closes_it(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	int64_t next = open_review(c, "ann", 11, 13);

	assert_int_equal(state_of(c, id), REVIEW_EXPIRED);
	assert_int_equal(state_of(c, next), REVIEW_OPEN);
}

static void closing_wakes_who_was_attached(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);

	open_review(c, "bob", 13, 12);
	wake(c, "ann");
	assert_int_equal(ct_claim_count(c, 10), 1);
	c->now_ms += HOUR; /* and its lease ends */
	ct_rest(c, "ann", JOB_DONE);
	assert_int_equal(state_of(c, id), REVIEW_EXPIRED);
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

static void an_approval_wakes_the_job(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_decide d;
	struct review r;
	struct job job;

	c->now_ms += DAY;
	d = decide(c, id, true);
	r = ct_review_read(c, id);
	assert_int_equal(r.state, REVIEW_APPROVED);
	assert_int_equal(r.decided_ms, c->now_ms);
	assert_string_equal(r.decided_by, "eve");
	review_release(&r);
	job = ct_claim(c);
	assert_int_equal(job.id, d.job_id);
	assert_int_equal(job.review_id, id);
	assert_int_equal(job.lane, LANE_REVIEW);
	assert_int_equal(job.gen, 2);
	assert_int_equal(job.created_ms, c->now_ms);
	assert_int_equal(job.deadline_ms, c->now_ms + HOUR);
	job_release(&job);
}

static void an_approval_outlives_failures(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct job job;

	decide(c, id, true);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_READY);
	c->now_ms += HOUR;
	job = ct_claim(c);
	assert_int_equal(job.review_id, id);
	ct_settle(c, &job, JOB_DONE);
	wake(c, "ann");
	job = ct_claim(c);
	assert_int_equal(job.review_id, 0); /* used up */
	job_release(&job);
}

static void an_approval_reaches_a_running_job(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct job job;

	wake(c, "ann");
	job = ct_claim(c);
	decide(c, id, true);
	assert_int_equal(ct_claim_count(c, 10), 0);
	ct_settle(c, &job, JOB_DONE);
	job = ct_claim(c);
	assert_int_equal(job.review_id, id);
	job_release(&job);
}

static void a_rejection_is_remembered(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_decide d = decide(c, id, false);
	struct journal_entry e = ct_entry_read(c, d.journal_id);
	struct store_recall r;

	assert_int_equal(e.action, ACTION_NONE);
	assert_int_equal(e.reason, REASON_REJECTED_BEFORE);
	assert_int_equal(e.status, JOURNAL_DONE);
	assert_false(e.applied);
	assert_string_equal(e.decided_by, "eve");
	assert_int_equal(e.messaging_user_id, 11);
	assert_int_equal(e.profile_id, 12);
	assert_string_equal(e.sunco_id, "ann");
	journal_entry_release(&e);
	assert_int_equal(state_of(c, id), REVIEW_REJECTED);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
	r = ct_recall(c, "ann", 12, 0xad);
	assert_true(r.rejected[0]);
	assert_false(r.rejected_adopt);
	assert_false(ct_recall(c, "ann", 12, 0xae).rejected[0]);
	assert_false(ct_recall(c, "ann", 13, 0xad).rejected[0]);
	assert_false(ct_recall(c, "bob", 12, 0xad).rejected[0]);
}

static void a_rejected_adopt_is_remembered(struct ct *c)
{
	decide(c, open_review(c, "ann", 11, 0), false);
	assert_true(ct_recall(c, "ann", 12, 0xad).rejected_adopt);
	assert_false(ct_recall(c, "ann", 12, 0xad).rejected[0]);
	assert_false(ct_recall(c, "ann", 12, 0xae).rejected_adopt);
}

static void a_rejection_reaches_a_running_job(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct job job;
	struct store_op op;

	wake(c, "ann");
	job = ct_claim(c);
	decide(c, id, false);
	ct_settle_op(c, &op, &job, JOB_DONE);
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	job_release(&job);
}

static void a_rejection_ends_a_dead_job(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);

	ct_rest(c, "ann", JOB_DEAD);
	decide(c, id, false);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

static void a_decision_wakes_who_was_attached(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12), next;
	struct job job;

	open_review(c, "bob", 13, 12);
	decide(c, id, false);
	job = ct_claim(c);
	assert_string_equal(job.person, "s:bob");
	assert_int_equal(job.review_id, 0);
	next = ct_settle_review(c, &job, 13, 12);
	assert_true(next != id);
	assert_int_equal(state_of(c, next), REVIEW_OPEN);
}

static void nothing_is_decided_twice(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_op op;

	decide(c, id, true);
	op = decide_op(c, id, false);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	assert_int_equal(state_of(c, id), REVIEW_APPROVED);
	op = decide_op(c, id + 100, true);
	CT_REFUSED(c, &op, RESULT_NOTFOUND);
}

static struct store_op expire_op(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_PRUNE);
	op.u.prune.reviews_expire_ms = c->now_ms;
	op.u.prune.max = 10;
	return op;
}

static void an_expired_review_ends_undecided(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_op op;

	open_review(c, "bob", 13, 12);
	c->now_ms = CT_START + 14 * DAY;
	op = decide_op(c, id, true);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	op = expire_op(c);
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 1);
	assert_int_equal(state_of(c, id), REVIEW_EXPIRED);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
	assert_int_equal(ct_state(c, "s:bob"), JOB_DONE);
	assert_false(ct_recall(c, "ann", 12, 0xad).rejected[0]);
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 0);
}

static void an_open_review_does_not_expire_early(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_op op;

	c->now_ms = CT_START + 14 * DAY - 1;
	op = expire_op(c);
	CT_DO(c, &op);
	assert_int_equal(state_of(c, id), REVIEW_OPEN);
	assert_int_equal(ct_state(c, "s:ann"), JOB_REVIEW);
}

static const struct ct_case cases[] = {
	CT_CASE(a_review_is_kept_as_given),
	CT_CASE(a_review_points_at_its_entry),
	CT_CASE(one_is_open_per_profile),
	CT_CASE(adopts_are_per_messaging_user),
	CT_CASE(its_own_job_refreshes_it),
	CT_CASE(what_changed_is_another_review),
	CT_CASE(coming_back_attaches_once),
	CT_CASE(another_end_closes_it),
	CT_CASE(a_failure_leaves_it_open),
	CT_CASE(another_profile_closes_it),
	CT_CASE(closing_wakes_who_was_attached),
	CT_CASE(an_approval_wakes_the_job),
	CT_CASE(an_approval_outlives_failures),
	CT_CASE(an_approval_reaches_a_running_job),
	CT_CASE(a_rejection_is_remembered),
	CT_CASE(a_rejected_adopt_is_remembered),
	CT_CASE(a_rejection_reaches_a_running_job),
	CT_CASE(a_rejection_ends_a_dead_job),
	CT_CASE(a_decision_wakes_who_was_attached),
	CT_CASE(nothing_is_decided_twice),
	CT_CASE(an_expired_review_ends_undecided),
	CT_CASE(an_open_review_does_not_expire_early),
};
const struct ct_group ct_review_cases = {cases, ARRAY_LEN(cases)};
