/*
 * A store is copied to another place.
 *
 *   survey    the source, table by table: rows, checksums      (one snapshot)
 *     |
 *   begin     mark the target as a copy of just that; or go on with one; or
 *     |       remove what is there of another
 *   copy      batch after batch, each behind the target's last row
 *     |
 *   verify    the target, table by table, against the survey
 *     |
 *   finish    key, numbers, leases; the mark goes               (one commit)
 *
 * Invariants: until the last commit the target has its mark, and nobody opens
 * it; whoever writes to it owns the mark, in the same transaction. The place
 * to go on from is the target's own last row: rows go in by their keys' order,
 * which is the same on both sides.
 */
#include "transfer_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "ops.h"

#define PASSES 3 /* every row is read twice, and written and read once */

/* What stands for all that the source holds. */
static void print_source(struct copying *c)
{
	struct crypto_sha256 *h = crypto_sha256_new();

	crypto_sha256_add(h, c->from.db->key, sizeof(c->from.db->key));
	for (size_t i = 0; i < c->t->count; i++) {
		const struct transfer_table *t = &c->t->tables[i];

		crypto_sha256_add(h, t->sum, sizeof(t->sum));
		crypto_sha256_add(h, &t->last_id, sizeof(t->last_id));
	}
	crypto_sha256_end(h, c->mark.source);
}

static enum result survey(struct copying *c)
{
	enum result r = RESULT_OK;
	size_t i;

	for (i = 0; i < store_table_count; i++)
		c->total += PASSES * table_rows(c->from.db, &store_tables[i]);
	c->t->tables = xcalloc(store_table_count, sizeof(*c->t->tables));
	c->t->count = store_table_count;
	for (i = 0; i < store_table_count && r == RESULT_OK; i++) {
		struct transfer_table *out = &c->t->tables[i];

		r = copying_sum(c, &c->from, &store_tables[i], "reading", out);
		out->last_id = table_last_id(c->from.db, &store_tables[i]);
		c->t->rows += out->rows;
	}
	if (r == RESULT_OK && c->from.db->failed)
		r = side_failed(c, &c->from, RESULT_TEMP);
	if (r == RESULT_OK)
		print_source(c);
	return r;
}

static enum result verify_one(struct copying *c, const struct table *t,
			      const struct transfer_table *want)
{
	struct transfer_table is;
	enum result r = copying_sum(c, &c->to, t, "verifying", &is);

	return r == RESULT_OK ? copying_compare(c, &is, want) : r;
}

static enum result verify(struct copying *c)
{
	enum result r = side_begin(c, &c->to, false);

	if (r != RESULT_OK)
		return r;
	for (size_t i = 0; i < store_table_count && r == RESULT_OK; i++)
		r = verify_one(c, &store_tables[i], &c->t->tables[i]);
	return side_roll_back(&c->to, r);
}

/* --- rows --- */

static void write_row(void *arg, const struct db_val *values)
{
	table_writer_add(arg, values);
}

/* Everything that is done to the target is done by the owner of its mark. */
static enum result begin_as_owner(struct copying *c)
{
	enum result r = side_begin(c, &c->to, true);

	if (r != RESULT_OK)
		return r;
	r = mark_change(c->to.db, &c->mark, &c->mark, &c->to.err);
	return r == RESULT_OK
		       ? r
		       : side_roll_back(&c->to, side_failed(c, &c->to, r));
}

static enum result copy_batch(struct copying *c, const struct table *t,
			      struct table_place *at, size_t *rows)
{
	enum result r = begin_as_owner(c);
	struct table_writer *w;

	if (r != RESULT_OK)
		return r;
	w = table_writer_new(c->to.db, t);
	*rows = table_read(c->from.db, t, at, write_row, w);
	table_writer_flush(w);
	table_writer_free(w);
	if (c->from.db->failed)
		r = side_failed(c, &c->from, RESULT_TEMP);
	return side_commit(c, &c->to, r);
}

static enum result find_place(struct copying *c, const struct table *t,
			      struct table_place *at)
{
	enum result r = side_begin(c, &c->to, false);

	if (r != RESULT_OK)
		return r;
	table_place_end(c->to.db, t, at);
	if (at->keys > 0)
		copying_tell(c, "copying", t->name,
			     (int64_t)(size_t)table_rows(c->to.db, t));
	if (c->to.db->failed)
		r = side_failed(c, &c->to, RESULT_TEMP);
	return side_roll_back(&c->to, r);
}

static enum result copy_table(struct copying *c, const struct table *t)
{
	struct table_place at;
	size_t rows = TABLE_BATCH;
	enum result r;

	memset(&at, 0, sizeof(at));
	r = find_place(c, t, &at);
	c->t->resumed = c->t->resumed || at.keys > 0;
	while (r == RESULT_OK && rows == TABLE_BATCH) {
		r = copy_batch(c, t, &at, &rows);
		copying_tell(c, "copying", t->name, (int64_t)rows);
	}
	table_place_release(&at);
	return r;
}

static enum result copy_all(struct copying *c)
{
	enum result r = RESULT_OK;

