/*
 * Cases: what a person's decision does, and what it leaves behind. Reviews as
 * such are in case_review.c.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

static int64_t open_review(struct ct *c, const char *sunco_id, uint64_t user,
			   uint64_t profile)
{
	struct job job = ct_running(c, sunco_id);

	return ct_settle_review(c, &job, user, profile);
}

/* A review that the case changed. */
static int64_t open_as(struct ct *c, struct review r, struct job *job)
{
	struct store_op op;

	ct_settle_op(c, &op, job, JOB_REVIEW);
	op.u.settle.review = &r;
	CT_DO(c, &op);
	job_release(job);
	return op.u.settle.review_id;
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

static enum review_state state_of(struct ct *c, int64_t id)
{
	struct review r = ct_review_read(c, id);
	enum review_state s = r.state;

	review_release(&r);
	return s;
}

/* --- the journal --- */

static void an_approval_is_an_entry(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_decide d;
	struct journal_entry e;

	c->now_ms += HOUR;
	d = decide(c, id, true);
	e = ct_entry_read(c, d.journal_id);
	assert_int_equal(e.action, ACTION_REVIEW);
	assert_int_equal(e.reason, REASON_EMAIL_DENIED);
	assert_true(e.reasons == (REASON_BIT(REASON_EMAIL_DENIED) |
				  REASON_BIT(REASON_BRAND_MISMATCH)));
	assert_int_equal(e.status, JOURNAL_DONE);
	assert_false(e.applied);
	assert_string_equal(e.decided_by, "eve");
	assert_string_equal(e.note, "Approved.");
	assert_int_equal(e.review_id, id);
	assert_int_equal(e.job_id, d.job_id);
	assert_int_equal(e.at_ms, c->now_ms);
	assert_int_equal(e.messaging_user_id, 11);
	assert_int_equal(e.profile_id, 12);
	assert_string_equal(e.sunco_id, "ann");
	assert_int_equal(e.ticket_id, 77);
	journal_entry_release(&e);
}

static void a_rejection_names_its_review(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_decide d = decide(c, id, false);
	struct journal_entry e = ct_entry_read(c, d.journal_id);

	assert_int_equal(e.review_id, id);
	journal_entry_release(&e);
}

static void expire(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_PRUNE);
	op.u.prune.reviews_expire_ms = c->now_ms;
	op.u.prune.max = 10;
	CT_DO(c, &op);
}

/* The newest entry of the account: *new*. */
static struct journal_entry last_entry(struct ct *c)
{
	struct store_op op;
	struct journal_entry e;

	store_op_init(&op, STORE_JOURNAL);
	CT_DO(c, &op);
	assert_true(op.u.journal.count > 0);
	journal_entry_copy(&e, &op.u.journal.entries[op.u.journal.count - 1]);
	store_op_release(&op);
	return e;
}

static void that_nobody_decided_is_an_entry(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct journal_entry e;

	c->now_ms = CT_START + 14 * DAY;
	expire(c);
	e = last_entry(c);
	assert_int_equal(e.action, ACTION_NONE);
	assert_int_equal(e.reason, REASON_REVIEW_EXPIRED);
	assert_int_equal(e.status, JOURNAL_DONE);
	assert_int_equal(e.review_id, id);
	assert_int_equal(e.profile_id, 12);
	assert_null(e.decided_by);
	journal_entry_release(&e);
}

/* Settles with an entry and a review, as a run does. */
static struct store_settle ask(struct ct *c, struct job *job)
{
	struct review r = ct_review(job, 11, 12);
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	e.action = ACTION_REVIEW;
	ct_settle_op(c, &op, job, JOB_REVIEW);
	op.u.settle.entry = &e;
	op.u.settle.review = &r;
	CT_DO(c, &op);
	job_release(job);
	return op.u.settle;
}

static void the_question_names_its_review(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_settle s = ask(c, &job);
	struct journal_entry e = ct_entry_read(c, s.journal_id);

	assert_int_equal(e.review_id, s.review_id);
	journal_entry_release(&e);
}

/* The merge of an approved review: intent, then its end. */
static int64_t merge_approved(struct ct *c, enum action end)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;
	static char by[] = "eve";
	int64_t id;

	e.decided_by = by;
	e.review_id = 3;
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	id = op.u.intent.journal_id;
	e.id = id;
	e.action = end;
	e.status = JOURNAL_DONE;
	e.decided_by = NULL; /* a resumed run does not know any more */
	e.review_id = 0;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	return id;
}

