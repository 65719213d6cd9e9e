/*
 * Which walk of which account is due: see sweeper.h; its pages are in
 * sweeper_page.c.
 *
 *	REST --timer--> CLAIM --mine--> PAGE --users-------------> KEEP
 *	 ^ ^              | |            | | ^                     | | |
 *	 | +--not ours----+ |            | | +--more---------------+ | |
 *	 |                  |            | +--tickets--> MANY --all--+ |
 *	 |                  +--crowded,  | failed, draining   |        |
 *	 |                     draining  v                    v        |
 *	 +------------------------------ BACK <------------------------+ end
 *
 *	REST->CLAIM   begin(): a walk is due
 *	CLAIM->PAGE   sweeper_page(), CLAIM->BACK on_claimed()
 *	PAGE->KEEP    keep(); PAGE->MANY many_next(); MANY->KEEP keep()
 *	KEEP->PAGE    on_kept(); KEEP->REST at the end, or when it was lost
 *	->BACK        sweeper_back(); BACK->REST on_back()
 *
 * Invariants: one operation of the store or one call of the API per account
 * at a time; a walk is claimed from CLAIM on until it rests or is put back.
 */
#include "sweeper_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define BEGIN_MS   2000	 /* after the start, */
#define STAGGER_MS 1000	 /* one account after the other */
#define FIRST_MS   30000 /* providers may still deliver again what we missed */
#define HOUR_MS	   (60 * 60 * 1000)
#define LONGEST_MS 60000 /* the clock may leap while a timer runs */
#define HALTED_MS  30000
#define FAILED_MS  10000

/* Is the walk one that this sweeper does, as the account is set? */
static bool is_wanted(const struct sweeper *s, const struct account_config *c,
		      enum walk walk)
{
	return walk == WALK_HISTORY ||
	       (c->sweep_every_ms > 0 && !s->only_history);
}

const struct account_config *sweeper_config(const struct sweep_account *a)
{
	const struct account_config *c =
		config_account(engine_config(a->s->engine), a->name);

	return c && is_wanted(a->s, c, a->walk) ? c : NULL;
}

/* --- resting --- */

static void check_drained(struct sweeper *s)
{
	if (!s->draining || !s->drained)
		return;
	for (size_t i = 0; i < s->account_count; i++)
		if (s->accounts[i]->state != REST)
			return;
	loop_defer(s->loop, s->drained, s->drained_arg);
	s->drained = NULL;
}

/* What a clock that was wrong put too far ahead is due. */
static int64_t due_in_ms(const struct sweep_walk *w, int64_t every_ms,
			 int64_t now_ms)
{
	int64_t ahead_ms = w->next_ms - now_ms;

	return ahead_ms > 0 && ahead_ms <= every_ms + HOUR_MS ? ahead_ms : 0;
}

void sweeper_rest(struct sweep_account *a)
{
	const struct account_config *c =
		config_account(engine_config(a->s->engine), a->name);
	int64_t now_ms = loop_wall_ms(a->s->loop), delay_ms = LONGEST_MS;

	sweeper_page_release(a);
	a->state = REST;
	if (a->again) { /* what came of it was of the settings before */
		a->walks[a->walk].next_ms = 0;
		a->walks[a->walk].tried = false;
		a->again = false;
	}
	check_drained(a->s);
	if (!c || a->s->draining)
		return; /* a reload goes on */
	for (int i = 0; i < WALK_COUNT; i++) {
		int64_t in_ms =
			due_in_ms(&a->walks[i], sweeper_every_ms(c), now_ms);

		if (is_wanted(a->s, c, (enum walk)i) && in_ms < delay_ms)
			delay_ms = in_ms;
	}
	loop_timer_set(a->timer, delay_ms);
}

/* --- the store --- */

static void release(struct sweeper *s)
{
	for (size_t i = 0; i < s->account_count; i++)
		if (s->accounts[i]->storing)
			return;
	for (size_t i = 0; i < s->account_count; i++) {
		sweeper_page_release(s->accounts[i]);
		free(s->accounts[i]);
	}
	free(s->accounts);
	free(s);
}

bool sweeper_returned(struct sweep_account *a)
{
	a->storing = false;
	if (!a->s->freed)
		return true;
	store_op_release(&a->op);
	release(a->s);
	return false;
}

static void on_back(struct store_op *op, void *arg)
{
	struct sweep_account *a = arg;

	if (!sweeper_returned(a))
		return;
	if (op->result != RESULT_OK) /* its lease ends by itself */
		log_warn("sweep_failed", log_str("account", a->name),
			 log_str("walk", sweep_names[a->walk]),
			 log_str("error", op->error.text));
	store_op_release(op);
	sweeper_rest(a);
}

