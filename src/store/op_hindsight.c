/*
 * Hindsight: what the account's own agents merged by hand, compared with what
 * was decided about the same people before.
 *
 * A merge makes two users one, and an event does not say which of them
 * survived. So agents' merges are kept as pairs; whoever they connect is one
 * user now, in whatever order and direction the pairs became known. A pair that
 * is new joins two sides. The newest decision about each messaging user of
 * one side is compared with the other side:
 *
 *	it names one of them                 agreed; its open review is closed
 *	it names somebody else               other, until that one is joined too
 *	it names nobody                      missed
 *	linked already, or our own merge     nothing
 *	the person logged in as another      login: Zendesk joined them itself
 *
 * Two conversations' users that agents joined say nothing about each other
 * unless their decisions contradict each other; then the later is compared.
 *
 * Index look-ups only: this runs inside intake's and settles' transactions.
 */
#include "ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define LOGIN_MS  600000 /* a login's own events come together */
#define USERS_MAX 32	 /* that agents made one; more are not looked at */

/* Users that are one, with the newest decision about each (id 0: none). */
struct side {
	uint64_t ids[USERS_MAX];
	struct journal_entry decided[USERS_MAX];
	size_t count;
};

static void read_decided(struct db_rows *st, struct journal_entry *e)
{
	const char *outcome = db_col_chars(st, 8);

	e->id = db_col_int(st, 0);
	(void)action_parse(db_col_chars(st, 1), &e->action);
	(void)reason_parse(db_col_chars(st, 2), &e->reason);
	e->applied = (int)db_col_int(st, 3) != 0;
	(void)journal_status_parse(db_col_chars(st, 4), &e->status);
	(void)evidence_parse(db_col_chars(st, 5), &e->evidence);
	e->messaging_user_id = db_col_id(st, 6);
	e->profile_id = db_col_id(st, 7);
	if (outcome != NULL)
		(void)hindsight_parse(outcome, &e->outcome);
	e->outcome_ms = db_col_int(st, 9);
}

static bool first_decided(struct db *q, struct db_rows *st,
			  struct journal_entry *out)
{
	journal_entry_init(out);
	if (!db_step(q, st))
		return false;
	read_decided(st, out);
	db_end(st);
	return true;
}

static bool decided_of(struct db *q, int64_t account, uint64_t user,
		       struct journal_entry *out)
{
	return first_decided(
		q, db_query(q, DECIDED_OF_USER, db_int(account), db_id(user)),
		out);
}

/* --- whom agents made one --- */

static bool side_has(const struct side *s, uint64_t id)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->ids[i] == id)
			return true;
	}
	return false;
}

static void side_add(struct side *s, uint64_t id)
{
	if (s->count < USERS_MAX && !side_has(s, id))
		s->ids[s->count++] = id;
}

static void side_load(struct db *q, int64_t account, uint64_t first,
		      struct side *out)
{
	out->count = 0;
	side_add(out, first);
	for (size_t i = 0; i < out->count; i++) {
		struct db_ids next = db_collect(
			q, db_query(q, AGENT_MERGES_OF, db_int(account),
				    db_id(out->ids[i]), db_int(USERS_MAX)));

		for (size_t n = 0; n < next.count; n++)
			side_add(out, (uint64_t)next.items[n]);
		free(next.items);
	}
	for (size_t i = 0; i < out->count; i++)
		(void)decided_of(q, account, out->ids[i], &out->decided[i]);
}

static void remember(struct db *q, int64_t account, uint64_t a, uint64_t b,
		     int64_t now_ms)
{
	db_do(q, AGENT_MERGE_PUT, db_int(account), db_id(a), db_id(b),
	      db_int(now_ms));
	db_do(q, AGENT_MERGE_PUT, db_int(account), db_id(b), db_id(a),
	      db_int(now_ms));
}

/* --- the verdict --- */

/* The profile that the decision means, if it is of this side; else 0. */
static uint64_t meant(struct db *q, int64_t account,
		      const struct journal_entry *e, const struct side *s)
{
	uint64_t now = db_alias_follow(q, account, e->profile_id);

	if (!journal_entry_names(e, e->profile_id))
		return 0;
	return side_has(s, e->profile_id) ? e->profile_id
	       : side_has(s, now)	  ? now
					  : 0;
}

/* Was joining with this user a word about the decision e? */
static bool speaks(const struct journal_entry *e,
		   const struct journal_entry *with)
{
	if (with->id == 0 || with->reason == REASON_ALREADY_LINKED)
		return true;
	if (with->id > e->id)
		return false;
	return e->profile_id == 0 ||
	       (with->profile_id != 0 && with->profile_id != e->profile_id);
}

static uint64_t joined_with(const struct journal_entry *e, const struct side *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (speaks(e, &s->decided[i]))
			return s->ids[i];
	}
	return 0;
}

