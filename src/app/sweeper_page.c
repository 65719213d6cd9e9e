/*
 * The pages of a walk that is claimed; the diagram is in sweeper.c.
 *
 * A page is stored with the place behind it, or not at all, and then it is
 * asked for again. Of what cannot be had it is kept why; pages get smaller
 * while they fail, since one may be too large or its users too many to ask
 * about, and larger again when many in a row did not.
 */
#include "sweeper_int.h"

#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"

/* A place that Zendesk refuses is given by time, so much earlier: a change
 * may have been put into the stream later than it was made. */
#define OVERLAP_MS   (5 * 60 * 1000)
#define FORBIDDEN_MS (60 * 60 * 1000)
#define STORE_MS     10000
#define SHRINK_MAX   5
#define GROW_AFTER   8 /* pages that did not fail */

void sweeper_page_release(struct sweep_account *a)
{
	people_release(&a->people);
	seen_release(&a->seen);
	free(a->tickets);
	free(a->cursor);
	free(a->after);
	a->tickets = NULL;
	a->cursor = a->after = NULL;
	a->ticket_count = a->ticket_next = 0;
}

/* --- standing still --- */

static void show_failing(const struct sweep_account *a, const char *why,
			 bool failing)
{
	metric_set(metric_get(METRIC_SWEEP_FAILING, a->name,
			      sweep_names[a->walk], why),
		   failing);
}

static void tell(const struct sweep_account *a, const char *why,
		 const char *error, int64_t delay_ms)
{
	const struct sweep_why *w = sweep_why_find(why);
	bool waits = str_eq(why, "rate_limit") || str_eq(why, "backlog");

	log_emit(waits ? LOG_INFO : LOG_WARN,
		 waits ? "sweep_waits" : "sweep_failed",
		 (const struct log_field[]){
			 log_str("account", a->name),
			 log_str("walk", sweep_names[a->walk]),
			 log_str("reason", why),
			 log_str("error", error),
			 log_str("mend", w->mend),
			 log_int("again_in_s", delay_ms / 1000),
		 },
		 6);
}

static void stand(struct sweep_account *a, const char *why, const char *error,
		  int64_t delay_ms, bool rewind)
{
	struct sweep_walk *w = &a->walks[a->walk];

	if (!str_eq(w->why, why)) {
		if (w->why)
			show_failing(a, w->why, false);
		tell(a, why, error, delay_ms);
		show_failing(a, why, true);
		w->why = why;
	}
	sweeper_back(a, why, delay_ms, rewind);
}

void sweeper_stand(struct sweep_account *a, const char *why, int64_t delay_ms)
{
	stand(a, why, NULL, delay_ms, false);
}

/* The way may be long: what made pages fail may have been an outage, or a few
 * large users long ago. */
static void grow(struct sweep_walk *w)
{
	if (w->shrunk == 0 || ++w->good < GROW_AFTER)
		return;
	w->good = 0;
	w->shrunk--;
}

static void goes_on(struct sweep_account *a)
{
	struct sweep_walk *w = &a->walks[a->walk];

	w->failures = 0;
	grow(w);
	if (!w->why)
		return;
	show_failing(a, w->why, false);
	log_info("sweep_goes_on", log_str("account", a->name),
		 log_str("walk", sweep_names[a->walk]));
	w->why = NULL;
}

static int64_t again_in_ms(const struct api_result *r, int attempts)
{
	uint32_t dice;

	crypto_random(&dice, sizeof(dice));
	return retry_delay_ms(r->result, attempts, r->retry_after_ms, dice);
}

/* Of several requests the first one was the page's. */
static bool is_place_refused(const struct sweep_account *a,
			     const struct api_result *r)
{
	return a->state == PAGE && r->calls <= 1 && a->cursor &&
	       (r->result == RESULT_PERM || r->result == RESULT_NOTFOUND);
}

static const char *why_of(const struct sweep_account *a,
			  const struct api_result *r)
{
	if (is_place_refused(a, r))
		return "cursor_refused";
	switch (r->result) {
	case RESULT_AUTH:
		return r->forbidden ? "forbidden" : "credentials";
	case RESULT_RATE:
		return "rate_limit";
	case RESULT_PERM:
	case RESULT_NOTFOUND:
		return "refused";
	default:
		return "unreachable";
	}
}

/* It may be too large, or there are too many in it who are asked about one by
 * one. */
static void shrink(struct sweep_walk *w, const struct api_result *r)
{
	bool smaller = r->result != RESULT_AUTH &&
		       (r->result != RESULT_RATE || r->calls > 1);

	w->good = 0;
	if (smaller && w->shrunk < SHRINK_MAX)
		w->shrunk++;
}

