/*
 * Watching the walk: see backfill_watch.h.
 */
#include "backfill_watch.h"

#include <string.h>

#include "app/runner.h"
#include "app/sweeper.h"
#include "base/clock.h"
#include "base/str.h"

#define SILENCE_MS 60000 /* so long nothing moves: is there a daemon? */

void watch_init(struct watch *w, struct store *store,
		const struct account_config *config)
{
	*w = (struct watch){.store = store, .config = config};
}

void watch_release(struct watch *w)
{
	store_cursor_row_release(&w->row);
	tally_release(&w->tally);
}

/* --- reading --- */

static void take_row(struct watch *w, struct store_cursor_row *r,
		     int64_t now_ms)
{
	bool same = w->there && w->row.scanned == r->scanned &&
		    w->row.woken == r->woken && w->row.ready == r->ready &&
		    w->row.unfinished == r->unfinished;

	if (!same)
		w->moved_ms = now_ms;
	if (w->there && w->row.started_ms != r->started_ms) {
		tally_release(&w->tally); /* somebody began another one */
		w->after_id = 0;
	}
	store_cursor_row_release(&w->row);
	w->row = *r;
	r->cursor = r->failure = NULL;
	w->there = true;
}

static enum result read_row(struct watch *w, int64_t now_ms)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_CURSORS);
	op.u.cursors.account = w->config->name;
	op.u.cursors.now_ms = now_ms;
	r = store_do(w->store, &op);
	for (size_t i = 0; r == RESULT_OK && i < op.u.cursors.count; i++)
		if (str_eq(op.u.cursors.rows[i].name, STORE_WALK_NAME))
			take_row(w, &op.u.cursors.rows[i], now_ms);
	store_op_release(&op);
	return r;
}

static enum result read_account(struct watch *w)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = w->config->name;
	r = store_do(w->store, &op);
	w->paused = r == RESULT_OK && op.u.account.is_paused;
	w->held = r == RESULT_OK && op.u.account.held;
	store_op_release(&op);
	return r;
}

static enum result read_hour(struct watch *w, int64_t now_ms)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_STATS);
	op.u.stats.account = w->config->name;
	op.u.stats.now_ms = now_ms;
	op.u.stats.max_per_hour =
		run_hour_limit(&w->config->rules, LANE_BACKFILL);
	r = store_do(w->store, &op);
	if (r == RESULT_OK)
		w->stats = op.u.stats;
	store_op_release(&op);
	return r;
}

static bool is_open(const struct journal_entry *e)
{
	return e->status == JOURNAL_PENDING || e->status == JOURNAL_UNCERTAIN;
}

/* One page; false: that was the last. */
static bool read_page(struct watch *w, bool all, enum result *r)
{
	struct store_op op;
	bool more;

	store_op_init(&op, STORE_JOURNAL);
	op.u.journal.account = w->config->name;
	op.u.journal.since_ms = w->row.started_ms;
	op.u.journal.of_source = true;
	op.u.journal.source = EVENT_FROM_BACKFILL;
	op.u.journal.after_id = w->after_id;
	*r = store_do(w->store, &op);
	more = *r == RESULT_OK && op.u.journal.count == STORE_LIST_MAX;
	for (size_t i = 0; *r == RESULT_OK && i < op.u.journal.count; i++) {
		const struct journal_entry *e = &op.u.journal.entries[i];

		if (is_open(e) && !all) {
			more = false;
			break;
		}
		tally_add(&w->tally, e);
		w->after_id = e->id;
	}
	store_op_release(&op);
	return more;
}

enum result watch_read(struct watch *w, enum watch_what what, int64_t now_ms)
{
	enum result r = read_row(w, now_ms);

	if (r == RESULT_OK)
		r = read_account(w);
	if (r == RESULT_OK)
		r = read_hour(w, now_ms);
	if (r != RESULT_OK || what == WATCH_STATE || !w->there)
		return r;
	while (read_page(w, what == WATCH_END, &r) && r == RESULT_OK)
		;
	return r;
}

/* --- what it means --- */

bool watch_is_over(const struct watch *w)
{
	return w->there && (w->row.done || w->row.full) &&
	       w->row.unfinished == 0;
}

const char *watch_state(const struct watch *w)
{
	return store_walk_state(w->there ? &w->row : NULL);
}

static bool hour_is_full(const struct watch *w)
{
	return w->row.unfinished > 0 &&
	       w->stats.merges_this_hour >= w->stats.max_per_hour;
}

static void say_hour(const struct watch *w, int64_t now_ms, char *out,
		     size_t size)
{
	char left[PROGRESS_TIME_SIZE];

	progress_time((w->stats.hour_ends_ms - now_ms + 999) / 1000, left);
	snprintf(out, size,
		 "waits for a place of the breaker (%lld of %lld this hour): "
		 "the next in %s",
		 (long long)w->stats.merges_this_hour,
		 (long long)w->stats.max_per_hour, left);
}

void watch_why(const struct watch *w, int64_t now_ms,
	       char out[PROGRESS_NOTE_SIZE])
{
	out[0] = '\0';
	if (w->paused)
		snprintf(out, PROGRESS_NOTE_SIZE,
			 "the account is paused (queue resume)");
	else if (w->row.stopped)
		snprintf(out, PROGRESS_NOTE_SIZE, "stopped");
	else if (w->row.failure)
		snprintf(out, PROGRESS_NOTE_SIZE, "%s",
			 sweep_why_find(w->row.failure)->text);
	else if (w->held)
		snprintf(out, PROGRESS_NOTE_SIZE,
			 "the account is held (doctor says why)");
	else if (hour_is_full(w))
		say_hour(w, now_ms, out, PROGRESS_NOTE_SIZE);
	else if (w->row.unfinished > 0 && !w->stats.oldest_due_ms &&
		 now_ms - w->moved_ms > SILENCE_MS)
		snprintf(out, PROGRESS_NOTE_SIZE,
			 "what is left waits for its time (queue list)");
	else if (!watch_is_over(w) && now_ms - w->moved_ms > SILENCE_MS)
		snprintf(out, PROGRESS_NOTE_SIZE,
			 "nothing moves: does the daemon run?");
}
