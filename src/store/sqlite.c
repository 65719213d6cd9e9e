/*
 * The SQLite backend's ops table: transactions, dispatch, the write-ahead log.
 *
 * The log is never checkpointed by a commit of its own accord: a reader
 * thread does it (store_checkpoint), so that intake does not wait for it.
 * Should that fall behind, the writer does it itself past WAL_PAGES_MAX, in
 * passive mode, which waits for nobody.
 *
 * A sync that fails may have lost what it was to write, and the next one may
 * succeed without it. That is no harm here: a commit that failed is not in the
 * log's index, so that its pages are written anew by the next one, and pages
 * that a failed checkpoint moved are moved again, out of a log that was synced
 * with each commit. tests/contract/test_power.c loses them on purpose.
 */
#include "sqlite_ops.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

/* 64 MiB of 4 KiB pages; and how much more before the next own attempt. */
#define WAL_PAGES_MAX  16384
#define WAL_PAGES_MORE 1024

#define LOG_INTERVAL_MS 10000

typedef enum result op_fn(struct sq *q, struct store_op *op);

static op_fn *const handlers[STORE_OP_COUNT] = {
	[STORE_ACCEPT] = sq_op_accept,	     [STORE_ENQUEUE] = sq_op_enqueue,
	[STORE_CLAIM] = sq_op_claim,	     [STORE_EXTEND] = sq_op_extend,
	[STORE_FOLD] = sq_op_fold,	     [STORE_INTENT] = sq_op_intent,
	[STORE_STEP] = sq_op_step,	     [STORE_SETTLE] = sq_op_settle,
	[STORE_RECALL] = sq_op_recall,	     [STORE_JOBS] = sq_op_jobs,
	[STORE_JOURNAL] = sq_op_journal,     [STORE_REVIEWS] = sq_op_reviews,
	[STORE_REJECT] = sq_op_reject,	     [STORE_DECIDE] = sq_op_decide,
	[STORE_RETRY] = sq_op_retry,	     [STORE_DROP] = sq_op_drop,
	[STORE_ACCOUNT] = sq_op_account,     [STORE_STATS] = sq_op_stats,
	[STORE_NOTE] = sq_op_note_claim,     [STORE_NOTED] = sq_op_note_done,
	[STORE_PRUNE] = sq_op_prune,	     [STORE_HEALTH] = sq_op_health,
	[STORE_CHECK] = sq_op_check,	     [STORE_FIND] = sq_op_find,
	[STORE_ERASE] = sq_op_erase,	     [STORE_SAMPLE] = sq_op_sample,
	[STORE_READINESS] = sq_op_readiness, [STORE_CURSOR] = sq_op_cursor,
	[STORE_FOUND] = sq_op_found,	     [STORE_CURSORS] = sq_op_cursors,
	[STORE_WALK] = sq_op_walk,	     [STORE_PROBE] = sq_op_probe,
	[STORE_CLOCK] = sq_op_clock,
};

_Static_assert(JOB_READY == 0 && JOB_RUNNING == 1 && JOB_WAITING == 2 &&
		       JOB_REVIEW == 3 && JOB_DEAD == 4 && JOB_DONE == 5,
	       "job states are stored as numbers");
_Static_assert(LANE_LIVE == 0 && LANE_REVIEW == 1 && LANE_BACKFILL == 2,
	       "lanes are stored as numbers");
_Static_assert(REVIEW_OPEN == 0 && REVIEW_APPROVED == 1 &&
		       REVIEW_REJECTED == 2 && REVIEW_EXPIRED == 3 &&
		       REVIEW_MERGED == 4,
	       "review states are stored as numbers");
_Static_assert(EVENT_FROM_SUNCO == 0 && EVENT_FROM_ZENDESK == 1 &&
		       EVENT_FROM_SWEEP == 2 && EVENT_FROM_BACKFILL == 3,
	       "sources are stored as numbers");

static struct sq *sq_of(struct store_backend *b)
{
	return (struct sq *)b;
}

static enum result run_plain(struct sq *q, enum sql id, struct error *err)
{
	q->failed = false;
	q->err = err;
	(void)sq_run(q, sq_bind(q, id, NULL, 0));
	q->err = NULL;
	return q->failed ? RESULT_TEMP : RESULT_OK;
}

/* Nothing is accepted into what is lost or broken. */
static enum result sq_watch(struct store_backend *b, struct error *err)
{
	struct sq *q = sq_of(b);

