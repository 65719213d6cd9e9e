/*
 * Cases: a run that ends in the review that is open already. The two webhooks
 * of one conversation are one question and one entry in the journal.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

/* What a run asks; the case changes it. */
struct question {
	struct review review;
	struct journal_entry entry;
};

static struct question ask_of(const struct job *job, uint64_t user,
			      uint64_t profile)
{
	struct question n = {ct_review(job, user, profile),
			     ct_entry(user, profile)};

	n.entry.action = ACTION_REVIEW;
	n.entry.reason = REASON_EMAIL_DENIED;
	n.entry.reasons = n.review.reasons;
	n.entry.evidence = n.review.evidence;
	n.entry.applied = false;
	n.entry.status = JOURNAL_DONE;
	n.entry.before_image = NULL;
	n.entry.api_calls = 3;
	n.entry.source = EVENT_FROM_ZENDESK;
	return n;
}

static struct store_settle ask(struct ct *c, struct job *job,
			       const struct question *n)
{
	struct store_op op;

	ct_settle_op(c, &op, job, JOB_REVIEW);
	op.u.settle.review = &n->review;
	op.u.settle.entry = &n->entry;
	CT_DO(c, &op);
	job_release(job);
	return op.u.settle;
}

/* The next run of this person asks the same, but for what change() does. */
static struct store_settle ask_again(struct ct *c, const char *sunco_id,
				     uint64_t user, uint64_t profile,
				     void (*change)(struct question *n))
{
	struct job job;
	struct question n;

	c->now_ms += MINUTE;
	job = ct_running(c, sunco_id);
	n = ask_of(&job, user, profile);
	if (change != NULL)
		change(&n);
	return ask(c, &job, &n);
}

static size_t entries(struct ct *c)
{
	struct store_op op;
	size_t count;

	store_op_init(&op, STORE_JOURNAL);
	CT_DO(c, &op);
	count = op.u.journal.count;
	store_op_release(&op);
	return count;
}

static int64_t attached(struct ct *c, int64_t id)
{
	struct review r = ct_review_read(c, id);
	int64_t n = r.attached;

	review_release(&r);
	return n;
}

static void a_review_shows_what_its_entry_says(struct ct *c)
{
	struct store_settle s = ask_again(c, "ann", 11, 12, NULL);
	struct review r = ct_review_read(c, s.review_id);

	assert_int_equal(r.journal_id, s.journal_id);
	assert_int_equal(r.source, EVENT_FROM_ZENDESK);
	assert_int_equal(r.api_calls, 3);
	review_release(&r);
}

static void the_same_question_is_asked_once(struct ct *c)
{
	struct store_settle first = ask_again(c, "ann", 11, 12, NULL);
	struct store_settle second = ask_again(c, "ann", 11, 12, NULL);
	struct review r;

	assert_int_equal(second.review_id, first.review_id);
	assert_int_equal(second.journal_id, first.journal_id);
	assert_int_equal(entries(c), 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_REVIEW);
	r = ct_review_read(c, first.review_id);
	assert_int_equal(r.state, REVIEW_OPEN);
	assert_int_equal(r.journal_id, first.journal_id);
	assert_int_equal(r.attached, 0);
	review_release(&r);
}

static void the_same_adopt_is_asked_once(struct ct *c)
{
	ask_again(c, "ann", 11, 0, NULL);
	ask_again(c, "ann", 11, 0, NULL);
	assert_int_equal(entries(c), 1);
}

static void other_reasons(struct question *n)
{
	n->review.reasons |= REASON_BIT(REASON_MERGE_SURGE);
	n->entry.reasons |= REASON_BIT(REASON_MERGE_SURGE);
}

static void other_evidence(struct question *n)
{
	n->review.evidence = n->entry.evidence = EVIDENCE_AUTHENTICATED;
}

static void other_address(struct question *n)
{
	memset(n->review.address_hash, 0xae, sizeof(n->review.address_hash));
}

static void other_user(struct question *n)
{
	n->review.messaging_user_id = n->entry.messaging_user_id = 19;
}

static void other_profile(struct question *n)
{
	n->review.profile_id = n->entry.profile_id = 18;
}

static void another_question_is_written_down(struct ct *c)
{
	static void (*const changes[])(struct question *) = {
		other_reasons, other_evidence, other_address,
		other_user,    other_profile,
	};
	size_t i, count = 1;

	ask_again(c, "ann", 11, 12, NULL);
	for (i = 0; i < ARRAY_LEN(changes); i++) {
		struct store_settle s = ask_again(c, "ann", 11, 12, changes[i]);
		struct review r = ct_review_read(c, s.review_id);

		assert_int_equal(r.journal_id, s.journal_id);
		review_release(&r);
		assert_int_equal(entries(c), ++count);
		s = ask_again(c, "ann", 11, 12, NULL); /* and back */
		assert_int_equal(entries(c), ++count);
	}
}

