/*
 * The breaker's places: merges and adopts of the last hour, and merges of the
 * last day into each profile.
 *
 * Places are taken in the transaction of the intent, so that no two writers
 * count the same room twice. A place is given back only when its entry ends
 * as failed, that is, without an effect; what is uncertain keeps it.
 *
 * The window is (now - length, now]: a place counts for less than an hour. A
 * person who closes the breaker moves its beginning up to that moment, and a
 * place taken in the same millisecond still counts. Should the clock step
 * back, places of the future keep counting, and a closing of the future does
 * not count until then, nor ever once a place was taken before it: rather too
 * few merges than too many.
 */
#include "ops.h"

#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_MS	(24 * HOUR_MS)

/* What counts was taken after this. */
static int64_t window_start(struct db *q, int64_t account, int64_t now_ms,
			    int64_t length_ms)
{
	int64_t start_ms = now_ms - length_ms;
	int64_t since_ms = db_get(q, 0, BREAKER_SINCE, db_int(account));

	return since_ms <= now_ms && since_ms > start_ms ? since_ms - 1
							 : start_ms;
}

int64_t db_merges_this_hour(struct db *q, int64_t account, int64_t now_ms)
{
	return db_get(q, 0, RESERVED_SINCE, db_int(account),
		      db_int(window_start(q, account, now_ms, HOUR_MS)));
}

int64_t db_merges_today(struct db *q, int64_t account, uint64_t profile,
			int64_t now_ms)
{
	if (profile == 0)
		return 0;
	return db_get(q, 0, RESERVED_PROFILE, db_int(account), db_id(profile),
		      db_int(window_start(q, account, now_ms, DAY_MS)));
}

/* The breaker guards what cannot be taken back; a name can. */
static bool takes_place(const struct journal_entry *e)
{
	return e->action == ACTION_MERGE || e->action == ACTION_ADOPT;
}

/* When a window has a place again: so many of its oldest places, the one that
 * was taken at place_ms included, have gone then. A closing of the future may
 * come before. */
static int64_t ends(struct db *q, int64_t account, int64_t now_ms,
		    int64_t place_ms, int64_t length_ms)
{
	int64_t since_ms = db_get(q, 0, BREAKER_SINCE, db_int(account));
	int64_t end_ms = place_ms + length_ms;

	return since_ms > now_ms && since_ms < end_ms ? since_ms : end_ms;
}

int64_t db_hour_opens(struct db *q, int64_t account, int64_t now_ms,
		      int64_t max, int64_t *taken)
{
	int64_t start_ms = window_start(q, account, now_ms, HOUR_MS);

	*taken =
		db_get(q, 0, RESERVED_SINCE, db_int(account), db_int(start_ms));
	if (*taken < max)
		return now_ms;
	if (max <= 0)
		return INT64_MAX;
	return ends(q, account, now_ms,
		    db_get(q, 0, RESERVED_NTH, db_int(account),
			   db_int(start_ms), db_int(*taken - max)),
		    HOUR_MS);
}

/* The same of a profile's day. */
static int64_t day_opens(struct db *q, int64_t account, int64_t now_ms,
			 int64_t max, uint64_t profile, int64_t taken)
{
	int64_t start_ms = window_start(q, account, now_ms, DAY_MS);

	if (taken < max || profile == 0)
		return now_ms;
	if (max <= 0)
		return INT64_MAX;
	return ends(q, account, now_ms,
		    db_get(q, 0, RESERVED_PROFILE_NTH, db_int(account),
			   db_id(profile), db_int(start_ms),
			   db_int(taken - max)),
		    DAY_MS);
}

enum result db_breaker_ask(struct db *q, struct store_intent *n,
			   int64_t account)
{
	uint64_t profile = n->entry->profile_id;
	int64_t day;

	if (!takes_place(n->entry))
		return RESULT_OK;
	day = db_merges_today(q, account, profile, n->now_ms);
	n->merges_into_profile_today = day;
	n->place_ms = db_hour_opens(q, account, n->now_ms, n->max_per_hour,
				    &n->merges_this_hour);
	if (n->place_ms > n->now_ms)
		return error_set(q->err, RESULT_RATE,
				 "too many merges in this hour");
	n->place_ms = day_opens(q, account, n->now_ms, n->max_per_profile,
				profile, day);
	if (n->place_ms > n->now_ms)
		return error_set(q->err, RESULT_RATE,
				 "too many merges into the profile today");
	return RESULT_OK;
}

void db_breaker_take(struct db *q, const struct store_intent *n,
		     int64_t account)
{
	if (!takes_place(n->entry))
		return;
	db_do(q, BREAKER_FORGET, db_int(account), db_int(n->now_ms));
	db_do(q, RESERVED_PRUNE, db_int(account), db_int(n->now_ms - DAY_MS));
	db_do(q, RESERVED_PUT, db_int(n->journal_id), db_int(account),
	      db_id(n->entry->profile_id), db_int(n->now_ms));
}

void db_breaker_release(struct db *q, int64_t journal_id,
			enum journal_status status, bool applied)
{
	if (status == JOURNAL_FAILED || !applied)
		db_do(q, RESERVED_DELETE, db_int(journal_id));
}

static void hour_stats(struct db *q, struct store_stats *s, int64_t account)
{
	int64_t opens_ms = db_hour_opens(q, account, s->now_ms, s->max_per_hour,
					 &s->merges_this_hour);
	bool full = opens_ms > s->now_ms && opens_ms != INT64_MAX;

	s->hour_ends_ms = full ? opens_ms : 0;
}

static void profile_stats(struct db *q, struct store_stats *s, int64_t account)
{
	int64_t start_ms = window_start(q, account, s->now_ms, DAY_MS);
	size_t kept = 0;
	struct db_rows *st;

	s->full_count = 0;
	if (s->max_per_profile == INT64_MAX || s->max_per_profile <= 0)
		return;
	st = db_query(q, RESERVED_FULL, db_int(account), db_int(start_ms),
		      db_int(s->max_per_profile));
	while (db_step(q, st)) {
		if (s->full_count++ >= STORE_FULL_MAX)
			continue;
		s->full[kept].profile_id = db_col_id(st, 0);
		s->full[kept++].merges = db_col_int(st, 1);
	}
	for (size_t i = 0; i < kept; i++)
		s->full[i].ends_ms =
			day_opens(q, account, s->now_ms, s->max_per_profile,
				  s->full[i].profile_id, s->full[i].merges);
}

void db_breaker_stats(struct db *q, struct store_stats *s, int64_t account)
{
	s->breaker_since_ms = db_get(q, 0, BREAKER_SINCE, db_int(account));
	hour_stats(q, s, account);
	profile_stats(q, s, account);
}
