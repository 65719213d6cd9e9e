/*
 * Claims: which jobs run next, under which lease.
 *
 * A claim looks at the heads of a few index ranges (state and lane), so that
 * it costs the same however long the queue is. The lease's token is random:
 * whoever lost its lease can do nothing with an old one.
 *
 * The lane backfill may be metered: while the breaker has no place for it, its
 * jobs stay where they are and cost no call. What has a saga under way has its
 * place already and goes on.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

#define CLAIM_MAX 256 /* jobs a call, whatever was asked */
/* What the last daemon may have sent at its end has settled by then. */
#define NOTE_SETTLE_MS 10000

struct due {
	int64_t id;
	int64_t run_at_ms;
	int64_t token;
	enum job_lane lane;
	enum job_state state; /* running: its lease ended without a word */
};

struct due_list {
	struct due items[CLAIM_MAX * LANE_COUNT * 3];
	size_t count;
};

/* What the lane backfill may have of a claim. */
struct share {
	size_t max;
	bool used_up;
	int64_t more_ms; /* then: when time gives it more; INT64_MAX: never */
};

static const enum job_state idle_states[] = {JOB_READY, JOB_WAITING};

static int64_t new_token(void)
{
	uint64_t n;

	do {
		crypto_random(&n, sizeof(n));
		n >>= 1;
	} while (n == 0);
	return (int64_t)n;
}

static bool lease_ended(const struct store_claim *c, int64_t until_ms)
{
	return until_ms + c->grace_ms <= c->now_ms;
}

static void due_add(struct due_list *l, const struct due *d)
{
	if (l->count < ARRAY_LEN(l->items))
		l->items[l->count++] = *d;
}

static int64_t order_of(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int due_compare(const void *pa, const void *pb)
{
	const struct due *a = pa, *b = pb;
	int64_t c = order_of(a->lane, b->lane);

	if (c == 0)
		c = order_of(a->run_at_ms, b->run_at_ms);
	if (c == 0)
		c = order_of(a->id, b->id);
	return (int)c;
}

static int64_t next_of_lane(struct db *q, int64_t account, enum job_lane lane)
{
	int64_t next = INT64_MAX;

	for (size_t s = 0; s < ARRAY_LEN(idle_states); s++) {
		int64_t at = db_get(q, INT64_MAX, NEXT_DUE, db_int(account),
				    db_int(idle_states[s]), db_int(lane));

		next = at < next ? at : next;
	}
	return next;
}

static void find_idle(struct db *q, const struct store_claim *c,
		      int64_t account, size_t max, enum job_lane lane,
		      struct due_list *l)
{
	struct db_rows *st;
	size_t s;

	for (s = 0; s < ARRAY_LEN(idle_states); s++) {
		st = db_query(q, CLAIM_DUE, db_int(account),
			      db_int(idle_states[s]), db_int(lane),
			      db_int(c->now_ms), db_int((int64_t)max));
		while (db_step(q, st))
			due_add(l, &(struct due){.id = db_col_int(st, 0),
						 .run_at_ms = db_col_int(st, 1),
						 .token = db_col_int(st, 2),
						 .lane = lane,
						 .state = idle_states[s]});
	}
}

void db_claim_ahead(struct db *q, const struct store_claim *c, int64_t account)
{
	static const enum job_lane lanes[] = {LANE_LIVE, LANE_REVIEW};
	int64_t max = c->max < CLAIM_MAX ? (int64_t)c->max : CLAIM_MAX;

	for (size_t l = 0; l < ARRAY_LEN(lanes); l++)
		for (size_t s = 0; s < ARRAY_LEN(idle_states); s++)
			db_expect(q, CLAIM_DUE, db_int(account),
				  db_int(idle_states[s]), db_int(lanes[l]),
				  db_int(c->now_ms), db_int(max));
	db_expect(q, CLAIM_RUNNING, db_int(account));
}

static int64_t count_running(struct db *q, int64_t account, enum job_lane lane)
{
	struct db_rows *st = db_query(q, CLAIM_RUNNING, db_int(account));
	int64_t n = 0;

	while (db_step(q, st))
		n += (int)db_col_int(st, 2) == (int)lane;
	return n;
}

/* Places that are free, less those that running jobs may take yet. */
static void ask_breaker(struct db *q, const struct store_claim *c,
			int64_t account, struct share *s)
{
	int64_t taken, places;
	int64_t opens_ms = db_hour_opens(q, account, c->now_ms,
					 c->backfill_per_hour, &taken);

	if (opens_ms > c->now_ms)
		s->more_ms = opens_ms;
	places = c->backfill_per_hour - taken -
		 count_running(q, account, LANE_BACKFILL);
	if (places < (int64_t)s->max)
		s->max = places > 0 ? (size_t)places : 0;
}

static struct share share_of(struct db *q, const struct store_claim *c,
			     int64_t account, size_t max)
{
	struct share s = {.max = max > c->kept_free ? max - c->kept_free : 0,
			  .more_ms = INT64_MAX};

	if (c->backfill_metered)
		ask_breaker(q, c, account, &s);
	return s;
}

static bool is_in(const struct due_list *l, int64_t id)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].id == id)
			return true;
	return false;
}

