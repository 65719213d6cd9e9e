/*
 * The database as the operations see it: statements by name, typed values in,
 * rows out. A driver (sqlite_*.c, pg_*.c) puts a kind of database behind it;
 * the operations (op_*.c) and their statements (sql.h) are the same for all.
 *
 * Errors are sticky: after the first one of an operation every further call
 * does nothing and says "no row" or "0 changed", and db_apply() turns the
 * operation into RESULT_TEMP. So a handler checks what it read, not every
 * call; it must only refuse (RESULT_CONFLICT and the like) before it wrote.
 *
 * At most one set of rows a statement is open at a time; other statements may
 * run while they are read.
 */
#ifndef REUNITE_STORE_DB_H
#define REUNITE_STORE_DB_H

#include "base/str.h"
#include "sql.h"
#include "store/backend.h"

enum sql {
#define SQL_ENUM(id, text) SQL_##id,
	SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
		SQL_COUNT
};

/* Indexed by enum sql. */
extern const char *const sql_texts[SQL_COUNT];

/* A bound value; see the functions below. */
struct db_val {
	enum { DB_NULL, DB_INT, DB_TEXT, DB_BLOB } type;
	int len;
	int64_t num;
	const void *ptr; /* borrowed until the statement has run */
};

/* The driver's own begins with this: a statement, and where it is. */
struct db_rows {
	struct db *db;
};

struct db_driver {
	/* The statement with its values, before its first row; NULL after an
	 * error. */
	struct db_rows *(*bind)(struct db *d, enum sql id,
				const struct db_val *values, size_t count);
	/* The same for a text that is used rarely. Its rows must be read to
	 * their end, or left; text and values stay until then. */
	struct db_rows *(*bind_text)(struct db *d, const char *text,
				     const struct db_val *values, size_t count);
	/* bind will be called with the same soon: it may be sent already, and
	 * counts as run from now on. NULL: nothing is gained by knowing. What
	 * is written meanwhile is seen by bind all the same. */
	void (*expect)(struct db *d, enum sql id, const struct db_val *values,
		       size_t count);
	/* The next row; false at the end or after an error: they are over. */
	bool (*step)(struct db_rows *r);
	/* Leaves rows before their end. */
	void (*end)(struct db_rows *r);
	/* Runs to the end; how many rows it changed. */
	int (*run)(struct db_rows *r);
	/* Nobody asks for the outcome but for its error, which may come with a
	 * later call, at the latest with the commit. */
	void (*post)(struct db_rows *r);
	/* Runs an INSERT into a table with a column id; the new row's. */
	int64_t (*insert)(struct db_rows *r);
	/* Of the current row; NULL is 0, NULL and NULL. Texts and bytes last
	 * until the next call for these rows. */
	bool (*is_null)(struct db_rows *r, int i);
	int64_t (*col_int)(struct db_rows *r, int i);
	const char *(*col_text)(struct db_rows *r, int i);
	const void *(*col_bytes)(struct db_rows *r, int i, size_t *len);
	/* Another number than before: somebody else may have written since. */
	int64_t (*version)(struct db *d);
	/* The database's own clock; NULL: it is the machine's. */
	int64_t (*now_ms)(struct db *d);
	/* Of STORE_HEALTH. */
	void (*health)(struct db *d, struct store_health *out);
	/* Of STORE_CHECK: damage of the files themselves, in words (*new*), or
	 * NULL: none, or it cannot be told. */
	char *(*damage)(struct db *d, bool quick);
	/* Copies beside the store that are older go; or NULL. */
	void (*prune_copies)(struct db *d, int64_t before_ms);
	/* Of a table whose column id the database fills: the highest that it
	 * gave, as far as it remembers; ids up to this one are not given
	 * again. */
	int64_t (*last_id)(struct db *d, const char *table);
	void (*set_last_id)(struct db *d, const char *table, int64_t id);
};

/* An account as this handle knows it. */
struct db_account {
	int64_t id;
	char name[ACCOUNT_SIZE];
	int64_t jobs[JOB_STATE_COUNT]; /* while db.counts_valid */
	bool stirred; /* jobs of it were woken since the last claim, perhaps */
};

/* Behind which event the walk of retention goes on; all 0: at the first. */
struct db_event_place {
	int64_t account;
	struct event_key key;
};

/* The driver's handle begins with this. */
struct db {
	struct store_backend base;
	const struct db_driver *driver;
	enum store_mode mode;
	struct db_account *accounts;
	size_t account_count;
	bool failed;	   /* in the operation or transaction under way */
	struct error *err; /* of the operation under way */
	int woken;	   /* jobs made ready since somebody set it to 0 */
	int outdated;	   /* wakes that said nothing new, likewise */
	bool counts_valid;
	int64_t counts_version; /* the driver's, when they were counted */
	struct db_event_place events_at;
	uint8_t key[STORE_KEY_SIZE];
};

