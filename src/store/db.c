/*
 * What drivers have in common: sticky errors, values out, dispatch. See db.h.
 */
#include "db.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "ops.h"

const char *const sql_texts[SQL_COUNT] = {
#define SQL_TEXT(id, text) [SQL_##id] = (text),
	SQL_TABLE(SQL_TEXT)
#undef SQL_TEXT
};

typedef enum result op_fn(struct db *q, struct store_op *op);

static op_fn *const handlers[STORE_OP_COUNT] = {
	[STORE_ACCEPT] = op_accept,	  [STORE_ENQUEUE] = op_enqueue,
	[STORE_CLAIM] = op_claim,	  [STORE_EXTEND] = op_extend,
	[STORE_FOLD] = op_fold,		  [STORE_INTENT] = op_intent,
	[STORE_STEP] = op_step,		  [STORE_SETTLE] = op_settle,
	[STORE_RECALL] = op_recall,	  [STORE_JOBS] = op_jobs,
	[STORE_JOURNAL] = op_journal,	  [STORE_REVIEWS] = op_reviews,
	[STORE_REJECT] = op_reject,	  [STORE_DECIDE] = op_decide,
	[STORE_RETRY] = op_retry,	  [STORE_DROP] = op_drop,
	[STORE_ACCOUNT] = op_account,	  [STORE_STATS] = op_stats,
	[STORE_NOTE] = op_note_claim,	  [STORE_NOTED] = op_note_done,
	[STORE_PRUNE] = op_prune,	  [STORE_HEALTH] = op_health,
	[STORE_CHECK] = op_check,	  [STORE_FIND] = op_find,
	[STORE_ERASE] = op_erase,	  [STORE_SAMPLE] = op_sample,
	[STORE_READINESS] = op_readiness, [STORE_CURSOR] = op_cursor,
	[STORE_FOUND] = op_found,	  [STORE_CURSORS] = op_cursors,
	[STORE_WALK] = op_walk,		  [STORE_PROBE] = op_probe,
	[STORE_BACKUP] = op_backup,	  [STORE_BACKUPS] = op_backups,
	[STORE_CLOCK] = op_clock,	  [STORE_NODE] = op_node,
	[STORE_NODES] = op_nodes,	  [STORE_TURN] = op_turn,
	[STORE_LOOK] = op_look,		  [STORE_LOCK] = op_lock,
};

_Static_assert(JOB_READY == 0 && JOB_RUNNING == 1 && JOB_WAITING == 2 &&
		       JOB_REVIEW == 3 && JOB_DEAD == 4 && JOB_DONE == 5,
	       "job states are stored as numbers");
_Static_assert(LANE_LIVE == 0 && LANE_REVIEW == 1 && LANE_BACKFILL == 2,
	       "lanes are stored as numbers");
_Static_assert(REVIEW_OPEN == 0 && REVIEW_APPROVED == 1 &&
		       REVIEW_REJECTED == 2 && REVIEW_EXPIRED == 3 &&
		       REVIEW_MERGED == 4,
	       "review states are stored as numbers");
_Static_assert(EVENT_FROM_SUNCO == 0 && EVENT_FROM_ZENDESK == 1 &&
		       EVENT_FROM_SWEEP == 2 && EVENT_FROM_BACKFILL == 3,
	       "sources are stored as numbers");

struct db_rows *db_bind(struct db *q, enum sql id, const struct db_val *values,
			size_t count)
{
	return q->failed ? NULL : q->driver->bind(q, id, values, count);
}

struct db_rows *db_bind_text(struct db *q, const char *text,
			     const struct db_val *values, size_t count)
{
	return q->failed ? NULL : q->driver->bind_text(q, text, values, count);
}

void db_expect_values(struct db *q, enum sql id, const struct db_val *values,
		      size_t count)
{
	if (!q->failed && q->driver->expect != NULL)
		q->driver->expect(q, id, values, count);
}

void db_end(struct db_rows *r)
{
	if (r != NULL)
		r->db->driver->end(r);
}

bool db_step(struct db *q, struct db_rows *r)
{
	if (r == NULL)
		return false;
	if (!q->failed)
		return q->driver->step(r);
	db_end(r);
	return false;
}

