/*
 * When the breaker opened and closed: see breaker.h.
 *
 *	look, time -> wanted -> (a round begins) -> due -> asked -> told
 *
 * One operation of the store at a time, whatever asks meanwhile; and since the
 * store counts the places of a day for it, rounds take at most about a tenth
 * of the time.
 *
 * Invariant: what is told as open is told as closed before it is told as open
 * again, in this process.
 */
#include "app/breaker.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define FAILED_MS 1000
#define REST	  10 /* times as long as the last round took */
#define REST_MS	  10000
#define CLOCK_MS  60000 /* while something is open: the clock may leap */

struct watched {
	char name[ACCOUNT_SIZE];
	bool wanted;		 /* in the next round */
	bool due;		 /* in this one */
	struct store_stats told; /* as last told */
	int64_t ends_ms;	 /* the next end by time; INT64_MAX: none */
};

struct breaker {
	struct loop *loop;
	struct engine *engine;
	struct loop_timer *timer;
	struct watched **accounts; /* whichever were ever configured */
	size_t account_count;
	struct watched *asked; /* NULL: the op is free */
	int64_t round_ms;      /* when the last round began (monotonic) */
	int64_t rest_ms;       /* no other one before (monotonic) */
	struct store_op op;
	bool freed;
};

void breaker_ask(struct store_op *op, const struct account_config *a,
		 int64_t now_ms)
{
	store_op_init(op, STORE_STATS);
	op->u.stats.account = a->name;
	op->u.stats.now_ms = now_ms;
	op->u.stats.max_per_hour = a->rules.max_merges_per_hour;
	op->u.stats.max_per_profile = a->rules.max_merges_per_profile;
}

bool breaker_is_open(const struct store_stats *s)
{
	return s->merges_this_hour >= s->max_per_hour;
}

void breaker_gauges(const struct store_stats *s)
{
	metric_set(metric_get(METRIC_BREAKER_OPEN, s->account),
		   breaker_is_open(s));
	metric_set(metric_get(METRIC_MERGES_THIS_HOUR, s->account),
		   (double)s->merges_this_hour);
	metric_set(metric_get(METRIC_PROFILES_AT_LIMIT, s->account),
		   (double)s->full_count);
}

/* --- telling --- */

static size_t told_profiles(const struct store_stats *s)
{
	return s->full_count < STORE_FULL_MAX ? s->full_count : STORE_FULL_MAX;
}

static const struct store_full *full_in(const struct store_stats *s,
					uint64_t profile_id)
{
	for (size_t i = 0; i < told_profiles(s); i++)
		if (s->full[i].profile_id == profile_id)
			return &s->full[i];
	return NULL;
}

/* A name is personal data: the journal has it. */
static const char *closed_by(const struct store_stats *old,
			     const struct store_stats *new, bool limit_moved,
			     int64_t ended_ms)
{
	if (old->breaker_since_ms != new->breaker_since_ms)
		return "person";
	if (limit_moved)
		return "settings";
	return new->now_ms >= ended_ms ? "time" : "failed_links";
}

static void tell_hour(const struct watched *w, const struct store_stats *new)
{
	const struct store_stats *old = &w->told;
	bool moved = old->max_per_hour != new->max_per_hour;

	if (breaker_is_open(new) && !breaker_is_open(old))
		log_warn("breaker_opened", log_str("account", w->name),
			 log_str("limit", "max_merges_per_hour"),
			 log_int("count", new->merges_this_hour),
			 log_int("max", new->max_per_hour),
			 log_int("closes_in_s",
				 new->hour_ends_ms
					 ? (new->hour_ends_ms - new->now_ms +
					    999) / 1000
					 : -1));
	if (!breaker_is_open(new) && breaker_is_open(old))
		log_info("breaker_closed", log_str("account", w->name),
			 log_str("limit", "max_merges_per_hour"),
			 log_str("by",
				 closed_by(old, new, moved, old->hour_ends_ms)),
			 log_int("count", new->merges_this_hour),
			 log_int("max", new->max_per_hour));
}

static void tell_profile_opened(const struct watched *w,
				const struct store_stats *s,
				const struct store_full *f)
{
	log_warn("breaker_opened", log_str("account", w->name),
		 log_str("limit", "max_merges_per_profile"),
		 log_int("profile", (int64_t)f->profile_id),
		 log_int("count", f->merges),
		 log_int("max", s->max_per_profile),
		 log_int("closes_in_s", (f->ends_ms - s->now_ms + 999) / 1000));
}

static void tell_profile_closed(const struct watched *w,
				const struct store_stats *new,
				const struct store_full *f)
{
	bool moved = w->told.max_per_profile != new->max_per_profile;

	log_info("breaker_closed", log_str("account", w->name),
		 log_str("limit", "max_merges_per_profile"),
		 log_int("profile", (int64_t)f->profile_id),
		 log_str("by", closed_by(&w->told, new, moved, f->ends_ms)),
		 log_int("max", new->max_per_profile));
}

