/*
 * Walks through people: who goes on with one, and what a page of them means.
 *
 * The rules of store/cursor.h for who is known; waking is op_wake.c's, as
 * for an event.
 */
#include "ops.h"

#include <stdlib.h>

#include "base/str.h"

/* A time so far ahead was stored by a clock that was wrong. */
#define AHEAD_MAX_MS STORE_DAY_MS

static bool is_state(struct db_rows *st, const char *name)
{
	return str_eq(db_col_chars(st, 2), name);
}

static void cursor_read(struct db_rows *st, int64_t now_ms,
			struct store_cursor_row *out)
{
	int64_t lease_ms;

	*out = (struct store_cursor_row){0};
	db_col_str(st, 0, out->account, sizeof(out->account));
	db_col_str(st, 1, out->name, sizeof(out->name));
	out->done = is_state(st, "done");
	out->stopped = is_state(st, "stopped");
	out->full = is_state(st, "full");
	out->since_ms = db_col_int(st, 3);
	out->cursor = db_col_text(st, 4);
	out->due_ms = db_col_int(st, 5);
	lease_ms = db_col_int(st, 7);
	out->leased = lease_ms > now_ms && lease_ms - now_ms < AHEAD_MAX_MS;
	out->started_ms = db_col_int(st, 8);
	out->moved_ms = db_col_int(st, 9);
	out->done_ms = db_col_int(st, 10);
	out->failure = db_col_text(st, 11);
	out->total = db_col_int(st, 12);
	out->scanned = db_col_int(st, 13);
	out->found = db_col_int(st, 14);
	out->woken = db_col_int(st, 15);
	out->woken_max = db_col_int(st, 16);
}

/* The row and its lease; false: there is none. */
static bool cursor_get(struct db *q, int64_t account, const char *name,
		       int64_t now_ms, struct store_cursor_row *out,
		       int64_t *token, int64_t *lease_ms)
{
	struct db_rows *st =
		db_query(q, CURSOR_GET, db_int(account), db_text(name));

	if (!db_step(q, st))
		return false;
	cursor_read(st, now_ms, out);
	*token = db_col_int(st, 6);
	*lease_ms = db_col_int(st, 7);
	db_end(st);
	return true;
}

bool db_cursor_get(struct db *q, int64_t account, const char *name,
		   int64_t now_ms, struct store_cursor_row *out)
{
	int64_t token, lease_ms;

	return cursor_get(q, account, name, now_ms, out, &token, &lease_ms);
}

/* Too many of the lane wait for their turn, or for something to come. */
static bool is_crowded(struct db *q, int64_t account, int64_t crowd)
{
	return crowd > 0 &&
	       (db_get(q, 0, JOBS_CROWD, db_int(account), db_int(JOB_READY),
		       db_int(LANE_BACKFILL), db_int(crowd)) != 0 ||
		db_get(q, 0, JOBS_CROWD, db_int(account), db_int(JOB_WAITING),
		       db_int(LANE_BACKFILL), db_int(crowd)) != 0);
}

/* When it may be claimed. Clocks are set back now and then. */
static int64_t ready_ms(const struct store_cursor_row *r,
			const struct store_cursor *c)
{
	int64_t at = r->due_ms;

	/* Whoever served while this process did not may have done it since. */
	if (r->done_ms < c->begun_ms)
		at = c->now_ms;
	else if (r->done && r->failure == NULL)
		at = (r->done_ms < c->now_ms ? r->done_ms : c->now_ms) +
		     c->every_ms;
	else if (at > c->now_ms + AHEAD_MAX_MS)
		at = c->now_ms;
	return at;
}