/* Of the lane backfill, with a saga under way: few at any time. */
static void find_sagas(struct db *q, const struct store_claim *c,
		       int64_t account, struct share *s, struct due_list *l)
{
	struct db_rows *st = db_query(q, CLAIM_SAGAS, db_int(account));

	while (db_step(q, st)) {
		int64_t id = db_col_int(st, 0);
		int64_t at_ms = db_col_int(st, 1);

		if (at_ms > c->now_ms)
			s->more_ms = at_ms < s->more_ms ? at_ms : s->more_ms;
		else if (!is_in(l, id))
			due_add(l, &(struct due){.id = id,
						 .run_at_ms = at_ms,
						 .token = db_col_int(st, 3),
						 .lane = LANE_BACKFILL,
						 .state = (enum job_state)
							 db_col_int(st, 2)});
	}
}

/* Fills what the other lanes leave. */
static struct share find_backfill(struct db *q, const struct store_claim *c,
				  int64_t account, size_t max,
				  struct due_list *l)
{
	size_t others = l->count;
	struct share s =
		share_of(q, c, account, max > others ? max - others : 0);

	find_idle(q, c, account, s.max, LANE_BACKFILL, l);
	s.used_up = l->count - others >= s.max;
	if (!s.used_up)
		return s;
	qsort(l->items + others, l->count - others, sizeof(l->items[0]),
	      due_compare);
	l->count = others + s.max;
	find_sagas(q, c, account, &s, l);
	return s;
}

/* Running jobs are few: as many as may be in flight. */
static void find_lost(struct db *q, const struct store_claim *c,
		      int64_t account, struct due_list *l)
{
	struct db_rows *st = db_query(q, CLAIM_RUNNING, db_int(account));

	while (db_step(q, st)) {
		if (lease_ended(c, db_col_int(st, 3)))
			due_add(l,
				&(struct due){.id = db_col_int(st, 0),
					      .run_at_ms = db_col_int(st, 1),
					      .token = db_col_int(st, 4),
					      .lane = (enum job_lane)db_col_int(
						      st, 2),
					      .state = JOB_RUNNING});
	}
}

static void find_one(struct db *q, const struct store_claim *c, int64_t account,
		     struct due_list *l)
{
	struct db_job job;
	bool idle, lost;

	if (!db_job_get(q, c->job_id, &job) || job.account != account)
		return;
	idle = job.state == JOB_READY || job.state == JOB_WAITING;
	lost = job.state == JOB_RUNNING && lease_ended(c, job.lease_until_ms);
	if (idle || lost)
		due_add(l, &(struct due){.id = job.id,
					 .run_at_ms = job.run_at_ms,
					 .token = job.token,
					 .lane = job.lane,
					 .state = job.state});
}

static void lease(struct db *q, struct store_claim *c, int64_t account,
		  const struct due *d)
{
	struct db_rows *st;
	struct job *job;

	/* Another node may have been quicker, or its owner may have come back
	 * and made the lease longer. */
	if (db_exec(q, JOB_CLAIM, db_int(d->id), db_int(new_token()),
		    db_int(c->now_ms + c->lease_ms), db_int(d->state),
		    db_int(d->token), db_int(c->now_ms - c->grace_ms)) == 0)
		return;
	if (d->state == JOB_RUNNING)
		db_do(q, HEARD_CLEAR, db_int(d->id));
	st = db_query(q, JOB_READ, db_int(d->id));
	if (!db_step(q, st))
		return;
	job = &c->jobs[c->count++];
	db_job_read(st, job);
	job->recovered = d->state == JOB_RUNNING;
	db_end(st);
	db_count(q, account, d->state, JOB_RUNNING);
	/* What the one before had under way may have been sent or not. */
	if (job->recovered && job->journal_id != 0)
		db_journal_change(q, job->journal_id, JOURNAL_UNCERTAIN,
				  c->now_ms);
}

