/*
 * The SQLite backend's ops table: transactions, dispatch, the write-ahead log.
 *
 * The log is never checkpointed by a commit of its own accord: a reader
 * thread does it (store_checkpoint), so that intake does not wait for it. All
 * of a log that grows meanwhile is moved only between two commits; then it
 * begins anew, in blocks that the file has already. So the owner of both
 * threads lets the reader move the most of a long one, again and again, and the
 * writer the rest. Should that fall behind, the writer does it itself past
 * WAL_PAGES_MAX, in passive mode, which waits for nobody.
 *
 * A sync that fails may have lost what it was to write, and the next one may
 * succeed without it. That is no harm here: a commit that failed is not in the
 * log's index, so that its pages are written anew by the next one, and what a
 * failed checkpoint or those before it moved is moved again (sqlite_vfs.c), out
 * of a log that was synced with each commit. tests/contract/test_power.c loses
 * them on purpose.
 */
#include "sqlite_db.h"
#include "ops.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

/* 64 MiB of 4 KiB pages; and how much more before the next own attempt. */
#define WAL_PAGES_MAX  16384
#define WAL_PAGES_MORE 1024

#define LOG_INTERVAL_MS 10000

static struct sq *sq_of(struct store_backend *b)
{
	return (struct sq *)b;
}

static enum result run_plain(struct sq *q, enum sql id, struct error *err)
{
	struct db *d = &q->base;

	d->failed = false;
	d->err = err;
	(void)db_run(d, db_bind(d, id, NULL, 0));
	d->err = NULL;
	return d->failed ? RESULT_TEMP : RESULT_OK;
}

/* Nothing is accepted into what is lost or broken. */
static enum result sq_watch(struct store_backend *b, struct error *err)
{
	struct sq *q = sq_of(b);

	q->damaged = q->damaged || sq_patrol_found(q->patrol);
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
	if (!q->gone && q->base.mode == STORE_SERVE)
		sq_rescue(q);
	q->gone = true;
	return error_set(err, RESULT_TEMP,
			 "the database or its log was moved, deleted or "
			 "replaced: put it back, or stop and start");
}

static enum result sq_begin(struct store_backend *b,
			    const struct store_batch *batch, struct error *err)
{
	enum result r = batch->writes ? sq_watch(b, err) : RESULT_OK;

	if (r != RESULT_OK)
		return r;
	return run_plain(sq_of(b),
			 batch->writes ? SQL_BEGIN_WRITE : SQL_BEGIN_READ, err);
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

/* How many pages the log had when it began, and how many of them are moved now;
 * false: it failed. */
static bool wal_checkpoint(struct sq *q, int *log, int *moved)
{
	int rc = sqlite3_wal_checkpoint_v2(
		q->db, NULL, SQLITE_CHECKPOINT_PASSIVE, log, moved);

	tell_checkpoint(q, rc);
	return rc == SQLITE_OK && *log >= 0;
}

static void wal_bound(struct sq *q)
{
	int log, moved;

	if (q->wal_pages < WAL_PAGES_MAX)
		q->wal_tried = 0;
	else if (q->wal_pages >= q->wal_tried + WAL_PAGES_MORE) {
		q->wal_tried = q->wal_pages;
		if (!wal_checkpoint(q, &log, &moved) || moved < log)
			log_warn("store_log_grows",
				 log_int("pages", q->wal_pages));
	}
}

static enum result sq_commit(struct store_backend *b, struct error *err)
{
	struct sq *q = sq_of(b);
	enum result r;

	sq_gather_begin(&q->gather);
	r = run_plain(q, SQL_COMMIT, err);
	sq_gather_end(&q->gather, r == RESULT_OK);
	if (r == RESULT_OK)
		wal_bound(q);
	return r;
}

static void sq_rollback(struct store_backend *b)
{
	struct sq *q = sq_of(b);

	if (!sqlite3_get_autocommit(q->db))
		(void)run_plain(q, SQL_ROLLBACK, NULL);
	db_account_forget(&q->base);
}

static bool sq_changed(struct store_backend *b)
{
	struct sq *q = sq_of(b);
	int64_t version, seen = q->seen_version;

	q->base.failed = false;
	version = sq_data_version(q);
	if (q->base.failed)
		return false;
	q->seen_version = version;
	return version != seen;
}

/* A connection that has never read the database has no log open: its
 * checkpoint would say OK and do nothing. Opening reads the key. */
static int64_t sq_checkpoint(struct store_backend *b)
{
	struct sq *q = sq_of(b);
	int log, moved;

	return wal_checkpoint(q, &log, &moved) ? moved * q->page_size : -1;
}

static int64_t sq_log_bytes(const struct store_backend *b)
{
	const struct sq *q = (const struct sq *)b;

	return q->wal_pages * q->page_size;
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

static const char *sq_file(const struct store_backend *b)
{
	return sqlite3_db_filename(((const struct sq *)b)->db, "main");
}

const struct store_backend_ops store_sqlite_ops = {
	.scheme = "sqlite",
	.open = sq_open,
	.close = sq_close,
	.begin = sq_begin,
	.apply = db_apply,
	.commit = sq_commit,
	.rollback = sq_rollback,
	.changed = sq_changed,
	.watch = sq_watch,
	.checkpoint = sq_checkpoint,
	.log_bytes = sq_log_bytes,
	.empty_log = sq_empty_log,
	.leave = sq_leave,
	.is_left = sq_is_left,
	.copies = sq_copies,
	.key = db_key,
	.file = sq_file,
	.save = sq_save,
};