static void a_closed_question_is_asked_anew(struct ct *c)
{
	struct store_settle first = ask_again(c, "ann", 11, 12, NULL);
	struct store_settle second;

	c->now_ms += MINUTE;
	ct_rest(c, "ann", JOB_DONE);
	second = ask_again(c, "ann", 11, 12, NULL);
	assert_true(second.review_id != first.review_id);
	assert_true(second.journal_id != first.journal_id);
	assert_int_equal(entries(c), 2);
}

/* Somebody else's review about the same profile: his own first entry, once. */
static void who_is_attached_asks_once(struct ct *c)
{
	struct store_settle ann = ask_again(c, "ann", 11, 12, NULL);
	struct store_settle bob = ask_again(c, "bob", 13, 12, NULL);

	assert_int_equal(bob.review_id, ann.review_id);
	assert_true(bob.journal_id != ann.journal_id);
	assert_int_equal(attached(c, ann.review_id), 1);
	ask_again(c, "bob", 13, 12, NULL);
	assert_int_equal(entries(c), 2);
	assert_int_equal(attached(c, ann.review_id), 1);
	ask_again(c, "bob", 13, 12, other_reasons);
	assert_int_equal(entries(c), 3);
}

/* The other webhook of bob's conversation comes while the first is at work. */
static void who_is_attached_is_so_once(struct ct *c)
{
	int64_t id = ask_again(c, "ann", 11, 12, NULL).review_id;
	struct job job = ct_running(c, "bob");
	struct question n = ask_of(&job, 13, 12);

	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "bob"));
	assert_true(ask(c, &job, &n).again);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_READY); /* no answer */
	c->now_ms += 5 * MINUTE;
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DEAD);
	ask_again(c, "bob", 13, 12, NULL);
	assert_int_equal(attached(c, id), 1);
	assert_int_equal(entries(c), 2);
	assert_int_equal(ct_state(c, "s:bob"), JOB_REVIEW);
}

static void no_ticket(struct question *n)
{
	n->review.ticket_id = 0;
}

static void next_ticket(struct question *n)
{
	n->review.ticket_id = 78;
}

/* First without a ticket, then with it: one conversation. Another ticket:
 * another one. */
static void other_tickets_are_other_conversations(struct ct *c)
{
	int64_t id = ask_again(c, "ann", 11, 12, no_ticket).review_id;
	struct review r;

	ask_again(c, "ann", 11, 12, NULL);
	assert_int_equal(attached(c, id), 0);
	ask_again(c, "ann", 11, 12, next_ticket);
	assert_int_equal(attached(c, id), 1);
	ask_again(c, "ann", 11, 12, next_ticket);
	r = ct_review_read(c, id);
	assert_int_equal(r.attached, 1);
	assert_int_equal(r.ticket_id, 78);
	review_release(&r);
	assert_int_equal(entries(c), 1);
}

/* An entry that was written ahead is finished, whatever was asked before. */
static void a_pending_entry_is_finished(struct ct *c)
{
	struct store_settle first = ask_again(c, "ann", 11, 12, NULL);
	struct journal_entry e = ct_entry(11, 12);
	struct question n;
	struct store_op op;
	struct job job;

	c->now_ms += MINUTE;
	job = ct_running(c, "ann");
	n = ask_of(&job, 11, 12);
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	n.entry.id = op.u.intent.journal_id;
	assert_true(ask(c, &job, &n).journal_id != first.journal_id);
	e = ct_entry_read(c, n.entry.id);
	assert_int_equal(e.status, JOURNAL_DONE);
	assert_int_equal(e.action, ACTION_REVIEW);
	journal_entry_release(&e);
}

static const struct ct_case cases[] = {
	CT_CASE(a_review_shows_what_its_entry_says),
	CT_CASE(the_same_question_is_asked_once),
	CT_CASE(the_same_adopt_is_asked_once),
	CT_CASE(another_question_is_written_down),
	CT_CASE(a_closed_question_is_asked_anew),
	CT_CASE(who_is_attached_asks_once),
	CT_CASE(who_is_attached_is_so_once),
	CT_CASE(other_tickets_are_other_conversations),
	CT_CASE(a_pending_entry_is_finished),
};
const struct ct_group ct_asked_cases = {cases, ARRAY_LEN(cases)};
