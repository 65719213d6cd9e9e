/*
 * Accounts: their numbers, their row, the gauges; the store's health and its
 * probe.
 *
 * Gauges are counters of this handle, moved with every change of a state.
 * They are counted anew (one pass over an index) when they were never counted,
 * after a rollback, and after somebody else wrote.
 */
#include "sqlite_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static struct sq_account *account_add(struct sq *q, int64_t id,
				      const char *name)
{
	struct sq_account *a;

	q->accounts = xrealloc(q->accounts,
			       (q->account_count + 1) * sizeof(*q->accounts));
	a = &q->accounts[q->account_count++];
	memset(a, 0, sizeof(*a));
	a->id = id;
	(void)str_copy(a->name, sizeof(a->name), name);
	/* Its jobs were not counted with the others'. */
	q->counts_valid = false;
	return a;
}

static struct sq_account *account_at(struct sq *q, int64_t id)
{
	size_t i;

	for (i = 0; i < q->account_count; i++) {
		if (q->accounts[i].id == id)
			return &q->accounts[i];
	}
	return NULL;
}

int64_t sq_account_id(struct sq *q, const char *name, bool make)
{
	int64_t id;
	size_t i;

	for (i = 0; i < q->account_count; i++) {
		if (strcmp(q->accounts[i].name, name) == 0)
			return q->accounts[i].id;
	}
	id = sq_get(q, 0, ACCOUNT_ID, sq_text(name));
	if (id == 0 && make) {
		sq_exec(q, ACCOUNT_INSERT, sq_text(name));
		id = q->failed ? 0 : sqlite3_last_insert_rowid(q->db);
	}
	if (id != 0)
		(void)account_add(q, id, name);
	return id;
}

void sq_account_forget(struct sq *q)
{
	q->account_count = 0;
	q->counts_valid = false;
}

void sq_count_add(struct sq *q, int64_t account, enum job_state s, int64_t n)
{
	struct sq_account *a = account_at(q, account);

	if (a != NULL)
		a->jobs[s] += n;
	else
		q->counts_valid = false;
}

void sq_count(struct sq *q, int64_t account, int from, int to)
{
	if (from == to)
		return;
	if (from >= 0)
		sq_count_add(q, account, (enum job_state)from, -1);
	if (to >= 0)
		sq_count_add(q, account, (enum job_state)to, 1);
}

int64_t sq_data_version(struct sq *q)
{
	return sq_first(q, sq_plain(q, DATA_VERSION), -1);
}

static void count_all(struct sq *q)
{
	sqlite3_stmt *st;
	struct sq_account *a;
	size_t i;

	for (i = 0; i < q->account_count; i++)
		memset(q->accounts[i].jobs, 0, sizeof(q->accounts[i].jobs));
	st = sq_plain(q, JOBS_COUNT);
	while (sq_step(q, st)) {
		int state = sqlite3_column_int(st, 1);

		a = account_at(q, sqlite3_column_int64(st, 0));
		if (a != NULL && state >= 0 && state < JOB_STATE_COUNT)
			a->jobs[state] = sqlite3_column_int64(st, 2);
	}
	q->counts_valid = !q->failed;
}

static int64_t oldest_due(struct sq *q, int64_t account, int64_t now_ms)
{
	static const enum job_state states[] = {JOB_READY, JOB_WAITING};
	int64_t oldest = INT64_MAX, at;
	enum job_lane lane;
	size_t s;

	for (s = 0; s < ARRAY_LEN(states); s++) {
		for (lane = 0; lane < LANE_COUNT; lane++) {
			at = sq_get(q, INT64_MAX, NEXT_DUE, sq_int(account),
				    sq_int(states[s]), sq_int(lane));
			oldest = at < oldest ? at : oldest;
		}
	}
	return oldest <= now_ms ? oldest : 0;
}

#define NOTES_MS (INT64_C(24) * 3600 * 1000) /* whose refusals count */

static void detail_notes(struct sq *q, struct store_stats *s, int64_t account)
{
	sqlite3_stmt *st = sq_query(q, NOTES_OPEN, sq_int(account));

	if (!sq_step(q, st))
		return;
	s->notes_open = sqlite3_column_int64(st, 0);
	s->oldest_note_ms = sqlite3_column_int64(st, 1);
	sq_end(st);
	s->notes_refused = sq_get(q, 0, NOTES_REFUSED, sq_int(account),
				  sq_int(s->now_ms - NOTES_MS));
}

static void detail(struct sq *q, struct store_stats *s, int64_t account)
{
	sqlite3_stmt *st;

	s->reviews_open = sq_get(q, 0, REVIEWS_OPEN, sq_int(account));
	st = sq_query(q, JOURNAL_UNFINISHED, sq_int(account));
	if (!sq_step(q, st))
		return;
	s->unfinished = sqlite3_column_int64(st, 0);
	s->unfinished_since_ms = sqlite3_column_int64(st, 1);
	sq_end(st);
	detail_notes(q, s, account);
}

enum result sq_op_stats(struct sq *q, struct store_op *op)
{
	struct store_stats *s = &op->u.stats;
	int64_t account = sq_account_id(q, s->account, false);
	int64_t version = sq_data_version(q);
	const struct sq_account *a;