/* When a lease ends. */
static int64_t next_lost(struct db *q, const struct store_claim *c,
			 int64_t account)
{
	struct db_rows *st = db_query(q, CLAIM_RUNNING, db_int(account));
	int64_t next = INT64_MAX, at;

	while (db_step(q, st)) {
		at = db_col_int(st, 3) + c->grace_ms;
		next = at < next ? at : next;
	}
	return next;
}

static int64_t next_due(struct db *q, const struct store_claim *c,
			int64_t account, const struct share *backfill)
{
	const int64_t at[] = {
		next_of_lane(q, account, LANE_LIVE),
		next_of_lane(q, account, LANE_REVIEW),
		backfill->used_up ? backfill->more_ms
				  : next_of_lane(q, account, LANE_BACKFILL),
		next_lost(q, c, account),
	};
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		next = at[i] < next ? at[i] : next;
	return next;
}

enum result op_claim(struct db *q, struct store_op *op)
{
	struct store_claim *c = &op->u.claim;
	int64_t account = db_account_id(q, c->account, false);
	size_t max = c->max < CLAIM_MAX ? c->max : CLAIM_MAX;
	struct share backfill = {.used_up = false};
	struct due_list *l;
	size_t i;

	c->count = 0;
	c->jobs = NULL;
	c->asleep = c->job_id == 0 && !db_stirred(q, account) && c->along;
	if (c->asleep)
		return RESULT_OK;
	c->paused = db_get(q, 0, ACCOUNT_PAUSED, db_int(account)) != 0;
	if (c->paused) {
		c->next_ms = INT64_MAX;
		return RESULT_OK;
	}
	l = xcalloc(1, sizeof(*l));
	if (c->job_id != 0) {
		find_one(q, c, account, l);
	} else {
		find_idle(q, c, account, max, LANE_LIVE, l);
		find_idle(q, c, account, max, LANE_REVIEW, l);
		find_lost(q, c, account, l);
		backfill = find_backfill(q, c, account, max, l);
	}
	qsort(l->items, l->count, sizeof(l->items[0]), due_compare);
	if (l->count > max)
		l->count = max;
	c->jobs = xcalloc(l->count + 1, sizeof(*c->jobs));
	for (i = 0; i < l->count; i++)
		lease(q, c, account, &l->items[i]);
	c->next_ms = next_due(q, c, account, &backfill);
	free(l);
	return RESULT_OK;
}

enum result op_look(struct db *q, struct store_op *op)
{
	struct store_look *l = &op->u.look;
	struct db_rows *st =
		db_query(q, LOOK, db_int(l->until_ms), db_int(STORE_LOOK_MAX));
	size_t cap = 0;

	l->rows = NULL;
	l->count = 0;
	while (db_step(q, st)) {
		struct store_stir *row;

		if (l->count == cap) {
			cap = cap > 0 ? 2 * cap : 16;
			l->rows = xrealloc(l->rows, cap * sizeof(*l->rows));
		}
		row = &l->rows[l->count++];
		db_col_str(st, 0, row->account, sizeof(row->account));
		row->paused = db_col_int(st, 1) != 0;
		row->jobs = db_col_int(st, 2) != 0;
	}
	return RESULT_OK;
}

void db_extend_ahead(struct db *q, const struct store_extend *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->leases[i].token != 0)
			db_expect(q, JOB_EXTEND, db_int(e->leases[i].job_id),
				  db_int(e->until_ms),
				  db_int(e->leases[i].token));
}

enum result op_extend(struct db *q, struct store_op *op)
{
	struct store_extend *e = &op->u.extend;
	int64_t locked_ms =
		e->lock_until_ms > e->until_ms ? e->lock_until_ms : e->until_ms;

	for (size_t i = 0; i < e->count; i++) {
		struct store_lease *l = &e->leases[i];

		l->held = l->token != 0 &&
			  db_exec(q, JOB_EXTEND, db_int(l->job_id),
				  db_int(e->until_ms), db_int(l->token)) == 1;
		if (l->held)
			db_do(q, LOCKS_EXTEND, db_int(l->job_id),
			      db_int(locked_ms));
	}
	return RESULT_OK;
}

static void lose_leases(struct db *q, int64_t account, int64_t now_ms)
{
	db_do(q, JOBS_LOSE_LEASE, db_int(account));
	db_do(q, CURSORS_LOSE_LEASE, db_int(account));
	db_do(q, NOTES_LOSE_LEASE, db_int(account),
	      db_int(now_ms + NOTE_SETTLE_MS));
}

void db_free_leases(struct db *q, int64_t now_ms)
{
	struct db_ids ids = db_collect(q, db_plain(q, ACCOUNT_IDS));
	size_t i;

	for (i = 0; i < ids.count; i++)
		lose_leases(q, ids.items[i], now_ms);
	free(ids.items);
}
