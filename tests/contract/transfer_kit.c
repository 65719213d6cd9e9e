/*
 * Stores to copy; see transfer_kit.h.
 */
#include "transfer_kit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

#define SQL_MAX (1 << 20)

void tk_place_make(struct tk_place *p, enum tk_kind kind)
{
	p->kind = kind;
	if (kind == TK_SQLITE)
		contract_dir_make(&p->dir);
	else
		pg_database_make(&p->database, NULL);
	(void)str_copy(p->url, sizeof(p->url),
		       kind == TK_SQLITE ? p->dir.url : p->database.url);
}

void tk_place_remove(struct tk_place *p)
{
	if (p->kind == TK_SQLITE)
		contract_dir_remove(&p->dir);
	else
		pg_database_drop(&p->database);
}

const char *tk_path(const struct tk_place *p)
{
	return p->dir.path;
}

/* --- rows --- */

struct column {
	const char *table;
	const char *name;
	const char *type;
	bool required;
	int key; /* its place in the primary key; 0: none */
};

/* What must be unique, or is a number of something else of ours. */
static bool is_distinct(const struct column *c)
{
	static const char *const names[] = {"person", "profile_id", "ticket_id",
					    "name", "messaging_user_id"};

	if (c->key > 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq(names[i], c->name))
			return true;
	return false;
}

static void put_number(struct buf *b, const struct column *c, int row, int at)
{
	static const char *const numbers[] = {"0",
					      "-1",
					      "9223372036854775807",
					      "-9223372036854775807 - 1",
					      "1",
					      "4294967296"};

	if (str_eq(c->name, "account"))
		(void)buf_printf(b, "%d", 1 + row % 2);
	else if (str_eq(c->name, "state"))
		(void)buf_printf(b, "%d", row % 6);
	else if (is_distinct(c))
		(void)buf_printf(b, "%lld",
				 row % 3 == 1 && !str_eq(c->name, "id")
					 ? -1 - 1000000007LL * row
					 : 1 + 7LL * row);
	else
		(void)buf_puts(b, numbers[(row + at) % ARRAY_LEN(numbers)]);
}

static void put_text(struct buf *b, const struct column *c, int row, int at)
{
	static const char *const texts[] = {
		"''",
		"'it''s \"quoted\" \\ back'",
		"'two\nlines\tand\rmore'",
		"'gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\xa7 \xe6\xbc\xa2'",
		"'NULL'",
		"'a,b;{\"c\":[1]}$1?1'",
	};

	(void)buf_puts(b, texts[(row + at) % ARRAY_LEN(texts)]);
	if (is_distinct(c))
		(void)buf_printf(b, " || 'Aa%d'", row);
}

static void put_bytes(struct buf *b, const struct column *c, int row, int at)
{
	static const char *const bytes[] = {"x''", "x'00'", "x'0000ff00'",
					    "x'276b5c22'", "x'fffe8000'"};

	if (is_distinct(c))
		(void)buf_printf(b, "x'%02x00%04x'", row % 256, row);
	else
		(void)buf_puts(b, bytes[(row + at) % ARRAY_LEN(bytes)]);
}

static void put_value(struct buf *b, const struct column *c, int row, int at)
{
	if (!c->required && c->key == 0 && (row + at) % 4 == 0)
		(void)buf_puts(b, "NULL");
	else if (str_eq(c->type, "TEXT"))
		put_text(b, c, row, at);
	else if (str_eq(c->type, "BLOB"))
		put_bytes(b, c, row, at);
	else
		put_number(b, c, row, at);
}

static void put_row(sqlite3 *db, const char *table, int row)
{
	sqlite3_stmt *st;
	struct buf b;
	int at = 0;

	buf_init(&b, SQL_MAX);
	(void)buf_printf(&b, "INSERT INTO %s VALUES(", table);
	assert_int_equal(sqlite3_prepare_v2(db,
					    "SELECT name, type, \"notnull\", pk"
					    " FROM pragma_table_info(?1)",
					    -1, &st, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(st, 1, table, -1, SQLITE_STATIC);
	for (; sqlite3_step(st) == SQLITE_ROW; at++) {
		struct column c = {
			table, (const char *)sqlite3_column_text(st, 0),
			(const char *)sqlite3_column_text(st, 1),
			sqlite3_column_int(st, 2), sqlite3_column_int(st, 3)};

		(void)buf_puts(&b, at > 0 ? ", " : "");
		put_value(&b, &c, row, at);
	}
	(void)buf_putc(&b, ')');
	if (sqlite3_exec(db, b.data, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", b.data, sqlite3_errmsg(db));
	sqlite3_finalize(st);
	buf_release(&b);
}

static void fill_table(sqlite3 *db, const char *table)
{
	int rows = str_eq(table, "events") ? TK_EVENTS : TK_ROWS;

	if (str_eq(table, "accounts"))
		rows = 2;
	for (int i = 0; i < rows; i++)
		put_row(db, table, i);
}

static void fill_all(sqlite3 *db)
{
	sqlite3_stmt *st;

	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT name FROM sqlite_master"
				   " WHERE type = 'table' AND name NOT IN"
				   " ('sqlite_sequence', 'meta',"
				   " 'schema_version')",
				   -1, &st, NULL),
		SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		fill_table(db, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
}

/* What runs has no lease, as in a copy; some ids were given, but their rows
 * are gone. */
static const char settled[] =
	"UPDATE accounts SET id = id / 7 + 1;"
	"UPDATE jobs SET token = 0, lease_until_ms = 0 WHERE state = 1;"
	"UPDATE notes SET unsure = 2 WHERE unsure = 1;"
	"DELETE FROM journal WHERE id IN (SELECT max(id) FROM journal);"
	"DELETE FROM reviews; COMMIT";

void tk_fill(struct tk_place *p)
{
	sqlite3 *db;

	tk_place_make(p, TK_SQLITE);
	store_close(contract_open_url(p->url, STORE_SERVE));
	assert_int_equal(sqlite3_open(tk_path(p), &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db, "DELETE FROM clocks; BEGIN", NULL, NULL, NULL),
		SQLITE_OK);
	fill_all(db);
	if (sqlite3_exec(db, settled, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* --- copies --- */

void tk_copy(const char *from, const char *to, struct transfer *out)
{
	struct error err = {""};

	memset(out, 0, sizeof(*out));
	out->from = from;
	out->to = to;
	out->host = "here";
	out->now_ms = CT_START;
	if (transfer_copy(out, &err) != RESULT_OK)
		fail_msg("%s -> %s: %s", from, to, err.text);
}

void tk_refused(const char *from, const char *to, enum result why,
		const char *words)
{
	struct transfer t = {
		.from = from, .to = to, .host = "here", .now_ms = CT_START};
	struct error err = {""};
	enum result r = transfer_copy(&t, &err);

	if (r != why || strstr(err.text, words) == NULL)
		fail_msg("%s, %s; not: %s", result_name(r), err.text, words);
	transfer_release(&t);
}

void tk_same(const struct transfer *a, const struct transfer *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct transfer_table *x = &a->tables[i],
					    *y = &b->tables[i];

		assert_string_equal(x->name, y->name);
		if (str_eq(x->name, "backups"))
			continue; /* a copy knows of one more */
		if (x->rows != y->rows || x->last_id != y->last_id ||
		    !str_eq(x->sum, y->sum))
			fail_msg("%s: %lld %lld %s, %lld %lld %s", x->name,
				 (long long)x->rows, (long long)x->last_id,
				 x->sum, (long long)y->rows,
				 (long long)y->last_id, y->sum);
	}
}
