/*
 * The report of `readiness`: daily counts added up, the newest decisions that
 * agents did otherwise, and the merges that were only observed.
 *
 * Bounded: some tens of counts a day; WOULD_MAX pairs.
 */
#include "sqlite_ops.h"

#include "base/str.h"

#define WOULD_MAX 100000

static void add_tallies(struct sq *q, int64_t account, struct readiness *r)
{
	sqlite3_stmt *st = sq_query(q, TALLIES_BETWEEN, sq_int(account),
				    sq_int(sq_day(readiness_from_ms(r))),
				    sq_int(sq_day(r->until_ms)));
	char name[STORE_TALLY_SIZE];

	while (sq_step(q, st)) {
		sq_col_str(st, 1, name, sizeof(name));
		readiness_add(r, sqlite3_column_int64(st, 0) * STORE_DAY_MS,
			      name, sqlite3_column_int64(st, 2));
	}
}

static size_t examples(struct sq *q, int64_t account, const struct readiness *r,
		       enum hindsight outcome, struct journal_entry *out)
{
	sqlite3_stmt *st =
		sq_query(q, HINDSIGHT_OF, sq_int(account),
			 sq_str(hindsight_name(outcome)), sq_int(r->since_ms),
			 sq_int(READINESS_EXAMPLES));
	size_t count = 0;

	while (sq_step(q, st)) {
		sq_journal_read(st, &out[count]);
		journal_entry_forget_texts(&out[count++]);
	}
	return count;
}

static int64_t would_merge(struct sq *q, int64_t account, int64_t from_ms,
			   int64_t until_ms)
{
	sqlite3_stmt *st =
		sq_query(q, WOULD_MERGE, sq_int(account), sq_int(from_ms),
			 sq_int(until_ms), sq_int(WOULD_MAX));
	int64_t count = 0;

	while (sq_step(q, st))
		count++;
	return count;
}

enum result sq_op_readiness(struct sq *q, struct store_op *op)
{
	struct store_readiness *in = &op->u.readiness;
	int64_t account = sq_account_id(q, in->account, false);
	struct readiness *r = xcalloc(1, sizeof(*r));
	int64_t due_ms = in->now_ms - in->patience_ms;

	in->report = r;
	readiness_init(r, in->since_ms, in->now_ms, in->patience_ms);
	(void)str_copy(r->account, sizeof(r->account), in->account);
	add_tallies(q, account, r);
	r->other_count = examples(q, account, r, HINDSIGHT_OTHER, r->others);
	r->miss_count = examples(q, account, r, HINDSIGHT_MISSED, r->misses);
	r->not_made =
		would_merge(q, account, r->since_ms - in->patience_ms, due_ms);
	r->pending = would_merge(q, account, due_ms, in->now_ms + 1);
	return RESULT_OK;
}