	for (size_t i = 0; i < store_table_count && r == RESULT_OK; i++)
		r = copy_table(c, &store_tables[i]);
	return r;
}

static enum result remove_table(struct copying *c, const struct table *t)
{
	size_t rows = TABLE_BATCH;
	enum result r = RESULT_OK;

	while (r == RESULT_OK && rows == TABLE_BATCH) {
		r = begin_as_owner(c);
		if (r != RESULT_OK)
			break;
		rows = table_remove(c->to.db, t);
		r = side_commit(c, &c->to, RESULT_OK);
		copying_tell(c, "removing", t->name, (int64_t)0);
	}
	return r;
}

static enum result remove_all(struct copying *c)
{
	enum result r = RESULT_OK;

	for (size_t i = store_table_count; i > 0 && r == RESULT_OK; i--)
		r = remove_table(c, &store_tables[i - 1]);
	return r;
}

/* --- its beginning and its end --- */

/* What the target holds is of another source until all of it is gone; should
 * that be interrupted, it is still marked as such. */
static enum result become_owner(struct copying *c, bool *same)
{
	enum result r = side_begin(c, &c->to, true);
	struct mark was, ours = c->mark;
	bool found;

	if (r != RESULT_OK)
		return r;
	found = mark_read(c->to.db, &was);
	*same = !found ||
		memcmp(was.source, ours.source, sizeof(ours.source)) == 0;
	if (!*same)
		memcpy(c->mark.source, was.source, sizeof(was.source));
	if (!found)
		mark_put(c->to.db, &c->mark);
	else if (mark_change(c->to.db, &was, &c->mark, &c->to.err) != RESULT_OK)
		r = side_failed(c, &c->to, RESULT_CONFLICT);
	return side_commit(c, &c->to, r);
}

static enum result begin_anew(struct copying *c, const struct mark *ours)
{
	enum result r = remove_all(c);

	c->t->restarted = true;
	if (r == RESULT_OK)
		r = side_begin(c, &c->to, true);
	if (r != RESULT_OK)
		return r;
	r = mark_change(c->to.db, &c->mark, ours, &c->to.err);
	if (r != RESULT_OK)
		r = side_failed(c, &c->to, r);
	c->mark = *ours;
	return side_commit(c, &c->to, r);
}

static enum result prepare(struct copying *c)
{
	struct mark ours;
	bool same = true;
	enum result r;

	crypto_random(c->mark.owner, sizeof(c->mark.owner));
	ours = c->mark;
	r = become_owner(c, &same);
	return r != RESULT_OK || same ? r : begin_anew(c, &ours);
}

static enum result set_numbers(struct copying *c)
{
	for (size_t i = 0; i < store_table_count; i++) {
		const struct table *t = &store_tables[i];
		int64_t id = c->t->tables[i].last_id;

		table_set_last_id(c->to.db, t, id);
		if (table_last_id(c->to.db, t) != id && !c->to.db->failed)
			return error_set(c->err, RESULT_PERM,
					 "the ids of the table %s cannot go on "
					 "where the source's end",
					 t->name);
	}
	return RESULT_OK;
}

/* Whoever erases a person in the copy has to know of the original. */
static void note_source(struct copying *c)
{
	const struct store_backend *b = &c->from.db->base;

	if (b->ops->file != NULL)
		db_do(c->to.db, BACKUP_PUT, db_str(c->t->host),
		      db_str(b->ops->file(b)), db_int(c->t->now_ms));
}

static enum result finish(struct copying *c)
{
	enum result r = side_begin(c, &c->to, true);
	struct db *db = c->to.db;

	if (r != RESULT_OK)
		return r;
	r = mark_drop(db, &c->mark, &c->to.err);
	if (r != RESULT_OK)
		return side_roll_back(&c->to, side_failed(c, &c->to, r));
	db_key_put(db, c->from.db->key);
	db_free_leases(db, c->t->now_ms);
	note_source(c);
	return side_commit(c, &c->to, set_numbers(c));
}

static enum result copy_into(struct copying *c)
{
	enum result r = side_open(c, &c->to, c->t->to, STORE_TARGET);

	if (r == RESULT_OK)
		r = prepare(c);
	if (r == RESULT_OK)
		r = copy_all(c);
	if (r == RESULT_OK)
		r = verify(c);
	return r == RESULT_OK ? finish(c) : r;
}

enum result transfer_copy(struct transfer *t, struct error *err)
{
	struct copying c = {
		.t = t, .from.what = "source", .to.what = "target", .err = err};
	enum result r = side_open(&c, &c.from, t->from, STORE_SOURCE);

	if (r == RESULT_OK) {
		r = side_begin(&c, &c.from, false);
		if (r == RESULT_OK)
			r = survey(&c);
		if (r == RESULT_OK)
			r = copy_into(&c);
		(void)side_roll_back(&c.from, r);
	}
	side_close(&c.to);
	side_close(&c.from);
	return r;
}

void transfer_release(struct transfer *t)
{
	free(t->tables);
	t->tables = NULL;
	t->count = 0;
}
