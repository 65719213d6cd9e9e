/*
 * Who has or had an address: one row an address (hashed) and user.
 *
 *	            has it                       had it
 *	read with   proven as read, seen         as before, has it
 *	read without  had it, since seen         stays
 *	gained      not proven any more          has it, not proven
 *	lost        had it, since then           since then, if no event said so
 *	                                         before; else the earlier one
 *
 * Invariants: what is older than the row's last word (at_ms) changes nothing,
 * except that an event may tell the time of a loss that a read has found.
 * There are no rows of a user that was merged into another (aliases).
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define OWNERS_READ_MAX 64 /* rows of one address that are looked at */

struct row {
	struct owner o;
	int64_t at_ms;
};

bool db_hash_known(const uint8_t hash[16])
{
	static const uint8_t none[16];

	return memcmp(hash, none, sizeof(none)) != 0;
}

static struct db_val hash_val(const uint8_t hash[16])
{
	return db_blob(hash, 16);
}

/* From the four columns that follow the row's name. */
static void read_row(struct db_rows *st, int first, struct row *r)
{
	r->o.proven = (int)db_col_int(st, first) != 0;
	r->o.seen_ms = db_col_int(st, first + 1);
	r->o.lost_ms = db_col_int(st, first + 2);
	r->at_ms = db_col_int(st, first + 3);
}

static bool get(struct db *q, int64_t account, const uint8_t hash[16],
		uint64_t user, struct row *r)
{
	struct db_rows *st = db_query(q, ADDRESS_GET, db_int(account),
				      hash_val(hash), db_id(user));

	memset(r, 0, sizeof(*r));
	r->o.user = user;
	if (!db_step(q, st))
		return false;
	read_row(st, 0, r);
	db_end(st);
	return true;
}

static void put(struct db *q, int64_t account, const uint8_t hash[16],
		const struct row *r)
{
	db_do(q, ADDRESS_PUT, db_int(account), hash_val(hash), db_id(r->o.user),
	      db_int(r->o.proven), db_int(r->o.seen_ms), db_int(r->o.lost_ms),
	      db_int(r->at_ms));
}

/* A sender's clock is not ours: nothing has happened in the future. */
static int64_t event_time(int64_t at_ms, int64_t now_ms)
{
	return at_ms > 0 && at_ms < now_ms ? at_ms : now_ms;
}

void db_address_gained(struct db *q, int64_t account, const uint8_t hash[16],
		       uint64_t user, int64_t at_ms, int64_t now_ms)
{
	int64_t t = event_time(at_ms, now_ms);
	struct row r;

	if (get(q, account, hash, user, &r) && t < r.at_ms)
		return;
	r.o.proven = false;
	r.o.lost_ms = 0;
	r.at_ms = t;
	put(q, account, hash, &r);
}

/* Nobody said when: not before it was last known to be theirs. */
static int64_t not_before(const struct row *r)
{
	return r->o.seen_ms != 0 ? r->o.seen_ms : r->at_ms;
}

/* An event's time counts more than what a read concluded, the earlier of two
 * events more than the later. */
static void lose_again(struct row *r, int64_t t)
{
	if (t <= r->o.seen_ms)
		return;
	if (r->o.lost_ms <= r->o.seen_ms || t < r->o.lost_ms)
		r->o.lost_ms = t;
}

void db_address_lost(struct db *q, int64_t account, const uint8_t hash[16],
		     uint64_t user, int64_t at_ms, int64_t now_ms)
{
	int64_t t = event_time(at_ms, now_ms);
	struct row r;
	bool known = get(q, account, hash, user, &r);

	if (known && r.o.lost_ms != 0 && at_ms > 0)
		lose_again(&r, t);
	else if (known && r.o.lost_ms == 0 && t >= r.at_ms)
		r.o.lost_ms = at_ms > 0 ? t : not_before(&r);
	else if (!known)
		r.o.lost_ms = t;
	else
		return;
	if (t > r.at_ms)
		r.at_ms = t;
	put(q, account, hash, &r);
}

static void sight_address(struct db *q, int64_t account,
			  const struct store_sighting *s,
			  const struct store_address *a)
{
	struct row r;

	if (!db_hash_known(a->hash) ||
	    (get(q, account, a->hash, s->user, &r) && s->at_ms < r.at_ms))
		return;
	r.o.proven = a->proven;
	r.o.seen_ms = s->at_ms;
	r.o.lost_ms = 0;
	r.at_ms = s->at_ms;
	put(q, account, a->hash, &r);
}

/* A user's rows; they may be changed while they are walked. */
struct rows {
	struct {
		uint8_t hash[16];
		struct row row;
	} * items;
	size_t count;
};

static struct rows rows_of(struct db *q, int64_t account, uint64_t user)
{
	struct db_rows *st =
		db_query(q, ADDRESSES_OF_USER, db_int(account), db_id(user));
	struct rows rows = {NULL, 0};

	while (db_step(q, st)) {
		rows.items = xrealloc(rows.items,
				      (rows.count + 1) * sizeof(*rows.items));
		db_col_blob(st, 0, rows.items[rows.count].hash, 16);
		read_row(st, 1, &rows.items[rows.count].row);
		rows.items[rows.count++].row.o.user = user;
	}
	return rows;
}