static void tally(struct db *q, int64_t account, const struct journal_entry *e,
		  int64_t delta)
{
	char name[STORE_TALLY_SIZE];

	if (e->outcome == HINDSIGHT_NONE || e->outcome == HINDSIGHT_LOGIN)
		return;
	snprintf(name, sizeof(name), "made/%s/%s", hindsight_name(e->outcome),
		 e->outcome == HINDSIGHT_MISSED ? reason_code(e->reason)
						: action_name(e->action));
	db_tally_add(q, account, db_day(e->outcome_ms), name, delta);
}

static void put_outcome(struct db *q, int64_t account, struct journal_entry *e,
			enum hindsight outcome, uint64_t with, int64_t now_ms)
{
	tally(q, account, e, -1);
	e->outcome = outcome;
	e->outcome_ms = now_ms;
	tally(q, account, e, 1);
	db_do(q, JOURNAL_OUTCOME, db_int(e->id),
	      db_str(hindsight_name(outcome)), db_int(now_ms), db_id(with));
	if (outcome == HINDSIGHT_AGREED)
		db_review_merged(q, account, e->messaging_user_id,
				 e->profile_id, now_ms);
}

static void compare(struct db *q, int64_t account, struct journal_entry *e,
		    const struct side *with, int64_t now_ms)
{
	bool open =
		e->outcome == HINDSIGHT_NONE || e->outcome == HINDSIGHT_OTHER;
	uint64_t user;
	enum hindsight outcome;

	if (e->id == 0 || !open)
		return;
	user = meant(q, account, e, with);
	outcome = journal_hindsight(e, user != 0 ? e->profile_id : 0);
	if (outcome != HINDSIGHT_AGREED)
		user = joined_with(e, with);
	if (outcome != e->outcome && outcome != HINDSIGHT_NONE && user != 0)
		put_outcome(q, account, e, outcome, user, now_ms);
}

/* --- how a merge becomes known --- */

/* The intent is stored before the merge is sent, the alias when it ended. */
static bool is_our_merge(struct db *q, int64_t account, uint64_t from,
			 uint64_t into)
{
	struct journal_entry e;

	if (db_alias_follow(q, account, from) ==
	    db_alias_follow(q, account, into))
		return true;
	return decided_of(q, account, from, &e) && e.applied &&
	       e.action == ACTION_MERGE && e.status != JOURNAL_FAILED &&
	       e.profile_id == into;
}

static void join(struct db *q, int64_t account, uint64_t a, uint64_t b,
		 int64_t now_ms)
{
	struct side one, two;

	side_load(q, account, a, &one);
	if (side_has(&one, b))
		return;
	side_load(q, account, b, &two);
	remember(q, account, a, b, now_ms);
	for (size_t i = 0; i < one.count; i++)
		compare(q, account, &one.decided[i], &two, now_ms);
	for (size_t i = 0; i < two.count; i++)
		compare(q, account, &two.decided[i], &one, now_ms);
}

bool db_hindsight_merge(struct db *q, int64_t account, uint64_t a, uint64_t b,
			int64_t now_ms)
{
	if (a == 0 || b == 0 || a == b || is_our_merge(q, account, a, b) ||
	    is_our_merge(q, account, b, a))
		return false;
	join(q, account, a, b, now_ms);
	return true;
}

void db_hindsight_login(struct db *q, int64_t account, const char *sunco_id,
			int64_t now_ms)
{
	struct journal_entry last;

	if (first_decided(q,
			  db_query(q, DECIDED_OF_SUNCO, db_int(account),
				   db_text(sunco_id)),
			  &last) &&
	    journal_hindsight(&last, 0) != HINDSIGHT_NONE &&
	    (last.outcome == HINDSIGHT_NONE ||
	     last.outcome_ms > now_ms - LOGIN_MS))
		put_outcome(q, account, &last, HINDSIGHT_LOGIN, 0, now_ms);
}

void db_hindsight_before(struct db *q, int64_t account,
			 const struct journal_entry *now, uint64_t gone,
			 int64_t now_ms)
{
	struct journal_entry last;
	uint64_t user = now->messaging_user_id;

	if (user == 0 || now->sunco_id[0] == '\0' ||
	    !first_decided(q,
			   db_query(q, DECIDED_OF_SUNCO, db_int(account),
				    db_text(now->sunco_id)),
			   &last) ||
	    last.evidence != now->evidence)
		return;
	if (last.messaging_user_id == gone || journal_entry_names(&last, user))
		(void)db_hindsight_merge(q, account, last.messaging_user_id,
					 user, now_ms);
}

void db_hindsight_after(struct db *q, int64_t account,
			const struct journal_entry *now, int64_t now_ms)
{
	struct journal_entry e;
	struct side s;

	if (!journal_entry_names(now, now->profile_id) ||
	    !decided_of(q, account, now->messaging_user_id, &e))
		return;
	side_load(q, account, now->messaging_user_id, &s);
	if (meant(q, account, &e, &s) != 0)
		compare(q, account, &e, &s, now_ms);
}