static void a_merge_keeps_who_approved_it(struct ct *c)
{
	struct journal_entry e =
		ct_entry_read(c, merge_approved(c, ACTION_MERGE));

	assert_string_equal(e.decided_by, "eve");
	assert_int_equal(e.review_id, 3);
	journal_entry_release(&e);
}

/* Zendesk refused: it is a new question, which nobody has answered. */
static void a_merge_that_became_a_question_is_undecided(struct ct *c)
{
	struct journal_entry e =
		ct_entry_read(c, merge_approved(c, ACTION_REVIEW));

	assert_null(e.decided_by);
	journal_entry_release(&e);
}

/* --- what cannot be approved --- */

static void several_addresses_cannot_be_approved(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct review r = ct_review(&job, 11, 0);
	struct store_op op;
	int64_t id;

	r.intended = ACTION_NONE;
	r.reasons = REASON_BIT(REASON_AMBIGUOUS_ADDRESS);
	memset(r.address_hash, 0, sizeof(r.address_hash));
	id = open_as(c, r, &job);
	op = decide_op(c, id, true);
	CT_REFUSED(c, &op, RESULT_PERM);
	assert_non_null(strstr(op.error.text, "several addresses"));
	assert_int_equal(state_of(c, id), REVIEW_OPEN);
	assert_int_equal(ct_state(c, "s:ann"), JOB_REVIEW);
	decide(c, id, false);
	assert_int_equal(state_of(c, id), REVIEW_REJECTED);
	assert_true(ct_recall(c, "ann", 12, 0).rejected_adopt);
}

static int64_t open_with_pin(struct ct *c, const char *sunco_id,
			     uint64_t profile, enum pair_pin pin)
{
	struct job job = ct_running(c, sunco_id);
	struct review r = ct_review(&job, 11, profile);

	r.pin = pin;
	return open_as(c, r, &job);
}

static enum pair_pin approve_pin(struct ct *c, int64_t id)
{
	struct store_op op = decide_op(c, id, true);
	struct review r;
	enum pair_pin pin;

	op.u.decide.pin = true;
	CT_DO(c, &op);
	r = ct_review_read(c, id);
	pin = r.pin;
	review_release(&r);
	return pin;
}

static void an_approval_may_name_the_pin(struct ct *c)
{
	int64_t id = open_with_pin(c, "ann", 12, PAIR_PIN_OFFERED);
	struct journal_entry e;
	struct job job;

	assert_int_equal(approve_pin(c, id), PAIR_PIN_NAMED);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	e = last_entry(c);
	assert_string_equal(e.note, "Approved, with the external id.");
	journal_entry_release(&e);
	id = open_with_pin(c, "bob", 13, PAIR_PIN_PLANNED);
	assert_int_equal(approve_pin(c, id), PAIR_PIN_PLANNED);
}

static void a_pin_that_cannot_be_is_refused(struct ct *c)
{
	int64_t id = open_with_pin(c, "ann", 12, PAIR_PIN_NONE);
	struct store_op op = decide_op(c, id, true);

	op.u.decide.pin = true;
	CT_REFUSED(c, &op, RESULT_PERM);
	assert_int_equal(state_of(c, id), REVIEW_OPEN);
	decide(c, id, true);
}

/* --- those attached --- */

static struct job claim_approved(struct ct *c)
{
	struct job job = ct_claim(c);

	assert_string_equal(job.person, "s:ann");
	return job;
}

static void is_sound(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_CHECK);
	op.u.check.now_ms = c->now_ms;
	op.u.check.grace_ms = CT_GRACE;
	CT_DO(c, &op);
	assert_int_equal(op.u.check.count, 0);
	store_op_release(&op);
}

static void the_attached_rest_until_it_is_through(struct ct *c)
{
	static const enum job_state ends[] = {JOB_DONE, JOB_DEAD};
	size_t i;

	for (i = 0; i < ARRAY_LEN(ends); i++) {
		int64_t id = open_review(c, "ann", 11, 12);
		struct job job;

		assert_int_equal(open_review(c, "bob", 13, 12), id);
		decide(c, id, true);
		job = claim_approved(c);
		assert_int_equal(ct_state(c, "s:bob"), JOB_REVIEW);
		is_sound(c);
		ct_settle(c, &job, ends[i]);
		job = ct_claim(c);
		assert_string_equal(job.person, "s:bob");
		assert_int_equal(job.review_id, 0);
		assert_int_equal(job.deadline_ms, c->now_ms + HOUR);
		ct_settle(c, &job, JOB_DONE);
		ct_rest(c, "ann", JOB_DONE);
	}
}

