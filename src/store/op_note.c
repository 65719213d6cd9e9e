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
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* The ticket is known now: whatever the job has to tell goes there. */
static int take_ticket(struct db *q, int64_t job_id, uint64_t ticket_id,
		       int64_t now_ms)
{
	return db_exec(q, NOTES_TAKE, db_int(job_id), db_id(ticket_id),
		       db_int(now_ms));
}

/* The two webhooks of one conversation lead to two entries, which may say the
 * same. A review that is asked anew is another review. */
static bool is_said(struct db *q, int64_t job_id, uint64_t ticket_id,
		    const struct journal_entry *e, int64_t journal_id)
{
	if (e->action == ACTION_REVIEW)
		return false;
	return db_get(q, 0, NOTE_SAID, db_int(job_id), db_id(ticket_id),
		      db_int(journal_id)) != 0;
}

void db_note_add(struct db *q, const struct db_note *n,
		 const struct journal_entry *e)
{
	if (is_said(q, n->job_id, n->ticket_id, e, n->journal_id))
		return;
	if (n->ticket_id == 0 && db_get(q, 0, NOTE_WAITS, db_int(n->job_id),
					db_int(n->journal_id)) != 0)
		return;
	db_do(q, NOTE_INSERT, db_int(n->account), db_int(n->job_id),
	      db_int(n->journal_id), db_id(n->ticket_id), db_int(n->now_ms));
}

bool db_note_take(struct db *q, int64_t job_id, uint64_t ticket_id,
		  int64_t now_ms)
{
	return ticket_id != 0 && take_ticket(q, job_id, ticket_id, now_ms) > 0;
}

static int64_t job_of(struct db *q, int64_t account, uint64_t user)
{
	return user == 0
		       ? 0
		       : db_get(q, 0, JOB_UNTOLD, db_int(account), db_id(user));
}

int db_note_give(struct db *q, int64_t account, uint64_t user,
		 uint64_t ticket_id, int64_t now_ms)
{
	int64_t job = 0;

	if (ticket_id != 0)
		job = job_of(q, account, user);
	if (ticket_id != 0 && job == 0)
		job = job_of(q, account, db_alias_follow(q, account, user));
	if (job == 0)
		return 0;
	db_do(q, JOB_TICKET, db_int(job), db_id(ticket_id));
	return db_note_take(q, job, ticket_id, now_ms);
}

void db_note_undone(struct db *q, const struct journal_entry *undone,
		    const struct db_note *n, const struct journal_entry *e)
{
	struct db_ids tickets =
		db_collect(q, db_query(q, NOTES_TICKETS, db_int(undone->id)));
	struct db_note on = *n;
	size_t i;

	for (i = 0; i < tickets.count; i++) {
		on.ticket_id = (uint64_t)tickets.items[i];
		db_note_add(q, &on, e);
	}
	free(tickets.items);
}

static void read_entry(struct db *q, struct store_note *n)
{
	struct db_rows *st = db_query(q, JOURNAL_READ, db_int(n->journal_id));

	n->has_entry = db_step(q, st);
	if (n->has_entry)
		db_journal_read(st, &n->entry);
	db_end(st);
}

static void read_note(struct db *q, int64_t id, struct store_note *n)
{
	struct db_rows *st = db_query(q, NOTE_READ, db_int(id));

	if (!db_step(q, st))
		return;
	n->id = id;
	n->token = db_col_int(st, 0) + 1;
	n->journal_id = db_col_int(st, 1);
	n->ticket_id = db_col_id(st, 2);
	n->created_ms = db_col_int(st, 3);
	n->attempts = (int)db_col_int(st, 4);
	n->unsure = (int)db_col_int(st, 5) != 0;
	n->told_before = (int)db_col_int(st, 6) != 0;
	n->superseded = (int)db_col_int(st, 7) != 0;
	n->review_id = db_col_int(st, 8);
	n->job_dead = (int)db_col_int(st, 9) != 0;
	db_end(st);
}

static bool is_paused(struct db *q, int64_t account)
{
	return db_get(q, 0, ACCOUNT_PAUSED, db_int(account)) != 0;
}

enum result op_note_claim(struct db *q, struct store_op *op)
{
	struct store_note_claim *c = &op->u.note_claim;
	struct store_note *n = &c->note;
	int64_t account = db_account_id(q, c->account, false), id;

	memset(n, 0, sizeof(*n));
	c->next_ms = INT64_MAX;
	if (is_paused(q, account))
		return RESULT_OK;
	id = db_get(q, 0, NOTE_DUE, db_int(account), db_int(c->now_ms));
	if (id != 0) {
		read_note(q, id, n);
		read_entry(q, n);
		db_do(q, NOTE_LEASE, db_int(id), db_int(n->token),
		      db_int(c->now_ms + c->lease_ms));
	}
	c->next_ms = db_get(q, INT64_MAX, NOTE_NEXT, db_int(account));
	return RESULT_OK;
}

enum result op_note_done(struct db *q, struct store_op *op)
{
	const struct store_note_done *d = &op->u.note_done;

	if (db_exec(q, NOTE_END, db_int(d->note_id), db_int(d->token),
		    db_text(d->outcome), db_int(d->due_ms), db_int(d->unsure),
		    db_int(d->attempts)) == 0 &&
	    !q->failed)
		return error_set(q->err, RESULT_CONFLICT,
				 "the note's lease is another's");
	return RESULT_OK;
}