static void tell_profiles(const struct watched *w,
			  const struct store_stats *new)
{
	const struct store_stats *old = &w->told;

	for (size_t i = 0; i < told_profiles(old); i++)
		if (!full_in(new, old->full[i].profile_id))
			tell_profile_closed(w, new, &old->full[i]);
	for (size_t i = 0; i < told_profiles(new); i++)
		if (!full_in(old, new->full[i].profile_id))
			tell_profile_opened(w, new, &new->full[i]);
}

static int64_t next_end(const struct store_stats *s)
{
	int64_t next = s->hour_ends_ms ? s->hour_ends_ms : INT64_MAX;

	for (size_t i = 0; i < told_profiles(s); i++)
		if (s->full[i].ends_ms < next)
			next = s->full[i].ends_ms;
	return next;
}

static void take(struct watched *w, const struct store_stats *new)
{
	tell_hour(w, new);
	tell_profiles(w, new);
	breaker_gauges(new);
	w->told = *new;
	w->told.account = w->name;
	w->ends_ms = next_end(new);
}

/* --- looking --- */

static struct watched *find(struct breaker *b, const char *name)
{
	struct watched *w;

	for (size_t i = 0; i < b->account_count; i++)
		if (str_eq(b->accounts[i]->name, name))
			return b->accounts[i];
	b->accounts = xrealloc(b->accounts, (b->account_count + 1) * sizeof(w));
	w = b->accounts[b->account_count++] = xcalloc(1, sizeof(*w));
	str_copy(w->name, sizeof(w->name), name);
	w->told.max_per_hour = INT64_MAX; /* nothing was open */
	w->ends_ms = INT64_MAX;
	return w;
}

static void go_on(struct breaker *b);

static void release(struct breaker *b)
{
	for (size_t i = 0; i < b->account_count; i++)
		free(b->accounts[i]);
	free(b->accounts);
	free(b);
}

static void on_stats(struct store_op *op, void *arg)
{
	struct breaker *b = arg;
	struct watched *w = b->asked;
	bool ok = op->result == RESULT_OK;

	b->asked = NULL;
	if (b->freed) {
		release(b);
		return;
	}
	if (ok) {
		take(w, &op->u.stats);
		go_on(b);
	} else {
		w->due = true;
		loop_timer_set(b->timer, FAILED_MS);
	}
}

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The next round: what came meanwhile soon, else when time closes something. */
static void plan(struct breaker *b)
{
	int64_t round_ms = b->rest_ms - loop_now_ms(b->loop);
	int64_t next_ms = INT64_MAX, now_ms = loop_wall_ms(b->loop);
	bool wanted = false;

	for (size_t i = 0; i < b->account_count; i++) {
		wanted = wanted || b->accounts[i]->wanted;
		next_ms = at_most(next_ms, b->accounts[i]->ends_ms);
	}
	if (!wanted && next_ms == INT64_MAX)
		return;
	next_ms = wanted ? round_ms : at_most(next_ms - now_ms, CLOCK_MS);
	loop_timer_set(b->timer, next_ms > 0 ? next_ms : 0);
}

/* The account's operation; false: there is no such account any more. */
static bool ask(struct breaker *b, struct watched *w)
{
	const struct account_config *a =
		config_account(engine_config(b->engine), w->name);

	w->due = false;
	if (!a) {
		w->ends_ms = INT64_MAX;
		return false;
	}
	breaker_ask(&b->op, a, loop_wall_ms(b->loop));
	b->op.u.stats.account = w->name; /* outlives a reload */
	b->asked = w;
	storeq_submit(engine_storeq(b->engine), &b->op, on_stats, b);
	return true;
}

static void go_on(struct breaker *b)
{
	int64_t took_ms;

	for (size_t i = 0; i < b->account_count; i++)
		if (b->accounts[i]->due && ask(b, b->accounts[i]))
			return;
	took_ms = loop_now_ms(b->loop) - b->round_ms;
	b->rest_ms = b->round_ms + at_most(REST * took_ms, REST_MS);
	plan(b);
}

/* Whoever is wanted, and where time may have closed what is open. */
static void begin_round(void *arg)
{
	struct breaker *b = arg;

	b->round_ms = loop_now_ms(b->loop);
	for (size_t i = 0; i < b->account_count; i++) {
		struct watched *w = b->accounts[i];

		w->due = w->due || w->wanted || w->ends_ms != INT64_MAX;
		w->wanted = false;
	}
	if (!b->asked)
		go_on(b);
}

static void want(struct breaker *b, const char *account)
{
	const struct config *c = engine_config(b->engine);

	for (size_t i = 0; i < c->account_count; i++)
		if (!account || str_eq(account, c->accounts[i].name))
			find(b, c->accounts[i].name)->wanted = true;
}

void breaker_look(struct breaker *b, const char *account)
{
	want(b, account);
	if (!b->asked)
		plan(b);
}

struct breaker *breaker_new(struct loop *loop, struct engine *engine)
{
	struct breaker *b = xcalloc(1, sizeof(*b));

	b->loop = loop;
	b->engine = engine;
	b->timer = loop_timer_new(loop, begin_round, b);
	want(b, NULL);
	begin_round(b);
	return b;
}

void breaker_free(struct breaker *b)
{
	if (!b)
		return;
	loop_timer_free(b->timer);
	b->freed = true;
	if (!b->asked)
		release(b);
}
