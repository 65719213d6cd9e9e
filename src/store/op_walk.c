/*
 * A person starts or stops the walk over all of history: see store/cursor.h.
 *
 * Stopped, whoever was woken and has not begun waits at a time that never
 * comes (DB_PARKED_MS), so that nothing claims it; an event wakes it like
 * anybody who waits. What has a saga under way is never parked.
 */
#include "ops.h"

#include "base/str.h"

static int64_t park(struct db *q, int64_t account)
{
	int64_t waiting = db_exec(q, JOBS_PARK, db_int(account),
				  db_int(JOB_WAITING), db_int(DB_PARKED_MS));
	int64_t ready = db_exec(q, JOBS_PARK, db_int(account),
				db_int(JOB_READY), db_int(DB_PARKED_MS));

	db_count_add(q, account, JOB_READY, -ready);
	db_count_add(q, account, JOB_WAITING, ready);
	return ready + waiting;
}

static int64_t unpark(struct db *q, int64_t account, int64_t now_ms)
{
	int64_t n = db_exec(q, JOBS_UNPARK, db_int(account), db_int(now_ms),
			    db_int(DB_PARKED_FROM_MS));

	db_count_add(q, account, JOB_WAITING, -n);
	db_count_add(q, account, JOB_READY, n);
	return n;
}

void db_walk_count(struct db *q, int64_t account, struct store_cursor_row *r)
{
	int64_t waiting =
		db_get(q, 0, JOBS_WALKED, db_int(account), db_int(JOB_WAITING));

	r->ready =
		db_get(q, 0, JOBS_WALKED, db_int(account), db_int(JOB_READY)) +
		db_get(q, 0, JOBS_WALKED, db_int(account), db_int(JOB_RUNNING));
	r->unfinished = r->ready + waiting;
}

static void begin(struct db *q, const struct store_walk *w, int64_t account)
{
	db_do(q, WALK_BEGIN, db_int(account), db_str(STORE_WALK_NAME),
	      db_int(w->since_ms), db_int(w->now_ms), db_int(w->total),
	      db_int(w->woken_max));
}

/* As many were woken as were asked for. */
static bool is_full(const struct store_cursor_row *r)
{
	return r->full || (r->woken_max > 0 && r->woken >= r->woken_max);
}

/* From where it is. One that was full, and whose finds are through, gets more;
 * else the limit with which it began holds. */
static void go_on(struct db *q, const struct store_walk *w, int64_t account,
		  const struct store_cursor_row *r)
{
	bool waits = is_full(r) && r->unfinished > 0;
	int64_t max = r->woken_max;

	if (is_full(r) && !waits)
		max = w->woken_max > 0 ? r->woken + w->woken_max : 0;
	db_do(q, WALK_GO_ON, db_int(account), db_str(STORE_WALK_NAME),
	      db_int(w->now_ms), db_int(max), db_str(waits ? "full" : "going"));
}

static void start(struct db *q, struct store_walk *w, int64_t account,
		  struct store_cursor_row *r)
{
	if (r)
		db_walk_count(q, account, r);
	w->resumed = r && !w->anew && (!r->done || r->unfinished > 0);
	w->was_going = r && !r->done && !r->stopped && !r->full;
	w->parked = unpark(q, account, w->now_ms);
	if (w->resumed)
		go_on(q, w, account, r);
	else
		begin(q, w, account);
}

/* What has been found is as much its own as what is still to be found. */
static void stop(struct db *q, struct store_walk *w, int64_t account,
		 struct store_cursor_row *r)
{
	if (!r)
		return;
	db_walk_count(q, account, r);
	w->was_going = r->unfinished > 0 || !r->done;
	if (!w->was_going)
		return;
	db_do(q, WALK_STOP, db_int(account), db_str(STORE_WALK_NAME));
	w->parked = park(q, account);
}

enum result op_walk(struct db *q, struct store_op *op)
{
	struct store_walk *w = &op->u.walk;
	int64_t account = db_account_id(q, w->account, true);
	struct store_cursor_row row, *r = NULL;

	w->was_going = w->resumed = false;
	w->parked = 0;
	if (db_cursor_get(q, account, STORE_WALK_NAME, w->now_ms, &row))
		r = &row;
	if (w->stop)
		stop(q, w, account, r);
	else
		start(q, w, account, r);
	if (r)
		store_cursor_row_release(r);
	return RESULT_OK;
}
