/*
 * The wall clock was set: what is planned moves along.
 *
 * What is planned (when a job or a note is due, how long a lease, a lock or a
 * review lasts, what counts for the breaker) was meant as "so long from then
 * on". When somebody sets the machine's clock by so much, all of it moves by
 * as much, so that nothing sleeps until the clock catches up and nothing ends
 * before its time. What has happened keeps its date.
 *
 * The store keeps the clock it was last served by: a daemon that starts with
 * an earlier one knows that the clock was set back, and by how much at least.
 * A later one says nothing: time passes.
 *
 * A database that many daemons share has its own clock, which they all go by
 * (app/timekeeper.h): nothing ever moves there.
 *
 * Invariant: one daemon has the store, so there is one clock. Shift and clock
 * are stored together, or not at all.
 */
#include "ops.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

#define SLACK_MS 2000 /* two processes read the clock at different times */

static int64_t read_clock(struct db *q, const char *name)
{
	return db_get(q, 0, CLOCK_GET, db_text(name));
}

static void write_clock(struct db *q, const char *name, int64_t ms)
{
	db_do(q, CLOCK_PUT, db_text(name), db_int(ms));
}

static void shift_account(struct db *q, int64_t account, int64_t by_ms)
{
	static const enum job_state planned[] = {JOB_READY, JOB_RUNNING,
						 JOB_WAITING};
	struct db_val a = db_int(account), by = db_int(by_ms);

	for (size_t i = 0; i < ARRAY_LEN(planned); i++)
		db_do(q, SHIFT_JOBS, a, by, db_int(planned[i]));
	db_do(q, SHIFT_LOCKS, a, by);
	db_do(q, SHIFT_NOTES, a, by);
	db_do(q, SHIFT_REVIEWS, a, by);
	db_do(q, SHIFT_RESERVED, a, by);
	db_do(q, SHIFT_CURSORS, a, by);
	db_do(q, SHIFT_ACCOUNT, a, by);
}

static void shift(struct db *q, int64_t by_ms)
{
	struct db_ids ids = db_collect(q, db_plain(q, ACCOUNT_IDS));

	for (size_t i = 0; i < ids.count; i++)
		shift_account(q, ids.items[i], by_ms);
	free(ids.items);
}

void db_clock_start(struct db *q, int64_t now_ms)
{
	int64_t last_ms = read_clock(q, "clock");

	if (last_ms > now_ms + SLACK_MS) {
		log_warn("clock_went_back",
			 log_int("seconds", (last_ms - now_ms) / 1000));
		shift(q, now_ms - last_ms);
	}
	write_clock(q, "clock", now_ms);
	if (read_clock(q, "sure_clock") == 0)
		write_clock(q, "sure_clock", now_ms);
}

enum result op_clock(struct db *q, struct store_op *op)
{
	struct store_clock *c = &op->u.clock;
	bool shared = q->driver->now_ms != NULL; /* each knows it for itself */

	c->store_ms = shared ? q->driver->now_ms(q) : 0;
	if (c->now_ms == 0)
		return RESULT_OK;
	if (c->by_ms != 0)
		shift(q, c->by_ms);
	write_clock(q, "clock", c->now_ms);
	if (c->sure_ms > (shared ? read_clock(q, "sure_clock") : 0))
		write_clock(q, "sure_clock", c->sure_ms);
	c->sure_ms = read_clock(q, "sure_clock");
	return RESULT_OK;
}