static void page_failed(struct sweep_account *a, const struct api_result *r)
{
	struct sweep_walk *w = &a->walks[a->walk];
	const char *why = why_of(a, r);
	int64_t delay_ms;

	w->failures++;
	if (is_place_refused(a, r)) {
		delay_ms = w->rewinds++ ? again_in_ms(r, w->rewinds) : 0;
		stand(a, why, r->error.text, delay_ms, true);
		return;
	}
	shrink(w, r);
	delay_ms = r->forbidden ? FORBIDDEN_MS : again_in_ms(r, w->failures);
	stand(a, why, r->error.text, delay_ms, false);
}

/* --- keeping --- */

static void count(struct sweep_account *a, const struct store_found *f)
{
	const char *walk = sweep_names[a->walk];

	a->sum.pages++;
	a->sum.scanned += (int64_t)f->scanned;
	a->sum.found += (int64_t)f->count;
	a->sum.woken += f->woken;
	metric_add(metric_get(METRIC_SWEEP_SCANNED, a->name, walk),
		   (double)f->scanned);
	metric_add(metric_get(METRIC_SWEEP_FOUND, a->name, walk),
		   (double)f->count);
	metric_add(metric_get(METRIC_SWEEP_WOKEN, a->name, walk), f->woken);
}

static void ended(struct sweep_account *a, int64_t now_ms)
{
	struct sweep_walk *w = &a->walks[a->walk];
	const struct account_config *c = sweeper_config(a);

	w->shrunk = w->good = w->rewinds = 0;
	w->done_ms = now_ms;
	w->next_ms = now_ms + (c ? sweeper_every_ms(c) : 0);
	sweeper_show_done(a);
	log_info("swept", log_str("account", a->name),
		 log_str("walk", sweep_names[a->walk]),
		 log_int("pages", a->sum.pages),
		 log_int("scanned", a->sum.scanned),
		 log_int("found", a->sum.found),
		 log_int("woken", a->sum.woken));
}

/* The next page begins behind this one. */
static void go_on(struct sweep_account *a, bool crowded)
{
	char *after = a->after;

	a->after = NULL;
	sweeper_page_release(a);
	a->cursor = after;
	if (a->s->draining || !sweeper_config(a))
		sweeper_back(a, NULL, 0, false);
	else if (crowded)
		sweeper_crowded(a);
	else if (a->walk == WALK_HISTORY)
		sweeper_back(a, NULL, 0, false); /* the sweeps have a turn */
	else
		sweeper_page(a);
}

static void on_kept(struct store_op *op, void *arg)
{
	struct sweep_account *a = arg;
	struct store_found *f = &op->u.found;
	int64_t now_ms = f->now_ms;
	bool crowded = f->crowded, over = a->end || f->full;
	enum result r = op->result;

	if (!sweeper_returned(a))
		return;
	if (r == RESULT_OK) {
		CRASH_POINT("after_sweep_kept");
		goes_on(a);
		count(a, f);
		if (f->woken + f->noted > 0)
			engine_wake(a->s->engine, a->name);
	}
	store_op_release(op);
	if (r == RESULT_CONFLICT) { /* it took too long: somebody else has it */
		a->walks[a->walk].next_ms = now_ms + SWEEP_LEASE_MS;
		sweeper_rest(a);
	} else if (r != RESULT_OK) {
		stand(a, "store", op->error.text, STORE_MS, false);
	} else if (over) {
		ended(a, now_ms);
		sweeper_rest(a);
	} else {
		go_on(a, crowded);
	}
}

/* By Zendesk's own clock, whatever ours says: what changed before the first
 * change in this page was in those before. */
static void keep(struct sweep_account *a)
{
	const struct account_config *c =
		config_account(engine_config(a->s->engine), a->name);
	bool history = a->walk == WALK_HISTORY;

	if (!c) {
		sweeper_back(a, NULL, 0, false);
		return;
	}
	CRASH_POINT("before_sweep_kept");
	a->state = KEEP;
	a->storing = true;
	store_op_init(&a->op, STORE_FOUND);
	a->op.u.found = (struct store_found){
		.account = a->name,
		.name = sweep_names[a->walk],
		.token = a->token,
		.now_ms = loop_wall_ms(a->s->loop),
		.lease_ms = SWEEP_LEASE_MS,
		.people = a->people.items,
		.count = a->people.count,
		.scanned = a->scanned,
		.cursor = a->after,
		.since_ms = a->first_ms,
		.end = a->end,
		.source = history ? EVENT_FROM_BACKFILL : EVENT_FROM_SWEEP,
		.wait_ms = history ? 0 : c->wait_for_user_ms,
		.recheck_ms = c->recheck_after_ms,
		.crowd = sweeper_crowd(a),
		.sightings = a->seen.items,
		.sighting_count = a->seen.count,
	};
	storeq_submit(engine_storeq(a->s->engine), &a->op, on_kept, a);
}

