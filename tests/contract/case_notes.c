/*
 * Cases: the outbox of notes. What a settle or a rejection leaves for the
 * ticket's agent, when it finds its ticket, how it is claimed, and when it is
 * not said twice.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define LEASE (5 * MINUTE)

/* --- helpers --- */

/* What a run ends in. */
struct end {
	enum job_state state;
	enum action action;
	enum reason reason;
	bool applied;
	uint64_t ticket;
};

static const struct end merged = {JOB_DONE, ACTION_MERGE,
				  REASON_EMAIL_MATCH_VERIFIED, true, 0};
static const struct end refused = {JOB_DONE, ACTION_REFUSE,
				   REASON_PROFILE_IS_AGENT, false, 0};
static const struct end asked = {JOB_REVIEW, ACTION_REVIEW, REASON_EMAIL_DENIED,
				 false, 0};

static struct end with_ticket(struct end e, uint64_t ticket)
{
	e.ticket = ticket;
	return e;
}

/* Settles the claimed job so, to be told. */
static struct store_settle end_job(struct ct *c, struct job *job,
				   const struct end *end)
{
	struct journal_entry e = ct_entry(11, 12);
	struct review r = ct_review(job, 11, 12);
	struct store_op op;

	e.action = end->action;
	e.reason = end->reason;
	e.reasons = REASON_BIT(end->reason);
	e.applied = end->applied;
	e.status = JOURNAL_DONE;
	e.ticket_id = r.ticket_id = end->ticket;
	(void)str_copy(e.sunco_id, sizeof(e.sunco_id), job->sunco_id);
	ct_settle_op(c, &op, job, end->state);
	op.u.settle.ticket_id = end->ticket;
	op.u.settle.entry = &e;
	op.u.settle.review = end->state == JOB_REVIEW ? &r : NULL;
	op.u.settle.note = true;
	CT_DO(c, &op);
	job_release(job);
	return op.u.settle;
}

static struct store_settle run_to(struct ct *c, const char *who, struct end end)
{
	struct job job = ct_running(c, who);

	return end_job(c, &job, &end);
}

static void claim_op(struct ct *c, struct store_op *op)
{
	store_op_init(op, STORE_NOTE);
	op->u.note_claim.account = CT_ACCOUNT;
	op->u.note_claim.now_ms = c->now_ms;
	op->u.note_claim.lease_ms = LEASE;
	CT_DO(c, op);
}

static struct store_note_claim claim_note(struct ct *c)
{
	struct store_op op;

	claim_op(c, &op);
	journal_entry_release(&op.u.note_claim.note.entry);
	return op.u.note_claim;
}

static struct store_note due(struct ct *c)
{
	struct store_note n = claim_note(c).note;

	assert_true(n.id != 0);
	return n;
}

static void nothing_is_due(struct ct *c)
{
	assert_int_equal(claim_note(c).note.id, 0);
}

static void done_op(const struct ct *c, struct store_op *op,
		    const struct store_note *n, const char *outcome)
{
	store_op_init(op, STORE_NOTED);
	op->u.note_done.note_id = n->id;
	op->u.note_done.token = n->token;
	op->u.note_done.outcome = outcome;
	op->u.note_done.due_ms = c->now_ms + MINUTE;
	op->u.note_done.attempts = outcome != NULL ? 0 : n->attempts + 1;
}

static void told(struct ct *c, const struct store_note *n)
{
	struct store_op op;

	done_op(c, &op, n, "told");
	CT_DO(c, &op);
}

static struct store_note tell_next(struct ct *c)
{
	struct store_note n = due(c);

	told(c, &n);
	return n;
}

/* --- from the settle to the ticket --- */

