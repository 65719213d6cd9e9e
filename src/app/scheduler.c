/*
 * Claims, runs, holds: see scheduler.h.
 *
 * One claim at a time per account; it asks for as many jobs as there is room.
 * What comes next is known from the claim (next_ms), from wakes, and from the
 * end of runs. The leases of other nodes, and what other processes wrote, are
 * found by one question about all accounts (look) every SCHED_IDLE_MS: many that
 * sleep cost next to nothing.
 *
 * A held account (core/hold.h) has one run at a time, and none until the hold
 * says so; each run that meets trouble puts the next one off. When it is over,
 * every run that gets through makes room for one more: what waited does not
 * fall upon an API that has just come back.
 *
 * Invariant: runs <= SCHEDULER_RUNS_MAX; no run begins in a held account beside
 * another. The lane backfill begins no run that would leave less than KEPT_FREE
 * places.
 */
#include "scheduler_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"

#define BUDGET_LONG_MS 2000 /* claim only when calls may go soon */
/* The longest that a lease lasts, and until everybody has heard of a step. */
#define AHEAD_MS  (RUN_LEASE_MS + RUN_GRACE_MS + 30000)
#define KEPT_FREE 4 /* runs that backfill leaves to whoever writes now */

static void on_timer(void *arg)
{
	struct sched_account *a = arg;

	if (a->ask_row)
		sched_ask_row(a); /* claims when it knows */
	else
		sched_claim(a);
}

/* How many runs there may be now. */
static size_t most_runs(const struct sched_account *a)
{
	int64_t carried = a->api ? api_client_jobs_max(a->api) : 0;

	return a->api && carried < (int64_t)a->width ? (size_t)carried
						     : a->width;
}

static size_t room(const struct sched_account *a)
{
	size_t most = most_runs(a);

	return a->run_count < most ? most - a->run_count : 0;
}

size_t scheduler_runs(const struct scheduler *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->account_count; i++)
		n += s->accounts[i]->run_count;
	return n;
}

static bool account_borrows(const struct sched_account *a,
			    const struct account_config *config)
{
	for (size_t i = 0; i < SCHEDULER_RUNS_MAX; i++)
		if (a->runs[i] && run_config(a->runs[i]) == config)
			return true;
	return false;
}

bool scheduler_borrows(const struct scheduler *s,
		       const struct account_config *configs, size_t count)
{
	for (size_t i = 0; i < s->account_count; i++)
		for (size_t k = 0; k < count; k++)
			if (account_borrows(s->accounts[i], &configs[k]))
				return true;
	return false;
}

bool scheduler_paused(const struct scheduler *s, const char *account)
{
	const struct sched_account *a = sched_find(s, account);

	return a && a->paused;
}

static void check_drained(struct scheduler *s)
{
	if (!s->draining || !s->drained || scheduler_runs(s) > 0)
		return;
	loop_defer(s->loop, s->drained, s->drained_arg);
	s->drained = NULL;
}

/* --- the account's row: its pause, shared with other processes --- */

static void take_row(struct sched_account *a, const struct store_account *row)
{
	if (row->is_paused == a->paused)
		return;
	a->paused = row->is_paused;
	metric_set(metric_get(METRIC_ACCOUNT_HELD, a->name, "paused"),
		   a->paused);
	log_info("account_paused", log_str("account", a->name),
		 log_bool("paused", a->paused));
	if (!a->paused && a->api)
		api_client_try_again(a->api);
}

static void on_row(struct store_op *op, void *arg)
{
	struct sched_account *a = arg;

	a->asking = false;
	if (op->result == RESULT_OK && a->s->row && !a->s->freed)
		a->s->row(a->name, &op->u.account, a->s->row_arg);
	if (op->result == RESULT_OK)
		take_row(a, &op->u.account);
	else
		a->ask_row = true;
	store_op_release(op);
	if (a->s->freed)
		sched_release_when_idle(a->s);
	else if (a->ask_row)
		loop_timer_set(a->timer, RETRY_FIRST_MS);
	else
		sched_claim(a);
}

