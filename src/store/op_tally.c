/*
 * What is counted by day, in tallies: conversations, hindsight, samples.
 *
 *	seen/EVIDENCE/LINKED    conversations decided; LINKED as in the journal
 *	known/EVIDENCE/LINKED   of people known to be linked: no entry, no call
 *	absent                  conversations that Zendesk had no user for
 *	made/agreed/ACTION      agents' own merges, against the newest decision
 *	made/other/ACTION
 *	made/missed/REASON
 *	unverified, end_users   as the account's search counted them that day
 *	sampled                 somebody has set out to count them
 *
 * Invariant: a person counts once a day, as decided last that day. Conversations
 * that nobody could say more of (absent) never replace one.
 */
#include "ops.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define ABSENT "absent"

int64_t db_day(int64_t ms)
{
	return ms / STORE_DAY_MS;
}

void db_tally_add(struct db *q, int64_t account, int64_t day, const char *name,
		  int64_t delta)
{
	db_do(q, TALLY_ADD, db_int(account), db_int(day), db_str(name),
	      db_int(delta));
}

/* How the person was counted last; day -1: never. */
struct counted {
	int64_t day;
	char name[STORE_TALLY_SIZE];
};

static void counted_get(struct db *q, int64_t account, const char *sunco_id,
			struct counted *out)
{
	struct db_rows *st =
		db_query(q, COUNTED_GET, db_int(account), db_text(sunco_id));

	*out = (struct counted){.day = -1};
	if (!db_step(q, st))
		return;
	out->day = db_col_int(st, 0);
	db_col_str(st, 1, out->name, sizeof(out->name));
	db_end(st);
}

static void count(struct db *q, int64_t account, const char *sunco_id,
		  int64_t day, const char *name)
{
	db_tally_add(q, account, day, name, 1);
	db_do(q, COUNTED_PUT, db_int(account), db_text(sunco_id), db_int(day),
	      db_str(name));
}

static void decided_name(const struct journal_entry *e,
			 char out[STORE_TALLY_SIZE])
{
	if (e->reason == REASON_NO_MESSAGING_USER ||
	    e->reason == REASON_MESSAGING_USER_GONE)
		snprintf(out, STORE_TALLY_SIZE, ABSENT);
	else
		snprintf(out, STORE_TALLY_SIZE, "seen/%s/%u",
			 evidence_name(e->evidence), e->linked);
}

void db_tally_decided(struct db *q, int64_t account,
		      const struct journal_entry *e, int64_t now_ms)
{
	int64_t day = db_day(now_ms);
	char name[STORE_TALLY_SIZE];
	struct counted before;

	if (e->sunco_id[0] == '\0')
		return;
	decided_name(e, name);
	counted_get(q, account, e->sunco_id, &before);
	if (before.day == day) {
		if (str_eq(before.name, name) || str_eq(name, ABSENT))
			return;
		db_tally_add(q, account, day, before.name, -1);
	}
	count(q, account, e->sunco_id, day, name);
}

void db_tally_known(struct db *q, int64_t account, const char *sunco_id,
		    int64_t now_ms)
{
	int64_t day = db_day(now_ms);
	char name[STORE_TALLY_SIZE];
	struct counted before;
	const char *rest;

	counted_get(q, account, sunco_id, &before);
	rest = strchr(before.name, '/');
	if (rest == NULL || before.day >= day)
		return;
	snprintf(name, sizeof(name), "known%.*s", STORE_TALLY_SIZE - 6, rest);
	count(q, account, sunco_id, day, name);
}

void db_tally_merge(struct db *q, int64_t account, const char *sunco_id,
		    int64_t now_ms)
{
	struct counted before;

	counted_get(q, account, sunco_id, &before);
	if (before.day == db_day(now_ms))
		db_tally_add(q, account, before.day, before.name, -1);
	db_do(q, COUNTED_ERASE, db_int(account), db_text(sunco_id));
}

static void sample_put(struct db *q, int64_t account,
		       const struct store_sample *s, int64_t day)
{
	db_do(q, TALLY_SET, db_int(account), db_int(day), db_str("sampled"),
	      db_int(1));
	db_do(q, TALLY_SET, db_int(account), db_int(day), db_str("unverified"),
	      db_int(s->unverified));
	db_do(q, TALLY_SET, db_int(account), db_int(day), db_str("end_users"),
	      db_int(s->end_users));
}

enum result op_sample(struct db *q, struct store_op *op)
{
	struct store_sample *s = &op->u.sample;
	int64_t account = db_account_id(q, s->account, true);
	int64_t day = db_day(s->now_ms);

	s->mine = false;
	switch (s->what) {
	case STORE_SAMPLE_CLAIM:
		s->mine = db_account_may_call(q, account) &&
			  db_exec(q, TALLY_CLAIM, db_int(account), db_int(day),
				  db_str("sampled"), db_int(0)) > 0;
		break;
	case STORE_SAMPLE_PUT:
		sample_put(q, account, s, day);
		break;
	case STORE_SAMPLE_DROP:
		db_do(q, TALLY_DROP, db_int(account), db_int(day),
		      db_str("sampled"));
		break;
	}
	return RESULT_OK;
}