/* A run that began before the approval asks once more. */
static void an_approval_answers_what_is_asked_meanwhile(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct job job = ct_running(c, "ann");
	struct review r = ct_review(&job, 11, 12);
	struct store_op op;

	decide(c, id, true);
	r.facts_hash[0] ^= 1;
	ct_settle_op(c, &op, &job, JOB_REVIEW);
	op.u.settle.review = &r;
	CT_DO(c, &op);
	assert_true(op.u.settle.overtaken);
	assert_true(op.u.settle.again);
	assert_int_equal(op.u.settle.review_id, 0);
	assert_int_equal(op.u.settle.journal_id, 0);
	job_release(&job);
	job = claim_approved(c);
	assert_int_equal(job.review_id, id);
	is_sound(c);
	/* what it still wants to know is another question */
	assert_true(ct_settle_review(c, &job, 11, 12) != id);
}

/* What was begun by an approval has its entry, which ends with the run. */
static void what_was_begun_is_not_overtaken(struct ct *c)
{
	struct journal_entry e = ct_entry(11, 12);
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_accept a;
	struct store_op op;
	struct review r;
	struct job job;

	decide(c, id, true);
	job = claim_approved(c);
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	e.id = op.u.intent.journal_id;
	e.status = JOURNAL_FAILED;
	a = ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	assert_int_equal(a.accepted, 1);
	r = ct_review(&job, 11, 12);
	ct_settle_op(c, &op, &job, JOB_REVIEW);
	op.u.settle.entry = &e;
	op.u.settle.review = &r;
	CT_DO(c, &op);
	assert_int_equal(op.u.settle.journal_id, e.id);
	e = ct_entry_read(c, e.id);
	assert_int_equal(e.status, JOURNAL_FAILED);
	journal_entry_release(&e);
	job_release(&job);
	is_sound(c);
}

static void a_failure_leaves_the_attached(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct job job;

	open_review(c, "bob", 13, 12);
	decide(c, id, true);
	job = claim_approved(c);
	ct_settle(c, &job, JOB_READY);
	assert_int_equal(ct_state(c, "s:bob"), JOB_REVIEW);
	c->now_ms += HOUR;
	job = claim_approved(c);
	assert_int_equal(job.review_id, id);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

/* It asks again, about something that changed: the next question takes them
 * in one by one. */
static void a_new_question_wakes_the_attached(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12), next;
	struct job job;

	open_review(c, "bob", 13, 12);
	decide(c, id, true);
	job = claim_approved(c);
	next = ct_settle_review(c, &job, 11, 12);
	assert_true(next != id);
	job = ct_claim(c);
	assert_string_equal(job.person, "s:bob");
	assert_int_equal(ct_settle_review(c, &job, 13, 12), next);
}

