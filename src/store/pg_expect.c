/*
 * Answers that came before the question: statements that operations announce
 * (db.h, expect) are sent at once, all in one turn to the server; when an
 * operation asks, its rows are there.
 *
 * What an operation writes meanwhile makes the answers about it stale: then
 * the question is sent after all. Which those are is told from the statement
 * that writes: its table, and the row's id where it names one.
 *
 * Invariants: an answer is given once; none outlives its transaction; while
 * answers are still under way nothing is written.
 */
#include "pg.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS	  1024
#define VALUES	  6
#define MAX_AHEAD 2048 /* what comes behind is asked in its turn */

/* The table that a statement reads or writes, as far as it matters here. */
enum table { TABLE_OTHER, TABLE_JOBS, TABLE_LINKS, TABLE_ACCOUNTS };

struct pg_expected {
	struct pg_expected *next; /* in the bucket */
	enum sql id;
	enum table table;
	struct db_val values[VALUES]; /* texts and bytes are in copies */
	size_t count;
	char *copies;
	uint64_t nth;  /* statement of the connection */
	PGresult *res; /* NULL: under way, given away, or stale */
	bool open;     /* it may be asked for */
};

struct pg_ahead {
	struct pg_expected items[MAX_AHEAD];
	size_t count;
	size_t answered; /* so many of the first have come */
	struct pg_expected *buckets[BUCKETS];
	struct pg_expected **tails[BUCKETS];
};

static size_t size_of(const struct db_val *v)
{
	if (v->type == DB_TEXT)
		return strlen(v->ptr) + 1;
	return v->type == DB_BLOB ? (size_t)v->len : 0;
}

static uint32_t add_bytes(uint32_t h, const void *p, size_t len)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < len; i++)
		h = (h ^ b[i]) * 16777619u;
	return h;
}

static size_t bucket_of(enum sql id, const struct db_val *values, size_t count)
{
	uint32_t h = 2166136261u ^ (uint32_t)id;

	for (size_t i = 0; i < count; i++) {
		h = add_bytes(h, &values[i].num, sizeof(values[i].num));
		h = add_bytes(h, values[i].ptr, size_of(&values[i]));
	}
	return h % BUCKETS;
}

static bool is_same_value(const struct db_val *a, const struct db_val *b)
{
	size_t len = size_of(a);

	return a->type == b->type && a->num == b->num && len == size_of(b) &&
	       (len == 0 || memcmp(a->ptr, b->ptr, len) == 0);
}

static bool is_same(const struct pg_expected *e, enum sql id,
		    const struct db_val *values, size_t count)
{
	if (!e->open || e->id != id || e->count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_same_value(&e->values[i], &values[i]))
			return false;
	return true;
}

static enum table table_named(const char *s)
{
	static const struct {
		const char *name;
		enum table table;
	} names[] = {{"jobs", TABLE_JOBS},
		     {"links", TABLE_LINKS},
		     {"accounts", TABLE_ACCOUNTS}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t n = strlen(names[i].name);

		if (strncmp(s, names[i].name, n) == 0 &&
		    (s[n] == ' ' || s[n] == '('))
			return names[i].table;
	}
	return TABLE_OTHER;
}

/* Only the first table counts: what is expected reads no other. */
static enum table table_behind(const char *text, const char *words)
{
	const char *at = strstr(text, words);

	return at != NULL ? table_named(at + strlen(words)) : TABLE_OTHER;
}

static enum table written_by(const char *text)
{
	static const char *const words[] = {"INSERT INTO ", "UPDATE ",
					    "DELETE FROM "};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return table_named(text + strlen(words[i]));
	return TABLE_OTHER;
}

static void keep_values(struct pg_expected *e, const struct db_val *values,
			size_t count)
{
	size_t len = 0, at = 0;

	for (size_t i = 0; i < count; i++)
		len += size_of(&values[i]);
	e->copies = xcalloc(1, len + 1);
	for (size_t i = 0; i < count; i++) {
		size_t n = size_of(&values[i]);

		e->values[i] = values[i];
		if (n == 0)
			continue;
		memcpy(e->copies + at, values[i].ptr, n);
		e->values[i].ptr = e->copies + at;
		at += n;
	}
	e->count = count;
}

