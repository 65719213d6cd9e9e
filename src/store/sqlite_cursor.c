/*
 * Walks through people: who goes on with one, and what a page of them means.
 *
 * The rules of store/cursor.h for who is known; waking is sqlite_wake.c's, as
 * for an event.
 */
#include "sqlite_ops.h"

#include <stdlib.h>

#include "base/str.h"

/* A time so far ahead was stored by a clock that was wrong. */
#define AHEAD_MAX_MS STORE_DAY_MS

static bool is_state(sqlite3_stmt *st, const char *name)
{
	return str_eq((const char *)sqlite3_column_text(st, 2), name);
}

static void cursor_read(sqlite3_stmt *st, int64_t now_ms,
			struct store_cursor_row *out)
{
	int64_t lease_ms;

	*out = (struct store_cursor_row){0};
	sq_col_str(st, 0, out->account, sizeof(out->account));
	sq_col_str(st, 1, out->name, sizeof(out->name));
	out->done = is_state(st, "done");
	out->stopped = is_state(st, "stopped");
	out->full = is_state(st, "full");
	out->since_ms = sqlite3_column_int64(st, 3);
	out->cursor = sq_col_text(st, 4);
	out->due_ms = sqlite3_column_int64(st, 5);
	lease_ms = sqlite3_column_int64(st, 7);
	out->leased = lease_ms > now_ms && lease_ms - now_ms < AHEAD_MAX_MS;
	out->started_ms = sqlite3_column_int64(st, 8);
	out->moved_ms = sqlite3_column_int64(st, 9);
	out->done_ms = sqlite3_column_int64(st, 10);
	out->failure = sq_col_text(st, 11);
	out->total = sqlite3_column_int64(st, 12);
	out->scanned = sqlite3_column_int64(st, 13);
	out->found = sqlite3_column_int64(st, 14);
	out->woken = sqlite3_column_int64(st, 15);
	out->woken_max = sqlite3_column_int64(st, 16);
}

/* The row and its lease; false: there is none. */
static bool cursor_get(struct sq *q, int64_t account, const char *name,
		       int64_t now_ms, struct store_cursor_row *out,
		       int64_t *token, int64_t *lease_ms)
{
	sqlite3_stmt *st =
		sq_query(q, CURSOR_GET, sq_int(account), sq_text(name));

	if (!sq_step(q, st))
		return false;
	cursor_read(st, now_ms, out);
	*token = sqlite3_column_int64(st, 6);
	*lease_ms = sqlite3_column_int64(st, 7);
	sq_end(st);
	return true;
}

bool sq_cursor_get(struct sq *q, int64_t account, const char *name,
		   int64_t now_ms, struct store_cursor_row *out)
{
	int64_t token, lease_ms;

	return cursor_get(q, account, name, now_ms, out, &token, &lease_ms);
}

/* Too many of the lane wait for their turn, or for something to come. */
static bool is_crowded(struct sq *q, int64_t account, int64_t crowd)
{
	return crowd > 0 &&
	       (sq_get(q, 0, JOBS_CROWD, sq_int(account), sq_int(JOB_READY),
		       sq_int(LANE_BACKFILL), sq_int(crowd)) != 0 ||
		sq_get(q, 0, JOBS_CROWD, sq_int(account), sq_int(JOB_WAITING),
		       sq_int(LANE_BACKFILL), sq_int(crowd)) != 0);
}

/* When it may be claimed. Clocks are set back now and then. */
static int64_t ready_ms(const struct store_cursor_row *r,
			const struct store_cursor *c)
{
	int64_t at = r->due_ms;

	if (c->at_once)
		at = c->now_ms;
	else if (r->done && r->failure == NULL)
		at = (r->done_ms < c->now_ms ? r->done_ms : c->now_ms) +
		     c->every_ms;
	else if (at > c->now_ms + AHEAD_MAX_MS)
		at = c->now_ms;
	return at;
}

