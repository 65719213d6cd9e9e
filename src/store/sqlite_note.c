/*
 * Notes for tickets: an outbox. A settle writes a note in the transaction of
 * its decision; the teller claims it, and says what came of it.
 *
 *	settle ─> waits for its ticket ─> due <─ lease ended, or again later
 *	   │               │               │ ^
 *	   │ ticket known  │ a day         v │
 *	   └──────> due    └─> gone      leased ─> outcome
 *
 * Invariants: at most one note per journal entry and ticket, kept by a unique
 * index. What has been said to a ticket about a person last, and changed
 * nothing, is not said again; what was outdated before it was said may be so
 * no more when its entry is settled again. From the claim on a note may have been sent
 * (unsure), until its teller says otherwise.
 */
#include "sqlite_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The ticket is known now: whatever the job has to tell goes there. */
static int take_ticket(struct sq *q, int64_t job_id, uint64_t ticket_id,
		       int64_t now_ms)
{
	return sq_exec(q, NOTES_TAKE, sq_int(job_id), sq_id(ticket_id),
		       sq_int(now_ms));
}

/* The two webhooks of one conversation lead to two entries, which may say the
 * same. A review that is asked anew is another review. */
static bool is_said(struct sq *q, int64_t job_id, uint64_t ticket_id,
		    const struct journal_entry *e, int64_t journal_id)
{
	if (e->action == ACTION_REVIEW)
		return false;
	return sq_get(q, 0, NOTE_SAID, sq_int(job_id), sq_id(ticket_id),
		      sq_int(journal_id)) != 0;
}

void sq_note_add(struct sq *q, const struct sq_note *n,
		 const struct journal_entry *e)
{
	if (is_said(q, n->job_id, n->ticket_id, e, n->journal_id))
		return;
	if (n->ticket_id == 0 && sq_get(q, 0, NOTE_WAITS, sq_int(n->job_id),
					sq_int(n->journal_id)) != 0)
		return;
	sq_exec(q, NOTE_INSERT, sq_int(n->account), sq_int(n->job_id),
		sq_int(n->journal_id), sq_id(n->ticket_id), sq_int(n->now_ms));
}

bool sq_note_take(struct sq *q, int64_t job_id, uint64_t ticket_id,
		  int64_t now_ms)
{
	return ticket_id != 0 && take_ticket(q, job_id, ticket_id, now_ms) > 0;
}

static int64_t job_of(struct sq *q, int64_t account, uint64_t user)
{
	return user == 0
		       ? 0
		       : sq_get(q, 0, JOB_UNTOLD, sq_int(account), sq_id(user));
}

int sq_note_give(struct sq *q, int64_t account, uint64_t user,
		 uint64_t ticket_id, int64_t now_ms)
{
	int64_t job = 0;

	if (ticket_id != 0)
		job = job_of(q, account, user);
	if (ticket_id != 0 && job == 0)
		job = job_of(q, account, sq_alias_follow(q, account, user));
	if (job == 0)
		return 0;
	sq_exec(q, JOB_TICKET, sq_int(job), sq_id(ticket_id));
	return sq_note_take(q, job, ticket_id, now_ms);
}

void sq_note_undone(struct sq *q, const struct journal_entry *undone,
		    const struct sq_note *n, const struct journal_entry *e)
{
	struct sq_ids tickets =
		sq_collect(q, sq_query(q, NOTES_TICKETS, sq_int(undone->id)));
	struct sq_note on = *n;
	size_t i;

	for (i = 0; i < tickets.count; i++) {
		on.ticket_id = (uint64_t)tickets.items[i];
		sq_note_add(q, &on, e);
	}
	free(tickets.items);
}

static void read_entry(struct sq *q, struct store_note *n)
{
	sqlite3_stmt *st = sq_query(q, JOURNAL_READ, sq_int(n->journal_id));

	n->has_entry = sq_step(q, st);
	if (n->has_entry)
		sq_journal_read(st, &n->entry);
	sq_end(st);
}

static void read_note(struct sq *q, int64_t id, struct store_note *n)
{
	sqlite3_stmt *st = sq_query(q, NOTE_READ, sq_int(id));

	if (!sq_step(q, st))
		return;
	n->id = id;
	n->token = sqlite3_column_int64(st, 0) + 1;
	n->journal_id = sqlite3_column_int64(st, 1);
	n->ticket_id = sq_col_id(st, 2);
	n->created_ms = sqlite3_column_int64(st, 3);
	n->attempts = sqlite3_column_int(st, 4);
	n->unsure = sqlite3_column_int(st, 5) != 0;
	n->told_before = sqlite3_column_int(st, 6) != 0;
	n->superseded = sqlite3_column_int(st, 7) != 0;
	n->review_id = sqlite3_column_int64(st, 8);
	n->job_dead = sqlite3_column_int(st, 9) != 0;
	sq_end(st);
}

static bool is_paused(struct sq *q, int64_t account)
{
	return sq_get(q, 0, ACCOUNT_PAUSED, sq_int(account)) != 0;
}

enum result sq_op_note_claim(struct sq *q, struct store_op *op)
{
	struct store_note_claim *c = &op->u.note_claim;
	struct store_note *n = &c->note;
	int64_t account = sq_account_id(q, c->account, false), id;

	memset(n, 0, sizeof(*n));
	c->next_ms = INT64_MAX;
	if (is_paused(q, account))
		return RESULT_OK;
	id = sq_get(q, 0, NOTE_DUE, sq_int(account), sq_int(c->now_ms));
	if (id != 0) {
		read_note(q, id, n);
		read_entry(q, n);
		sq_exec(q, NOTE_LEASE, sq_int(id), sq_int(n->token),
			sq_int(c->now_ms + c->lease_ms));
	}
	c->next_ms = sq_get(q, INT64_MAX, NOTE_NEXT, sq_int(account));
	return RESULT_OK;
}

enum result sq_op_note_done(struct sq *q, struct store_op *op)
{
	const struct store_note_done *d = &op->u.note_done;

	if (sq_exec(q, NOTE_END, sq_int(d->note_id), sq_int(d->token),
		    sq_text(d->outcome), sq_int(d->due_ms), sq_int(d->unsure),
		    sq_int(d->attempts)) == 0 &&
	    !q->failed)
		return error_set(q->err, RESULT_CONFLICT,
				 "the note's lease is another's");
	return RESULT_OK;
}
