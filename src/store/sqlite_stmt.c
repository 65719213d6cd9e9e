/*
 * Statements: prepared once per handle at first use, bound from typed values,
 * stepped with a sticky error; columns out. See sqlite_db.h.
 */
#include "sqlite_db.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const char *const sql_texts[SQL_COUNT] = {
#define SQL_TEXT(id, text) [SQL_##id] = (text),
	SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};

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

static void fail(struct sq *q, int rc)
{
	if (q->failed)
		return;
	q->failed = true;
	q->damaged = q->damaged || sq_is_damage(rc);
	(void)sq_error(q->db, rc, "sqlite", q->err);
}

static sqlite3_stmt *statement(struct sq *q, enum sql id)
{
	int rc;

	if (q->failed)
		return NULL;
	if (q->stmts[id] != NULL)
		return q->stmts[id];
	rc = sqlite3_prepare_v3(q->db, sql_texts[id], -1,
				SQLITE_PREPARE_PERSISTENT, &q->stmts[id], NULL);
	if (rc != SQLITE_OK) {
		q->stmts[id] = NULL;
		fail(q, rc);
	}
	return q->stmts[id];
}

static int bind_value(sqlite3_stmt *st, int i, const struct sq_val *v)
{
	switch (v->type) {
	case SQ_INT:
		return sqlite3_bind_int64(st, i, v->num);
	case SQ_TEXT:
		return sqlite3_bind_text(st, i, v->ptr, -1, SQLITE_STATIC);
	case SQ_BLOB:
		return sqlite3_bind_blob(st, i, v->ptr, v->len, SQLITE_STATIC);
	case SQ_NULL:
		break;
	}
	return sqlite3_bind_null(st, i);
}

sqlite3_stmt *sq_bind(struct sq *q, enum sql id, const struct sq_val *values,
		      size_t count)
{
	sqlite3_stmt *st = statement(q, id);
	size_t i;
	int rc;

	if (st == NULL)
		return NULL;
	for (i = 0; i < count; i++) {
		rc = bind_value(st, (int)i + 1, &values[i]);
		if (rc != SQLITE_OK) {
			fail(q, rc);
			return NULL;
		}
	}
	return st;
}

bool sq_step(struct sq *q, sqlite3_stmt *st)
{
	int rc;

	if (st == NULL)
		return false;
	if (q->failed) {
		sqlite3_reset(st);
		return false;
	}
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		fail(q, rc);
	sqlite3_reset(st);
	return false;
}

void sq_end(sqlite3_stmt *st)
{
	if (st != NULL)
		sqlite3_reset(st);
}

int sq_run(struct sq *q, sqlite3_stmt *st)
{
	while (sq_step(q, st))
		;
	return q->failed ? 0 : sqlite3_changes(q->db);
}

int64_t sq_first(struct sq *q, sqlite3_stmt *st, int64_t otherwise)
{
	int64_t n = otherwise;

	if (sq_step(q, st)) {
		if (sqlite3_column_type(st, 0) != SQLITE_NULL)
			n = sqlite3_column_int64(st, 0);
		sq_end(st);
	}
	return n;
}

uint64_t sq_col_id(sqlite3_stmt *st, int i)
{
	return (uint64_t)sqlite3_column_int64(st, i);
}

void sq_col_str(sqlite3_stmt *st, int i, char *dst, size_t size)
{
	const char *s = (const char *)sqlite3_column_text(st, i);

	(void)str_copy(dst, size, s != NULL ? s : "");
}

char *sq_col_text(sqlite3_stmt *st, int i)
{
	return xstrdup((const char *)sqlite3_column_text(st, i));
}

void sq_col_blob(sqlite3_stmt *st, int i, void *dst, size_t size)
{
	const void *p = sqlite3_column_blob(st, i);

	memset(dst, 0, size);
	if (p != NULL && (size_t)sqlite3_column_bytes(st, i) == size)
		memcpy(dst, p, size);
}

void sq_reasons_write(reason_set s, char out[SQ_REASONS_SIZE])
{
	struct buf b;
	enum reason r;

	buf_init(&b, SQ_REASONS_SIZE - 1);
	for (r = 0; r < REASON_COUNT; r++) {
		if ((s & REASON_BIT(r)) == 0)
			continue;
		if (b.len > 0)
			(void)buf_putc(&b, ',');
		(void)buf_puts(&b, reason_code(r));
	}
	(void)str_copy(out, SQ_REASONS_SIZE, b.data);
	buf_release(&b);
}

reason_set sq_reasons_parse(const char *text)
{
	reason_set s = 0;
	enum reason r;
	char code[64];
	size_t n;

	for (; text != NULL && *text != '\0'; text += n) {
		text += *text == ',';
		n = strcspn(text, ",");
		if (str_copy_slice(code, sizeof(code),
				   (struct slice){text, n}) &&
		    reason_parse(code, &r))
			s |= REASON_BIT(r);
	}
	return s;
}

struct sq_ids sq_collect(struct sq *q, sqlite3_stmt *st)
{
	struct sq_ids ids = {NULL, 0, 0};

	while (sq_step(q, st)) {
		if (ids.count == ids.cap) {
			ids.cap = ids.cap ? 2 * ids.cap : 16;
			ids.items = xrealloc(ids.items,
					     ids.cap * sizeof(*ids.items));
		}
		ids.items[ids.count++] = sqlite3_column_int64(st, 0);
	}
	return ids;
}
