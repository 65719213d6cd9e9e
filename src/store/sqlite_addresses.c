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
#include "sqlite_ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define OWNERS_READ_MAX 64 /* rows of one address that are looked at */

struct row {
	struct owner o;
	int64_t at_ms;
};

bool sq_hash_known(const uint8_t hash[16])
{
	static const uint8_t none[16];

	return memcmp(hash, none, sizeof(none)) != 0;
}

static struct sq_val hash_val(const uint8_t hash[16])
{
	return sq_blob(hash, 16);
}

/* From the four columns that follow the row's name. */
static void read_row(sqlite3_stmt *st, int first, struct row *r)
{
	r->o.proven = sqlite3_column_int(st, first) != 0;
	r->o.seen_ms = sqlite3_column_int64(st, first + 1);
	r->o.lost_ms = sqlite3_column_int64(st, first + 2);
	r->at_ms = sqlite3_column_int64(st, first + 3);
}

static bool get(struct sq *q, int64_t account, const uint8_t hash[16],
		uint64_t user, struct row *r)
{
	sqlite3_stmt *st = sq_query(q, ADDRESS_GET, sq_int(account),
				    hash_val(hash), sq_id(user));

	memset(r, 0, sizeof(*r));
	r->o.user = user;
	if (!sq_step(q, st))
		return false;
	read_row(st, 0, r);
	sq_end(st);
	return true;
}

static void put(struct sq *q, int64_t account, const uint8_t hash[16],
		const struct row *r)
{
	sq_exec(q, ADDRESS_PUT, sq_int(account), hash_val(hash),
		sq_id(r->o.user), sq_int(r->o.proven), sq_int(r->o.seen_ms),
		sq_int(r->o.lost_ms), sq_int(r->at_ms));
}

/* A sender's clock is not ours: nothing has happened in the future. */
static int64_t event_time(int64_t at_ms, int64_t now_ms)
{
	return at_ms > 0 && at_ms < now_ms ? at_ms : now_ms;
}

void sq_address_gained(struct sq *q, int64_t account, const uint8_t hash[16],
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

void sq_address_lost(struct sq *q, int64_t account, const uint8_t hash[16],
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

static void sight_address(struct sq *q, int64_t account,
			  const struct store_sighting *s,
			  const struct store_address *a)
{
	struct row r;

	if (!sq_hash_known(a->hash) ||
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

static struct rows rows_of(struct sq *q, int64_t account, uint64_t user)
{
	sqlite3_stmt *st =
		sq_query(q, ADDRESSES_OF_USER, sq_int(account), sq_id(user));
	struct rows rows = {NULL, 0};

	while (sq_step(q, st)) {
		rows.items = xrealloc(rows.items,
				      (rows.count + 1) * sizeof(*rows.items));
		sq_col_blob(st, 0, rows.items[rows.count].hash, 16);
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

static void sight_losses(struct sq *q, int64_t account,
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

void sq_address_sighted(struct sq *q, int64_t account,
			const struct store_sighting *s)
{
	if (s->gone) {
		sq_addresses_erase(q, account, s->user);
		return;
	}
	if (sq_alias_follow(q, account, s->user) != s->user)
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

void sq_addresses_move(struct sq *q, int64_t account, uint64_t from,
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
	sq_addresses_erase(q, account, from);
}

static void copy_lost(struct sq *q, int64_t account, uint64_t from, uint64_t to)
{
	struct rows rows = rows_of(q, account, from);
	bool merged = sq_alias_follow(q, account, to) != to;
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

void sq_addresses_join(struct sq *q, int64_t account, uint64_t a, uint64_t b)
{
	if (a == 0 || b == 0 || a == b)
		return;
	copy_lost(q, account, a, b);
	copy_lost(q, account, b, a);
}

void sq_addresses_erase(struct sq *q, int64_t account, uint64_t user)
{
	if (user != 0)
		sq_exec(q, ADDRESSES_ERASE, sq_int(account), sq_id(user));
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

size_t sq_address_owners(struct sq *q, int64_t account, const uint8_t hash[16],
			 uint64_t but, struct owner out[OWNERS_MAX])
{
	struct row rows[OWNERS_READ_MAX];
	size_t count = 0, n = 0;
	sqlite3_stmt *st;

	if (!sq_hash_known(hash))
		return 0;
	st = sq_query(q, ADDRESS_OWNERS, sq_int(account), hash_val(hash),
		      sq_int(OWNERS_READ_MAX));
	while (sq_step(q, st)) {
		rows[count].o.user = sq_col_id(st, 0);
		read_row(st, 1, &rows[count++]);
	}
	qsort(rows, count, sizeof(rows[0]), owner_order);
	but = sq_alias_follow(q, account, but);
	for (size_t i = 0; i < count && n < OWNERS_MAX; i++) {
		out[n] = rows[i].o;
		out[n].user = sq_alias_follow(q, account, rows[i].o.user);
		n += out[n].user != but;
	}
	return n;
}