static void claim(struct db *q, struct store_cursor *c, int64_t account)
{
	struct store_cursor_row *r = &c->row;
	int64_t token = 0, lease_ms = 0;

	if (c->started_only)
		c->next_ms = INT64_MAX;
	if (!cursor_get(q, account, c->name, c->now_ms, r, &token, &lease_ms)) {
		if (c->started_only)
			return;
		db_do(q, CURSOR_INSERT, db_int(account), db_text(c->name),
		      db_int(c->since_ms), db_int(c->now_ms));
		if (!cursor_get(q, account, c->name, c->now_ms, r, &token,
				&lease_ms))
			return;
	}
	if (r->stopped || r->full || (c->started_only && r->done))
		return;
	c->next_ms = r->leased ? lease_ms : ready_ms(r, c);
	if (r->leased || c->next_ms > c->now_ms)
		return;
	c->token = token + 1;
	c->mine = true;
	db_do(q, CURSOR_LEASE, db_int(account), db_text(c->name),
	      db_int(c->token), db_int(c->now_ms + c->lease_ms));
	c->crowded = is_crowded(q, account, c->crowd);
}

static bool is_ours(struct db *q, int64_t account, const char *name,
		    int64_t token)
{
	return db_get(q, 0, CURSOR_TOKEN, db_int(account), db_text(name),
		      db_int(token)) != 0;
}

enum result op_cursor(struct db *q, struct store_op *op)
{
	struct store_cursor *c = &op->u.cursor;
	int64_t account = db_account_id(q, c->account, true);

	if (c->what == STORE_CURSOR_CLAIM) {
		c->mine = c->crowded = false;
		c->next_ms = c->now_ms + c->every_ms;
		c->halted = !db_account_may_call(q, account);
		if (!c->halted)
			claim(q, c, account);
		return RESULT_OK;
	}
	if (!is_ours(q, account, c->name, c->token))
		return error_set(q->err, RESULT_CONFLICT,
				 "somebody else goes on with it");
	db_do(q, CURSOR_BACK, db_int(account), db_text(c->name),
	      db_text(c->failure), db_int(c->due_ms));
	if (c->rewind)
		db_do(q, CURSOR_REWIND, db_int(account), db_text(c->name));
	return RESULT_OK;
}

/* ---- who is known ---- */

struct finding {
	struct db *q;
	struct store_found *f;
	int64_t account;
	int64_t begun_ms; /* the walk */
	int64_t left;	  /* so many more may be woken */
};

static bool is_linked(const struct finding *x, const struct store_person *p)
{
	struct store_link l;

	if (!db_link_get(x->q, x->account, p->sunco_id, &l) ||
	    l.zendesk_user_id != p->zendesk_user_id)
		return false;
	return l.checked_ms > x->f->now_ms - x->f->recheck_ms ||
	       db_get(x->q, 0, ALIAS_ENDED_IN, db_int(x->account),
		      db_id(p->zendesk_user_id)) != 0;
}

static bool is_under_way(const struct db_job *job)
{
	return job->state == JOB_READY || job->state == JOB_RUNNING ||
	       job->state == JOB_WAITING;
}

/* One that does not know the user has not looked at it, whenever it did. One
 * of history's may rest for ever, when that is stopped, and gives nobody time
 * to log in: it is not for somebody who talks to us now. */
static bool has_looked(const struct finding *x, const struct db_job *job,
		       const struct store_person *p)
{
	if (db_alias_follow(x->q, x->account, job->zendesk_user_id) !=
	    p->zendesk_user_id)
		return false;
	if (is_under_way(job))
		return x->f->source == EVENT_FROM_BACKFILL ||
		       job->source != EVENT_FROM_BACKFILL;
	return x->f->source == EVENT_FROM_BACKFILL
		       ? job->looked_ms >= x->begun_ms
		       : job->looked_ms > p->changed_ms + STORE_LOOK_MARGIN_MS;
}

/* The ticket of a conversation that a job is about to decide on. */
static void give_ticket(const struct finding *x, const struct db_job *job,
			const struct store_person *p)
{
	if (p->ticket_id != 0 && job->ticket_id == 0 && is_under_way(job))
		db_do(x->q, JOB_TICKET, db_int(job->id), db_id(p->ticket_id));
}