static void a_settle_leaves_a_note(struct ct *c)
{
	struct store_settle s = run_to(c, "ann", with_ticket(merged, 77));
	struct store_note_claim claim;
	struct store_op op;

	assert_true(s.noted);
	claim_op(c, &op);
	claim = op.u.note_claim;
	assert_int_equal(claim.note.journal_id, s.journal_id);
	assert_int_equal(claim.note.ticket_id, 77);
	assert_int_equal(claim.note.created_ms, c->now_ms);
	assert_int_equal(claim.note.attempts, 0);
	assert_false(claim.note.unsure);
	assert_false(claim.note.told_before);
	assert_false(claim.note.superseded);
	assert_true(claim.note.has_entry);
	assert_int_equal(claim.note.entry.id, s.journal_id);
	assert_int_equal(claim.note.entry.action, ACTION_MERGE);
	assert_int_equal(claim.next_ms, c->now_ms + LEASE);
	store_op_release(&op);
	told(c, &claim.note);
	claim = claim_note(c);
	assert_int_equal(claim.note.id, 0);
	assert_int_equal(claim.next_ms, INT64_MAX);
}

static void a_settle_that_says_nothing_leaves_none(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.note = true; /* of nothing */
	CT_REFUSED(c, &op, RESULT_INVALID);
	ct_settle(c, &job, JOB_DONE);
	nothing_is_due(c);
}

static void the_row_knows_a_ticket_that_the_run_did_not(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.ticket_id = 77;
	ct_accept(c, e);
	assert_true(end_job(c, &job, &merged).noted);
	assert_int_equal(due(c).ticket_id, 77);
}

/* The trigger comes a moment after the merge, and changes nothing more. */
static void a_later_settle_brings_the_ticket(struct ct *c)
{
	struct store_settle s = run_to(c, "ann", merged);
	struct job job;
	struct store_op op;

	assert_false(s.noted);
	nothing_is_due(c);
	c->now_ms += MINUTE;
	job = ct_running(c, "ann");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.ticket_id = 77;
	CT_DO(c, &op);
	job_release(&job);
	assert_true(op.u.settle.noted);
	assert_int_equal(due(c).journal_id, s.journal_id);
	nothing_is_due(c);
}

/* Somebody known to be linked costs no run; the ticket's agent is told. */
static void a_trigger_of_somebody_known_brings_it(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_link link;
	struct store_accept a;
	struct store_op op;

	memset(&link, 0, sizeof(link));
	assert_true(str_copy(link.sunco_id, sizeof(link.sunco_id), "ann"));
	link.zendesk_user_id = 12;
	link.checked_ms = c->now_ms;
	e.status = JOURNAL_DONE;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.note = true;
	op.u.settle.link = &link;
	op.u.settle.alias_from = 11;
	op.u.settle.alias_to = 12;
	op.u.settle.zendesk_user_id = 12;
	CT_DO(c, &op);
	job_release(&job);
	a = ct_accept(c, ct_ticket(11, 77));
	assert_int_equal(a.known, 1);
	assert_int_equal(a.woken, 0);
	assert_int_equal(a.noted, 1);
	assert_int_equal(due(c).ticket_id, 77);
	assert_int_equal(ct_accept(c, ct_ticket(11, 78)).noted, 0);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.ticket_id, 77);
	job_release(&job);
}

static void a_ticket_that_never_comes_is_not_waited_for(struct ct *c)
{
	struct store_op op;
	struct job job;

	run_to(c, "ann", merged);
	run_to(c, "bob", with_ticket(merged, 77));
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.max = 10;
	op.u.prune.notes_before_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 0);
	op.u.prune.notes_before_ms = c->now_ms + 1;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 1);
	tell_next(c);
	job = ct_running(c, "ann");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.ticket_id = 78;
	CT_DO(c, &op);
	job_release(&job);
	assert_false(op.u.settle.noted);
	nothing_is_due(c);
}

/* --- not twice --- */

static void the_same_question_is_told_once_a_ticket(struct ct *c)
{
	struct store_settle s = run_to(c, "ann", with_ticket(asked, 77));

	assert_int_equal(tell_next(c).journal_id, s.journal_id);
	run_to(c, "ann", with_ticket(asked, 77));
	nothing_is_due(c);
	run_to(c, "ann", with_ticket(asked, 78));
	assert_int_equal(tell_next(c).ticket_id, 78);
	nothing_is_due(c);
}

