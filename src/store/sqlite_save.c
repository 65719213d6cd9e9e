/*
 * A SQLite store is saved page by page, as one transaction sees it.
 *
 * That transaction holds the write-ahead log: what others write meanwhile
 * stays in it. So pages are copied as they are, which is the fastest way, and
 * it is given up when the log gets too long all the same.
 */
#include "sqlite_save.h"

#include <sys/stat.h>

#include "sqlite_db.h"

#define PAGES_AT_ONCE 64

static enum result open_file(const char *file, sqlite3 **out, struct error *err)
{
	int rc = sqlite3_open_v2(
		file, out, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	return rc == SQLITE_OK ? RESULT_OK
			       : sq_error(*out, rc, "the backup", err);
}

static enum result check_log(struct sq *q, int64_t max, struct error *err)
{
	const char *name = sqlite3_db_filename(q->db, "main");
	struct stat st;

	if (stat(sqlite3_filename_wal(name), &st) != 0 || st.st_size <= max)
		return RESULT_OK;
	return error_set(err, RESULT_TEMP,
			 "it was given up: the store's write-ahead log grew to "
			 "%lld MiB meanwhile; write it to a faster disk, or at "
			 "a quieter time",
			 (long long)(st.st_size >> 20));
}

static enum result copy_pages(struct sq *q, sqlite3_backup *b,
			      const struct store_save *save, struct error *err)
{
	enum result r = RESULT_OK;
	int rc = SQLITE_OK;

	while (r == RESULT_OK && rc == SQLITE_OK) {
		rc = sqlite3_backup_step(b, PAGES_AT_ONCE);
		save->tell(save->arg,
			   sqlite3_backup_pagecount(b) -
				   sqlite3_backup_remaining(b),
			   sqlite3_backup_pagecount(b));
		if (rc == SQLITE_OK)
			r = check_log(q, save->log_bytes_max, err);
	}
	if (r == RESULT_OK && rc != SQLITE_DONE)
		r = sq_error(NULL, rc, "the backup", err);
	return r;
}

enum result sq_save(struct store_backend *base, const struct store_save *save,
		    struct error *err)
{
	struct sq *q = (struct sq *)base;
	sqlite3_backup *b;
	sqlite3 *to = NULL;
	enum result r = open_file(save->file, &to, err);

	if (r == RESULT_OK) {
		b = sqlite3_backup_init(to, "main", q->db, "main");
		r = b != NULL ? copy_pages(q, b, save, err)
			      : sq_error(to, sqlite3_errcode(to), "the backup",
					 err);
		(void)sqlite3_backup_finish(b);
	}
	sqlite3_close(to);
	return r;
}

enum result sq_save_alone(const char *file, struct error *err)
{
	sqlite3 *db = NULL;
	enum result r = open_file(file, &db, err);
	int rc;

	if (r == RESULT_OK) {
		rc = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL,
				  NULL, NULL);
		if (rc != SQLITE_OK)
			r = sq_error(db, rc, "the backup", err);
	}
	sqlite3_close(db);
	return r;
}
