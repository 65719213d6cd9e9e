/*
 * How a table's rows are read and removed: in batches behind a key, so that
 * neither the database nor we hold more than one of them.
 *
 * Texts that are no UTF-8 are made so as they are read: a column may be cut
 * in the middle of a character, and not every database takes that.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define SQL_MAX 8192

struct shape {
	size_t count;
	struct slice names[TABLE_COLUMNS_MAX];
	int types[TABLE_COLUMNS_MAX];
};

static void shape_of(const struct table *t, struct shape *s)
{
	const char *at = t->columns;

	for (s->count = 0; *at; s->count++) {
		size_t len = strcspn(at, " ");

		if (s->count == TABLE_COLUMNS_MAX)
			abort();
		s->names[s->count] = (struct slice){at + 2, len - 2};
		s->types[s->count] = *at == 'i'	  ? DB_INT
				     : *at == 't' ? DB_TEXT
						  : DB_BLOB;
		at += len;
		at += *at == ' ';
	}
}

size_t table_columns(const struct table *t)
{
	struct shape s;

	shape_of(t, &s);
	return s.count;
}

/* The first count columns, with an ending each, and commas between. */
static void put_names(struct buf *b, const struct shape *s, size_t count,
		      const char *ending)
{
	for (size_t i = 0; i < count; i++)
		(void)buf_printf(b, "%s%.*s%s", i > 0 ? ", " : "",
				 (int)s->names[i].len, s->names[i].ptr, ending);
}

static void put_marks(struct buf *b, size_t first, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)buf_printf(b, "%s?%zu", i > 0 ? ", " : "", first + i);
}

/* --- places --- */

void table_place_release(struct table_place *at)
{
	for (size_t i = 0; i < TABLE_KEY_MAX; i++)
		free(at->bytes[i]);
	memset(at, 0, sizeof(*at));
}

static void move_to(struct table_place *at, const struct table *t,
		    const struct db_val *values)
{
	table_place_release(at);
	at->keys = t->keys;
	for (size_t i = 0; i < t->keys; i++) {
		at->key[i] = values[i];
		if (values[i].type != DB_TEXT && values[i].type != DB_BLOB)
			continue;
		at->bytes[i] = xstrndup(values[i].ptr, (size_t)values[i].len);
		at->key[i].ptr = at->bytes[i];
	}
}

/* --- values --- */

/* What cannot be a character becomes a question mark; *new*. */
static char *clean(const char *text, size_t len)
{
	char *copy = xstrndup(text, len);
	struct slice left = {copy, len};

	while (left.len > 0) {
		size_t n = str_utf8_next(left);

		if (n == 0)
			copy[left.ptr - copy] = '?';
		n += n == 0;
		left.ptr += n;
		left.len -= n;
	}
	return copy;
}

struct row {
	struct db_val values[TABLE_COLUMNS_MAX];
	char *cleaned[TABLE_COLUMNS_MAX];
};

static void read_text(struct row *row, struct db_rows *r, size_t i)
{
	const char *text = db_col_chars(r, (int)i);
	size_t len = strlen(text);

	if (!str_is_utf8((struct slice){text, len}))
		text = row->cleaned[i] = clean(text, len);
	row->values[i] = (struct db_val){DB_TEXT, (int)len, 0, text};
}

static void read_bytes(struct row *row, struct db_rows *r, size_t i)
{
	size_t len = 0;
	const void *bytes = r->db->driver->col_bytes(r, (int)i, &len);

	row->values[i] = db_blob(len > 0 ? bytes : "", len);
}

static void read_row(struct row *row, const int *types, size_t count,
		     struct db_rows *r)
{
	for (size_t i = 0; i < count; i++) {
		row->cleaned[i] = NULL;
		if (db_col_null(r, (int)i))
			row->values[i] = db_text(NULL);
		else if (types[i] == DB_INT)
			row->values[i] = db_int(db_col_int(r, (int)i));
		else if (types[i] == DB_TEXT)
			read_text(row, r, i);
		else
			read_bytes(row, r, i);
	}
}

static void release_row(struct row *row, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(row->cleaned[i]);
}