void sched_ask_row(struct sched_account *a)
{
	if (a->asking)
		return;
	a->asking = true;
	a->ask_row = false;
	store_op_init(&a->row, STORE_ACCOUNT);
	a->row.u.account.account = a->name;
	storeq_submit(a->s->q, &a->row, on_row, a);
}

/* --- runs --- */

static void forget_run(struct sched_account *a, const struct run_report *r)
{
	for (size_t i = 0; i < SCHEDULER_RUNS_MAX; i++) {
		if (a->runs[i] && run_job(a->runs[i]) == r->job) {
			a->runs[i] = NULL;
			a->run_count--;
			return;
		}
	}
}

static bool met_breaker(const struct linkjob *l)
{
	const reason_set full = REASON_BIT(REASON_MERGE_SURGE) |
				REASON_BIT(REASON_MERGE_FAN_IN);

	return l->saga.journal_id || (l->decision.reasons & full) ||
	       (l->end == LINKJOB_END_RETRY && l->why == RESULT_RATE);
}

static void on_run(const struct run_report *r, void *arg)
{
	struct sched_account *a = arg;
	struct scheduler *s = a->s;

	forget_run(a, r);
	if (r->link->sunco_id[0])
		s->watch(a->name, r->link->sunco_id,
			 r->state == JOB_WAITING && !r->lost, s->watch_arg);
	if (s->place && met_breaker(r->link))
		s->place(a->name, s->place_arg);
	if (r->noted && s->noted)
		s->noted(a->name, s->noted_arg);
	if (r->why == RESULT_OK && !r->lost && a->width < SCHEDULER_RUNS_MAX)
		a->width++;
	check_drained(s);
	sched_claim(a);
}

/* A job that is claimed while it runs here has lost its lease under us, by a
 * leap of the clock, say. What is on its way then is looked up, as after a
 * crash; two runs of one person are never under way. */
static void drop_run(struct sched_account *a, int64_t job_id)
{
	for (size_t i = 0; i < SCHEDULER_RUNS_MAX; i++) {
		struct run *run = a->runs[i];

		if (!run || run_job(run)->id != job_id)
			continue;
		log_warn("lease_lost", log_str("account", a->name),
			 log_int("job", job_id));
		a->runs[i] = NULL;
		a->run_count--;
		run_cancel(run);
	}
}

static void start(struct sched_account *a, struct job *job)
{
	struct run_env env = {
		.loop = a->s->loop,
		.q = a->s->q,
		.api = a->api,
		.hmac = a->s->hmac,
		.account = a->config,
		.leases = a->s->leases,
		.leased_ms = a->claimed_ms,
		.hearsay = a->s->hearsay,
		.takes_over = true,
	};
	size_t i = 0;

	while (a->runs[i])
		i++;
	a->runs[i] = run_start(&env, job, false, on_run, a);
	a->run_count++;
}

/* --- claims --- */

/* A claimed job on its way back; the op's strings are the job's. */
struct unstarted {
	struct store_op op;
	struct job job;
};

static void on_unstarted(struct store_op *op, void *arg)
{
	struct unstarted *u = arg;

	store_op_release(op);
	job_release(&u->job);
	free(u);
}

/* Claimed, but not to be run here any more: as it was, without a lease that
 * others would have to wait for. Takes what job owns. */
static void give_back(const struct sched_account *a, struct job *job)
{
	struct unstarted *u = xcalloc(1, sizeof(*u));

	u->job = *job;
	job_init(job);
	store_op_init(&u->op, STORE_SETTLE);
	u->op.u.settle = (struct store_settle){
		.job_id = u->job.id,
		.token = u->job.token,
		.gen = u->job.gen,
		.state = JOB_READY,
		.run_at_ms = u->job.run_at_ms,
		.attempts = u->job.attempts,
		.progress = u->job.progress,
		.last_error = u->job.last_error,
		.now_ms = loop_wall_ms(a->s->loop),
	};
	storeq_submit(a->s->q, &u->op, on_unstarted, u);
}