static void a_dropped_job_leaves_nobody_behind(struct ct *c)
{
	int64_t id = open_review(c, "ann", 11, 12);
	struct store_op op;

	open_review(c, "bob", 13, 12);
	decide(c, id, true);
	store_op_init(&op, STORE_DROP);
	op.u.drop.job_id = ct_job(c, "s:ann").id;
	CT_DO(c, &op);
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

/* --- what was asked before --- */

static void an_open_question_is_recalled(struct ct *c)
{
	struct store_recall r;

	open_review(c, "ann", 11, 12);
	r = ct_recall(c, "ann", 12, 0xad);
	assert_true(r.asked[0].open);
	assert_true(r.asked[0].own);
	assert_int_equal(r.asked[0].hash[15], 0xfa);
	assert_true(r.asked[0].reasons == (REASON_BIT(REASON_EMAIL_DENIED) |
					   REASON_BIT(REASON_BRAND_MISMATCH)));
	assert_false(r.asked_adopt.open);
	r = ct_recall(c, "bob", 12, 0xad);
	assert_true(r.asked[0].open);
	assert_false(r.asked[0].own);
	assert_false(ct_recall(c, "ann", 13, 0xad).asked[0].open);
}

static void an_open_adopt_is_recalled(struct ct *c)
{
	struct store_recall r;

	open_review(c, "ann", 11, 0);
	r = ct_recall(c, "ann", 11, 0xad);
	assert_true(r.asked_adopt.open);
	assert_true(r.asked_adopt.own);
	assert_false(r.asked[0].open);
	assert_false(ct_recall(c, "ann", 12, 0xad).asked_adopt.open);
}

static void a_closed_question_is_not_recalled(struct ct *c)
{
	decide(c, open_review(c, "ann", 11, 12), true);
	assert_false(ct_recall(c, "ann", 12, 0xad).asked[0].open);
}

/* --- rejections that live on --- */

/* Our own merge ends in another profile. */
static void merge_away(struct ct *c, uint64_t from, uint64_t into)
{
	struct job job = ct_running(c, "zoe");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = from;
	op.u.settle.alias_to = into;
	CT_DO(c, &op);
	job_release(&job);
}

static void a_rejection_goes_on_with_the_profile(struct ct *c)
{
	decide(c, open_review(c, "ann", 11, 12), false);
	merge_away(c, 12, 20);
	assert_true(ct_recall(c, "ann", 20, 0xad).rejected[0]);
	assert_true(ct_recall(c, "ann", 12, 0xad).rejected[0]);
	assert_false(ct_recall(c, "bob", 20, 0xad).rejected[0]);
	assert_false(ct_recall(c, "ann", 20, 0xae).rejected[0]);
	assert_false(ct_recall(c, "ann", 20, 0xad).rejected_adopt);
}

/* An agent's merge is told by Zendesk. */
static void a_rejection_goes_on_with_an_agents_merge(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_USER_MERGED, "");

	decide(c, open_review(c, "ann", 11, 12), false);
	e.zendesk_user_id = 12;
	e.other_zendesk_user_id = 20;
	ct_accept(c, e);
	assert_true(ct_recall(c, "ann", 20, 0xad).rejected[0]);
	assert_false(ct_recall(c, "bob", 20, 0xad).rejected[0]);
}

static void a_rejection_goes_on_with_the_person(struct ct *c)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, "new");

	decide(c, open_review(c, "ann", 11, 12), false);
	assert_true(
		str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), "ann"));
	ct_accept(c, e);
	assert_true(ct_recall(c, "new", 12, 0xad).rejected[0]);
}

/* --- lists --- */

static size_t count_since(struct ct *c, int64_t since_ms)
{
	struct store_op op;
	size_t count;

	store_op_init(&op, STORE_REVIEWS);
	op.u.reviews.since_ms = since_ms;
	CT_DO(c, &op);
	count = op.u.reviews.count;
	store_op_release(&op);
	return count;
}

static void reviews_are_listed_since(struct ct *c)
{
	open_review(c, "ann", 11, 12);
	c->now_ms += HOUR;
	open_review(c, "bob", 13, 14);
	assert_int_equal(count_since(c, 0), 2);
	assert_int_equal(count_since(c, CT_START), 2);
	assert_int_equal(count_since(c, CT_START + 1), 1);
	assert_int_equal(count_since(c, c->now_ms + 1), 0);
}

static const struct ct_case cases[] = {
	CT_CASE(an_approval_is_an_entry),
	CT_CASE(a_rejection_names_its_review),
	CT_CASE(that_nobody_decided_is_an_entry),
	CT_CASE(the_question_names_its_review),
	CT_CASE(a_merge_keeps_who_approved_it),
	CT_CASE(a_merge_that_became_a_question_is_undecided),
	CT_CASE(several_addresses_cannot_be_approved),
	CT_CASE(an_approval_may_name_the_pin),
	CT_CASE(a_pin_that_cannot_be_is_refused),
	CT_CASE(an_approval_answers_what_is_asked_meanwhile),
	CT_CASE(what_was_begun_is_not_overtaken),
	CT_CASE(the_attached_rest_until_it_is_through),
	CT_CASE(a_failure_leaves_the_attached),
	CT_CASE(a_new_question_wakes_the_attached),
	CT_CASE(a_dropped_job_leaves_nobody_behind),
	CT_CASE(an_open_question_is_recalled),
	CT_CASE(an_open_adopt_is_recalled),
	CT_CASE(a_closed_question_is_not_recalled),
	CT_CASE(a_rejection_goes_on_with_the_profile),
	CT_CASE(a_rejection_goes_on_with_an_agents_merge),
	CT_CASE(a_rejection_goes_on_with_the_person),
	CT_CASE(reviews_are_listed_since),
};
const struct ct_group ct_decide_cases = {cases, ARRAY_LEN(cases)};