static bool shows(const struct store_sighting *s, const uint8_t hash[16])
{
	for (size_t i = 0; i < s->count; i++)
		if (memcmp(s->addresses[i].hash, hash, 16) == 0)
			return true;
	return false;
}

static void sight_losses(struct db *q, int64_t account,
			 const struct store_sighting *s)
{
	struct rows rows = rows_of(q, account, s->user);

	for (size_t i = 0; i < rows.count; i++) {
		struct row *r = &rows.items[i].row;

		if (r->o.lost_ms != 0 || s->at_ms < r->at_ms ||
		    shows(s, rows.items[i].hash))
			continue;
		r->o.lost_ms = not_before(r);
		r->at_ms = s->at_ms;
		put(q, account, rows.items[i].hash, r);
	}
	free(rows.items);
}

void db_address_sighted(struct db *q, int64_t account,
			const struct store_sighting *s)
{
	if (s->gone) {
		db_addresses_erase(q, account, s->user);
		return;
	}
	if (db_alias_follow(q, account, s->user) != s->user)
		return;
	if (s->whole)
		sight_losses(q, account, s);
	for (size_t i = 0; i < s->count; i++)
		sight_address(q, account, s, &s->addresses[i]);
}

/* Whoever has it tells how; if both lost it, the less is believed. */
static struct row together(const struct row *a, const struct row *b)
{
	struct row r = a->o.lost_ms == 0 ? *a : *b;

	if (a->o.lost_ms != 0 && b->o.lost_ms != 0) {
		r.o.proven = a->o.proven && b->o.proven;
		if (a->o.lost_ms < r.o.lost_ms)
			r.o.lost_ms = a->o.lost_ms;
		if (a->o.seen_ms < r.o.seen_ms)
			r.o.seen_ms = a->o.seen_ms;
	}
	if (a->at_ms > r.at_ms)
		r.at_ms = a->at_ms;
	return r;
}

void db_addresses_move(struct db *q, int64_t account, uint64_t from,
		       uint64_t to)
{
	struct rows rows = rows_of(q, account, from);
	struct row there;

	for (size_t i = 0; i < rows.count; i++) {
		struct row moved = rows.items[i].row;

		if (get(q, account, rows.items[i].hash, to, &there))
			moved = together(&there, &moved);
		moved.o.user = to;
		put(q, account, rows.items[i].hash, &moved);
	}
	free(rows.items);
	db_addresses_erase(q, account, from);
}

static void copy_lost(struct db *q, int64_t account, uint64_t from, uint64_t to)
{
	struct rows rows = rows_of(q, account, from);
	bool merged = db_alias_follow(q, account, to) != to;
	struct row there;

	for (size_t i = 0; i < rows.count && !merged; i++) {
		struct row r = rows.items[i].row;

		if (r.o.lost_ms == 0 ||
		    get(q, account, rows.items[i].hash, to, &there))
			continue;
		r.o.user = to;
		r.o.proven = false;
		put(q, account, rows.items[i].hash, &r);
	}
	free(rows.items);
}

void db_addresses_join(struct db *q, int64_t account, uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0 || a == b)
		return;
	copy_lost(q, account, a, b);
	copy_lost(q, account, b, a);
}

void db_addresses_erase(struct db *q, int64_t account, uint64_t user)
{
	if (user != 0)
		db_do(q, ADDRESSES_ERASE, db_int(account), db_id(user));
}

/* Who has it is the last owner; then who lost it last. */
static int owner_order(const void *pa, const void *pb)
{
	const struct row *a = pa, *b = pb;
	int64_t lost_a = a->o.lost_ms != 0 ? a->o.lost_ms : INT64_MAX;
	int64_t lost_b = b->o.lost_ms != 0 ? b->o.lost_ms : INT64_MAX;

	if (lost_a != lost_b)
		return lost_a < lost_b ? 1 : -1;
	if (a->at_ms != b->at_ms)
		return a->at_ms < b->at_ms ? 1 : -1;
	return (a->o.user < b->o.user) - (a->o.user > b->o.user);
}

size_t db_address_owners(struct db *q, int64_t account, const uint8_t hash[16],
			 uint64_t but, struct owner out[OWNERS_MAX])
{
	struct row rows[OWNERS_READ_MAX];
	size_t count = 0, n = 0;
	struct db_rows *st;

	if (!db_hash_known(hash))
		return 0;
	st = db_query(q, ADDRESS_OWNERS, db_int(account), hash_val(hash),
		      db_int(OWNERS_READ_MAX));
	while (db_step(q, st)) {
		rows[count].o.user = db_col_id(st, 0);
		read_row(st, 1, &rows[count++]);
	}
	qsort(rows, count, sizeof(rows[0]), owner_order);
	but = db_alias_follow(q, account, but);
	for (size_t i = 0; i < count && n < OWNERS_MAX; i++) {
		out[n] = rows[i].o;
		out[n].user = db_alias_follow(q, account, rows[i].o.user);
		n += out[n].user != but;
	}
	return n;
}
