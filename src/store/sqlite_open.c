/*
 * Opening a SQLite store: its files, whether it is whole and ours, pragmas,
 * schema, key.
 *
 * Only SERVE creates, migrates, and holds <file>.lock, so it is the only one
 * that runs jobs: what a dead daemon left running is free at once. Before it
 * migrates it keeps a copy, <file>.schema-N. Files are made for their owner
 * alone; SQLite gives the log the same mode.
 */
#include "sqlite_db.h"
#include "ops.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/str.h"
#include "mark.h"
#include "migrate.h"

#define PATH_MAX_BYTES	4096
#define BUSY_TIMEOUT_MS 5000
/* The daemon's: a webhook that waits behind two of them still gets its answer
 * before its sender gives up. */
#define BUSY_SERVE_MS  2000
#define APPLICATION_ID 1919251822 /* "reun" */
/* So much is looked through in some tenths of a second. */
#define CHECK_AT_START_BYTES (32 << 20)
#define DIGITS(n)	     DIGITS_(n)
#define DIGITS_(n)	     #n

static enum result exec(void *arg, const char *sql, struct error *err)
{
	struct sq *q = arg;
	int rc = sqlite3_exec(q->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? RESULT_OK : sq_error(q->db, rc, "store", err);
}

static int one_int(void *arg, int count, char **values, char **names)
{
	(void)names;
	if (count > 0 && values[0] != NULL)
		*(int64_t *)arg = strtoll(values[0], NULL, 10);
	return 0;
}

static enum result ask(struct sq *q, const char *sql, int64_t *out,
		       struct error *err)
{
	int rc;

	*out = 0;
	rc = sqlite3_exec(q->db, sql, one_int, out, NULL);
	return rc == SQLITE_OK ? RESULT_OK : sq_error(q->db, rc, "store", err);
}

static int on_commit(void *arg, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct sq *)arg)->wal_pages = pages;
	return SQLITE_OK;
}

void sq_patience(struct sq *q)
{
	(void)sqlite3_busy_timeout(q->db, q->base.mode == STORE_SERVE
						  ? BUSY_SERVE_MS
						  : BUSY_TIMEOUT_MS);
}

/* Large statements need temporary files, and perhaps no other folder can be
 * written: a container often has no /tmp. SQLite looks when it is first used;
 * where this folder is of no use it takes another. */
static void keep_temporary_files(const char *path)
{
	char *copy = xstrdup(path);

	(void)setenv("SQLITE_TMPDIR", dirname(copy), 0);
	free(copy);
}

/* Each allocation would take a lock to be counted, and nobody asks. Too late
 * when SQLite is in use already: then it counts. */
