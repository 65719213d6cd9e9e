/*
 * Retention: one small batch at a time, oldest first, by index; but for events,
 * of which there are so many that an index by time would cost each of them more
 * than a walk through all of them now and then. Aliases and rejected pairs
 * stay: they are decisions, and small. So does, however old,
 * what is not over: links under way with their jobs and before-images, and
 * open reviews with their entries. tests/contract/test_op_retention.c
 * holds a rule for every table.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Each costs some questions, and nobody writes meanwhile. */
#define ACCOUNTS_AT_ONCE 16

struct batch {
	struct db *q;
	size_t left;
	size_t removed;
};

static struct db_val left_of(const struct batch *b)
{
	return db_int((int64_t)b->left);
}

static void took(struct batch *b, size_t count)
{
	b->removed += count;
	b->left -= count < b->left ? count : b->left;
}

/* As many as may have to be looked at for one that goes. */
#define EVENTS_WALKED 4

/* Where a part of the walk ends; false: at the account's last event. */
static bool events_upto(struct batch *b, struct event_key *end)
{
	const struct db_event_place *at = &b->q->events_at;
	struct db_rows *st = db_query(b->q, EVENTS_UPTO, db_int(at->account),
				      db_blob(at->key.bytes, at->key.len),
				      db_int((int64_t)b->left * EVENTS_WALKED));

	if (!db_step(b->q, st))
		return false;
	end->len = (uint8_t)db_col_len(st, 0);
	db_col_blob(st, 0, end->bytes, end->len);
	db_end(st);
	return true;
}

/* True: there is more of this account. */
static bool prune_events_of(struct batch *b, int64_t before_ms)
{
	struct db_event_place *at = &b->q->events_at;
	struct event_key end = {.len = sizeof(end.bytes)};
	bool more;
	size_t n;

	memset(end.bytes, 0xff, sizeof(end.bytes)); /* no key has such a tag */
	more = events_upto(b, &end);
	n = (size_t)db_exec(b->q, PRUNE_EVENTS, db_int(at->account),
			    db_blob(at->key.bytes, at->key.len),
			    db_blob(end.bytes, end.len), db_int(before_ms),
			    left_of(b));
	more = more || n == b->left;
	if (n < b->left)
		at->key = end;
	took(b, n);
	return more && !b->q->failed;
}

static bool next_account(struct db *q)
{
	int64_t id = db_get(q, 0, ACCOUNTS_BEHIND, db_int(q->events_at.account),
			    db_int(1));

	q->events_at = (struct db_event_place){.account = id};
	return id != 0;
}

/* True: the walk has not come to its end. The handle knows its place: whoever
 * goes on in another one begins anew. */
static bool prune_events(struct batch *b, int64_t before_ms)
{
	if (b->q->events_at.account == 0 && !next_account(b->q))
		return false;
	for (int i = 0; i < ACCOUNTS_AT_ONCE; i++) {
		if (prune_events_of(b, before_ms))
			return true;
		if (!next_account(b->q))
			return false;
	}
	return true;
}

static void prune_jobs(struct batch *b, int64_t account, int64_t before_ms)
{
	static const enum job_state states[] = {JOB_DONE, JOB_DEAD};
	enum job_lane lane;
	size_t s;
	int n;

	for (s = 0; s < ARRAY_LEN(states); s++) {
		for (lane = 0; lane < LANE_COUNT; lane++) {
			n = db_exec(b->q, PRUNE_JOBS, db_int(account),
				    db_int(states[s]), db_int(lane),
				    db_int(before_ms), left_of(b));
			db_count_add(b->q, account, states[s], -n);
			took(b, (size_t)n);
		}
	}
}

