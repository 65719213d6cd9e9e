/*
 * Beats: see node.h.
 *
 * One operation at a time; a need that comes meanwhile is in the next one,
 * which follows at once. What was settled counts from when it was asked for.
 */
#include "app/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define SHARED_BEAT_MS 1000
#define SHARED_LIFE_MS 15000
#define ALONE_BEAT_MS  60000
#define ALONE_LIFE_MS  150000
#define SOON_MS	       50  /* after another beat */
#define AGAIN_MS       300 /* after one that brought nothing */
#define NAME_MAX_BYTES 96

struct node_account {
	struct node *n;
	char name[ACCOUNT_SIZE];
	struct api_client *api; /* NULL: dropped */
	int64_t denied_ms;	/* when it asked and got nothing last */
};

struct node {
	struct loop *loop;
	struct storeq *q;
	bool shared;
	const uint8_t *key;
	char id[STORE_NODE_ID_SIZE];
	char name[NAME_MAX_BYTES];
	int64_t started_ms;
	struct node_account **accounts;
	size_t account_count;
	struct loop_timer *timer;
	struct store_op op;
	struct store_stake *stakes; /* the op's */
	char *settings;		    /* to be told; NULL: told */
	char *telling;		    /* the op's */
	int64_t since_ms;	    /* when the last beat was sent */
	bool busy;
	bool hurry; /* somebody needs another beat */
	bool freed;
};

static void beat(struct node *n);

/* ---- what is told ---- */

static int64_t wall_of(const struct node *n, int64_t in_ms)
{
	return in_ms > 0 ? loop_wall_ms(n->loop) + in_ms : 0;
}

static void add_stake(struct node *n, struct node_account *a, size_t *count)
{
	struct store_stake *s = &n->stakes[*count];
	struct api_stake told;

	if (!a->api || !api_client_stake(a->api, &told))
		return;
	*s = (struct store_stake){.at_once = told.at_once, .row = told.row};
	str_copy(s->account, sizeof(s->account), a->name);
	for (enum api api = 0; api < API_COUNT; api++)
		s->refused_ms[api] = wall_of(n, told.refused_ms[api]);
	if (n->freed)
		s->row.need = s->row.claim = s->row.floor = 0;
	(*count)++;
}

static size_t collect(struct node *n)
{
	size_t count = 0;

	n->stakes = xrealloc(n->stakes,
			     (n->account_count + 1) * sizeof(*n->stakes));
	for (size_t i = 0; n->shared && i < n->account_count; i++)
		add_stake(n, n->accounts[i], &count);
	return count;
}

/* ---- what comes of it ---- */

static struct node_account *find(const struct node *n, const char *name)
{
	for (size_t i = 0; i < n->account_count; i++)
		if (str_eq(n->accounts[i]->name, name))
			return n->accounts[i];
	return NULL;
}

static void take_stake(const struct node *n, const struct store_stake *s)
{
	struct node_account *a = find(n, s->account);
	int64_t ahead_ms = loop_wall_ms(n->loop) - loop_now_ms(n->loop);
	struct api_stake settled = {.row = s->row, .sharers = s->sharers};

	if (!a || !a->api)
		return;
	if (s->row.need > 0 && s->row.claim == 0)
		a->denied_ms = loop_now_ms(n->loop);
	for (enum api api = 0; api < API_COUNT; api++)
		settled.refused_ms[api] =
			s->refused_ms[api]
				? s->refused_ms[api] - ahead_ms - n->since_ms
				: 0;
	api_client_settle(a->api, &settled, n->since_ms);
}

static void release(struct node *n)
{
	for (size_t i = 0; i < n->account_count; i++)
		free(n->accounts[i]);
	free(n->accounts);
	free(n->stakes);
	free(n->settings);
	free(n->telling);
	free(n);
}

static void on_left(struct store_op *op, void *arg)
{
	(void)op;
	release(arg);
}

static void plan(struct node *n)
{
	int64_t every_ms = n->shared ? SHARED_BEAT_MS : ALONE_BEAT_MS;
	int64_t wait_ms;

	if (n->hurry)
		every_ms = SOON_MS;
	wait_ms = n->since_ms + every_ms - loop_now_ms(n->loop);
	loop_timer_set(n->timer, wait_ms > 0 ? wait_ms : 0);
}

