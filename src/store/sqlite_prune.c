/*
 * Retention: one small batch at a time, oldest first, by index. Aliases and
 * rejected pairs stay: they are decisions, and small. So does, however old,
 * what is not over: links under way with their jobs and before-images, and
 * open reviews with their entries. tests/contract/test_sqlite_retention.c
 * holds a rule for every table.
 */
#include "sqlite_ops.h"

#include <stdlib.h>

#include "base/str.h"

struct batch {
	struct sq *q;
	size_t left;
	size_t removed;
};

static struct sq_val left_of(const struct batch *b)
{
	return sq_int((int64_t)b->left);
}

static void took(struct batch *b, size_t count)
{
	b->removed += count;
	b->left -= count < b->left ? count : b->left;
}

static void prune_jobs(struct batch *b, int64_t account, int64_t before_ms)
{
	static const enum job_state states[] = {JOB_DONE, JOB_DEAD};
	enum job_lane lane;
	size_t s;
	int n;

	for (s = 0; s < ARRAY_LEN(states); s++) {
		for (lane = 0; lane < LANE_COUNT; lane++) {
			n = sq_exec(b->q, PRUNE_JOBS, sq_int(account),
				    sq_int(states[s]), sq_int(lane),
				    sq_int(before_ms), left_of(b));
			sq_count_add(b->q, account, states[s], -n);
			took(b, (size_t)n);
		}
	}
}

static void prune_account(struct batch *b, const struct store_prune *p,
			  int64_t account)
{
	took(b, (size_t)sq_exec(b->q, PRUNE_EVENTS, sq_int(account),
				sq_int(p->events_before_ms), left_of(b)));
	took(b, (size_t)sq_exec(b->q, PRUNE_SUNCO_MERGES, sq_int(account),
				sq_int(p->events_before_ms), left_of(b)));
	prune_jobs(b, account, p->jobs_before_ms);
	sq_exec(b->q, PRUNE_LOCKS, sq_int(account), sq_int(p->jobs_before_ms));
	took(b, (size_t)sq_exec(b->q, PRUNE_LINKS, sq_int(account),
				sq_int(p->journal_before_ms), left_of(b)));
	took(b,
	     (size_t)sq_exec(b->q, PRUNE_COUNTED, sq_int(account),
			     sq_int(sq_day(p->journal_before_ms)), left_of(b)));
	took(b, (size_t)sq_exec(b->q, PRUNE_AGENT_MERGES, sq_int(account),
				sq_int(p->journal_before_ms), left_of(b)));
	sq_exec(b->q, PRUNE_TALLIES, sq_int(account),
		sq_int(sq_day(p->journal_before_ms)));
	took(b, (size_t)sq_exec(b->q, PRUNE_ADDRESSES, sq_int(account),
				sq_int(p->journal_before_ms), left_of(b)));
}

/* An entry goes with every status that it had. */
static void prune_journal(struct batch *b, int64_t before_ms)
{
	struct sq_ids ids =
		sq_collect(b->q, sq_query(b->q, JOURNAL_EXPIRED,
					  sq_int(before_ms), left_of(b)));
	size_t i;

	for (i = 0; i < ids.count && b->left > 0; i++) {
		took(b, (size_t)sq_exec(b->q, CHANGES_DELETE,
					sq_int(ids.items[i])));
		took(b, (size_t)sq_exec(b->q, JOURNAL_DELETE,
					sq_int(ids.items[i])));
	}
	free(ids.items);
}

enum result sq_op_prune(struct sq *q, struct store_op *op)
{
	struct store_prune *p = &op->u.prune;
	struct batch b = {q, p->max, 0};
	struct sq_ids ids;
	size_t i;

	if (p->reviews_expire_ms != 0)
		took(&b, sq_review_expire(q, p->reviews_expire_ms, b.left));
	ids = sq_collect(q, sq_plain(q, ACCOUNT_IDS));
	for (i = 0; i < ids.count; i++)
		prune_account(&b, p, ids.items[i]);
	free(ids.items);
	took(&b, (size_t)sq_exec(q, PRUNE_IMAGES, sq_int(p->images_before_ms),
				 left_of(&b)));
	took(&b, (size_t)sq_exec(q, PRUNE_FACTS, sq_int(p->images_before_ms),
				 left_of(&b)));
	took(&b, (size_t)sq_exec(q, PRUNE_REVIEWS, sq_int(p->journal_before_ms),
				 left_of(&b)));
	took(&b, (size_t)sq_exec(q, PRUNE_WAITING_NOTES,
				 sq_int(p->notes_before_ms), left_of(&b)));
	took(&b, (size_t)sq_exec(q, PRUNE_NOTES, sq_int(p->journal_before_ms),
				 left_of(&b)));
	prune_journal(&b, p->journal_before_ms);
	p->removed = b.removed;
	if (b.left > 0 && p->images_before_ms != 0)
		sq_copies_prune(q, p->images_before_ms);
	return RESULT_OK;
}
