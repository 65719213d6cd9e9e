/*
 * The SQLite backend's own tools: the handle, its statements, its values.
 *
 * Errors are sticky: after the first one of an operation every further call
 * does nothing and says "no row" or "0 changed", and apply() turns the
 * operation into RESULT_TEMP. So a handler checks what it read, not every
 * call; it must only refuse (RESULT_CONFLICT and the like) before it wrote.
 */
#ifndef REUNITE_STORE_SQLITE_DB_H
#define REUNITE_STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/log.h"
#include "sqlite_sql.h"
#include "store/backend.h"

enum sql {
#define SQL_ENUM(id, text) SQL_##id,
	SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
		SQL_COUNT
};

/* An account as this handle knows it. */
struct sq_account {
	int64_t id;
	char name[ACCOUNT_SIZE];
	int64_t jobs[JOB_STATE_COUNT]; /* while sq.counts_valid */
};

/* Which file a name stood for when it was opened. */
struct sq_file {
	dev_t dev;
	ino_t ino;
};

struct sq {
	struct store_backend base;
	sqlite3 *db;
	enum store_mode mode;
	int lock_fd; /* -1: none */
	sqlite3_stmt *stmts[SQL_COUNT];
	struct sq_account *accounts;
	size_t account_count;
	bool failed;	   /* in the operation or transaction under way */
	struct error *err; /* of the operation under way */
	int woken;	   /* jobs made ready since somebody set it to 0 */
	int outdated;	   /* wakes that said nothing new, likewise */
	bool counts_valid;
	int64_t counts_version; /* data_version they were counted at */
	int64_t seen_version;	/* data_version at the last changed() */
	int wal_pages;		/* in the log after the last commit */
	int wal_tried;		/* pages when we last emptied it ourselves */
	int64_t page_size;
	struct log_throttle checkpoint_log;
	struct sq_file main_file, log_file;
	bool gone;	/* the files were not there when last looked */
	bool rescued;	/* and what was in them is safe */
	bool displaced; /* for good: another daemon has the lock */
	bool damaged;	/* for good: SQLite met what cannot be */
	uint8_t key[STORE_KEY_SIZE];
};

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

/* sqlite_wal.c: says in the log what SQLite will drop without a word. */
void sq_log_check(const char *path);
/* sqlite_check.c: *damage is where (*new*), or left alone; else how asking
 * failed. */
int sq_check_file(struct sq *q, bool quick, char **damage);
/* sqlite_copy.c: the whole store as it is now, into a file of this name. */
enum result sq_copy(struct sq *q, const char *name, struct error *err);
/* See store_copies(). */
size_t sq_copies(const char *location, struct store_copy **out);
/* Removes those of before a migration that are older. */
void sq_copies_prune(struct sq *q, int64_t before_ms);

/* A bound value; see the functions below. */
struct sq_val {
	enum { SQ_NULL, SQ_INT, SQ_TEXT, SQ_BLOB } type;
	int len;
	int64_t num;
	const void *ptr; /* borrowed until the statement has run */
};

static inline struct sq_val sq_int(int64_t n)
{
	return (struct sq_val){SQ_INT, 0, n, NULL};
}

/* An id of Zendesk's; 0 is NULL. */
static inline struct sq_val sq_id(uint64_t id)
{
	return (struct sq_val){id != 0 ? SQ_INT : SQ_NULL, 0, (int64_t)id,
			       NULL};
}

/* NULL and "" are NULL. */
static inline struct sq_val sq_text(const char *s)
{
	bool none = s == NULL || *s == '\0';

	return (struct sq_val){none ? SQ_NULL : SQ_TEXT, -1, 0, s};
}

/* Text of a column that is not NULL: "" stays, NULL becomes it. */
static inline struct sq_val sq_str(const char *s)
{
	return (struct sq_val){SQ_TEXT, -1, 0, s != NULL ? s : ""};
}

static inline struct sq_val sq_blob(const void *p, size_t len)
{
	return (struct sq_val){SQ_BLOB, (int)len, 0, p};
}

/* The statement with its values, before its first row; NULL after an error. */
sqlite3_stmt *sq_bind(struct sq *q, enum sql id, const struct sq_val *values,
		      size_t count);
#define SQ_VALUES(...)                                                         \
	(const struct sq_val[]){__VA_ARGS__},                                  \
		ARRAY_LEN(((const struct sq_val[]){__VA_ARGS__}))
#define sq_query(q, id, ...) sq_bind((q), SQL_##id, SQ_VALUES(__VA_ARGS__))
#define sq_plain(q, id)	     sq_bind((q), SQL_##id, NULL, 0)
/* The next row; false at the end or after an error, and then it is reset. */
bool sq_step(struct sq *q, sqlite3_stmt *st);
/* Leaves a query before its end. NULL is allowed. */
void sq_end(sqlite3_stmt *st);
/* Runs a statement without rows; how many rows it changed. */
int sq_run(struct sq *q, sqlite3_stmt *st);
#define sq_exec(q, id, ...) sq_run((q), sq_query((q), id, __VA_ARGS__))
/* The first column of the first row; otherwise when there is none. */
int64_t sq_first(struct sq *q, sqlite3_stmt *st, int64_t otherwise);
#define sq_get(q, otherwise, id, ...)                                          \
	sq_first((q), sq_query((q), id, __VA_ARGS__), (otherwise))

uint64_t sq_col_id(sqlite3_stmt *st, int i);
void sq_col_str(sqlite3_stmt *st, int i, char *dst, size_t size);
char *sq_col_text(sqlite3_stmt *st, int i); /* *new*; NULL for NULL */
void sq_col_blob(sqlite3_stmt *st, int i, void *dst, size_t size);

/* Sets of reasons as text: codes with commas between; in the table's order. */
#define SQ_REASONS_SIZE 2048
void sq_reasons_write(reason_set s, char out[SQ_REASONS_SIZE]);
reason_set sq_reasons_parse(const char *text);

/* A growing list of ids, for rows that are changed while they are read. */
struct sq_ids {
	int64_t *items;
	size_t count;
	size_t cap;
};
/* Fills it with the first column of every row; free() items. */
struct sq_ids sq_collect(struct sq *q, sqlite3_stmt *st);

#endif
