/*
 * Whose turn it is to fetch a token: see token_turn.h.
 *
 *	IDLE --wanted--> TAKE --> READ --fresh------> IDLE, or BACK if ours
 *	 ^  ^              ^       | | not ours
 *	 |  |              |       | +--> WAIT --time--> TAKE
 *	 |  |              |       +--ours--> FETCH --saved--> BACK --> IDLE
 *	 |  +-- the fetch failed: its turn ends by itself, or is wanted again
 *	 +-- BACK
 *
 * Invariant: one operation of the store at a time (busy).
 */
#include "app/token_turn.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"

#define LEASE_MS  20000 /* of a fetch, and of storing what it got */
#define LOOK_MS	  300
#define FAILED_MS 1000

struct token_turn {
	struct loop *loop;
	struct storeq *q;
	const char *node;
	const char *account;
	struct api_client *api;
	char name[ACCOUNT_SIZE + 8];
	struct loop_timer *timer;
	struct store_op op;
	bool busy;
	bool wanted; /* while busy */
	bool saved;  /* likewise */
	bool mine;
	bool freed;
};

static void take(struct token_turn *t);
static void give_back(struct token_turn *t);

/* The store gave the op back; false: nobody is interested any more. */
static bool returned(struct token_turn *t)
{
	t->busy = false;
	if (!t->freed)
		return true;
	store_op_release(&t->op);
	free(t);
	return false;
}

/* What came while the store had the op. */
static void go_on(struct token_turn *t)
{
	if (t->busy)
		return;
	if (t->saved && t->mine)
		give_back(t);
	else if (t->wanted)
		take(t);
}

static void on_back(struct store_op *op, void *arg)
{
	struct token_turn *t = arg;

	(void)op; /* else it ends by itself */
	if (returned(t))
		go_on(t);
}

static void submit_turn(struct token_turn *t, bool back, storeq_done *done)
{
	t->busy = true;
	store_op_init(&t->op, STORE_TURN);
	t->op.u.turn = (struct store_turn){
		.name = t->name,
		.node = t->node,
		.now_ms = loop_wall_ms(t->loop),
		.lease_ms = LEASE_MS,
		.back = back,
	};
	storeq_submit(t->q, &t->op, done, t);
}

static void give_back(struct token_turn *t)
{
	t->mine = t->saved = false;
	submit_turn(t, true, on_back);
}

static bool is_fresh(const struct token_turn *t, const struct store_account *a)
{
	const char *refused = api_client_refused_token(t->api);

	return a->token && a->token_expires_ms > loop_wall_ms(t->loop) &&
	       !(refused && str_eq(a->token, refused));
}

static void on_read(struct store_op *op, void *arg)
{
	struct token_turn *t = arg;
	const struct store_account *a = &op->u.account;
	bool ok, fresh;

	if (!returned(t))
		return;
	ok = op->result == RESULT_OK;
	fresh = ok && is_fresh(t, a);
	if (fresh)
		api_client_set_token(t->api, a->token, a->token_expires_ms);
	store_op_release(op);
	if (fresh && t->mine)
		give_back(t);
	else if (ok && !fresh && t->mine)
		api_client_fetch_token(t->api);
	else if (!fresh)
		loop_timer_set(t->timer, ok ? LOOK_MS : FAILED_MS);
}

static void on_taken(struct store_op *op, void *arg)
{
	struct token_turn *t = arg;

	if (!returned(t))
		return;
	t->mine = op->result == RESULT_OK && op->u.turn.mine;
	t->busy = true;
	store_op_init(&t->op, STORE_ACCOUNT);
	t->op.u.account.account = t->account;
	storeq_submit(t->q, &t->op, on_read, t);
}

static void take(struct token_turn *t)
{
	t->wanted = t->saved = false;
	loop_timer_clear(t->timer);
	submit_turn(t, false, on_taken);
}

static void on_wanted(void *arg)
{
	struct token_turn *t = arg;

	t->wanted = true;
	go_on(t);
}

void token_turn_saved(struct token_turn *t)
{
	if (!t || !t->mine)
		return;
	t->saved = true;
	go_on(t);
}

struct token_turn *token_turn_new(struct loop *loop, struct storeq *q,
				  const char *node, const char *account,
				  struct api_client *api)
{
	struct token_turn *t = xcalloc(1, sizeof(*t));

	t->loop = loop;
	t->q = q;
	t->node = node;
	t->account = account;
	t->api = api;
	snprintf(t->name, sizeof(t->name), "token %s", account);
	t->timer = loop_timer_new(loop, on_wanted, t);
	api_client_on_token_wanted(api, on_wanted, t);
	return t;
}

void token_turn_free(struct token_turn *t)
{
	if (!t)
		return;
	api_client_on_token_wanted(t->api, NULL, NULL);
	loop_timer_free(t->timer);
	t->freed = true;
	if (!t->busy)
		free(t);
}