	if (q->damaged)
		return error_set(err, RESULT_TEMP,
				 "the database is damaged: stop, look with "
				 "`reunite queue check`, go back to a copy");
	if (sq_files_there(q)) {
		q->gone = q->rescued = false;
		if (sq_lock_is_ours(q))
			return RESULT_OK;
		return error_set(err, RESULT_TEMP,
				 "another process has taken the store, whose "
				 ".lock file was removed or replaced: end it, "
				 "then start anew");
	}
	if (!q->gone && q->mode == STORE_SERVE)
		sq_rescue(q);
	q->gone = true;
	return error_set(err, RESULT_TEMP,
			 "the database or its log was moved, deleted or "
			 "replaced: put it back, or stop and start");
}

static enum result sq_begin(struct store_backend *b, bool writes,
			    struct error *err)
{
	enum result r = writes ? sq_watch(b, err) : RESULT_OK;

	if (r == RESULT_OK)
		r = run_plain(sq_of(b),
			      writes ? SQL_BEGIN_WRITE : SQL_BEGIN_READ, err);
	return r;
}

static void sq_apply(struct store_backend *b, struct store_op *op)
{
	struct sq *q = sq_of(b);

	q->failed = false;
	q->err = &op->error;
	op->result = handlers[op->kind](q, op);
	if (q->failed)
		op->result = RESULT_TEMP;
	q->err = NULL;
}

static void tell_checkpoint(struct sq *q, int rc)
{
	uint64_t held_back;

	if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
		return;
	if (log_throttle_pass(&q->checkpoint_log, clock_mono_ms(),
			      LOG_INTERVAL_MS, &held_back))
		log_error("store_checkpoint_failed",
			  log_str("error", sqlite3_errmsg(q->db)),
			  log_int("suppressed", (int64_t)held_back));
}

/* How many pages are only in the log still; -1: it cannot be told. */
static int wal_checkpoint(struct sq *q)
{
	int log = -1, done = -1;
	int rc = sqlite3_wal_checkpoint_v2(
		q->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done);

	tell_checkpoint(q, rc);
	return rc == SQLITE_OK && log >= 0 ? log - done : -1;
}

static void wal_bound(struct sq *q)
{
	if (q->wal_pages < WAL_PAGES_MAX)
		q->wal_tried = 0;
	else if (q->wal_pages >= q->wal_tried + WAL_PAGES_MORE) {
		q->wal_tried = q->wal_pages;
		if (wal_checkpoint(q) != 0)
			log_warn("store_log_grows",
				 log_int("pages", q->wal_pages));
	}
}

static enum result sq_commit(struct store_backend *b, struct error *err)
{
	enum result r = run_plain(sq_of(b), SQL_COMMIT, err);

	if (r == RESULT_OK)
		wal_bound(sq_of(b));
	return r;
}

static void sq_rollback(struct store_backend *b)
{
	struct sq *q = sq_of(b);

	if (!sqlite3_get_autocommit(q->db))
		(void)run_plain(q, SQL_ROLLBACK, NULL);
	sq_account_forget(q);
}

static bool sq_changed(struct store_backend *b)
{
	struct sq *q = sq_of(b);
	int64_t version, seen = q->seen_version;

	q->failed = false;
	version = sq_data_version(q);
	if (q->failed)
		return false;
	q->seen_version = version;
	return version != seen;
}

/* A connection that has never read the database has no log open: its
 * checkpoint would say OK and do nothing. Opening reads the key. */
static int64_t sq_checkpoint(struct store_backend *b)
{
	int pages = wal_checkpoint(sq_of(b));

	return pages < 0 ? -1 : pages * sq_of(b)->page_size;
}

/* Waits for nobody: it would hold the lock of the writers meanwhile. */
static bool sq_empty_log(struct store_backend *b)
{
	struct sq *q = sq_of(b);
	int rc;

	(void)sqlite3_busy_timeout(q->db, 0);
	rc = sqlite3_wal_checkpoint_v2(q->db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
				       NULL, NULL);
	sq_patience(q);
	return rc == SQLITE_OK;
}

static const uint8_t *sq_key(const struct store_backend *b)
{
	return ((const struct sq *)b)->key;
}

const struct store_backend_ops store_sqlite_ops = {
	.scheme = "sqlite",
	.open = sq_open,
	.close = sq_close,
	.begin = sq_begin,
	.apply = sq_apply,
	.commit = sq_commit,
	.rollback = sq_rollback,
	.changed = sq_changed,
	.watch = sq_watch,
	.checkpoint = sq_checkpoint,
	.empty_log = sq_empty_log,
	.leave = sq_leave,
	.is_left = sq_is_left,
	.copies = sq_copies,
	.key = sq_key,
};
