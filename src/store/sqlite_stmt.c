/*
 * SQLite as a driver: statements are prepared once per handle at first use.
 * See db.h.
 */
#include "sqlite_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Messages of SQLite name tables and columns, never values. */
enum result sq_error(sqlite3 *db, int rc, const char *what, struct error *err)
{
	const char *why = db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	enum result r;

	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		return error_set(err, RESULT_PERM,
				 "%s: the file is not a database: go back to a "
				 "copy",
				 what);
	case SQLITE_CORRUPT:
		return error_set(err, RESULT_PERM,
				 "%s: %s (%d): keep the file, look with "
				 "`reunite queue check`, go back to a copy",
				 what, why, rc);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		r = RESULT_PERM;
		break;
	default:
		r = RESULT_TEMP;
	}
	return error_set(err, r, "%s: %s (%d)", what, why,
			 db != NULL ? sqlite3_extended_errcode(db) : rc);
}

void sq_fail(struct sq *q, int rc, const char *what)
{
	if (q->base.failed)
		return;
	q->base.failed = true;
	q->damaged = q->damaged || sq_is_damage(rc);
	(void)sq_error(q->db, rc, what, q->base.err);
}

static struct sq *sq_of(struct db *d)
{
	return (struct sq *)d;
}

static struct sq_rows *rows_of(struct db_rows *r)
{
	return (struct sq_rows *)r;
}

static sqlite3_stmt *prepare(struct sq *q, const char *text, unsigned flags)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v3(q->db, text, -1, flags, &st, NULL);

	if (rc != SQLITE_OK)
		sq_fail(q, rc, "sqlite");
	return rc == SQLITE_OK ? st : NULL;
}

static int bind_value(sqlite3_stmt *st, int i, const struct db_val *v)
{
	switch (v->type) {
	case DB_INT:
		return sqlite3_bind_int64(st, i, v->num);
	case DB_TEXT:
		return sqlite3_bind_text(st, i, v->ptr, v->len, SQLITE_STATIC);
	case DB_BLOB:
		return sqlite3_bind_blob(st, i, v->ptr, v->len, SQLITE_STATIC);
	case DB_NULL:
		break;
	}
	return sqlite3_bind_null(st, i);
}

static struct db_rows *bind_values(struct sq *q, struct sq_rows *r,
				   const struct db_val *values, size_t count)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < count && rc == SQLITE_OK; i++)
		rc = bind_value(r->st, (int)i + 1, &values[i]);
	if (rc == SQLITE_OK)
		return &r->base;
	sq_fail(q, rc, "sqlite");
	return NULL;
}

static struct db_rows *sq_bind(struct db *d, enum sql id,
			       const struct db_val *values, size_t count)
{
	struct sq *q = sq_of(d);
	struct sq_rows *r = &q->rows[id];

	if (r->st == NULL) {
		r->base.db = d;
		r->st = prepare(q, sql_texts[id], SQLITE_PREPARE_PERSISTENT);
	}
	return r->st != NULL ? bind_values(q, r, values, count) : NULL;
}

static void sq_end(struct db_rows *base)
{
	struct sq_rows *r = rows_of(base);

	if (!r->once) {
		sqlite3_reset(r->st);
		return;
	}
	sqlite3_finalize(r->st);
	free(r);
}

static struct db_rows *sq_bind_text(struct db *d, const char *text,
				    const struct db_val *values, size_t count)
{
	struct sq *q = sq_of(d);
	struct sq_rows *r = xcalloc(1, sizeof(*r));

	r->base.db = d;
	r->once = true;
	r->st = prepare(q, text, 0);
	if (r->st != NULL && bind_values(q, r, values, count) != NULL)
		return &r->base;
	sq_end(&r->base);
	return NULL;
}

static bool sq_step(struct db_rows *base)
{
	int rc = sqlite3_step(rows_of(base)->st);

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		sq_fail(sq_of(base->db), rc, "sqlite");
	sq_end(base);
	return false;
}