bool pg_expect_add(struct pg *p, enum sql id, const struct db_val *values,
		   size_t count)
{
	struct pg_ahead *a = p->ahead;
	struct pg_expected *e;
	size_t b;

	if (a == NULL)
		a = p->ahead = xcalloc(1, sizeof(*a));
	if (a->count == MAX_AHEAD || count > VALUES)
		return false;
	e = &a->items[a->count++];
	memset(e, 0, sizeof(*e));
	e->nth = p->taken + p->pending;
	e->id = id;
	e->table = table_behind(sql_texts[id], " FROM ");
	e->open = true;
	keep_values(e, values, count);
	/* Behind its equals: the first answer is for the first question. */
	b = bucket_of(id, values, count);
	if (a->buckets[b] == NULL)
		a->tails[b] = &a->buckets[b];
	*a->tails[b] = e;
	a->tails[b] = &e->next;
	return true;
}

bool pg_expect_awaits(const struct pg *p)
{
	return p->ahead != NULL && p->ahead->answered < p->ahead->count;
}

bool pg_expect_is_next(const struct pg *p)
{
	return pg_expect_awaits(p) &&
	       p->ahead->items[p->ahead->answered].nth == p->taken;
}

void pg_expect_answer(struct pg *p, PGresult *res)
{
	p->ahead->items[p->ahead->answered++].res = res;
}

PGresult *pg_expect_take(struct pg *p, enum sql id, const struct db_val *values,
			 size_t count)
{
	struct pg_ahead *a = p->ahead;
	struct pg_expected *e;
	PGresult *res;

	if (a == NULL || a->count == 0)
		return NULL;
	for (e = a->buckets[bucket_of(id, values, count)]; e != NULL;
	     e = e->next) {
		if (!is_same(e, id, values, count))
			continue;
		res = e->res;
		e->res = NULL;
		e->open = false;
		return res;
	}
	return NULL;
}

static void spoil(struct pg_expected *e)
{
	PQclear(e->res);
	e->res = NULL;
	e->open = false;
}

/* Whether the answer is, or could be, about the row of this id. */
static bool is_about(const struct pg_expected *e, int64_t id)
{
	uint64_t of_row;

	if (e->id == SQL_JOB_BY_ID)
		return e->values[0].num == id;
	if (e->id != SQL_JOB_BY_PERSON)
		return true;
	if (PQntuples(e->res) == 0)
		return false;
	memcpy(&of_row, PQgetvalue(e->res, 0, 0), sizeof(of_row));
	return (int64_t)be64toh(of_row) == id;
}

/* Whether a new job could be in the answer. */
static bool could_hold(const struct pg_expected *e, const struct db_val *values)
{
	if (e->id == SQL_JOB_BY_ID)
		return false;
	return e->id != SQL_JOB_BY_PERSON ||
	       (is_same_value(&e->values[0], &values[0]) &&
		is_same_value(&e->values[1], &values[1]));
}

static bool is_spoilt(const struct pg_expected *e, enum sql id,
		      const char *text, const struct db_val *values)
{
	if (e->table != TABLE_JOBS)
		return true;
	if (id == SQL_JOB_INSERT)
		return could_hold(e, values);
	/* It is found by another name from now on. */
	if (id == SQL_JOB_RENAME || id == SQL_JOB_MOVE)
		return true;
	if (strstr(text, " WHERE id = ?1") != NULL)
		return is_about(e, values[0].num);
	return true;
}

void pg_expect_spoil(struct pg *p, enum sql id, const char *text,
		     const struct db_val *values)
{
	struct pg_ahead *a = p->ahead;
	enum table table;

	if (a == NULL || a->count == 0)
		return;
	table = written_by(text);
	if (table == TABLE_OTHER)
		return;
	for (size_t i = 0; i < a->count; i++) {
		struct pg_expected *e = &a->items[i];

		if (e->open && e->table == table &&
		    is_spoilt(e, id, text, values))
			spoil(e);
	}
}

void pg_expect_end(struct pg *p)
{
	struct pg_ahead *a = p->ahead;

	if (a == NULL)
		return;
	for (size_t i = 0; i < a->count; i++) {
		PQclear(a->items[i].res);
		free(a->items[i].copies);
	}
	memset(a->buckets, 0, sizeof(a->buckets));
	a->count = a->answered = 0;
}

void pg_expect_free(struct pg *p)
{
	pg_expect_end(p);
	free(p->ahead);
	p->ahead = NULL;
}
