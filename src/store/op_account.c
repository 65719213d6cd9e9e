/*
 * Accounts: their numbers, their row, the gauges; the store's health and its
 * probe.
 *
 * Gauges are counters of this handle, moved with every change of a state.
 * They are counted anew (one pass over an index) when they were never counted,
 * after a rollback, and after somebody else wrote.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static struct db_account *account_add(struct db *q, int64_t id,
				      const char *name)
{
	struct db_account *a;

	q->accounts = xrealloc(q->accounts,
			       (q->account_count + 1) * sizeof(*q->accounts));
	a = &q->accounts[q->account_count++];
	memset(a, 0, sizeof(*a));
	a->id = id;
	(void)str_copy(a->name, sizeof(a->name), name);
	a->stirred = true;
	/* Its jobs were not counted with the others'. */
	q->counts_valid = false;
	return a;
}

static struct db_account *account_at(struct db *q, int64_t id)
{
	size_t i;

	for (i = 0; i < q->account_count; i++) {
		if (q->accounts[i].id == id)
			return &q->accounts[i];
	}
	return NULL;
}

int64_t db_account_id(struct db *q, const char *name, bool make)
{
	int64_t id;
	size_t i;

	for (i = 0; i < q->account_count; i++) {
		if (strcmp(q->accounts[i].name, name) == 0)
			return q->accounts[i].id;
	}
	id = db_get(q, 0, ACCOUNT_ID, db_text(name));
	if (id == 0 && make)
		id = db_add(q, ACCOUNT_INSERT, db_text(name));
	if (id != 0)
		(void)account_add(q, id, name);
	return id;
}

void db_account_forget(struct db *q)
{
	q->account_count = 0;
	q->counts_valid = false;
}

void db_woken(struct db *q, int64_t account)
{
	struct db_account *a = account_at(q, account);

	q->woken++;
	if (a != NULL)
		a->stirred = true;
}

bool db_stirred(struct db *q, int64_t account)
{
	struct db_account *a = account_at(q, account);
	bool stirred = a != NULL && a->stirred;

	if (a != NULL)
		a->stirred = false;
	return stirred;
}

void db_count_add(struct db *q, int64_t account, enum job_state s, int64_t n)
{
	struct db_account *a = account_at(q, account);

	if (a != NULL)
		a->jobs[s] += n;
	else
		q->counts_valid = false;
}

void db_count(struct db *q, int64_t account, int from, int to)
{
	if (from == to)
		return;
	if (from >= 0)
		db_count_add(q, account, (enum job_state)from, -1);
	if (to >= 0)
		db_count_add(q, account, (enum job_state)to, 1);
}

static void count_all(struct db *q)
{
	struct db_rows *st;
	struct db_account *a;
	size_t i;

	for (i = 0; i < q->account_count; i++)
		memset(q->accounts[i].jobs, 0, sizeof(q->accounts[i].jobs));
	st = db_plain(q, JOBS_COUNT);
	while (db_step(q, st)) {
		int state = (int)db_col_int(st, 1);

		a = account_at(q, db_col_int(st, 0));
		if (a != NULL && state >= 0 && state < JOB_STATE_COUNT)
			a->jobs[state] = db_col_int(st, 2);
	}
	q->counts_valid = !q->failed;
}

static int64_t oldest_due(struct db *q, int64_t account, int64_t now_ms)
{
	static const enum job_state states[] = {JOB_READY, JOB_WAITING};
	int64_t oldest = INT64_MAX, at;
	enum job_lane lane;
	size_t s;

	for (s = 0; s < ARRAY_LEN(states); s++) {
		for (lane = 0; lane < LANE_COUNT; lane++) {
			at = db_get(q, INT64_MAX, NEXT_DUE, db_int(account),
				    db_int(states[s]), db_int(lane));
			oldest = at < oldest ? at : oldest;
		}
	}
	return oldest <= now_ms ? oldest : 0;
}

#define NOTES_MS (INT64_C(24) * 3600 * 1000) /* whose refusals count */

static void detail_notes(struct db *q, struct store_stats *s, int64_t account)
{
	struct db_rows *st = db_query(q, NOTES_OPEN, db_int(account));

	if (!db_step(q, st))
		return;
	s->notes_open = db_col_int(st, 0);
	s->oldest_note_ms = db_col_int(st, 1);
	db_end(st);
	s->notes_refused = db_get(q, 0, NOTES_REFUSED, db_int(account),
				  db_int(s->now_ms - NOTES_MS));
}

static void detail(struct db *q, struct store_stats *s, int64_t account)
{
	struct db_rows *st;

	s->reviews_open = db_get(q, 0, REVIEWS_OPEN, db_int(account));
	st = db_query(q, JOURNAL_UNFINISHED, db_int(account));
	if (!db_step(q, st))
		return;
	s->unfinished = db_col_int(st, 0);
	s->unfinished_since_ms = db_col_int(st, 1);
	db_end(st);
	detail_notes(q, s, account);
}

