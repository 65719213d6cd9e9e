/*
 * What copies and backups have in common; see transfer_int.h.
 */
#include "transfer_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/str.h"

void copying_tell(struct copying *c, const char *doing, const char *table,
		  int64_t rows)
{
	c->done += rows;
	if (c->t->tell != NULL)
		c->t->tell(c->t->arg, doing, table, c->done, c->total);
}

/* --- the two sides --- */

enum result side_failed(struct copying *c, const struct side *s, enum result r)
{
	return error_set(c->err, r, "the %s: %s", s->what, s->err.text);
}

enum result side_open(struct copying *c, struct side *s, const char *url,
		      enum store_mode mode)
{
	enum result r = store_open(&s->store, url, mode, c->t->now_ms, &s->err);

	if (r != RESULT_OK)
		return side_failed(c, s, r);
	s->db = (struct db *)store_backend(s->store);
	return RESULT_OK;
}

void side_close(struct side *s)
{
	if (s->store != NULL)
		store_close(s->store);
	s->store = NULL;
}

enum result side_begin(struct copying *c, struct side *s, bool writes)
{
	const struct store_batch batch = {.writes = writes};
	struct store_backend *b = &s->db->base;
	enum result r = b->ops->begin(b, &batch, &s->err);

	if (r != RESULT_OK)
		return side_failed(c, s, r);
	s->db->failed = false;
	s->db->err = &s->err;
	return RESULT_OK;
}

enum result side_roll_back(struct side *s, enum result r)
{
	struct store_backend *b = &s->db->base;

	s->db->err = NULL;
	b->ops->rollback(b);
	return r;
}

enum result side_commit(struct copying *c, struct side *s, enum result r)
{
	struct store_backend *b = &s->db->base;

	if (s->db->failed)
		r = side_failed(c, s, RESULT_TEMP);
	if (r != RESULT_OK)
		return side_roll_back(s, r);
	CRASH_POINT("copy_before_commit");
	s->db->err = NULL;
	r = b->ops->commit(b, &s->err);
	CRASH_POINT("copy_after_commit");
	return r == RESULT_OK ? r : side_roll_back(s, side_failed(c, s, r));
}

/* --- counts and checksums --- */

struct sum {
	struct crypto_sha256 *hash;
	size_t columns;
};

static void add_row(void *arg, const struct db_val *values)
{
	struct sum *s = arg;

	table_digest(values, s->columns, s->hash);
}

void copying_hex(struct crypto_sha256 *h, char out[TRANSFER_SUM_SIZE])
{
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_sha256_end(h, digest);
	crypto_hex(digest, sizeof(digest), out);
}

enum result copying_sum(struct copying *c, struct side *s,
			const struct table *t, const char *doing,
			struct transfer_table *out)
{
	struct sum sum = {crypto_sha256_new(), table_columns(t)};
	struct table_place at;
	size_t n;

	memset(&at, 0, sizeof(at));
	*out = (struct transfer_table){.name = t->name};
	do {
		n = table_read(s->db, t, &at, add_row, &sum);
		out->rows += (int64_t)n;
		copying_tell(c, doing, t->name, (int64_t)n);
	} while (n == TABLE_BATCH);
	table_place_release(&at);
	copying_hex(sum.hash, out->sum);
	return s->db->failed ? side_failed(c, s, RESULT_TEMP) : RESULT_OK;
}

enum result copying_compare(struct copying *c, const struct transfer_table *is,
			    const struct transfer_table *want)
{
	if (is->rows != want->rows)
		return error_set(c->err, RESULT_PERM,
				 "the table %s has %lld rows in the source and "
				 "%lld in the target: remove the target and "
				 "begin anew",
				 want->name, (long long)want->rows,
				 (long long)is->rows);
	if (want->sum[0] != '\0' && !str_eq(is->sum, want->sum))
		return error_set(c->err, RESULT_PERM,
				 "the table %s is not the same in source and "
				 "target: remove the target and begin anew",
				 want->name);
	return RESULT_OK;
}