static struct store_cursor *cursor_op(struct sweep_account *a)
{
	store_op_init(&a->op, STORE_CURSOR);
	a->op.u.cursor.account = a->name;
	a->op.u.cursor.name = sweep_names[a->walk];
	a->op.u.cursor.now_ms = loop_wall_ms(a->s->loop);
	return &a->op.u.cursor;
}

int64_t sweeper_crowd(const struct sweep_account *a)
{
	return a->walk == WALK_HISTORY ? HISTORY_CROWD : SWEEP_CROWD;
}

void sweeper_crowded(struct sweep_account *a)
{
	if (a->walk == WALK_HISTORY)
		sweeper_back(a, NULL, HISTORY_BACKLOG_MS, false);
	else
		sweeper_stand(a, "backlog", SWEEP_BACKLOG_MS);
}

void sweeper_back(struct sweep_account *a, const char *why, int64_t delay_ms,
		  bool rewind)
{
	struct store_cursor *c = cursor_op(a);

	a->state = BACK;
	a->storing = true;
	c->what = STORE_CURSOR_BACK;
	c->token = a->token;
	c->failure = why;
	c->due_ms = c->now_ms + delay_ms;
	c->rewind = rewind;
	a->walks[a->walk].next_ms = c->due_ms;
	storeq_submit(engine_storeq(a->s->engine), &a->op, on_back, a);
}

/* --- claims --- */

void sweeper_show_done(const struct sweep_account *a)
{
	int64_t done_ms = INT64_MAX;

	if (a->walk >= WALK_SWEEPS)
		return;
	for (int i = 0; i < WALK_SWEEPS; i++)
		if (a->walks[i].done_ms < done_ms)
			done_ms = a->walks[i].done_ms;
	metric_set(metric_get(METRIC_SWEEP_TIMESTAMP, a->name),
		   (double)done_ms / 1000);
}

static void take(struct sweep_account *a, struct store_cursor *c)
{
	a->token = c->token;
	a->since_ms = c->row.since_ms;
	if (c->row.moved_ms == 0 && c->since_ms < a->since_ms)
		a->since_ms = c->since_ms; /* the clock was wrong */
	a->cursor = c->row.cursor;
	c->row.cursor = NULL;
	a->walks[a->walk].tried = true;
	memset(&a->sum, 0, sizeof(a->sum));
}

static void on_claimed(struct store_op *op, void *arg)
{
	struct sweep_account *a = arg;
	struct store_cursor *c = &op->u.cursor;
	struct sweep_walk *w = &a->walks[a->walk];
	bool mine = op->result == RESULT_OK && c->mine;
	bool crowded = c->crowded;

	if (!sweeper_returned(a))
		return;
	if (op->result != RESULT_OK)
		w->next_ms = loop_wall_ms(a->s->loop) + FAILED_MS;
	else
		w->next_ms = c->halted ? c->now_ms + HALTED_MS : c->next_ms;
	if (w->next_ms == INT64_MAX) /* nobody has started it */
		w->next_ms = loop_wall_ms(a->s->loop) + LONGEST_MS;
	if (op->result == RESULT_OK && c->row.done_ms > w->done_ms)
		w->done_ms = c->row.done_ms;
	sweeper_show_done(a);
	if (mine)
		take(a, c);
	store_op_release(op);
	if (!mine)
		sweeper_rest(a);
	else if (a->s->draining || !sweeper_config(a))
		sweeper_back(a, NULL, 0, false);
	else if (crowded)
		sweeper_crowded(a);
	else
		sweeper_page(a);
}

/* Where nobody else can have swept since, no date of an earlier life counts:
 * the clock may have been set back. */
static int64_t begun_ms(const struct sweeper *s, int64_t now_ms)
{
	if (!node_is_shared(engine_node(s->engine)))
		return INT64_MAX;
	return now_ms - loop_boot_ms(s->loop) + s->begun_boot_ms;
}

static void claim(struct sweep_account *a, int64_t every_ms)
{
	struct store_cursor *c = cursor_op(a);

	a->state = CLAIM;
	a->storing = true;
	c->what = STORE_CURSOR_CLAIM;
	c->since_ms = c->now_ms - (every_ms > HOUR_MS ? every_ms : HOUR_MS);
	c->every_ms = every_ms;
	c->lease_ms = SWEEP_LEASE_MS;
	c->crowd = sweeper_crowd(a);
	c->started_only = a->walk == WALK_HISTORY;
	if (!a->walks[a->walk].tried)
		c->begun_ms = begun_ms(a->s, c->now_ms);
	storeq_submit(engine_storeq(a->s->engine), &a->op, on_claimed, a);
}