static int sq_run(struct db_rows *r)
{
	struct sq *q = sq_of(r->db);

	while (sq_step(r))
		;
	return sqlite3_changes(q->db);
}

static void sq_post(struct db_rows *r)
{
	(void)sq_run(r);
}

static int64_t sq_insert(struct db_rows *r)
{
	struct sq *q = sq_of(r->db);

	(void)sq_run(r);
	return sqlite3_last_insert_rowid(q->db);
}

static bool sq_is_null(struct db_rows *r, int i)
{
	return sqlite3_column_type(rows_of(r)->st, i) == SQLITE_NULL;
}

static int64_t sq_col_int(struct db_rows *r, int i)
{
	return sqlite3_column_int64(rows_of(r)->st, i);
}

static const char *sq_col_text(struct db_rows *r, int i)
{
	return (const char *)sqlite3_column_text(rows_of(r)->st, i);
}

static const void *sq_col_bytes(struct db_rows *r, int i, size_t *len)
{
	const void *p = sqlite3_column_blob(rows_of(r)->st, i);

	*len = (size_t)sqlite3_column_bytes(rows_of(r)->st, i);
	return p;
}

int64_t sq_data_version(struct sq *q)
{
	return db_first(&q->base, db_plain(&q->base, DATA_VERSION), -1);
}

static int64_t sq_version(struct db *d)
{
	return sq_data_version(sq_of(d));
}

static void sq_health(struct db *d, struct store_health *out)
{
	struct db_rows *r = db_plain(d, JOURNAL_MODE);
	int64_t synchronous;

	if (db_step(d, r))
		db_col_str(r, 0, out->mode, sizeof(out->mode));
	db_end(r);
	synchronous = db_first(d, db_plain(d, SYNCHRONOUS), 0);
	out->durable = synchronous >= 2; /* FULL */
	snprintf(out->settings, sizeof(out->settings),
		 "journal_mode %s, synchronous %s", out->mode,
		 synchronous > 2    ? "extra"
		 : synchronous == 2 ? "full"
		 : synchronous == 1 ? "normal"
				    : "off");
	out->size_bytes = db_first(d, db_plain(d, PAGE_COUNT), 0) *
			  db_first(d, db_plain(d, PAGE_SIZE), 0);
}

/* The ids of a table without AUTOINCREMENT are not remembered, and its rows
 * stay. */
static int64_t sq_last_id(struct db *d, const char *table)
{
	struct db_val name = db_text(table);

	return db_first(
		d,
		db_bind_text(d,
			     "SELECT seq FROM sqlite_sequence WHERE name = ?1",
			     &name, 1),
		0);
}

static void sq_set_last_id(struct db *d, const char *table, int64_t id)
{
	static const char *const texts[] = {
		"DELETE FROM sqlite_sequence WHERE name = ?1",
		"INSERT INTO sqlite_sequence(name, seq) SELECT name, ?2"
		" FROM sqlite_master WHERE type = 'table' AND name = ?1"
		" AND sql LIKE '%AUTOINCREMENT%'",
	};
	struct db_val values[] = {db_text(table), db_int(id)};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		(void)db_run(d, db_bind_text(d, texts[i], values, i + 1));
}

const struct db_driver sq_driver = {
	.bind = sq_bind,
	.bind_text = sq_bind_text,
	.step = sq_step,
	.end = sq_end,
	.run = sq_run,
	.post = sq_post,
	.insert = sq_insert,
	.is_null = sq_is_null,
	.col_int = sq_col_int,
	.col_text = sq_col_text,
	.col_bytes = sq_col_bytes,
	.version = sq_version,
	.health = sq_health,
	.damage = sq_damage,
	.prune_copies = sq_copies_prune,
	.last_id = sq_last_id,
	.set_last_id = sq_set_last_id,
};
