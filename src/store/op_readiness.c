/*
 * The report of `readiness`: daily counts added up, the newest decisions that
 * agents did otherwise, and the merges that were only observed.
 *
 * Bounded: some tens of counts a day; WOULD_MAX pairs.
 */
#include "ops.h"

#include "base/str.h"

#define WOULD_MAX 100000

static void add_tallies(struct db *q, int64_t account, struct readiness *r)
{
	struct db_rows *st = db_query(q, TALLIES_BETWEEN, db_int(account),
				      db_int(db_day(readiness_from_ms(r))),
				      db_int(db_day(r->until_ms)));
	char name[STORE_TALLY_SIZE];

	while (db_step(q, st)) {
		db_col_str(st, 1, name, sizeof(name));
		readiness_add(r, db_col_int(st, 0) * STORE_DAY_MS, name,
			      db_col_int(st, 2));
	}
}

static size_t examples(struct db *q, int64_t account, const struct readiness *r,
		       enum hindsight outcome, struct journal_entry *out)
{
	struct db_rows *st =
		db_query(q, HINDSIGHT_OF, db_int(account),
			 db_str(hindsight_name(outcome)), db_int(r->since_ms),
			 db_int(READINESS_EXAMPLES));
	size_t count = 0;

	while (db_step(q, st)) {
		db_journal_read(st, &out[count]);
		journal_entry_forget_texts(&out[count++]);
	}
	return count;
}

static int64_t would_merge(struct db *q, int64_t account, int64_t from_ms,
			   int64_t until_ms)
{
	struct db_rows *st =
		db_query(q, WOULD_MERGE, db_int(account), db_int(from_ms),
			 db_int(until_ms), db_int(WOULD_MAX));
	int64_t count = 0;

	while (db_step(q, st))
		count++;
	return count;
}

enum result op_readiness(struct db *q, struct store_op *op)
{
	struct store_readiness *in = &op->u.readiness;
	int64_t account = db_account_id(q, in->account, false);
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