/* The two webhooks of one conversation: two entries that say the same. */
static void the_same_refusal_is_told_once_a_ticket(struct ct *c)
{
	struct store_settle first = run_to(c, "ann", refused);
	struct end other = with_ticket(refused, 77);

	run_to(c, "ann", refused);
	run_to(c, "ann", with_ticket(refused, 77));
	assert_int_equal(tell_next(c).journal_id, first.journal_id);
	nothing_is_due(c);
	other.reason = REASON_SHARED_USER;
	run_to(c, "ann", other);
	tell_next(c);
	run_to(c, "ann", with_ticket(refused, 78));
	assert_int_equal(tell_next(c).ticket_id, 78);
	nothing_is_due(c);
}

static void every_link_is_told(struct ct *c)
{
	struct store_settle first = run_to(c, "ann", with_ticket(merged, 77));
	struct store_settle second = run_to(c, "ann", with_ticket(merged, 77));

	assert_int_equal(tell_next(c).journal_id, first.journal_id);
	assert_int_equal(tell_next(c).journal_id, second.journal_id);
	nothing_is_due(c);
}

/* A review asked anew is another one, although it says the same. */
static void a_new_review_is_told(struct ct *c)
{
	run_to(c, "ann", with_ticket(asked, 77));
	tell_next(c);
	ct_rest(c, "ann", JOB_DONE);
	run_to(c, "ann", with_ticket(asked, 77));
	tell_next(c);
	nothing_is_due(c);
}

static void everybody_attached_has_a_note(struct ct *c)
{
	struct store_settle ann = run_to(c, "ann", with_ticket(asked, 77));
	struct store_settle bob = run_to(c, "bob", with_ticket(asked, 78));
	struct store_note n;

	assert_int_equal(ann.review_id, bob.review_id);
	n = tell_next(c);
	assert_int_equal(n.ticket_id, 77);
	assert_int_equal(n.review_id, ann.review_id);
	n = tell_next(c);
	assert_int_equal(n.ticket_id, 78);
	assert_int_equal(n.review_id, ann.review_id);
}

/* --- what is not so any more --- */

static void what_a_newer_note_says_is_shown(struct ct *c)
{
	struct end other = with_ticket(asked, 77);
	struct store_note n;

	run_to(c, "ann", other);
	other.reason = REASON_BRAND_MISMATCH;
	run_to(c, "ann", other);
	n = tell_next(c);
	assert_true(n.superseded);
	assert_false(n.told_before);
	n = due(c);
	assert_false(n.superseded);
	assert_true(n.told_before);
}

static enum result decide(struct ct *c, int64_t review, bool approve)
{
	struct store_op op;

	store_op_init(&op, STORE_DECIDE);
	op.u.decide.review_id = review;
	op.u.decide.approve = approve;
	op.u.decide.by = "maria";
	op.u.decide.now_ms = c->now_ms;
	op.u.decide.wait_ms = CT_WAIT;
	op.u.decide.note = true;
	return store_do(c->s, &op);
}

static void a_closed_review_is_shown_as_such(struct ct *c)
{
	struct store_settle s = run_to(c, "ann", with_ticket(asked, 77));
	struct store_note n = due(c);

	assert_int_equal(n.review_id, s.review_id);
	assert_int_equal(decide(c, s.review_id, true), RESULT_OK);
	c->now_ms += LEASE;
	assert_int_equal(due(c).review_id, 0);
	nothing_is_due(c);
}

static void a_rejection_is_told(struct ct *c)
{
	struct store_settle s = run_to(c, "ann", with_ticket(asked, 77));
	struct store_op op;
	struct store_note n;

	tell_next(c);
	assert_int_equal(decide(c, s.review_id, false), RESULT_OK);
	claim_op(c, &op);
	n = op.u.note_claim.note;
	assert_int_equal(n.ticket_id, 77);
	assert_true(n.told_before);
	assert_int_equal(n.entry.reason, REASON_REJECTED_BEFORE);
	assert_string_equal(n.entry.decided_by, "maria");
	store_op_release(&op);
}