static void count_no_memory(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static enum result open_database(struct sq *q, const char *path,
				 struct error *err)
{
	int rc;

	keep_temporary_files(path);
	count_no_memory();
	rc = sqlite3_open_v2(path, &q->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			     sq_vfs());
	if (rc != SQLITE_OK)
		return sq_error(q->db, rc, "store", err);
	(void)sqlite3_extended_result_codes(q->db, 1);
	sq_patience(q);
	/* Replaces the automatic checkpoint, too. */
	(void)sqlite3_wal_hook(q->db, on_commit, q);
	return RESULT_OK;
}

static enum result check_ours(struct sq *q, int64_t *version, struct error *err)
{
	int64_t tables, id;
	enum result r;

	*version = 0;
	r = ask(q, "SELECT count(*) FROM sqlite_master", &tables, err);
	if (r != RESULT_OK || tables == 0)
		return r;
	r = ask(q, "PRAGMA application_id", &id, err);
	if (r == RESULT_OK && id != APPLICATION_ID)
		r = error_set(err, RESULT_PERM,
			      "the database belongs to another program");
	if (r == RESULT_OK)
		r = ask(q, "SELECT version FROM schema_version", version, err);
	return r;
}

/* The reader syncs, too: it moves the log into the database, and a log that
 * starts over must not be needed any more. */
static enum result set_pragmas(struct sq *q, struct error *err)
{
	static const char *const writer[] = {
		"PRAGMA secure_delete = ON",
		"PRAGMA journal_size_limit = 67108864",
		"PRAGMA foreign_keys = ON",
		"PRAGMA cache_size = -16000",
	};
	enum result r = exec(q, "PRAGMA synchronous = FULL", err);
	size_t i;

	if (r == RESULT_OK &&
	    (q->base.mode == STORE_READ || q->base.mode == STORE_SOURCE))
		return exec(q, "PRAGMA query_only = ON", err);
	for (i = 0; i < ARRAY_LEN(writer) && r == RESULT_OK; i++)
		r = exec(q, writer[i], err);
	return r;
}

static enum result set_wal(struct sq *q, struct error *err)
{
	sqlite3_stmt *st = NULL;
	const char *mode = NULL;
	enum result r = RESULT_OK;

	if (sqlite3_prepare_v2(q->db, "PRAGMA journal_mode = WAL", -1, &st,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		mode = (const char *)sqlite3_column_text(st, 0);
	if (mode == NULL)
		r = sq_error(q->db, SQLITE_ERROR, "store", err);
	else if (strcmp(mode, "wal") != 0)
		r = error_set(err, RESULT_PERM,
			      "the file system has no write-ahead log");
	sqlite3_finalize(st);
	return r;
}

/* What is damaged is refused before anybody relies on it. */
static enum result check_whole(struct sq *q, struct error *err)
{
	char *damage = NULL;
	int rc = sq_check_file(q->db, true, &damage);

	if (damage == NULL && rc != SQLITE_OK)
		return sq_error(q->db, rc, "store", err);
	if (damage == NULL)
		return RESULT_OK;
	(void)error_set(err, RESULT_PERM,
			"the store is damaged (%s): keep the file, look with "
			"`reunite queue check`, and go back to a copy",
			damage);
	free(damage);
	return RESULT_PERM;
}

/* Whoever sends webhooks does not wait for a large one: it is looked through
 * meanwhile, and nothing is accepted any more if it turns out to be damaged. */
static enum result check_to_serve(struct sq *q, const char *path, bool *later,
				  struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return sq_os_error(err, "cannot look at", path);
	*later = st.st_size > CHECK_AT_START_BYTES;
	return *later ? RESULT_OK : check_whole(q, err);
}

/* A crash in between must not shift twice what is planned. */
static enum result take_over(struct sq *q, int64_t now_ms, struct error *err)
{
	struct db *d = &q->base;
	enum result r = exec(q, "BEGIN IMMEDIATE", err);

	if (r != RESULT_OK)
		return r;
	db_key_make(d);
	db_clock_start(d, now_ms);
	db_free_leases(d, now_ms);
	return d->failed ? RESULT_TEMP : exec(q, "COMMIT", err);
}

/* There is no way back from a newer schema but a copy of the older one. */
static enum result copy_before(struct sq *q, const char *path, int64_t version,
			       struct error *err)
{
	struct buf name;
	enum result r;

	if (version == 0 || version == migrate_newest())
		return RESULT_OK;
	buf_init(&name, PATH_MAX_BYTES);
	(void)buf_printf(&name, "%s.schema-%d", path, (int)version);
	r = sq_copy(q, name.data, err);
	if (r == RESULT_OK)
		log_info("store_copied", log_str("file", name.data),
			 log_int("schema", version));
	buf_release(&name);
	return r;
}

static enum result make_schema(struct sq *q, int64_t version, struct error *err)
{
	struct migrate_db db = {exec, q, "BEGIN IMMEDIATE", true};
	enum result r = RESULT_OK;

	if (version == 0)
		r = exec(q, "PRAGMA application_id = " DIGITS(APPLICATION_ID),
			 err);
	return r == RESULT_OK ? migrate_run(&db, (int)version, err) : r;
}

static enum result prepare_to_serve(struct sq *q, const char *path,
				    int64_t version, int64_t now_ms,
				    struct error *err)
{
	enum result r =
		version == 0 ? sq_refuse_empty(q, path, err) : RESULT_OK;

	if (r == RESULT_OK)
		r = set_wal(q, err);
	if (r == RESULT_OK)
		r = copy_before(q, path, version, err);
	if (r == RESULT_OK)
		r = make_schema(q, version, err);
	return r == RESULT_OK ? take_over(q, now_ms, err) : r;
}

static enum result prepare_target(struct sq *q, int64_t version,
				  struct error *err)
{
	enum result r =
		version == 0 ? RESULT_OK : mark_check_target(&q->base, err);

	if (r == RESULT_OK)
		r = set_wal(q, err);
	return r == RESULT_OK ? make_schema(q, version, err) : r;
}

/* Before anything is changed, and before anybody relies on it. */
static enum result prepare(struct sq *q, const char *path, int64_t version,
			   int64_t now_ms, struct error *err)
{
	enum store_mode mode = q->base.mode;
	enum result r = RESULT_OK;
	bool check_later = false;

	if (mode == STORE_TARGET)
		return prepare_target(q, version, err);
	if (mode == STORE_SERVE && version > 0)
		r = check_to_serve(q, path, &check_later, err);
	else if (mode == STORE_SOURCE)
		r = check_whole(q, err);
	if (r == RESULT_OK && version > 0)
		r = mark_refuse(&q->base, err);
	if (r == RESULT_OK && mode == STORE_SERVE)
		r = prepare_to_serve(q, path, version, now_ms, err);
	/* whoever reads keeps a copy that came back from getting its log */
	if (r == RESULT_OK && check_later)
		r = sq_patrol_start(&q->patrol, path, err);
	return r == RESULT_OK ? db_key_read(&q->base, err) : r;
}

/* The file, as far as it is ours alone. */
static enum result open_file(struct sq *q, const char *path, struct error *err)
{
	enum store_mode mode = q->base.mode;
	bool makes = mode == STORE_SERVE || mode == STORE_TARGET;
	enum result r = makes ? RESULT_OK : sq_need_file(path, mode, err);

	if (r == RESULT_OK && (makes || mode == STORE_SOURCE))
		r = sq_lock(q, path, err);
	if (r == RESULT_OK && makes)
		r = sq_make_file(q, path, err);
	if (r == RESULT_OK && mode == STORE_SERVE)
		sq_log_check(path);
	return r;
}

static enum result open_all(struct sq *q, const char *path, int64_t now_ms,
			    struct error *err)
{
	bool serve = q->base.mode == STORE_SERVE;
	int64_t version = 0;
	enum result r;

	r = open_file(q, path, err);
	if (r == RESULT_OK)
		r = open_database(q, path, err);
	if (r == RESULT_OK)
		r = check_ours(q, &version, err);
	if (r == RESULT_OK)
		r = migrate_check((int)version,
				  serve || q->base.mode == STORE_TARGET, err);
	if (r == RESULT_OK)
		r = set_pragmas(q, err);
	if (r == RESULT_OK)
		r = prepare(q, path, version, now_ms, err);
	if (r == RESULT_OK)
		r = ask(q, "PRAGMA page_size", &q->page_size, err);
	if (r == RESULT_OK && serve)
		r = sq_mark(q, path, err);
	if (r == RESULT_OK && serve && version == 0)
		log_warn("store_created", log_str("file", path));
	if (r == RESULT_OK) {
		q->seen_version = sq_data_version(q);
		sq_files_remember(q);
	}
	return r;
}

enum result sq_open(struct store_backend **out, const char *location,
		    enum store_mode mode, int64_t now_ms, struct error *err)
{
	struct sq *q = xcalloc(1, sizeof(*q));
	char *path = sq_path(location);
	enum result r;

	q->base.base.ops = &store_sqlite_ops;
	q->base.driver = &sq_driver;
	q->base.mode = mode;
	q->lock_fd = -1;
	q->base.err = err;
	r = open_all(q, path, now_ms, err);
	free(path);
	q->base.err = NULL;
	if (r != RESULT_OK) {
		sq_close(&q->base.base);
		return r;
	}
	*out = &q->base.base;
	return RESULT_OK;
}

void sq_close(struct store_backend *b)
{
	struct sq *q = (struct sq *)b;
	size_t i;

	if (q->base.mode == STORE_SERVE && q->main_file.ino != 0 &&
	    !q->rescued && !sq_files_there(q))
		sq_rescue(q);
	sq_patrol_end(q->patrol);
	for (i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(q->rows[i].st);
	sqlite3_close(q->db);
	if (q->lock_fd >= 0)
		close(q->lock_fd);
	db_release(&q->base);
	free(q->gather.bytes);
	free(q);
}