static void plan(struct sched_account *a, int64_t next_ms)
{
	int64_t delay_ms = next_ms - loop_wall_ms(a->s->loop);

	if (delay_ms > SCHED_IDLE_MS)
		loop_timer_clear(a->timer); /* a look comes first */
	else
		loop_timer_set(a->timer, delay_ms > 0 ? delay_ms : 0);
}

/* The account may have been stopped, or all of us, since the claim began. */
static void take_jobs(struct sched_account *a, struct store_claim *c)
{
	bool wanted = a->api && !a->paused && !a->s->draining && !a->s->freed;

	for (size_t i = 0; i < c->count; i++) {
		if (!wanted) {
			give_back(a, &c->jobs[i]);
			continue;
		}
		drop_run(a, c->jobs[i].id);
		start(a, &c->jobs[i]);
	}
}

static void on_claimed(struct store_op *op, void *arg)
{
	struct sched_account *a = arg;
	struct store_claim *c = &op->u.claim;
	bool ok = op->result == RESULT_OK;

	a->claiming = false;
	take_jobs(a, c);
	if (a->s->freed) {
		store_op_release(op);
		sched_release_when_idle(a->s);
		return;
	}
	if (!ok)
		loop_timer_set(a->timer, RETRY_FIRST_MS);
	else if (c->asleep && !a->dirty)
		; /* what was planned is as it was */
	else if (c->paused)
		sched_ask_row(
			a); /* tells, and claims again should it be over */
	else if (a->dirty || c->count == c->max)
		loop_timer_set(a->timer, 0);
	else
		plan(a, c->next_ms);
	store_op_release(op);
}

static bool is_ahead(const struct scheduler *s)
{
	return loop_now_ms(s->loop) < s->ahead_until_ms;
}

static void ask(struct sched_account *a, bool along)
{
	struct scheduler *s = a->s;

	a->claiming = true;
	a->claimed_ms = loop_boot_ms(s->loop);
	store_op_init(&a->claim, STORE_CLAIM);
	a->claim.u.claim = (struct store_claim){
		.account = a->name,
		.max = room(a),
		.now_ms = loop_wall_ms(s->loop),
		.lease_ms = RUN_LEASE_MS,
		.grace_ms = RUN_GRACE_MS + (is_ahead(s) ? s->ahead_ms : 0),
		/* of few places none is kept: backfill would never begin */
		.kept_free = most_runs(a) < SCHEDULER_RUNS_MAX ? 0 : KEPT_FREE,
		.backfill_metered = true,
		.backfill_per_hour =
			run_hour_limit(&a->config->rules, LANE_BACKFILL),
		.along = along,
	};
	storeq_submit(s->q, &a->claim, on_claimed, a);
}

/* lately: for the many events of one turn the first answer will do; what frees
 * the budget claims by itself. */
static int64_t wait_ms_of(struct sched_account *a, bool lately)
{
	int64_t now_ms = loop_now_ms(a->s->loop);

	if (!lately || a->waited_at_ms != now_ms) {
		a->waited_at_ms = now_ms;
		a->wait_ms = api_client_wait_ms(a->api);
	}
	return a->wait_ms;
}

static void claim(struct sched_account *a, bool lately)
{
	int64_t wait_ms;

	a->dirty = a->claiming;
	if (a->claiming || a->s->draining || a->paused || !a->api)
		return;
	if (api_client_is_held(a->api))
		a->width = 1;
	if (room(a) == 0)
		return;
	wait_ms = wait_ms_of(a, lately);
	if (wait_ms > (api_client_is_held(a->api) ? 0 : BUDGET_LONG_MS))
		loop_timer_set(a->timer, wait_ms);
	else
		ask(a, false);
}

void sched_claim(struct sched_account *a)
{
	claim(a, false);
}

void sched_claim_woken(struct sched_account *a)
{
	claim(a, true);
}