/* Whoever was told of the link is told that it was wrong. */
static void an_undone_link_is_told(struct ct *c)
{
	struct store_settle s = run_to(c, "ann", with_ticket(merged, 77));
	struct store_settle other = run_to(c, "bob", merged);
	struct store_note n;
	struct store_op op;

	tell_next(c);
	store_op_init(&op, STORE_REJECT);
	op.u.reject.by = "maria";
	op.u.reject.now_ms = c->now_ms;
	op.u.reject.wait_ms = CT_WAIT;
	op.u.reject.journal_id = s.journal_id;
	CT_DO(c, &op);
	n = tell_next(c);
	assert_int_equal(n.ticket_id, 77);
	assert_int_equal(n.journal_id, op.u.reject.entry_id);
	assert_true(n.told_before);
	op.u.reject.journal_id = other.journal_id; /* told nowhere */
	CT_DO(c, &op);
	nothing_is_due(c);
}

/* The person turns out to be somebody else, whose job goes on with it. */
static void a_note_goes_where_its_job_goes(struct ct *c)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, "bob");
	struct store_settle s = run_to(c, "ann", merged);
	struct job job;
	struct store_op op;

	ct_rest(c, "bob", JOB_DONE);
	assert_true(
		str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), "ann"));
	ct_accept(c, e);
	job = ct_claim(c);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.ticket_id = 77;
	CT_DO(c, &op);
	job_release(&job);
	assert_int_equal(tell_next(c).journal_id, s.journal_id);
}

/* --- how many --- */

static struct store_stats stats(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_STATS);
	op.u.stats.account = CT_ACCOUNT;
	op.u.stats.now_ms = c->now_ms;
	op.u.stats.detail = true;
	CT_DO(c, &op);
	return op.u.stats;
}

static void what_is_to_be_told_is_counted(struct ct *c)
{
	int64_t start_ms = c->now_ms;
	struct store_note n;
	struct store_op op;

	run_to(c, "ann", with_ticket(merged, 77));
	c->now_ms += MINUTE;
	run_to(c, "bob", with_ticket(merged, 78));
	run_to(c, "cy", merged);
	assert_int_equal(stats(c).notes_open, 2);
	assert_int_equal(stats(c).oldest_note_ms, start_ms);
	n = due(c);
	done_op(c, &op, &n, "refused");
	CT_DO(c, &op);
	assert_int_equal(stats(c).notes_open, 1);
	assert_int_equal(stats(c).oldest_note_ms, c->now_ms);
	assert_int_equal(stats(c).notes_refused, 1);
	c->now_ms += 2 * DAY;
	assert_int_equal(stats(c).notes_refused, 0);
	tell_next(c);
	assert_int_equal(stats(c).oldest_note_ms, 0);
}

/* Given up, and told so or not; then it worked after all. */
static void tell_of_both(struct ct *c, const char *first)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_note n;
	struct store_op op;

	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	e.id = op.u.intent.journal_id;
	for (int i = 0; i < 2; i++) {
		ct_settle_op(c, &op, &job, i == 0 ? JOB_DEAD : JOB_DONE);
		e.status = i == 0 ? JOURNAL_PENDING : JOURNAL_DONE;
		op.u.settle.entry = &e;
		op.u.settle.ticket_id = 77;
		op.u.settle.note = true;
		CT_DO(c, &op);
		job_release(&job);
		n = due(c);
		assert_int_equal(n.job_dead, i == 0);
		assert_int_equal(n.told_before, i == 1);
		done_op(c, &op, &n, i == 0 ? first : "told");
		CT_DO(c, &op);
		job = ct_running(c, "ann");
	}
	job_release(&job);
	nothing_is_due(c);
}

static void what_was_outdated_may_be_true_again(struct ct *c)
{
	tell_of_both(c, "outdated");
}

static void what_was_given_up_may_be_done(struct ct *c)
{
	tell_of_both(c, "given_up");
}

/* --- leases --- */

static void a_lease_ends(struct ct *c)
{
	struct store_note first, second;
	struct store_op op;

	run_to(c, "ann", with_ticket(merged, 77));
	first = due(c);
	nothing_is_due(c);
	c->now_ms += LEASE;
	second = due(c);
	assert_int_equal(second.id, first.id);
	assert_true(second.unsure);
	done_op(c, &op, &first, "told");
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	told(c, &second);
	done_op(c, &op, &second, "told");
	CT_REFUSED(c, &op, RESULT_CONFLICT);
}