int db_run(struct db *q, struct db_rows *r)
{
	int n = r != NULL ? q->driver->run(r) : 0;

	return q->failed ? 0 : n;
}

void db_post(struct db *q, struct db_rows *r)
{
	if (r != NULL)
		q->driver->post(r);
}

int64_t db_insert(struct db *q, struct db_rows *r)
{
	int64_t id = r != NULL ? q->driver->insert(r) : 0;

	return q->failed ? 0 : id;
}

int64_t db_first(struct db *q, struct db_rows *r, int64_t otherwise)
{
	int64_t n = otherwise;

	if (db_step(q, r)) {
		if (!db_col_null(r, 0))
			n = db_col_int(r, 0);
		db_end(r);
	}
	return n;
}

uint64_t db_col_id(struct db_rows *r, int i)
{
	return (uint64_t)db_col_int(r, i);
}

void db_col_str(struct db_rows *r, int i, char *dst, size_t size)
{
	const char *s = db_col_chars(r, i);

	(void)str_copy(dst, size, s != NULL ? s : "");
}

char *db_col_text(struct db_rows *r, int i)
{
	return xstrdup(db_col_chars(r, i));
}

size_t db_col_len(struct db_rows *r, int i)
{
	size_t len = 0;

	(void)r->db->driver->col_bytes(r, i, &len);
	return len;
}

void db_col_blob(struct db_rows *r, int i, void *dst, size_t size)
{
	size_t len = 0;
	const void *p = r->db->driver->col_bytes(r, i, &len);

	memset(dst, 0, size);
	if (p != NULL && len == size)
		memcpy(dst, p, size);
}

void db_reasons_write(reason_set s, char out[DB_REASONS_SIZE])
{
	struct buf b;
	enum reason r;

	buf_init(&b, DB_REASONS_SIZE - 1);
	for (r = 0; r < REASON_COUNT; r++) {
		if ((s & REASON_BIT(r)) == 0)
			continue;
		if (b.len > 0)
			(void)buf_putc(&b, ',');
		(void)buf_puts(&b, reason_code(r));
	}
	(void)str_copy(out, DB_REASONS_SIZE, b.data);
	buf_release(&b);
}

reason_set db_reasons_parse(const char *text)
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

struct db_ids db_collect(struct db *q, struct db_rows *r)
{
	struct db_ids ids = {NULL, 0, 0};

	while (db_step(q, r)) {
		if (ids.count == ids.cap) {
			ids.cap = ids.cap ? 2 * ids.cap : 16;
			ids.items = xrealloc(ids.items,
					     ids.cap * sizeof(*ids.items));
		}
		ids.items[ids.count++] = db_col_int(r, 0);
	}
	return ids;
}

void db_apply(struct store_backend *b, struct store_op *op)
{
	struct db *q = (struct db *)b;

	q->failed = false;
	q->err = &op->error;
	op->result = handlers[op->kind](q, op);
	if (q->failed)
		op->result = RESULT_TEMP;
	q->err = NULL;
}

const uint8_t *db_key(const struct store_backend *b)
{
	return ((const struct db *)b)->key;
}

void db_key_make(struct db *q)
{
	uint8_t key[STORE_KEY_SIZE];

	crypto_random(key, sizeof(key));
	db_key_put(q, key);
	crypto_wipe(key, sizeof(key));
}

void db_key_put(struct db *q, const uint8_t key[STORE_KEY_SIZE])
{
	(void)db_exec(q, KEY_PUT, db_blob(key, STORE_KEY_SIZE));
}

enum result db_key_read(struct db *q, struct error *err)
{
	struct db_rows *r = db_plain(q, KEY_GET);
	bool found = db_step(q, r) && db_col_len(r, 0) == sizeof(q->key);

	if (found) {
		db_col_blob(r, 0, q->key, sizeof(q->key));
		db_end(r);
	}
	if (q->failed)
		return RESULT_TEMP;
	return found ? RESULT_OK
		     : error_set(err, RESULT_PERM, "the store has no key");
}

void db_release(struct db *q)
{
	crypto_wipe(q->key, sizeof(q->key));
	free(q->accounts);
}
