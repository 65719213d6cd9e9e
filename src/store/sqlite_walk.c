/*
 * A person starts or stops the walk over all of history: see store/cursor.h.
 *
 * Stopped, whoever was woken and has not begun waits at a time that never
 * comes (SQ_PARKED_MS), so that nothing claims it; an event wakes it like
 * anybody who waits. What has a saga under way is never parked.
 */
#include "sqlite_ops.h"

#include "base/str.h"

static int64_t park(struct sq *q, int64_t account)
{
	int64_t waiting = sq_exec(q, JOBS_PARK, sq_int(account),
				  sq_int(JOB_WAITING), sq_int(SQ_PARKED_MS));
	int64_t ready = sq_exec(q, JOBS_PARK, sq_int(account),
				sq_int(JOB_READY), sq_int(SQ_PARKED_MS));

	sq_count_add(q, account, JOB_READY, -ready);
	sq_count_add(q, account, JOB_WAITING, ready);
	return ready + waiting;
}

static int64_t unpark(struct sq *q, int64_t account, int64_t now_ms)
{
	int64_t n = sq_exec(q, JOBS_UNPARK, sq_int(account), sq_int(now_ms),
			    sq_int(SQ_PARKED_FROM_MS));

	sq_count_add(q, account, JOB_WAITING, -n);
	sq_count_add(q, account, JOB_READY, n);
	return n;
}

void sq_walk_count(struct sq *q, int64_t account, struct store_cursor_row *r)
{
	int64_t waiting =
		sq_get(q, 0, JOBS_WALKED, sq_int(account), sq_int(JOB_WAITING));

	r->ready =
		sq_get(q, 0, JOBS_WALKED, sq_int(account), sq_int(JOB_READY)) +
		sq_get(q, 0, JOBS_WALKED, sq_int(account), sq_int(JOB_RUNNING));
	r->unfinished = r->ready + waiting;
}

static void begin(struct sq *q, const struct store_walk *w, int64_t account)
{
	sq_exec(q, WALK_BEGIN, sq_int(account), sq_str(STORE_WALK_NAME),
		sq_int(w->since_ms), sq_int(w->now_ms), sq_int(w->total),
		sq_int(w->woken_max));
}

/* As many were woken as were asked for. */
static bool is_full(const struct store_cursor_row *r)
{
	return r->full || (r->woken_max > 0 && r->woken >= r->woken_max);
}

/* From where it is. One that was full, and whose finds are through, gets more;
 * else the limit with which it began holds. */
static void go_on(struct sq *q, const struct store_walk *w, int64_t account,
		  const struct store_cursor_row *r)
{
	bool waits = is_full(r) && r->unfinished > 0;
	int64_t max = r->woken_max;

	if (is_full(r) && !waits)
		max = w->woken_max > 0 ? r->woken + w->woken_max : 0;
	sq_exec(q, WALK_GO_ON, sq_int(account), sq_str(STORE_WALK_NAME),
		sq_int(w->now_ms), sq_int(max),
		sq_str(waits ? "full" : "going"));
}

static void start(struct sq *q, struct store_walk *w, int64_t account,
		  struct store_cursor_row *r)
{
	if (r)
		sq_walk_count(q, account, r);
	w->resumed = r && !w->anew && (!r->done || r->unfinished > 0);
	w->was_going = r && !r->done && !r->stopped && !r->full;
	w->parked = unpark(q, account, w->now_ms);
	if (w->resumed)
		go_on(q, w, account, r);
	else
		begin(q, w, account);
}

/* What has been found is as much its own as what is still to be found. */
static void stop(struct sq *q, struct store_walk *w, int64_t account,
		 struct store_cursor_row *r)
{
	if (!r)
		return;
	sq_walk_count(q, account, r);
	w->was_going = r->unfinished > 0 || !r->done;
	if (!w->was_going)
		return;
	sq_exec(q, WALK_STOP, sq_int(account), sq_str(STORE_WALK_NAME));
	w->parked = park(q, account);
}

enum result sq_op_walk(struct sq *q, struct store_op *op)
{
	struct store_walk *w = &op->u.walk;
	int64_t account = sq_account_id(q, w->account, true);
	struct store_cursor_row row, *r = NULL;

	w->was_going = w->resumed = false;
	w->parked = 0;
	if (sq_cursor_get(q, account, STORE_WALK_NAME, w->now_ms, &row))
		r = &row;
	if (w->stop)
		stop(q, w, account, r);
	else
		start(q, w, account, r);
	if (r)
		store_cursor_row_release(r);
	return RESULT_OK;
}