static void on_beat(struct store_op *op, void *arg)
{
	struct node *n = arg;
	const struct store_node *told = &op->u.node;

	n->busy = false;
	if (n->freed) {
		beat(n);
		return;
	}
	if (op->result == RESULT_OK) {
		for (size_t i = 0; i < told->stake_count; i++)
			take_stake(n, &told->stakes[i]);
		metric_set(metric_get(METRIC_NODES), (double)told->alive);
	} else if (!n->settings) {
		n->settings = n->telling;
		n->telling = NULL;
	}
	if (op->result != RESULT_OK)
		n->hurry = false; /* it would not hear it either */
	plan(n);
}

static void beat(struct node *n)
{
	n->busy = true;
	n->hurry = false;
	n->since_ms = loop_now_ms(n->loop);
	free(n->telling);
	n->telling = n->settings;
	n->settings = NULL;
	store_op_init(&n->op, STORE_NODE);
	n->op.u.node = (struct store_node){
		.id = n->id,
		.name = n->name,
		.version = REUNITE_VERSION,
		.started_ms = n->started_ms,
		.now_ms = loop_wall_ms(n->loop),
		.settings = n->telling,
		.leaves = n->freed,
		.alone = !n->shared,
		.stakes = n->stakes,
	};
	n->op.u.node.until_ms = n->op.u.node.now_ms +
				(n->shared ? SHARED_LIFE_MS : ALONE_LIFE_MS);
	n->op.u.node.stake_count = collect(n);
	n->op.u.node.stakes = n->stakes;
	storeq_submit(n->q, &n->op, n->freed ? on_left : on_beat, n);
}

static void on_timer(void *arg)
{
	struct node *n = arg;

	if (!n->busy)
		beat(n);
}

static void on_needed(void *arg)
{
	struct node_account *a = arg;

	if (a->denied_ms && loop_now_ms(a->n->loop) - a->denied_ms < AGAIN_MS)
		return; /* others have to come down first */
	a->n->hurry = true;
	if (!a->n->busy)
		plan(a->n);
}

/* ---- life ---- */

static void make_name(struct node *n)
{
	uint8_t random[(STORE_NODE_ID_SIZE - 1) / 2];
	char host[NAME_MAX_BYTES - 24] = "";

	crypto_random(random, sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		snprintf(n->id + 2 * i, 3, "%02x", random[i]);
	(void)gethostname(host, sizeof(host) - 1);
	for (char *c = host; *c; c++)
		if (*c <= ' ' || *c >= 127)
			*c = '?';
	snprintf(n->name, sizeof(n->name), "%s:%ld", host, (long)getpid());
}

struct node *node_new(struct loop *loop, struct storeq *q, bool shared,
		      const uint8_t *key)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->loop = loop;
	n->q = q;
	n->shared = shared;
	n->key = key;
	n->started_ms = loop_wall_ms(loop);
	make_name(n);
	n->timer = loop_timer_new(loop, on_timer, n);
	log_info("node", log_str("id", n->id), log_str("name", n->name),
		 log_bool("shared", shared));
	beat(n); /* before anything that rests on who lives */
	return n;
}

const char *node_id(const struct node *n)
{
	return n->id;
}

bool node_is_shared(const struct node *n)
{
	return n->shared;
}

void node_set_config(struct node *n, const struct config *config)
{
	free(n->settings);
	n->settings = node_settings(config, n->key);
	n->hurry = true;
	if (!n->busy)
		plan(n);
}

void node_set_account(struct node *n, const char *account,
		      struct api_client *api)
{
	struct node_account *a = find(n, account);

	if (!a) {
		n->accounts = xrealloc(n->accounts,
				       (n->account_count + 1) * sizeof(a));
		a = xcalloc(1, sizeof(*a));
		n->accounts[n->account_count++] = a;
		a->n = n;
		str_copy(a->name, sizeof(a->name), account);
	}
	if (a->api == api)
		return;
	a->api = api;
	if (n->shared)
		api_client_share(api, on_needed, a);
}

void node_drop_account(struct node *n, const char *account)
{
	struct node_account *a = find(n, account);

	if (!a || !a->api)
		return;
	if (n->shared)
		api_client_share(a->api, NULL, NULL);
	a->api = NULL;
}

void node_free(struct node *n)
{
	if (!n)
		return;
	loop_timer_free(n->timer);
	n->timer = NULL;
	n->freed = true;
	if (!n->busy)
		beat(n); /* else when that one is back */
	for (size_t i = 0; i < n->account_count; i++)
		node_drop_account(n, n->accounts[i]->name);
}