static void prune_account(struct batch *b, const struct store_prune *p,
			  int64_t account)
{
	took(b, (size_t)db_exec(b->q, PRUNE_SUNCO_MERGES, db_int(account),
				db_int(p->events_before_ms), left_of(b)));
	prune_jobs(b, account, p->jobs_before_ms);
	db_do(b->q, PRUNE_LOCKS, db_int(account), db_int(p->jobs_before_ms));
	took(b, (size_t)db_exec(b->q, PRUNE_LINKS, db_int(account),
				db_int(p->journal_before_ms), left_of(b)));
	took(b,
	     (size_t)db_exec(b->q, PRUNE_COUNTED, db_int(account),
			     db_int(db_day(p->journal_before_ms)), left_of(b)));
	took(b, (size_t)db_exec(b->q, PRUNE_AGENT_MERGES, db_int(account),
				db_int(p->journal_before_ms), left_of(b)));
	db_do(b->q, PRUNE_TALLIES, db_int(account),
	      db_int(db_day(p->journal_before_ms)));
	took(b, (size_t)db_exec(b->q, PRUNE_ADDRESSES, db_int(account),
				db_int(p->journal_before_ms), left_of(b)));
}

/* An entry goes with every status that it had. */
static void prune_journal(struct batch *b, int64_t before_ms)
{
	struct db_ids ids =
		db_collect(b->q, db_query(b->q, JOURNAL_EXPIRED,
					  db_int(before_ms), left_of(b)));
	size_t i;

	for (i = 0; i < ids.count && b->left > 0; i++) {
		took(b, (size_t)db_exec(b->q, CHANGES_DELETE,
					db_int(ids.items[i])));
		took(b, (size_t)db_exec(b->q, JOURNAL_DELETE,
					db_int(ids.items[i])));
	}
	free(ids.items);
}

/* The next few accounts; the last one's id, or 0: there are no more. */
static int64_t prune_accounts(struct batch *b, const struct store_prune *p)
{
	struct db_ids ids = db_collect(
		b->q, db_query(b->q, ACCOUNTS_BEHIND, db_int(p->after_account),
			       db_int(ACCOUNTS_AT_ONCE)));
	int64_t last = 0;

	for (size_t i = 0; i < ids.count; i++)
		prune_account(b, p, ids.items[i]);
	if (ids.count == ACCOUNTS_AT_ONCE)
		last = ids.items[ids.count - 1];
	free(ids.items);
	return last;
}

/* What is found without an account. */
static void prune_rest(struct batch *b, const struct store_prune *p)
{
	struct db *q = b->q;

	if (p->reviews_expire_ms != 0)
		took(b, db_review_expire(q, p->reviews_expire_ms, b->left));
	took(b, (size_t)db_exec(q, PRUNE_IMAGES, db_int(p->images_before_ms),
				left_of(b)));
	took(b, (size_t)db_exec(q, PRUNE_FACTS, db_int(p->images_before_ms),
				left_of(b)));
	took(b, (size_t)db_exec(q, PRUNE_REVIEWS, db_int(p->journal_before_ms),
				left_of(b)));
	took(b, (size_t)db_exec(q, PRUNE_WAITING_NOTES,
				db_int(p->notes_before_ms), left_of(b)));
	took(b, (size_t)db_exec(q, PRUNE_NOTES, db_int(p->journal_before_ms),
				left_of(b)));
	prune_journal(b, p->journal_before_ms);
	if (b->left > 0 && p->images_before_ms != 0 && q->driver->prune_copies)
		q->driver->prune_copies(q, p->images_before_ms);
}

enum result op_prune(struct db *q, struct store_op *op)
{
	struct store_prune *p = &op->u.prune;
	struct batch b = {q, p->max, 0};

	p->more_events = p->events_before_ms > 0 &&
			 prune_events(&b, p->events_before_ms);
	p->next_account = prune_accounts(&b, p);
	if (p->next_account == 0)
		prune_rest(&b, p);
	p->removed = b.removed;
	if (b.left == 0)
		p->next_account = p->after_account;
	return RESULT_OK;
}