static inline struct db_val db_int(int64_t n)
{
	return (struct db_val){DB_INT, 0, n, NULL};
}

/* An id of Zendesk's; 0 is NULL. */
static inline struct db_val db_id(uint64_t id)
{
	return (struct db_val){id != 0 ? DB_INT : DB_NULL, 0, (int64_t)id,
			       NULL};
}

/* NULL and "" are NULL. */
static inline struct db_val db_text(const char *s)
{
	bool none = s == NULL || *s == '\0';

	return (struct db_val){none ? DB_NULL : DB_TEXT, -1, 0, s};
}

/* Text of a column that is not NULL: "" stays, NULL becomes it. */
static inline struct db_val db_str(const char *s)
{
	return (struct db_val){DB_TEXT, -1, 0, s != NULL ? s : ""};
}

static inline struct db_val db_blob(const void *p, size_t len)
{
	return (struct db_val){DB_BLOB, (int)len, 0, p};
}

struct db_rows *db_bind(struct db *q, enum sql id, const struct db_val *values,
			size_t count);
struct db_rows *db_bind_text(struct db *q, const char *text,
			     const struct db_val *values, size_t count);
#define DB_VALUES(...)                                                         \
	(const struct db_val[]){__VA_ARGS__},                                  \
		ARRAY_LEN(((const struct db_val[]){__VA_ARGS__}))
#define db_query(q, id, ...) db_bind((q), SQL_##id, DB_VALUES(__VA_ARGS__))
#define db_plain(q, id)	     db_bind((q), SQL_##id, NULL, 0)
/* Only what is asked for in any case. */
void db_expect_values(struct db *q, enum sql id, const struct db_val *values,
		      size_t count);
#define db_expect(q, id, ...)                                                  \
	db_expect_values((q), SQL_##id, DB_VALUES(__VA_ARGS__))
/* NULL is allowed. */
bool db_step(struct db *q, struct db_rows *r);
void db_end(struct db_rows *r);
/* Runs a statement without rows; how many rows it changed. */
int db_run(struct db *q, struct db_rows *r);
#define db_exec(q, id, ...) db_run((q), db_query((q), id, __VA_ARGS__))
/* The same where nobody asks how many. */
void db_post(struct db *q, struct db_rows *r);
#define db_do(q, id, ...) db_post((q), db_query((q), id, __VA_ARGS__))
/* The id of the row that it adds; 0 after an error. */
int64_t db_insert(struct db *q, struct db_rows *r);
#define db_add(q, id, ...) db_insert((q), db_query((q), id, __VA_ARGS__))
/* The first column of the first row; otherwise when there is none. */
int64_t db_first(struct db *q, struct db_rows *r, int64_t otherwise);
#define db_get(q, otherwise, id, ...)                                          \
	db_first((q), db_query((q), id, __VA_ARGS__), (otherwise))

static inline int64_t db_col_int(struct db_rows *r, int i)
{
	return r->db->driver->col_int(r, i);
}
static inline bool db_col_null(struct db_rows *r, int i)
{
	return r->db->driver->is_null(r, i);
}
/* Borrowed until the next row. */
static inline const char *db_col_chars(struct db_rows *r, int i)
{
	return r->db->driver->col_text(r, i);
}
uint64_t db_col_id(struct db_rows *r, int i);
void db_col_str(struct db_rows *r, int i, char *dst, size_t size);
char *db_col_text(struct db_rows *r, int i); /* *new*; NULL for NULL */
size_t db_col_len(struct db_rows *r, int i); /* bytes of a blob */
/* Zeros when there are not as many bytes. */
void db_col_blob(struct db_rows *r, int i, void *dst, size_t size);

/* Sets of reasons as text: codes with commas between; in the table's order. */
#define DB_REASONS_SIZE 2048
void db_reasons_write(reason_set s, char out[DB_REASONS_SIZE]);
reason_set db_reasons_parse(const char *text);

/* A growing list of ids, for rows that are changed while they are read. */
struct db_ids {
	int64_t *items;
	size_t count;
	size_t cap;
};
/* Fills it with the first column of every row; free() items. */
struct db_ids db_collect(struct db *q, struct db_rows *r);

/* A backend's apply: runs the operation's handler. */
void db_apply(struct store_backend *b, struct store_op *op);
const uint8_t *db_key(const struct store_backend *b);

/* The store's secret key: made unless it is there; read (RESULT_PERM: none). */
void db_key_make(struct db *q);
void db_key_put(struct db *q, const uint8_t key[STORE_KEY_SIZE]);
enum result db_key_read(struct db *q, struct error *err);
/* What the handle holds beside the driver's own. */
void db_release(struct db *q);

#endif
