/*
 * SQLite behind db.h: the handle, its statements, its files.
 */
#ifndef REUNITE_STORE_SQLITE_DB_H
#define REUNITE_STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/log.h"
#include "db.h"

/* Which file a name stood for when it was opened. */
struct sq_file {
	dev_t dev;
	ino_t ino;
};

/* A statement; st is NULL until it is used first. */
struct sq_rows {
	struct db_rows base;
	sqlite3_stmt *st;
	bool once; /* made by bind_text: it goes at its end */
};

/* What a COMMIT hands over for the log, until it is written. */
struct sq_gather {
	uint8_t *bytes; /* NULL: never any */
	int count;
	sqlite3_int64 at; /* in the log, of the first of them */
	sqlite3_file *file;
};

struct sq {
	struct db base;
	sqlite3 *db;
	int lock_fd; /* -1: none */
	struct sq_rows rows[SQL_COUNT];
	int64_t seen_version; /* data_version at the last changed() */
	int wal_pages;	      /* in the log after the last commit */
	int wal_tried;	      /* pages when we last emptied it ourselves */
	int64_t page_size;
	struct sq_gather gather;
	struct log_throttle checkpoint_log;
	struct sq_file main_file, log_file;
	bool gone;	/* the files were not there when last looked */
	bool rescued;	/* and what was in them is safe */
	bool displaced; /* for good: another daemon has the lock */
	bool damaged;	/* for good: SQLite met what cannot be */
	struct sq_patrol *patrol; /* NULL: there is none */
};

extern const struct db_driver sq_driver; /* sqlite_stmt.c */

/* sqlite_save.c */
enum result sq_save(struct store_backend *b, const struct store_save *save,
		    struct error *err);

/* sqlite_open.c */
enum result sq_open(struct store_backend **out, const char *location,
		    enum store_mode mode, int64_t now_ms, struct error *err);
void sq_close(struct store_backend *b);
/* How long this handle waits for the locks of others. */
void sq_patience(struct sq *q);

/* What SQLite said, as one of our classes and a text. */
enum result sq_error(sqlite3 *db, int rc, const char *what, struct error *err);
/* Of the file system, with errno: RESULT_PERM. */
enum result sq_os_error(struct error *err, const char *what, const char *path);
/* The database, not the moment, is to blame. */
static inline bool sq_is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}
/* The name of a new file is durable only when its folder is. */
enum result sq_sync_folder(const char *path, struct error *err);

/* sqlite_file.c: the file that a location stands for, behind all links, so
 * that whoever means it takes the same lock (*new*). */
char *sq_path(const char *location);
/* Takes the lock file; RESULT_CONFLICT: another has it. */
enum result sq_lock(struct sq *q, const char *path, struct error *err);
/* Takes it anew, should it be gone; false: another has it, for good. */
bool sq_lock_is_ours(struct sq *q);
/* A word behind the mark: the lock will be free soon. */
void sq_leave(struct store_backend *b);
bool sq_is_left(const char *location);
/* Says in the lock file that there is a store now. */
enum result sq_mark(struct sq *q, const char *path, struct error *err);
/* RESULT_PERM: an empty database here would replace one that is lost. */
enum result sq_refuse_empty(const struct sq *q, const char *path,
			    struct error *err);
/* The database's file; RESULT_NOTFOUND: there is none. */
enum result sq_need_file(const char *path, enum store_mode mode,
			 struct error *err);
/* Makes it if there may be a new one. */
enum result sq_make_file(const struct sq *q, const char *path,
			 struct error *err);
void sq_files_remember(struct sq *q);
bool sq_files_there(const struct sq *q);
/* A copy, under a name of its own, of what has lost its name. */
void sq_rescue(struct sq *q);

/* sqlite_vfs.c: how the files of a store are written, by its name. */
const char *sq_vfs(void);
/* Around a COMMIT, by its thread. Whoever has *g* frees its bytes. */
void sq_gather_begin(struct sq_gather *g);
void sq_gather_end(struct sq_gather *g, bool committed);
/* sqlite_wal.c: says in the log what SQLite will drop without a word. */
void sq_log_check(const char *path);
/* The operation under way fails so. */
void sq_fail(struct sq *q, int rc, const char *what);
char *sq_damage(struct db *d, bool quick);
/* sqlite_check.c: *damage is where (*new*), or left alone; else how asking
 * failed. */
int sq_check_file(sqlite3 *db, bool quick, char **damage);
/* sqlite_patrol.c: looks through the whole file, beside everybody; NULL is
 * allowed for who found nothing and for who ends. */
struct sq_patrol;
enum result sq_patrol_start(struct sq_patrol **out, const char *path,
			    struct error *err);
bool sq_patrol_found(struct sq_patrol *p);
void sq_patrol_end(struct sq_patrol *p);
/* sqlite_copy.c: the whole store as it is now, into a file of this name. */
enum result sq_copy(struct sq *q, const char *name, struct error *err);
/* See store_copies(). */
size_t sq_copies(const char *location, struct store_copy **out);
/* Removes those of before a migration that are older. */
void sq_copies_prune(struct db *d, int64_t before_ms);

/* A number that a pragma answers; -1 after an error. */
int64_t sq_data_version(struct sq *q);

#endif