static void digest_number(struct crypto_sha256 *h, uint64_t n)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(n >> (56 - 8 * i));
	crypto_sha256_add(h, bytes, sizeof(bytes));
}

void table_digest(const struct db_val *values, size_t count,
		  struct crypto_sha256 *h)
{
	for (size_t i = 0; i < count; i++) {
		const struct db_val *v = &values[i];
		uint8_t type = (uint8_t)v->type;

		crypto_sha256_add(h, &type, 1);
		if (v->type == DB_INT)
			digest_number(h, (uint64_t)v->num);
		if (v->type != DB_TEXT && v->type != DB_BLOB)
			continue;
		digest_number(h, (uint64_t)v->len);
		crypto_sha256_add(h, v->ptr, (size_t)v->len);
	}
}

/* --- reading --- */

struct reading {
	const struct table *table;
	struct shape shape;
	size_t columns;	    /* the first so many */
	table_row_fn *each; /* or NULL */
	void *arg;
};

static void select_sql(struct buf *b, const struct reading *g, bool behind)
{
	size_t keys = g->table->keys;

	(void)buf_puts(b, "SELECT ");
	put_names(b, &g->shape, g->columns, "");
	(void)buf_printf(b, " FROM %s", g->table->name);
	if (behind) {
		(void)buf_puts(b, " WHERE (");
		put_names(b, &g->shape, keys, "");
		(void)buf_puts(b, ") > (");
		put_marks(b, 1, keys);
		(void)buf_putc(b, ')');
	}
	(void)buf_puts(b, " ORDER BY ");
	put_names(b, &g->shape, keys, "");
	(void)buf_printf(b, " LIMIT %d", TABLE_BATCH);
}

/* The place is bound while it is read behind it. */
static size_t read_rows(struct db *db, const struct reading *g,
			struct db_rows *r, struct table_place *at)
{
	struct table_place last;
	struct row row;
	size_t n = 0;

	memset(&last, 0, sizeof(last));
	for (; db_step(db, r); n++) {
		read_row(&row, g->shape.types, g->columns, r);
		if (g->each != NULL)
			g->each(g->arg, row.values);
		move_to(&last, g->table, row.values);
		release_row(&row, g->columns);
	}
	if (n == 0)
		return 0;
	table_place_release(at);
	*at = last;
	return n;
}

static size_t read_behind(struct db *db, const struct reading *g,
			  struct table_place *at)
{
	struct buf sql;
	size_t n;

	buf_init(&sql, SQL_MAX);
	select_sql(&sql, g, at->keys > 0);
	n = read_rows(db, g, db_bind_text(db, sql.data, at->key, at->keys), at);
	buf_release(&sql);
	return n;
}

size_t table_read(struct db *db, const struct table *t, struct table_place *at,
		  table_row_fn *each, void *arg)
{
	struct reading g = {.table = t, .each = each, .arg = arg};

	shape_of(t, &g.shape);
	g.columns = g.shape.count;
	return read_behind(db, &g, at);
}

void table_place_end(struct db *db, const struct table *t,
		     struct table_place *at)
{
	struct reading g = {.table = t, .columns = t->keys};
	struct buf sql;

	shape_of(t, &g.shape);
	buf_init(&sql, SQL_MAX);
	(void)buf_puts(&sql, "SELECT ");
	put_names(&sql, &g.shape, t->keys, "");
	(void)buf_printf(&sql, " FROM %s ORDER BY ", t->name);
	put_names(&sql, &g.shape, t->keys, " DESC");
	(void)buf_puts(&sql, " LIMIT 1");
	(void)read_rows(db, &g, db_bind_text(db, sql.data, NULL, 0), at);
	buf_release(&sql);
}

static int64_t ask(struct db *db, const char *what, const struct table *t)
{
	struct buf sql;
	int64_t n;

	buf_init(&sql, SQL_MAX);
	(void)buf_printf(&sql, "SELECT %s FROM %s", what, t->name);
	n = db_first(db, db_bind_text(db, sql.data, NULL, 0), 0);
	buf_release(&sql);
	return n;
}

int64_t table_rows(struct db *db, const struct table *t)
{
	return ask(db, "count(*)", t);
}