/* In trouble there is no hurry. */
bool scheduler_claim_along(struct scheduler *s, const char *account)
{
	struct sched_account *a = sched_find(s, account);

	if (!a || a->claiming || s->draining || a->paused || !a->api ||
	    api_client_is_held(a->api) || room(a) == 0 ||
	    wait_ms_of(a, true) > 0)
		return false;
	ask(a, true);
	return true;
}

/* --- life --- */

struct scheduler *scheduler_new(struct loop *loop, struct storeq *q,
				struct lease_keeper *leases,
				struct crypto_hmac *hmac,
				scheduler_watch_fn *watch, void *arg)
{
	struct scheduler *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->q = q;
	s->leases = leases;
	s->hmac = hmac;
	s->watch = watch;
	s->watch_arg = arg;
	s->look_timer = loop_timer_new(loop, sched_look, s);
	loop_timer_set(s->look_timer, SCHED_IDLE_MS);
	return s;
}

void scheduler_set_hearsay(struct scheduler *s, struct hearsay *h)
{
	s->hearsay = h;
}

void scheduler_on_row(struct scheduler *s, scheduler_row_fn *fn, void *arg)
{
	s->row = fn;
	s->row_arg = arg;
}

void scheduler_on_place(struct scheduler *s, scheduler_place_fn *fn, void *arg)
{
	s->place = fn;
	s->place_arg = arg;
}

void scheduler_on_noted(struct scheduler *s, scheduler_noted_fn *fn, void *arg)
{
	s->noted = fn;
	s->noted_arg = arg;
}

void scheduler_set_account(struct scheduler *s,
			   const struct account_config *config,
			   struct api_client *api)
{
	struct sched_account *a = sched_find(s, config->name);

	if (!a) {
		a = sched_add(s, config->name);
		a->timer = loop_timer_new(s->loop, on_timer, a);
		a->width = SCHEDULER_RUNS_MAX;
	}
	a->config = config;
	a->api = api;
	sched_ask_row(a);
}

void scheduler_stop_account(struct scheduler *s, const char *account)
{
	struct sched_account *a = sched_find(s, account);

	if (!a)
		return;
	a->api = NULL;
	a->config = NULL;
}

void scheduler_clock_set(struct scheduler *s, int64_t by_ms)
{
	for (size_t i = 0; i < s->account_count; i++)
		for (size_t k = 0; k < SCHEDULER_RUNS_MAX; k++)
			if (s->accounts[i]->runs[k])
				run_clock_set(s->accounts[i]->runs[k], by_ms);
}

void scheduler_store_clock_set(struct scheduler *s, int64_t by_ms)
{
	scheduler_clock_set(s, by_ms);
	if (by_ms <= 0)
		return;
	s->ahead_ms = by_ms + (is_ahead(s) ? s->ahead_ms : 0);
	s->ahead_until_ms = loop_now_ms(s->loop) + AHEAD_MS;
}

void scheduler_drain(struct scheduler *s, loop_fn *done, void *arg)
{
	s->draining = true;
	s->drained = done;
	s->drained_arg = arg;
	check_drained(s);
}

/* The store may still hold operations of ours; the last one to come back
 * frees the rest. */
void sched_release_when_idle(struct scheduler *s)
{
	for (size_t i = 0; i < s->account_count; i++)
		if (s->accounts[i]->claiming || s->accounts[i]->asking)
			return;
	if (s->looking)
		return;
	for (size_t i = 0; i < s->account_count; i++)
		free(s->accounts[i]);
	free(s->accounts);
	free(s);
}

void scheduler_free(struct scheduler *s)
{
	if (!s)
		return;
	s->freed = true;
	for (size_t i = 0; i < s->account_count; i++) {
		struct sched_account *a = s->accounts[i];

		for (size_t k = 0; k < SCHEDULER_RUNS_MAX; k++)
			if (a->runs[k])
				run_cancel(a->runs[k]);
		loop_timer_free(a->timer);
		a->timer = NULL;
	}
	loop_timer_free(s->look_timer);
	s->look_timer = NULL;
	sched_release_when_idle(s);
}