enum result op_stats(struct db *q, struct store_op *op)
{
	struct store_stats *s = &op->u.stats;
	int64_t account = db_account_id(q, s->account, false);
	int64_t version = q->driver->version(q);
	const struct db_account *a;

	memset(s->jobs, 0, sizeof(s->jobs));
	if (!q->counts_valid || version != q->counts_version)
		count_all(q);
	q->counts_version = version;
	a = account_at(q, account);
	if (a != NULL)
		memcpy(s->jobs, a->jobs, sizeof(s->jobs));
	s->oldest_due_ms = oldest_due(q, account, s->now_ms);
	s->oldest_review_ms = db_get(q, 0, REVIEW_OLDEST, db_int(account));
	db_breaker_stats(q, s, account);
	if (s->detail)
		detail(q, s, account);
	return RESULT_OK;
}

/* Who stopped or let go what: an auditor finds it beside the decisions. */
static void journal_act(struct db *q, struct store_account *a, int64_t id,
			enum action action)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = action;
	e.applied = true;
	e.status = JOURNAL_DONE;
	e.decided_by = xstrdup(a->by);
	e.note = xstrdup(a->why);
	a->journal_id = db_journal_add(q, id, &e, a->now_ms);
	journal_entry_release(&e);
}

static void change_pause(struct db *q, struct store_account *a, int64_t id)
{
	bool on = a->paused;
	int changed =
		db_exec(q, ACCOUNT_PAUSE, db_int(id), db_int(on),
			db_int(on ? a->now_ms : 0), db_text(on ? a->by : NULL),
			db_text(on ? a->why : NULL));

	if (changed > 0)
		journal_act(q, a, id, on ? ACTION_PAUSE : ACTION_RESUME);
}

static void account_change(struct db *q, struct store_account *a, int64_t id)
{
	if (a->set_paused)
		change_pause(q, a, id);
	if (a->set_breaker) {
		db_do(q, BREAKER_CLOSE, db_int(id), db_int(a->now_ms));
		journal_act(q, a, id, ACTION_CLOSE_BREAKER);
	}
	if (a->set_hold)
		db_do(q, ACCOUNT_HOLD, db_int(id), db_text(a->hold),
		      db_text(a->hold_api), db_text(a->hold_text),
		      db_int(a->hold_ms), db_text(a->hold_node),
		      db_int(a->now_ms));
	if (a->set_token)
		db_do(q, ACCOUNT_TOKEN, db_int(id), db_text(a->oauth_token),
		      db_int(a->oauth_expires_ms), db_text(a->instead_of));
	if (a->set_webhook && a->webhook_source == EVENT_FROM_SUNCO)
		db_do(q, ACCOUNT_SUNCO, db_int(id), db_int(a->webhook_ms));
	if (a->set_webhook && a->webhook_source == EVENT_FROM_ZENDESK)
		db_do(q, ACCOUNT_ZENDESK, db_int(id), db_int(a->webhook_ms));
}

enum result op_account(struct db *q, struct store_op *op)
{
	struct store_account *a = &op->u.account;
	bool changes = a->set_paused || a->set_breaker || a->set_hold ||
		       a->set_token || a->set_webhook;
	int64_t id = db_account_id(q, a->account, changes);
	struct db_rows *st;

	a->journal_id = 0;
	if (id != 0)
		account_change(q, a, id);
	st = db_query(q, ACCOUNT_READ, db_int(id));
	if (!db_step(q, st))
		return RESULT_OK;
	a->is_paused = (int)db_col_int(st, 0) != 0;
	a->held = db_col_text(st, 1);
	a->token = db_col_text(st, 2);
	a->token_expires_ms = db_col_int(st, 3);
	a->last_webhook_ms[EVENT_FROM_SUNCO] = db_col_int(st, 4);
	a->last_webhook_ms[EVENT_FROM_ZENDESK] = db_col_int(st, 5);
	a->paused_ms = db_col_int(st, 6);
	a->paused_by = db_col_text(st, 7);
	a->paused_why = db_col_text(st, 8);
	a->held_api = db_col_text(st, 9);
	a->held_text = db_col_text(st, 10);
	a->held_ms = db_col_int(st, 11);
	a->held_node = db_col_text(st, 12);
	db_end(st);
	return RESULT_OK;
}

bool db_account_may_call(struct db *q, int64_t account)
{
	struct db_rows *st = db_query(q, ACCOUNT_READ, db_int(account));
	bool may;

	if (!db_step(q, st))
		return false;
	may = (int)db_col_int(st, 0) == 0 && db_col_null(st, 1);
	db_end(st);
	return may;
}

enum result op_probe(struct db *q, struct store_op *op)
{
	(void)op;
	db_post(q, db_plain(q, PROBE));
	return RESULT_OK;
}

enum result op_health(struct db *q, struct store_op *op)
{
	struct store_health *h = &op->u.health;

	h->schema = db_first(q, db_plain(q, SCHEMA), 0);
	q->driver->health(q, h);
	return RESULT_OK;
}