static void claim(struct sq *q, struct store_cursor *c, int64_t account)
{
	struct store_cursor_row *r = &c->row;
	int64_t token = 0, lease_ms = 0;

	if (c->started_only)
		c->next_ms = INT64_MAX;
	if (!cursor_get(q, account, c->name, c->now_ms, r, &token, &lease_ms)) {
		if (c->started_only)
			return;
		sq_exec(q, CURSOR_INSERT, sq_int(account), sq_text(c->name),
			sq_int(c->since_ms), sq_int(c->now_ms));
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
	sq_exec(q, CURSOR_LEASE, sq_int(account), sq_text(c->name),
		sq_int(c->token), sq_int(c->now_ms + c->lease_ms));
	c->crowded = is_crowded(q, account, c->crowd);
}

static bool is_ours(struct sq *q, int64_t account, const char *name,
		    int64_t token)
{
	return sq_get(q, 0, CURSOR_TOKEN, sq_int(account), sq_text(name),
		      sq_int(token)) != 0;
}

enum result sq_op_cursor(struct sq *q, struct store_op *op)
{
	struct store_cursor *c = &op->u.cursor;
	int64_t account = sq_account_id(q, c->account, true);

	if (c->what == STORE_CURSOR_CLAIM) {
		c->mine = c->crowded = false;
		c->next_ms = c->now_ms + c->every_ms;
		c->halted = !sq_account_may_call(q, account);
		if (!c->halted)
			claim(q, c, account);
		return RESULT_OK;
	}
	if (!is_ours(q, account, c->name, c->token))
		return error_set(q->err, RESULT_CONFLICT,
				 "somebody else goes on with it");
	sq_exec(q, CURSOR_BACK, sq_int(account), sq_text(c->name),
		sq_text(c->failure), sq_int(c->due_ms));
	if (c->rewind)
		sq_exec(q, CURSOR_REWIND, sq_int(account), sq_text(c->name));
	return RESULT_OK;
}

/* ---- who is known ---- */

struct finding {
	struct sq *q;
	struct store_found *f;
	int64_t account;
	int64_t begun_ms; /* the walk */
	int64_t left;	  /* so many more may be woken */
};

static bool is_linked(const struct finding *x, const struct store_person *p)
{
	struct store_link l;

	if (!sq_link_get(x->q, x->account, p->sunco_id, &l) ||
	    l.zendesk_user_id != p->zendesk_user_id)
		return false;
	return l.checked_ms > x->f->now_ms - x->f->recheck_ms ||
	       sq_get(x->q, 0, ALIAS_ENDED_IN, sq_int(x->account),
		      sq_id(p->zendesk_user_id)) != 0;
}

static bool is_under_way(const struct sq_job *job)
{
	return job->state == JOB_READY || job->state == JOB_RUNNING ||
	       job->state == JOB_WAITING;
}

/* One that does not know the user has not looked at it, whenever it did. One
 * of history's may rest for ever, when that is stopped, and gives nobody time
 * to log in: it is not for somebody who talks to us now. */
static bool has_looked(const struct finding *x, const struct sq_job *job,
		       const struct store_person *p)
{
	if (sq_alias_follow(x->q, x->account, job->zendesk_user_id) !=
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
static void give_ticket(const struct finding *x, const struct sq_job *job,
			const struct store_person *p)
{
	if (p->ticket_id != 0 && job->ticket_id == 0 && is_under_way(job))
		sq_exec(x->q, JOB_TICKET, sq_int(job->id), sq_id(p->ticket_id));
}

static bool is_known(const struct finding *x, const struct store_person *p,
		     const char *person)
{
	char user[PERSON_SIZE];
	struct sq_job job;

	if (sq_alias_follow(x->q, x->account, p->zendesk_user_id) !=
		    p->zendesk_user_id ||
	    is_linked(x, p))
		return true;
	if (sq_job_find(x->q, x->account, person, &job)) {
		give_ticket(x, &job, p);
		return has_looked(x, &job, p);
	}
	return job_person(user, "", p->zendesk_user_id) &&
	       sq_job_find(x->q, x->account, user, &job) && is_under_way(&job);
}

/* False: somebody is to be woken, and there were enough. */
static bool find_one(const struct finding *x, const struct store_person *p)
{
	struct sq_wake w = {
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
			sq_note_give(x->q, x->account, p->zendesk_user_id,
				     p->ticket_id, x->f->now_ms);
	if (!job_person(person, p->sunco_id, 0) || is_known(x, p, person))
		return true;
	if (x->q->woken >= x->left)
		return false;
	(void)sq_person_wake(x->q, x->account, person, &w);
	return true;
}

static struct finding finding_of(struct sq *q, struct store_found *f,
				 int64_t account)
{
	struct finding x = {q, f, account, 0, INT64_MAX};
	struct store_cursor_row r;

	if (!sq_cursor_get(q, account, f->name, f->now_ms, &r))
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
		sq_exec(x->q, CURSOR_FULL, sq_int(x->account), sq_text(f->name),
			sq_int(f->now_ms), sq_int(f->woken));
		return;
	}
	sq_exec(x->q, CURSOR_MOVE, sq_int(x->account), sq_text(f->name),
		sq_str(f->end ? "done" : "going"), sq_int(f->since_ms),
		sq_text(f->cursor), sq_int(f->now_ms),
		sq_int(f->end ? 0 : f->now_ms + f->lease_ms),
		sq_int((int64_t)f->scanned), sq_int((int64_t)f->count),
		sq_int(f->woken));
	if (f->end)
		sq_exec(x->q, CURSOR_DONE, sq_int(x->account), sq_text(f->name),
			sq_int(f->now_ms));
}

enum result sq_op_found(struct sq *q, struct store_op *op)
{
	struct store_found *f = &op->u.found;
	struct finding x = finding_of(q, f, sq_account_id(q, f->account, true));
	size_t i;

	f->woken = f->noted = 0;
	f->full = false;
	if (!is_ours(q, x.account, f->name, f->token))
		return error_set(q->err, RESULT_CONFLICT,
				 "somebody else goes on with it");
	for (i = 0; i < f->sighting_count; i++)
		sq_address_sighted(q, x.account, &f->sightings[i]);
	q->woken = 0;
	for (i = 0; i < f->count && !f->full; i++)
		f->full = !find_one(&x, &f->people[i]);
	f->woken = q->woken;
	move(&x);
	f->crowded = is_crowded(q, x.account, f->crowd);
	return RESULT_OK;
}

enum result sq_op_cursors(struct sq *q, struct store_op *op)
{
	struct store_cursors *l = &op->u.cursors;
	sqlite3_stmt *st;

	l->rows = xcalloc(STORE_CURSORS_MAX, sizeof(*l->rows));
	l->count = 0;
	st = sq_query(q, CURSORS_LIST, sq_text(l->account),
		      sq_int(STORE_CURSORS_MAX));
	while (sq_step(q, st))
		cursor_read(st, l->now_ms, &l->rows[l->count++]);
	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->rows[i].name, STORE_WALK_NAME))
			sq_walk_count(
				q, sq_account_id(q, l->rows[i].account, false),
				&l->rows[i]);
	return RESULT_OK;
}