static bool is_known(const struct finding *x, const struct store_person *p,
		     const char *person)
{
	char user[PERSON_SIZE];
	struct db_job job;

	if (db_alias_follow(x->q, x->account, p->zendesk_user_id) !=
		    p->zendesk_user_id ||
	    is_linked(x, p))
		return true;
	if (db_job_find(x->q, x->account, person, &job)) {
		give_ticket(x, &job, p);
		return has_looked(x, &job, p);
	}
	return job_person(user, "", p->zendesk_user_id) &&
	       db_job_find(x->q, x->account, user, &job) && is_under_way(&job);
}

/* False: somebody is to be woken, and there were enough. */
static bool find_one(const struct finding *x, const struct store_person *p)
{
	struct db_wake w = {
		.lane = LANE_BACKFILL,
		.source = x->f->source,
		.zendesk_user_id = p->zendesk_user_id,
		.ticket_id = p->ticket_id,
		.now_ms = x->f->now_ms,
		.wait_ms = x->f->wait_ms,
	};
	char person[PERSON_SIZE];

	if (p->changed_ms > x->f->now_ms - STORE_DAY_MS)
		x->f->noted +=
			db_note_give(x->q, x->account, p->zendesk_user_id,
				     p->ticket_id, x->f->now_ms);
	if (!job_person(person, p->sunco_id, 0) || is_known(x, p, person))
		return true;
	if (x->q->woken >= x->left)
		return false;
	db_person_wake(x->q, x->account, person, &w);
	return true;
}

static struct finding finding_of(struct db *q, struct store_found *f,
				 int64_t account)
{
	struct finding x = {q, f, account, 0, INT64_MAX};
	struct store_cursor_row r;

	if (!db_cursor_get(q, account, f->name, f->now_ms, &r))
		return x;
	x.begun_ms = r.started_ms;
	if (r.woken_max > 0)
		x.left = r.woken_max - r.woken;
	store_cursor_row_release(&r);
	return x;
}

/* Behind the page; or at it still, when it was too much. */
static void move(const struct finding *x)
{
	const struct store_found *f = x->f;

	if (f->full) {
		db_do(x->q, CURSOR_FULL, db_int(x->account), db_text(f->name),
		      db_int(f->now_ms), db_int(f->woken));
		return;
	}
	db_do(x->q, CURSOR_MOVE, db_int(x->account), db_text(f->name),
	      db_str(f->end ? "done" : "going"), db_int(f->since_ms),
	      db_text(f->cursor), db_int(f->now_ms),
	      db_int(f->end ? 0 : f->now_ms + f->lease_ms),
	      db_int((int64_t)f->scanned), db_int((int64_t)f->count),
	      db_int(f->woken));
	if (f->end)
		db_do(x->q, CURSOR_DONE, db_int(x->account), db_text(f->name),
		      db_int(f->now_ms));
}

enum result op_found(struct db *q, struct store_op *op)
{
	struct store_found *f = &op->u.found;
	struct finding x = finding_of(q, f, db_account_id(q, f->account, true));
	size_t i;

	f->woken = f->noted = 0;
	f->full = false;
	if (!is_ours(q, x.account, f->name, f->token))
		return error_set(q->err, RESULT_CONFLICT,
				 "somebody else goes on with it");
	for (i = 0; i < f->sighting_count; i++)
		db_address_sighted(q, x.account, &f->sightings[i]);
	q->woken = 0;
	for (i = 0; i < f->count && !f->full; i++)
		f->full = !find_one(&x, &f->people[i]);
	f->woken = q->woken;
	move(&x);
	f->crowded = is_crowded(q, x.account, f->crowd);
	return RESULT_OK;
}

enum result op_cursors(struct db *q, struct store_op *op)
{
	struct store_cursors *l = &op->u.cursors;
	struct db_rows *st;

	l->rows = xcalloc(STORE_CURSORS_MAX, sizeof(*l->rows));
	l->count = 0;
	st = db_query(q, CURSORS_LIST, db_text(l->account),
		      db_int(STORE_CURSORS_MAX));
	while (db_step(q, st))
		cursor_read(st, l->now_ms, &l->rows[l->count++]);
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->rows[i].name, STORE_WALK_NAME))
			db_walk_count(
				q, db_account_id(q, l->rows[i].account, false),
				&l->rows[i]);
	return RESULT_OK;
}
