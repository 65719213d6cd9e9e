/*
 * Cases: the outbox of notes. What a settle or a rejection leaves for the
 * ticket's agent, when it finds its ticket, how it is claimed, and when it is
 * not said twice.
 */
#include "note_kit.h"

#include <string.h>

#include "base/str.h"

/* --- from the settle to the ticket --- */

static void a_settle_leaves_a_note(struct ct *c)
{
	struct store_settle s =
		note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	struct store_note_claim claim;
	struct store_op op;

	assert_true(s.noted);
	note_claim_op(c, &op);
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
	assert_int_equal(claim.next_ms, c->now_ms + NOTE_LEASE);
	store_op_release(&op);
	note_told(c, &claim.note);
	claim = note_claim(c);
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
	note_none_due(c);
}

static void the_row_knows_a_ticket_that_the_run_did_not(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.ticket_id = 77;
	ct_accept(c, e);
	assert_true(note_end_job(c, &job, &note_merged).noted);
	assert_int_equal(note_due(c).ticket_id, 77);
}

/* The trigger comes a moment after the merge, and changes nothing more. */
static void a_later_settle_brings_the_ticket(struct ct *c)
{
	struct store_settle s = note_run_to(c, "ann", note_merged);
	struct job job;
	struct store_op op;

	assert_false(s.noted);
	note_none_due(c);
	c->now_ms += MINUTE;
	job = ct_running(c, "ann");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.ticket_id = 77;
	CT_DO(c, &op);
	job_release(&job);
	assert_true(op.u.settle.noted);
	assert_int_equal(note_due(c).journal_id, s.journal_id);
	note_none_due(c);
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
	assert_int_equal(note_due(c).ticket_id, 77);
	assert_int_equal(ct_accept(c, ct_ticket(11, 78)).noted, 0);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.ticket_id, 77);
	job_release(&job);
}

static void a_ticket_that_never_comes_is_not_waited_for(struct ct *c)
{
	struct store_op op;
	struct job job;

	note_run_to(c, "ann", note_merged);
	note_run_to(c, "bob", note_with_ticket(note_merged, 77));
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.max = 10;
	op.u.prune.notes_before_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 0);
	op.u.prune.notes_before_ms = c->now_ms + 1;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 1);
	note_tell_next(c);
	job = ct_running(c, "ann");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.ticket_id = 78;
	CT_DO(c, &op);
	job_release(&job);
	assert_false(op.u.settle.noted);
	note_none_due(c);
}

/* --- not twice --- */

static void the_same_question_is_told_once_a_ticket(struct ct *c)
{
	struct store_settle s =
		note_run_to(c, "ann", note_with_ticket(note_asked, 77));

	assert_int_equal(note_tell_next(c).journal_id, s.journal_id);
	note_run_to(c, "ann", note_with_ticket(note_asked, 77));
	note_none_due(c);
	note_run_to(c, "ann", note_with_ticket(note_asked, 78));
	assert_int_equal(note_tell_next(c).ticket_id, 78);
	note_none_due(c);
}

/* The two webhooks of one conversation: two entries that say the same. */
static void the_same_refusal_is_told_once_a_ticket(struct ct *c)
{
	struct store_settle first = note_run_to(c, "ann", note_refused);
	struct note_end other = note_with_ticket(note_refused, 77);

	note_run_to(c, "ann", note_refused);
	note_run_to(c, "ann", note_with_ticket(note_refused, 77));
	assert_int_equal(note_tell_next(c).journal_id, first.journal_id);
	note_none_due(c);
	other.reason = REASON_SHARED_USER;
	note_run_to(c, "ann", other);
	note_tell_next(c);
	note_run_to(c, "ann", note_with_ticket(note_refused, 78));
	assert_int_equal(note_tell_next(c).ticket_id, 78);
	note_none_due(c);
}

static void every_link_is_told(struct ct *c)
{
	struct store_settle first =
		note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	struct store_settle second =
		note_run_to(c, "ann", note_with_ticket(note_merged, 77));

	assert_int_equal(note_tell_next(c).journal_id, first.journal_id);
	assert_int_equal(note_tell_next(c).journal_id, second.journal_id);
	note_none_due(c);
}

/* A review asked anew is another one, although it says the same. */
static void a_new_review_is_told(struct ct *c)
{
	note_run_to(c, "ann", note_with_ticket(note_asked, 77));
	note_tell_next(c);
	ct_rest(c, "ann", JOB_DONE);
	note_run_to(c, "ann", note_with_ticket(note_asked, 77));
	note_tell_next(c);
	note_none_due(c);
}

static void everybody_attached_has_a_note(struct ct *c)
{
	struct store_settle ann =
		note_run_to(c, "ann", note_with_ticket(note_asked, 77));
	struct store_settle bob =
		note_run_to(c, "bob", note_with_ticket(note_asked, 78));
	struct store_note n;

	assert_int_equal(ann.review_id, bob.review_id);
	n = note_tell_next(c);
	assert_int_equal(n.ticket_id, 77);
	assert_int_equal(n.review_id, ann.review_id);
	n = note_tell_next(c);
	assert_int_equal(n.ticket_id, 78);
	assert_int_equal(n.review_id, ann.review_id);
}

/* --- what is not so any more --- */

static void what_a_newer_note_says_is_shown(struct ct *c)
{
	struct note_end other = note_with_ticket(note_asked, 77);
	struct store_note n;

	note_run_to(c, "ann", other);
	other.reason = REASON_BRAND_MISMATCH;
	note_run_to(c, "ann", other);
	n = note_tell_next(c);
	assert_true(n.superseded);
	assert_false(n.told_before);
	n = note_due(c);
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
	struct store_settle s =
		note_run_to(c, "ann", note_with_ticket(note_asked, 77));
	struct store_note n = note_due(c);

	assert_int_equal(n.review_id, s.review_id);
	assert_int_equal(decide(c, s.review_id, true), RESULT_OK);
	c->now_ms += NOTE_LEASE;
	assert_int_equal(note_due(c).review_id, 0);
	note_none_due(c);
}

static void a_rejection_is_told(struct ct *c)
{
	struct store_settle s =
		note_run_to(c, "ann", note_with_ticket(note_asked, 77));
	struct store_op op;
	struct store_note n;

	note_tell_next(c);
	assert_int_equal(decide(c, s.review_id, false), RESULT_OK);
	note_claim_op(c, &op);
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
	struct store_settle s =
		note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	struct store_settle other = note_run_to(c, "bob", note_merged);
	struct store_note n;
	struct store_op op;

	note_tell_next(c);
	store_op_init(&op, STORE_REJECT);
	op.u.reject.by = "maria";
	op.u.reject.now_ms = c->now_ms;
	op.u.reject.wait_ms = CT_WAIT;
	op.u.reject.journal_id = s.journal_id;
	CT_DO(c, &op);
	n = note_tell_next(c);
	assert_int_equal(n.ticket_id, 77);
	assert_int_equal(n.journal_id, op.u.reject.entry_id);
	assert_true(n.told_before);
	op.u.reject.journal_id = other.journal_id; /* told nowhere */
	CT_DO(c, &op);
	note_none_due(c);
}

/* The person turns out to be somebody else, whose job goes on with it. */
static void a_note_goes_where_its_job_goes(struct ct *c)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, "bob");
	struct store_settle s = note_run_to(c, "ann", note_merged);
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
	assert_int_equal(note_tell_next(c).journal_id, s.journal_id);
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
};
const struct ct_group ct_note_cases = {cases, ARRAY_LEN(cases)};