static void begin(void *arg)
{
	struct sweep_account *a = arg;
	const struct account_config *c =
		config_account(engine_config(a->s->engine), a->name);
	int64_t now_ms = loop_wall_ms(a->s->loop);

	if (a->state != REST || a->s->draining || !c)
		return;
	for (int i = 0; i < WALK_COUNT; i++) {
		if (!is_wanted(a->s, c, (enum walk)i) ||
		    due_in_ms(&a->walks[i], sweeper_every_ms(c), now_ms) > 0)
			continue;
		a->walk = (enum walk)i;
		claim(a, sweeper_every_ms(c));
		return;
	}
	sweeper_rest(a);
}

/* --- life --- */

static struct sweep_account *find(const struct sweeper *s, const char *name)
{
	for (size_t i = 0; i < s->account_count; i++)
		if (str_eq(s->accounts[i]->name, name))
			return s->accounts[i];
	return NULL;
}

static void add_account(struct sweeper *s, const char *name, int64_t every_ms)
{
	struct sweep_account *a = xcalloc(1, sizeof(*a));
	int64_t first_ms = loop_wall_ms(s->loop) +
			   (every_ms < FIRST_MS ? every_ms : FIRST_MS);

	s->accounts = xrealloc(s->accounts, (s->account_count + 1) * sizeof(a));
	a->s = s;
	str_copy(a->name, sizeof(a->name), name);
	for (int i = 0; i < WALK_COUNT; i++)
		a->walks[i].next_ms = i == WALK_HISTORY ? 0 : first_ms;
	a->timer = loop_timer_new(s->loop, begin, a);
	loop_timer_set(a->timer,
		       BEGIN_MS + (int64_t)s->account_count * STAGGER_MS);
	s->accounts[s->account_count++] = a;
}

static void add_accounts(struct sweeper *s)
{
	const struct config *c = engine_config(s->engine);

	for (size_t i = 0; i < c->account_count; i++)
		if (!find(s, c->accounts[i].name))
			add_account(s, c->accounts[i].name,
				    c->accounts[i].sweep_every_ms);
}

struct sweeper *sweeper_new(struct loop *loop, struct engine *engine)
{
	struct sweeper *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->engine = engine;
	s->begun_boot_ms = loop_boot_ms(loop);
	add_accounts(s);
	return s;
}

struct sweeper *sweeper_new_walk(struct loop *loop, struct engine *engine)
{
	struct sweeper *s = sweeper_new(loop, engine);

	s->only_history = true;
	sweeper_wake(s);
	return s;
}

void sweeper_wake(struct sweeper *s)
{
	for (size_t i = 0; i < s->account_count; i++) {
		struct sweep_account *a = s->accounts[i];

		a->walks[WALK_HISTORY].next_ms = 0;
		if (a->state == REST)
			loop_timer_set(a->timer, 0);
	}
}

void sweeper_reloaded(struct sweeper *s)
{
	for (size_t i = 0; i < s->account_count; i++) {
		struct sweep_account *a = s->accounts[i];

		for (int n = 0; n < WALK_COUNT; n++) {
			a->walks[n].next_ms = 0;
			a->walks[n].tried = false;
		}
		a->again = a->state != REST;
		if (!a->again)
			loop_timer_set(a->timer, (int64_t)i * STAGGER_MS);
	}
	add_accounts(s);
}

void sweeper_drain(struct sweeper *s, loop_fn *done, void *arg)
{
	s->draining = true;
	s->drained = done;
	s->drained_arg = arg;
	for (size_t i = 0; i < s->account_count; i++) {
		struct sweep_account *a = s->accounts[i];

		if (!a->call)
			continue;
		zendesk_cancel(a->call);
		a->call = NULL;
		sweeper_back(a, NULL, 0, false);
	}
	check_drained(s);
}

void sweeper_free(struct sweeper *s)
{
	if (!s)
		return;
	s->freed = true;
	for (size_t i = 0; i < s->account_count; i++) {
		struct sweep_account *a = s->accounts[i];

		if (a->call)
			zendesk_cancel(a->call);
		a->call = NULL;
		loop_timer_free(a->timer);
		a->timer = NULL;
	}
	release(s);
}
