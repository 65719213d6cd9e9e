/*
 * The daily sample: see sampler.h.
 *
 *	IDLE --timer--> CLAIM --mine--> COUNT --answer--> KEEP --> CLAIM (next
 *	  ^               │ not ours                        account)
 *	  └── no account left ──┴─────────────────────────────┘
 *
 * go_on() makes every step; busy is set while the store holds the operation.
 * A day that could not be had is claimed again an hour later.
 */
#include "app/sampler.h"

#include <stdlib.h>

#include "api/zendesk.h"
#include "base/log.h"
#include "base/str.h"

#define FIRST_MS 300000	 /* a start has better things to do */
#define EVERY_MS 3600000 /* the claim lets one a day through */

struct sampler {
	struct loop *loop;
	struct engine *engine;
	struct loop_timer *timer;
	struct store_op op;
	struct zendesk_op *call;
	size_t next; /* account */
	char account[ACCOUNT_SIZE];
	bool busy;
	bool freed;
};

static void go_on(void *arg);

/* The store gave the op back; false: nobody is interested any more. */
static bool returned(struct sampler *s)
{
	s->busy = false;
	if (!s->freed)
		return true;
	free(s);
	return false;
}

static void submit(struct sampler *s, storeq_done *done)
{
	s->busy = true;
	s->op.u.sample.account = s->account;
	s->op.u.sample.now_ms = loop_wall_ms(s->loop);
	storeq_submit(engine_storeq(s->engine), &s->op, done, s);
}

static void on_kept(struct store_op *op, void *arg)
{
	struct sampler *s = arg;

	if (!returned(s))
		return;
	if (op->result != RESULT_OK)
		log_warn("sample_failed", log_str("account", s->account),
			 log_str("error", op->error.text));
	else if (op->u.sample.what == STORE_SAMPLE_PUT)
		log_info("sampled", log_str("account", s->account),
			 log_int("unverified", op->u.sample.unverified),
			 log_int("end_users", op->u.sample.end_users));
	go_on(s);
}

static void on_counted(const struct api_result *r, int64_t unverified,
		       int64_t end_users, void *arg)
{
	struct sampler *s = arg;

	s->call = NULL;
	store_op_init(&s->op, STORE_SAMPLE);
	s->op.u.sample.what =
		r->result == RESULT_OK ? STORE_SAMPLE_PUT : STORE_SAMPLE_DROP;
	s->op.u.sample.unverified = unverified;
	s->op.u.sample.end_users = end_users;
	if (r->result != RESULT_OK)
		log_warn("sample_failed", log_str("account", s->account),
			 log_str("class", result_name(r->result)),
			 log_str("error", r->error.text));
	submit(s, on_kept);
}

static void on_claimed(struct store_op *op, void *arg)
{
	struct sampler *s = arg;
	bool mine = op->result == RESULT_OK && op->u.sample.mine;
	struct api_client *api;

	if (!returned(s))
		return;
	api = engine_api(s->engine, s->account);
	if (mine && api)
		s->call = zendesk_head_count(api, LANE_BACKFILL, on_counted, s);
	else
		go_on(s);
}

/* The next account, or a rest. */
static void go_on(void *arg)
{
	struct sampler *s = arg;
	const struct config *c = engine_config(s->engine);

	if (s->next >= c->account_count) {
		s->next = 0;
		loop_timer_set(s->timer, EVERY_MS);
		return;
	}
	(void)str_copy(s->account, sizeof(s->account),
		       c->accounts[s->next++].name);
	store_op_init(&s->op, STORE_SAMPLE);
	s->op.u.sample.what = STORE_SAMPLE_CLAIM;
	submit(s, on_claimed);
}

struct sampler *sampler_new(struct loop *loop, struct engine *engine)
{
	struct sampler *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->engine = engine;
	s->timer = loop_timer_new(loop, go_on, s);
	loop_timer_set(s->timer, FIRST_MS);
	return s;
}

void sampler_free(struct sampler *s)
{
	if (!s)
		return;
	loop_timer_free(s->timer);
	if (s->call)
		zendesk_cancel(s->call);
	s->freed = true;
	if (!s->busy)
		free(s);
}
