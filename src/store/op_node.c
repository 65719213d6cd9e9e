/*
 * The processes that serve the store: see store/node.h.
 *
 * An account's parts are settled under a lock of the account's row, so that no
 * two nodes go up at the same time. Who finds it locked by another transaction
 * does not wait: it keeps what it has, and asks again with its next beat.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define GONE_MS	     (INT64_C(10) * 60 * 1000) /* and then no row */
#define TURN_LONG_MS STORE_DAY_MS	       /* stored by a wrong clock */

/* ---- parts ---- */

struct sharing {
	struct store_stake *mine;
	const char *node;
	int64_t now_ms;
	struct stake_row rows[STAKE_NODES];
	size_t count;
	size_t me;
};

/* By node; ours as it was told, where it belongs. */
static void add_mine(struct sharing *s)
{
	s->me = s->count;
	s->rows[s->count++] = s->mine->row;
}

static void take_refusals(struct sharing *s, struct db_rows *st)
{
	for (int i = 0; i < STORE_NODE_REFUSED; i++) {
		int64_t until_ms = db_col_int(st, 7 + i);

		if (until_ms > s->mine->refused_ms[i] &&
		    until_ms - s->now_ms < STORE_DAY_MS)
			s->mine->refused_ms[i] = until_ms;
	}
}

static void add_row(struct sharing *s, struct db_rows *st)
{
	struct stake_row row = {
		.need = db_col_int(st, 1),
		.claim = db_col_int(st, 2),
		.floor = db_col_int(st, 3),
		.floor_ms = db_col_int(st, 4),
		.held = db_col_int(st, 5),
	};

	take_refusals(s, st);
	if (!stake_grow_old(&row, s->now_ms - db_col_int(st, 6)))
		return;
	s->mine->sharers += row.need > 0 || row.claim > 0;
	if (s->count < STAKE_NODES - 1)
		s->rows[s->count++] = row;
}

static void read_parts(struct db *q, struct sharing *s, int64_t account)
{
	struct db_rows *st =
		db_query(q, STAKES_GET, db_int(account), db_int(STAKE_NODES));
	bool placed = false;

	while (db_step(q, st)) {
		int order = strcmp(db_col_chars(st, 0), s->node);

		if (!placed && order >= 0) {
			add_mine(s);
			placed = true;
		}
		if (order != 0)
			add_row(s, st);
	}
	if (!placed)
		add_mine(s);
}

static void write_part(struct db *q, const struct sharing *s, int64_t account)
{
	const struct store_stake *t = s->mine;
	const struct stake_row *r = &t->row;

	db_do(q, STAKE_PUT, db_int(account), db_text(s->node), db_int(r->need),
	      db_int(r->claim), db_int(r->floor), db_int(r->floor_ms),
	      db_int(r->held), db_int(s->now_ms), db_int(t->refused_ms[0]),
	      db_int(t->refused_ms[1]));
}

static void settle(struct db *q, const struct store_node *n,
		   struct store_stake *t)
{
	struct sharing s = {.mine = t, .node = n->id, .now_ms = n->now_ms};
	int64_t account = db_account_id(q, t->account, true);
	bool free = db_get(q, 0, STAKE_LOCK, db_int(account)) != 0;

	t->sharers = 1;
	t->row.gain = 0;
	read_parts(q, &s, account);
	if (free) {
		stake_divide(s.rows, s.count, s.me, t->at_once,
			     n->now_ms / STAKE_TURN_MS);
		t->row = s.rows[s.me];
	}
	write_part(q, &s, account);
}

/* ---- beats ---- */

enum result op_node(struct db *q, struct store_op *op)
{
	struct store_node *n = &op->u.node;

	if (n->leaves)
		db_do(q, NODE_DELETE, db_text(n->id));
	else
		db_do(q, NODE_PUT, db_text(n->id), db_text(n->name),
		      db_text(n->version), db_int(n->started_ms),
		      db_int(n->now_ms), db_int(n->until_ms),
		      db_text(n->settings));
	if (n->alone)
		db_do(q, NODES_OTHERS, db_text(n->id));
	db_do(q, NODES_OLD, db_int(n->now_ms - GONE_MS));
	db_do(q, STAKES_OLD, db_int(n->now_ms - GONE_MS));
	for (size_t i = 0; i < n->stake_count; i++)
		settle(q, n, &n->stakes[i]);
	n->alive = (size_t)db_get(q, 0, NODES_ALIVE, db_int(n->now_ms));
	return RESULT_OK;
}

enum result op_nodes(struct db *q, struct store_op *op)
{
	struct store_nodes *l = &op->u.nodes;
	struct db_rows *st = db_query(q, NODES_LIST, db_int(l->now_ms),
				      db_int(STORE_NODES_MAX));

	l->rows = xcalloc(STORE_NODES_MAX, sizeof(*l->rows));
	l->count = 0;
	while (db_step(q, st)) {
		struct store_node_row *r = &l->rows[l->count++];

		db_col_str(st, 0, r->id, sizeof(r->id));
		r->name = db_col_text(st, 1);
		r->version = db_col_text(st, 2);
		r->started_ms = db_col_int(st, 3);
		r->beat_ms = db_col_int(st, 4);
		r->until_ms = db_col_int(st, 5);
		r->settings = db_col_text(st, 6);
	}
	return RESULT_OK;
}

/* ---- turns ---- */

enum result op_turn(struct db *q, struct store_op *op)
{
	struct store_turn *t = &op->u.turn;

	t->until_ms = 0;
	if (t->back) {
		t->mine = false;
		db_do(q, TURN_BACK, db_text(t->name), db_text(t->node));
		return RESULT_OK;
	}
	t->mine = db_exec(q, TURN_TAKE, db_text(t->name), db_text(t->node),
			  db_int(t->now_ms + t->lease_ms), db_int(t->now_ms),
			  db_int(t->now_ms + TURN_LONG_MS)) > 0;
	if (!t->mine)
		t->until_ms = db_get(q, 0, TURN_UNTIL, db_text(t->name));
	return RESULT_OK;
}