int64_t table_last_id(struct db *db, const struct table *t)
{
	int64_t there, ever;

	if (!t->numbered)
		return 0;
	there = ask(db, "max(id)", t);
	ever = db->failed ? 0 : db->driver->last_id(db, t->name);
	return ever > there ? ever : there;
}

void table_set_last_id(struct db *db, const struct table *t, int64_t id)
{
	if (t->numbered && id > 0 && !db->failed)
		db->driver->set_last_id(db, t->name, id);
}

size_t table_remove(struct db *db, const struct table *t)
{
	struct reading g = {.table = t, .columns = t->keys};
	struct table_place at;
	struct buf sql;
	size_t n;

	memset(&at, 0, sizeof(at));
	shape_of(t, &g.shape);
	n = read_behind(db, &g, &at);
	buf_init(&sql, SQL_MAX);
	(void)buf_printf(&sql, "DELETE FROM %s WHERE (", t->name);
	put_names(&sql, &g.shape, t->keys, "");
	(void)buf_puts(&sql, ") <= (");
	put_marks(&sql, 1, t->keys);
	(void)buf_putc(&sql, ')');
	if (n > 0)
		(void)db_run(db, db_bind_text(db, sql.data, at.key, at.keys));
	buf_release(&sql);
	table_place_release(&at);
	return n;
}

/* --- writing --- */

#define VALUES_MAX 480	      /* of one statement */
#define BYTES_MAX  (64 << 20) /* of its values: the longest row, and more */
#define BYTES_FULL (1 << 20)  /* enough for one statement */

struct table_writer {
	struct db *db;
	const struct table *table;
	struct shape shape;
	size_t rows, rows_max;
	struct db_val values[VALUES_MAX];
	size_t offsets[VALUES_MAX]; /* of their bytes */
	struct buf bytes;
};

struct table_writer *table_writer_new(struct db *db, const struct table *t)
{
	struct table_writer *w = xcalloc(1, sizeof(*w));

	w->db = db;
	w->table = t;
	shape_of(t, &w->shape);
	w->rows_max = VALUES_MAX / w->shape.count;
	buf_init(&w->bytes, BYTES_MAX);
	return w;
}

void table_writer_free(struct table_writer *w)
{
	buf_release(&w->bytes);
	free(w);
}

void table_writer_add(struct table_writer *w, const struct db_val *values)
{
	size_t count = w->shape.count, first = w->rows * count;

	for (size_t i = 0; i < count; i++) {
		w->values[first + i] = values[i];
		w->offsets[first + i] = w->bytes.len;
		if (values[i].type != DB_TEXT && values[i].type != DB_BLOB)
			continue;
		(void)buf_append(&w->bytes, values[i].ptr,
				 (size_t)values[i].len);
		(void)buf_putc(&w->bytes, '\0');
	}
	if (w->bytes.overflow)
		abort();
	if (++w->rows == w->rows_max || w->bytes.len >= BYTES_FULL)
		table_writer_flush(w);
}

static void insert_sql(struct buf *b, const struct table_writer *w)
{
	size_t count = w->shape.count;

	(void)buf_printf(b, "INSERT INTO %s(", w->table->name);
	put_names(b, &w->shape, count, "");
	(void)buf_puts(b, ") VALUES");
	for (size_t i = 0; i < w->rows; i++) {
		(void)buf_puts(b, i > 0 ? ", (" : "(");
		put_marks(b, 1 + i * count, count);
		(void)buf_putc(b, ')');
	}
}

void table_writer_flush(struct table_writer *w)
{
	size_t count = w->rows * w->shape.count;
	struct buf sql;

	for (size_t i = 0; i < count; i++)
		if (w->values[i].type == DB_TEXT ||
		    w->values[i].type == DB_BLOB)
			w->values[i].ptr = w->bytes.data + w->offsets[i];
	buf_init(&sql, SQL_MAX);
	insert_sql(&sql, w);
	if (count > 0)
		db_post(w->db, db_bind_text(w->db, sql.data, w->values, count));
	buf_release(&sql);
	w->rows = 0;
	buf_clear(&w->bytes);
}