	memset(s->jobs, 0, sizeof(s->jobs));
	if (!q->counts_valid || version != q->counts_version)
		count_all(q);
	q->counts_version = version;
	a = account_at(q, account);
	if (a != NULL)
		memcpy(s->jobs, a->jobs, sizeof(s->jobs));
	s->oldest_due_ms = oldest_due(q, account, s->now_ms);
	s->oldest_review_ms = sq_get(q, 0, REVIEW_OLDEST, sq_int(account));
	sq_breaker_stats(q, s, account);
	if (s->detail)
		detail(q, s, account);
	return RESULT_OK;
}

/* Who stopped or let go what: an auditor finds it beside the decisions. */
static void journal_act(struct sq *q, struct store_account *a, int64_t id,
			enum action action)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = action;
	e.applied = true;
	e.status = JOURNAL_DONE;
	e.decided_by = xstrdup(a->by);
	e.note = xstrdup(a->why);
	a->journal_id = sq_journal_add(q, id, &e, a->now_ms);
	journal_entry_release(&e);
}

static void change_pause(struct sq *q, struct store_account *a, int64_t id)
{
	bool on = a->paused;
	int changed =
		sq_exec(q, ACCOUNT_PAUSE, sq_int(id), sq_int(on),
			sq_int(on ? a->now_ms : 0), sq_text(on ? a->by : NULL),
			sq_text(on ? a->why : NULL));

	if (changed > 0)
		journal_act(q, a, id, on ? ACTION_PAUSE : ACTION_RESUME);
}

static void account_change(struct sq *q, struct store_account *a, int64_t id)
{
	if (a->set_paused)
		change_pause(q, a, id);
	if (a->set_breaker) {
		sq_exec(q, BREAKER_CLOSE, sq_int(id), sq_int(a->now_ms));
		journal_act(q, a, id, ACTION_CLOSE_BREAKER);
	}
	if (a->set_hold)
		sq_exec(q, ACCOUNT_HOLD, sq_int(id), sq_text(a->hold),
			sq_text(a->hold_api), sq_text(a->hold_text),
			sq_int(a->hold_ms));
	if (a->set_token)
		sq_exec(q, ACCOUNT_TOKEN, sq_int(id), sq_text(a->oauth_token),
			sq_int(a->oauth_expires_ms));
	if (a->set_webhook && a->webhook_source == EVENT_FROM_SUNCO)
		sq_exec(q, ACCOUNT_SUNCO, sq_int(id), sq_int(a->webhook_ms));
	if (a->set_webhook && a->webhook_source == EVENT_FROM_ZENDESK)
		sq_exec(q, ACCOUNT_ZENDESK, sq_int(id), sq_int(a->webhook_ms));
}

enum result sq_op_account(struct sq *q, struct store_op *op)
{
	struct store_account *a = &op->u.account;
	bool changes = a->set_paused || a->set_breaker || a->set_hold ||
		       a->set_token || a->set_webhook;
	int64_t id = sq_account_id(q, a->account, changes);
	sqlite3_stmt *st;

	a->journal_id = 0;
	if (id != 0)
		account_change(q, a, id);
	st = sq_query(q, ACCOUNT_READ, sq_int(id));
	if (!sq_step(q, st))
		return RESULT_OK;
	a->is_paused = sqlite3_column_int(st, 0) != 0;
	a->held = sq_col_text(st, 1);
	a->token = sq_col_text(st, 2);
	a->token_expires_ms = sqlite3_column_int64(st, 3);
	a->last_webhook_ms[EVENT_FROM_SUNCO] = sqlite3_column_int64(st, 4);
	a->last_webhook_ms[EVENT_FROM_ZENDESK] = sqlite3_column_int64(st, 5);
	a->paused_ms = sqlite3_column_int64(st, 6);
	a->paused_by = sq_col_text(st, 7);
	a->paused_why = sq_col_text(st, 8);
	a->held_api = sq_col_text(st, 9);
	a->held_text = sq_col_text(st, 10);
	a->held_ms = sqlite3_column_int64(st, 11);
	sq_end(st);
	return RESULT_OK;
}

bool sq_account_may_call(struct sq *q, int64_t account)
{
	sqlite3_stmt *st = sq_query(q, ACCOUNT_READ, sq_int(account));
	bool may;

	if (!sq_step(q, st))
		return false;
	may = sqlite3_column_int(st, 0) == 0 &&
	      sqlite3_column_type(st, 1) == SQLITE_NULL;
	sq_end(st);
	return may;
}

enum result sq_op_probe(struct sq *q, struct store_op *op)
{
	(void)op;
	sq_run(q, sq_plain(q, PROBE));
	return RESULT_OK;
}

/* A number that a pragma answers. */
static int64_t ask_pragma(struct sq *q, enum sql id)
{
	return sq_first(q, sq_bind(q, id, NULL, 0), 0);
}

enum result sq_op_health(struct sq *q, struct store_op *op)
{
	struct store_health *h = &op->u.health;
	int64_t synchronous = ask_pragma(q, SQL_SYNCHRONOUS);
	sqlite3_stmt *st = sq_plain(q, JOURNAL_MODE);

	if (sq_step(q, st))
		sq_col_str(st, 0, h->mode, sizeof(h->mode));
	sq_end(st);
	h->durable = synchronous >= 2; /* FULL */
	h->schema = ask_pragma(q, SQL_SCHEMA);
	h->size_bytes =
		ask_pragma(q, SQL_PAGE_COUNT) * ask_pragma(q, SQL_PAGE_SIZE);
	return RESULT_OK;
}