/* --- pages --- */

/* false: there is none, and the walk goes back. */
static bool page_came(struct sweep_account *a, const struct api_result *r,
		      const struct zendesk_page *page)
{
	a->call = NULL;
	if (r->result != RESULT_OK) {
		page_failed(a, r);
		return false;
	}
	CRASH_POINT("after_sweep_page");
	a->after = xstrdup(page->after_cursor);
	a->end = page->end_of_stream;
	a->scanned = page->scanned;
	a->first_ms = page->first_ms;
	return true;
}

/* Whose an address is, in case Zendesk takes it away. An export may be as late
 * as a search. */
static void remember(struct sweep_account *a, const struct zd_user *users,
		     size_t count)
{
	struct sightings seen = {.max = ZENDESK_PAGE_MAX};
	struct run_env env;

	if (!engine_env(a->s->engine, a->name, &env))
		return;
	for (size_t i = 0; i < count; i++)
		sightings_add(&seen, &users[i], true, loop_wall_ms(a->s->loop));
	seen_hash(&a->seen, &seen, env.hmac, 0);
	sightings_release(&seen);
}

static void on_users(const struct api_result *r,
		     const struct zendesk_page *page,
		     const struct zd_user *users, size_t users_count, void *arg)
{
	struct sweep_account *a = arg;

	if (!page_came(a, r, page))
		return;
	for (size_t i = 0; i < users_count; i++)
		people_add(&a->people, &users[i], 0, 0);
	remember(a, users, users_count);
	keep(a);
}

/* Each requester once, with the newest ticket. */
static void ticket_add(struct sweep_account *a, const struct zendesk_ticket *t)
{
	for (size_t i = 0; i < a->ticket_count; i++) {
		if (a->tickets[i].requester_id != t->requester_id)
			continue;
		if (a->tickets[i].created_ms < t->created_ms)
			a->tickets[i] = *t;
		return;
	}
	a->tickets[a->ticket_count++] = *t;
}

static const struct zendesk_ticket *ticket_of(const struct sweep_account *a,
					      uint64_t requester)
{
	for (size_t i = 0; i < a->ticket_count; i++)
		if (a->tickets[i].requester_id == requester)
			return &a->tickets[i];
	return NULL;
}

static void many_next(struct sweep_account *a);

static void on_many(const struct api_result *r, const struct zd_user *users,
		    size_t users_count, void *arg)
{
	struct sweep_account *a = arg;

	a->call = NULL;
	if (r->result != RESULT_OK) {
		page_failed(a, r);
		return;
	}
	for (size_t i = 0; i < users_count; i++) {
		const struct zendesk_ticket *t = ticket_of(a, users[i].id);

		if (t)
			people_add(&a->people, &users[i], t->id, t->created_ms);
	}
	many_next(a);
}

static void many_next(struct sweep_account *a)
{
	uint64_t ids[ZENDESK_MANY_MAX];
	size_t n = 0;

	while (a->ticket_next < a->ticket_count && n < ZENDESK_MANY_MAX)
		ids[n++] = a->tickets[a->ticket_next++].requester_id;
	if (n == 0) {
		keep(a);
		return;
	}
	a->state = MANY;
	a->call = zendesk_users_get_many(engine_api(a->s->engine, a->name),
					 LANE_BACKFILL, ids, n, on_many, a);
}

static void on_tickets(const struct api_result *r,
		       const struct zendesk_page *page,
		       const struct zendesk_ticket *tickets,
		       size_t tickets_count, void *arg)
{
	struct sweep_account *a = arg;

	if (!page_came(a, r, page))
		return;
	a->tickets = xcalloc(tickets_count + 1, sizeof(*a->tickets));
	for (size_t i = 0; i < tickets_count; i++)
		ticket_add(a, &tickets[i]);
	many_next(a);
}

/* --since is meant as it is said. */
static int64_t overlap_ms(const struct sweep_account *a)
{
	const struct sweep_walk *w = &a->walks[a->walk];

	return a->walk == WALK_HISTORY && !w->rewinds ? 0 : OVERLAP_MS;
}

void sweeper_page(struct sweep_account *a)
{
	struct api_client *api = engine_api(a->s->engine, a->name);
	size_t size = ZENDESK_PAGE_MAX >> a->walks[a->walk].shrunk;
	int64_t since_ms = a->since_ms - overlap_ms(a);

	CRASH_POINT("before_sweep_page");
	a->state = PAGE;
	if (a->walk != WALK_TICKETS)
		a->call = zendesk_export_users(api, LANE_BACKFILL, since_ms,
					       a->cursor, size, on_users, a);
	else
		a->call =
			zendesk_export_tickets(api, LANE_BACKFILL, since_ms,
					       a->cursor, size, on_tickets, a);
}