static void what_failed_is_due_again(struct ct *c)
{
	struct store_note n;
	struct store_op op;

	run_to(c, "ann", with_ticket(merged, 77));
	n = due(c);
	done_op(c, &op, &n, NULL);
	CT_DO(c, &op);
	nothing_is_due(c);
	assert_int_equal(claim_note(c).next_ms, c->now_ms + MINUTE);
	c->now_ms += MINUTE;
	n = due(c);
	assert_int_equal(n.attempts, 1);
	assert_false(n.unsure);
	done_op(c, &op, &n, NULL);
	op.u.note_done.unsure = true;
	CT_DO(c, &op);
	c->now_ms += MINUTE;
	assert_true(due(c).unsure);
}

/* What a former life may have sent has settled a little later. */
static void a_new_life_waits_a_little(struct ct *c)
{
	struct store_note n;

	run_to(c, "ann", with_ticket(merged, 77));
	n = due(c);
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	nothing_is_due(c);
	c->now_ms += MINUTE;
	assert_int_equal(due(c).id, n.id);
}

static void a_paused_account_is_left_alone(struct ct *c)
{
	struct store_op op;

	run_to(c, "ann", with_ticket(merged, 77));
	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = true;
	op.u.account.by = "maria";
	op.u.account.now_ms = c->now_ms;
	op.u.account.paused = true;
	CT_DO(c, &op);
	store_op_release(&op);
	nothing_is_due(c);
	assert_int_equal(claim_note(c).next_ms, INT64_MAX);
	op.u.account.paused = false;
	CT_DO(c, &op);
	store_op_release(&op);
	tell_next(c);
}

/* --- the end --- */

static void a_note_goes_with_its_person(struct ct *c)
{
	run_to(c, "ann", with_ticket(merged, 77));
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, "ann"));
	nothing_is_due(c);
}

static void notes_go_with_the_journal(struct ct *c)
{
	struct store_op op;
	struct store_note n;

	run_to(c, "ann", with_ticket(merged, 77));
	n = due(c);
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.max = 10;
	op.u.prune.journal_before_ms = c->now_ms + 1;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 2);
	done_op(c, &op, &n, "told");
	CT_REFUSED(c, &op, RESULT_CONFLICT);
}

static const struct ct_case cases[] = {
	CT_CASE(a_settle_leaves_a_note),
	CT_CASE(a_settle_that_says_nothing_leaves_none),
	CT_CASE(the_row_knows_a_ticket_that_the_run_did_not),
	CT_CASE(a_later_settle_brings_the_ticket),
	CT_CASE(a_trigger_of_somebody_known_brings_it),
	CT_CASE(a_ticket_that_never_comes_is_not_waited_for),
	CT_CASE(the_same_question_is_told_once_a_ticket),
	CT_CASE(the_same_refusal_is_told_once_a_ticket),
	CT_CASE(every_link_is_told),
	CT_CASE(a_new_review_is_told),
	CT_CASE(everybody_attached_has_a_note),
	CT_CASE(what_a_newer_note_says_is_shown),
	CT_CASE(a_closed_review_is_shown_as_such),
	CT_CASE(a_rejection_is_told),
	CT_CASE(an_undone_link_is_told),
	CT_CASE(a_note_goes_where_its_job_goes),
	CT_CASE(what_is_to_be_told_is_counted),
	CT_CASE(what_was_outdated_may_be_true_again),
	CT_CASE(what_was_given_up_may_be_done),
	CT_CASE(a_lease_ends),
	CT_CASE(what_failed_is_due_again),
	CT_CASE(a_new_life_waits_a_little),
	CT_CASE(a_paused_account_is_left_alone),
	CT_CASE(a_note_goes_with_its_person),
	CT_CASE(notes_go_with_the_journal),
};
const struct ct_group ct_note_cases = {cases, ARRAY_LEN(cases)};
