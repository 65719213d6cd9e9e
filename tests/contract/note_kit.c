/*
 * See note_kit.h.
 */
#include "note_kit.h"

#include "base/str.h"

const struct note_end note_merged = {JOB_DONE, ACTION_MERGE,
				     REASON_EMAIL_MATCH_VERIFIED, true, 0};
const struct note_end note_refused = {JOB_DONE, ACTION_REFUSE,
				      REASON_PROFILE_IS_AGENT, false, 0};
const struct note_end note_asked = {JOB_REVIEW, ACTION_REVIEW,
				    REASON_EMAIL_DENIED, false, 0};

struct note_end note_with_ticket(struct note_end e, uint64_t ticket)
{
	e.ticket = ticket;
	return e;
}

/* Settles the claimed job so, to be told. */
struct store_settle note_end_job(struct ct *c, struct job *job,
				 const struct note_end *end)
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

struct store_settle note_run_to(struct ct *c, const char *who,
				struct note_end end)
{
	struct job job = ct_running(c, who);

	return note_end_job(c, &job, &end);
}

void note_claim_op(struct ct *c, struct store_op *op)
{
	store_op_init(op, STORE_NOTE);
	op->u.note_claim.account = CT_ACCOUNT;
	op->u.note_claim.now_ms = c->now_ms;
	op->u.note_claim.lease_ms = NOTE_LEASE;
	CT_DO(c, op);
}

struct store_note_claim note_claim(struct ct *c)
{
	struct store_op op;

	note_claim_op(c, &op);
	journal_entry_release(&op.u.note_claim.note.entry);
	return op.u.note_claim;
}

struct store_note note_due(struct ct *c)
{
	struct store_note n = note_claim(c).note;

	assert_true(n.id != 0);
	return n;
}

void note_none_due(struct ct *c)
{
	assert_int_equal(note_claim(c).note.id, 0);
}

void note_done_op(const struct ct *c, struct store_op *op,
		  const struct store_note *n, const char *outcome)
{
	store_op_init(op, STORE_NOTED);
	op->u.note_done.note_id = n->id;
	op->u.note_done.token = n->token;
	op->u.note_done.outcome = outcome;
	op->u.note_done.due_ms = c->now_ms + MINUTE;
	op->u.note_done.attempts = outcome != NULL ? 0 : n->attempts + 1;
}

void note_told(struct ct *c, const struct store_note *n)
{
	struct store_op op;

	note_done_op(c, &op, n, "told");
	CT_DO(c, &op);
}

struct store_note note_tell_next(struct ct *c)
{
	struct store_note n = note_due(c);

	note_told(c, &n);
	return n;
}
