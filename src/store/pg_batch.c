/*
 * What surrounds a batch of operations where several processes write.
 *
 * Turns: those who change one account's rows do so one after the other, by
 * advisory locks that end with the transaction: so every operation has the
 * account's rows for itself, as on SQLite, and whoever dies or is stopped in
 * the middle holds nobody for longer than the transaction's timeouts. Accounts
 * do not wait for each other. Claims only take what they find free (SKIP
 * LOCKED), so they share a turn. Always in the same order: everybody's, then
 * by the account's number.
 *
 * The mark: each transaction of a serving process leaves a number in a row of
 * its own, higher than any before or it fails, so that after a lost connection
 * it can be told, and settled, whether the commit under way happens. Transaction ids would not do: a standby that takes over
 * gives them again.
 */
#include "pg.h"

#include <stdlib.h>

#include "ops.h"
#include "scope.h"

struct turn {
	int64_t account;
	bool alone;
};

struct turns {
	struct turn *items;
	size_t count;
	bool everybody;
};

static void post_own(struct pg *p, enum pg_own id, const struct db_val *values,
		     size_t count)
{
	if (!p->db.failed)
		pg_driver.post(pg_bind_own(p, id, values, count));
}

static struct pg_seat *seat_of(struct pg *p, const struct scope *s)
{
	return &p->seats[(uint64_t)s->id % ARRAY_LEN(p->seats)];
}

/* Jobs come again and again, and never change their account. */
static bool is_seated(struct pg *p, const struct scope *s)
{
	return s->owner == SQL_JOB_ACCOUNT && seat_of(p, s)->job_id == s->id;
}

static int64_t owner_of(struct pg *p, const struct scope *s)
{
	const struct db_val id = db_int(s->id);
	int64_t account;

	if (is_seated(p, s))
		return seat_of(p, s)->account;
	account = db_first(&p->db, db_bind(&p->db, s->owner, &id, 1), 0);
	if (account != 0 && s->owner == SQL_JOB_ACCOUNT)
		*seat_of(p, s) = (struct pg_seat){s->id, account};
	return account;
}

static int64_t account_of(struct pg *p, const struct scope *s)
{
	if (s->kind == SCOPE_ACCOUNT)
		return db_account_id(&p->db, s->account, false);
	return s->kind == SCOPE_ROW ? owner_of(p, s) : 0;
}

static void ask_owners(struct pg *p, const struct store_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct scope s = scope_of(batch->ops[i]);
		const struct db_val id = db_int(s.id);

		if (s.kind == SCOPE_ROW && !is_seated(p, &s))
			db_expect_values(&p->db, s.owner, &id, 1);
	}
}

static void add_turn(struct turns *t, int64_t account, bool alone)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->items[i].account != account)
			continue;
		t->items[i].alone = t->items[i].alone || alone;
		return;
	}
	t->items[t->count++] = (struct turn){account, alone};
}

static int by_account(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	return (x->account > y->account) - (x->account < y->account);
}

/* A row or an account that is not there needs no turn. */
static void find_turns(struct pg *p, const struct store_batch *batch,
		       struct turns *t)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct scope s = scope_of(batch->ops[i]);
		int64_t account = account_of(p, &s);

		t->everybody = t->everybody || s.kind == SCOPE_ALL;
		if (account != 0)
			add_turn(t, account, !s.claims);
	}
	qsort(t->items, t->count, sizeof(t->items[0]), by_account);
}

static void take_turns(struct pg *p, const struct turns *t)
{
	if (t->everybody || t->count > 0)
		post_own(p,
			 t->everybody ? PG_OWN_TURN_OF_ALL
				      : PG_OWN_SHARE_WITH_ALL,
			 NULL, 0);
	for (size_t i = 0; i < t->count && !t->everybody; i++) {
		const struct db_val account = db_int(t->items[i].account);

		post_own(p, t->items[i].alone ? PG_OWN_TURN : PG_OWN_SHARE_TURN,
			 &account, 1);
	}
}

void pg_batch_start(struct pg *p, const struct store_batch *batch)
{
	struct turns t = {xcalloc(batch->count + 1, sizeof(*t.items)), 0,
			  false};

	ask_owners(p, batch);
	find_turns(p, batch, &t);
	take_turns(p, &t);
	for (size_t i = 0; i < batch->count; i++)
		db_ahead(&p->db, batch->ops[i]);
	free(t.items);
}

void pg_batch_mark(struct pg *p)
{
	const struct db_val values[] = {db_text(p->id), db_int(++p->mark)};

	if (p->mark == 1)
		post_own(p, PG_OWN_UNMARK, NULL, 0);
	post_own(p, PG_OWN_MARK, values, ARRAY_LEN(values));
}

/* Whoever has the mark's row knows that a transaction that wrote it is over;
 * one that would still write it (its server has what was sent, and takes its
 * time) finds a later mark, and fails. */
enum pg_outcome pg_batch_outcome(struct pg *p)
{
	const struct db_val id = db_text(p->id);
	enum pg_outcome o = PG_UNKNOWN;
	struct error err;
	int64_t mark;

	if (pg_begin(p, PG_WRITES, &err) != RESULT_OK)
		return PG_UNKNOWN;
	p->db.err = &err;
	mark = db_first(&p->db, pg_bind_own(p, PG_OWN_MARKED, &id, 1), 0);
	if (!p->db.failed)
		o = mark == p->mark ? PG_HAPPENED : PG_DID_NOT_HAPPEN;
	if (o == PG_DID_NOT_HAPPEN)
		pg_batch_mark(p);
	p->db.err = NULL;
	/* A standby may not have it yet, but then not this one either. */
	p->marks = false;
	if (o != PG_UNKNOWN && pg_commit(&p->db.base, &err) == RESULT_OK)
		return o;
	pg_rollback(&p->db.base);
	return PG_UNKNOWN;
}
