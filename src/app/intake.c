/*
 * Webhooks in: verify, decode, filter, one operation of the store, reply.
 *
 * A delivery is one request that waits for the store. It owns the operation
 * and its events, and borrows the request until the reply, whether or not the
 * client is still there. Its account outlives it (intake_account.c).
 *
 * A store that hangs keeps the operation, but not the sender, who may wait for
 * so long (INTAKE_PATIENCE_MS) and is then told to come again. What is stored
 * afterwards all the same is a duplicate when it does.
 *
 * Invariant: whoever still waits for an answer is in the list, the first first,
 * and the timer is set.
 */
#include "app/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "app/hearsay.h"
#include "app/tidings.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "core/address.h"
#include "intake_int.h"

#define REJECTED_LOG_EVERY_MS 10000
#define TEST_CALL_PREFIX      "test_webhook:"
#define COUNTS_SIZE	      128

struct intake {
	struct loop *loop;
	struct storeq *q;
	struct crypto_hmac *hmac; /* keyed with the store's key */
	intake_wake_fn *on_wake;
	void *arg;
	intake_time_fn *time; /* or NULL */
	void *time_arg;
	intake_along_fn *along; /* or NULL */
	void *along_arg;
	struct intake_accounts accounts;
	struct log_throttle unknown_account;
	struct metric_series *seconds;
	struct intake_seen seen;
	bool draining;
	size_t under_way;
	TAILQ_HEAD(, delivery) waiting;
	struct loop_timer *patience;
	bool looks;		 /* the timer is set */
	struct hearsay *hearsay; /* or NULL */
	struct tidings *tidings; /* or NULL */
};

/* One request while it is looked at. */
struct visit {
	struct intake *in;
	struct http_request *request;
	struct intake_account *account;
	enum event_source source;
};

struct delivery {
	TAILQ_ENTRY(delivery) entry;
	struct store_op op;
	struct visit visit; /* request NULL: it was answered */
	struct event_list events;
	int64_t until_ms;
	bool claimed; /* what it wakes is seen to */
};

static void on_impatient(void *arg);

struct intake *intake_new(struct loop *loop, struct storeq *q,
			  intake_wake_fn *on_wake, void *arg)
{
	struct intake *in = xcalloc(1, sizeof(*in));

	in->loop = loop;
	in->q = q;
	in->hmac = crypto_hmac_new(storeq_key(q), STORE_KEY_SIZE);
	in->on_wake = on_wake;
	in->arg = arg;
	TAILQ_INIT(&in->waiting);
	in->patience = loop_timer_new(loop, on_impatient, in);
	in->seconds = metric_get(METRIC_WEBHOOK_SECONDS);
	intake_seen_init(&in->seen, loop, q, &in->accounts, &in->under_way);
	return in;
}

void intake_free(struct intake *in)
{
	if (!in)
		return;
	intake_seen_release(&in->seen);
	assert(in->under_way == 0);
	loop_timer_free(in->patience);
	intake_accounts_release(&in->accounts);
	crypto_hmac_free(in->hmac);
	free(in);
}

void intake_set_accounts(struct intake *in,
			 const struct account_config *accounts, size_t count)
{
	intake_accounts_set(&in->accounts, accounts, count);
}

void intake_on_time(struct intake *in, intake_time_fn *fn, void *arg)
{
	in->time = fn;
	in->time_arg = arg;
}

void intake_set_hearsay(struct intake *in, struct hearsay *h)
{
	in->hearsay = h;
}

void intake_set_tidings(struct intake *in, struct tidings *t)
{
	in->tidings = t;
}

void intake_on_along(struct intake *in, intake_along_fn *fn, void *arg)
{
	in->along = fn;
	in->along_arg = arg;
}

void intake_drain(struct intake *in)
{
	in->draining = true;
	intake_seen_flush(&in->seen);
}

void intake_watch(struct intake *in, const char *account, const char *sunco_id)
{
	struct intake_account *a =
		intake_account_known(&in->accounts, slice_of(account));

	if (a && !str_is_empty(sunco_id))
		watch_set_add(&a->watched, sunco_id, INTAKE_WATCHED_MAX);
}

void intake_unwatch(struct intake *in, const char *account,
		    const char *sunco_id)
{
	struct intake_account *a =
		intake_account_known(&in->accounts, slice_of(account));

	if (a && !str_is_empty(sunco_id))
		watch_set_remove(&a->watched, sunco_id);
}

/* Just before the reply, which ends the request. */
static void observe(const struct visit *v)
{
	int64_t us = clock_mono_us() - http_request_start_us(v->request);

	metric_observe(v->in->seconds, (double)us / 1e6);
}

static void reply_error(const struct visit *v, int status, const char *text)
{
	observe(v);
	http_request_reply_error(v->request, status, text);
}

static void reply_unavailable(const struct visit *v)
{
	struct http_reply answer = {
		.status = 503,
		.body = SLICE("{\"error\":\"unavailable\"}"),
		.headers = "Retry-After: 20\r\n"};

	observe(v);
	http_request_reply(v->request, &answer);
}

/* printf() takes longer than all the rest of an answer. */
static struct slice counts_text(char out[COUNTS_SIZE], size_t accepted,
				size_t duplicate, size_t ignored)
{
	char *end = stpcpy(out, "{\"accepted\":");

	end += str_u64(accepted, end);
	end = stpcpy(end, ",\"duplicate\":");
	end += str_u64(duplicate, end);
	end = stpcpy(end, ",\"ignored\":");
	end += str_u64(ignored, end);
	end = stpcpy(end, "}");
	return (struct slice){out, (size_t)(end - out)};
}

static void reply_counts(const struct visit *v, int accepted, int duplicate,
			 size_t ignored)
{
	char body[COUNTS_SIZE];
	struct http_reply answer = {.status = 200};

	intake_account_count(v->account, v->source, OUTCOME_ACCEPTED,
			     (size_t)accepted);
	intake_account_count(v->account, v->source, OUTCOME_DUPLICATE,
			     (size_t)duplicate);
	intake_account_count(v->account, v->source, OUTCOME_IGNORED, ignored);
	answer.body =
		counts_text(body, (size_t)accepted, (size_t)duplicate, ignored);
	observe(v);
	http_request_reply(v->request, &answer);
}

/* account NULL: unknown. reason never holds anything of the body. */
static void log_rejected(const struct visit *v, int status, const char *reason)
{
	struct log_throttle *t =
		v->account ? &v->account->rejected : &v->in->unknown_account;
	uint64_t held_back;

	if (log_throttle_pass(t, loop_now_ms(v->in->loop),
			      REJECTED_LOG_EVERY_MS, &held_back))
		log_warn("webhook_rejected",
			 log_str("account",
				 v->account ? v->account->name : NULL),
			 log_str("source", event_source_name(v->source)),
			 log_int("status", status), log_str("reason", reason),
			 log_int("held_back", (int64_t)held_back));
}

static void reject_unknown(const struct visit *v)
{
	log_rejected(v, 404, "unknown account");
	reply_error(v, 404, "not found");
}

static void reject_unauthorized(const struct visit *v,
				enum signature_verdict verdict)
{
	intake_account_count(v->account, v->source, OUTCOME_UNAUTHORIZED, 1);
	log_rejected(v, 401, signature_verdict_name(verdict));
	reply_error(v, 401, "unauthorized");
}

static void reject_malformed(const struct visit *v, const char *reason)
{
	intake_account_count(v->account, v->source, OUTCOME_MALFORMED, 1);
	log_rejected(v, 400, reason);
	reply_error(v, 400, reason);
}

static void reject_unavailable(const struct visit *v, const char *reason)
{
	intake_account_count(v->account, v->source, OUTCOME_UNAVAILABLE, 1);
	log_rejected(v, 503, reason);
	reply_unavailable(v);
}

static struct slice header(const struct visit *v, const char *name)
{
	return slice_of(http_request_header(v->request, name));
}

static enum signature_verdict verify_at(const struct visit *v, int64_t now_ms)
{
	struct intake_account *a = v->account;

	return signature_zendesk(
		a->keys[EVENT_FROM_ZENDESK],
		header(v, "X-Zendesk-Webhook-Signature"),
		header(v, "X-Zendesk-Webhook-Signature-Timestamp"),
		http_request_body(v->request), now_ms, a->tolerance_ms);
}

static enum signature_verdict verify(const struct visit *v)
{
	const struct intake *in = v->in;
	enum signature_verdict verdict;
	int64_t now_ms;

	if (v->source == EVENT_FROM_SUNCO)
		return signature_sunco(v->account->keys[EVENT_FROM_SUNCO],
				       header(v, "X-API-Key"));
	verdict = verify_at(v, loop_wall_ms(in->loop));
	if (verdict == SIGNATURE_STALE && in->time &&
	    in->time(&now_ms, in->time_arg))
		verdict = verify_at(v, now_ms);
	return verdict;
}

/* Zendesk tries a webhook out with a request that says nothing. */
static bool is_test_call(const struct visit *v)
{
	const char *id =
		http_request_header(v->request, "X-Zendesk-Webhook-Id");

	return v->source == EVENT_FROM_ZENDESK &&
	       http_request_body(v->request).len == 0 && id &&
	       str_starts(id, TEST_CALL_PREFIX);
}

/* Messages of people whom no job waits for are not ours. */
static void drop_idle_talk(const struct intake_account *a, struct event_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->count; i++) {
		const struct event *e = &l->items[i];

		if (e->kind == EVENT_CONVERSATION_MESSAGE &&
		    !watch_set_has(&a->watched, e->sunco_id))
			continue;
		if (kept != i)
			l->items[kept] = *e;
		kept++;
	}
	l->ignored += l->count - kept;
	l->count = kept;
}

/* Who has an address is remembered, the address is not. */
static void hash_addresses(const struct intake *in, struct event_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct event *e = &l->items[i];

		if (!e->gained && !e->lost)
			continue;
		address_hash(in->hmac, e->gained, e->gained_hash);
		address_hash(in->hmac, e->lost, e->lost_hash);
	}
}

/* Who writes now will be looked at soon. */
static void listen_to(const struct visit *v, const struct event *e)
{
	struct hearsay *h = v->in->hearsay;

	if (v->in->tidings)
		tidings_put(v->in->tidings, v->account->name, e,
			    loop_wall_ms(v->in->loop));
	if (!h || e->source != EVENT_FROM_SUNCO || e->behind)
		return;
	if (e->kind == EVENT_SUNCO_REMOVE)
		hearsay_forget(h, v->account->name, e->sunco_id);
	else if (e->told)
		hearsay_put(h, v->account->name, e->sunco_id, e->told,
			    loop_now_ms(v->in->loop));
}

/* Many late ones must not delay who writes now. */
static void put_behind(const struct visit *v, struct event_list *l)
{
	int64_t wall_ms = loop_wall_ms(v->in->loop);

	for (size_t i = 0; i < l->count; i++)
		l->items[i].behind =
			event_is_late(&l->items[i], wall_ms) &&
			intake_account_late(v->account,
					    loop_now_ms(v->in->loop));
}

/* Whoever was waited for may be another SunCo user now, or nobody. */
static void follow_people(const struct visit *v, const struct event_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct event *e = &l->items[i];
		bool merged = e->kind == EVENT_SUNCO_MERGE;
		const char *gone = merged ? e->other_sunco_id : e->sunco_id;

		if ((!merged && e->kind != EVENT_SUNCO_REMOVE) ||
		    str_is_empty(gone) ||
		    !watch_set_has(&v->account->watched, gone))
			continue;
		intake_unwatch(v->in, v->account->name, gone);
		if (merged)
			intake_watch(v->in, v->account->name, e->sunco_id);
	}
}

/* --- the wait for the store --- */

/* Once for many: who is answered in time costs nothing. */
static void look_later(struct intake *in)
{
	const struct delivery *first = TAILQ_FIRST(&in->waiting);

	if (!first || in->looks)
		return;
	in->looks = true;
	loop_timer_set(in->patience, first->until_ms - loop_now_ms(in->loop));
}

static void delivery_wait(struct delivery *d)
{
	struct intake *in = d->visit.in;

	d->until_ms = loop_now_ms(in->loop) + INTAKE_PATIENCE_MS;
	TAILQ_INSERT_TAIL(&in->waiting, d, entry);
	look_later(in);
}

static void on_impatient(void *arg)
{
	struct intake *in = arg;
	struct delivery *d;

	in->looks = false;
	while ((d = TAILQ_FIRST(&in->waiting)) &&
	       d->until_ms <= loop_now_ms(in->loop)) {
		TAILQ_REMOVE(&in->waiting, d, entry);
		reject_unavailable(&d->visit, "the store takes too long");
		d->visit.request = NULL;
	}
	look_later(in);
}

/* Does the sender still wait? */
static bool delivery_waits(struct delivery *d)
{
	if (!d->visit.request)
		return false;
	TAILQ_REMOVE(&d->visit.in->waiting, d, entry);
	return true;
}

static void delivery_free(struct delivery *d)
{
	d->visit.in->under_way--;
	store_op_release(&d->op);
	event_list_release(&d->events);
	free(d);
}

static void count_late(const struct visit *v, const struct store_accept *a)
{
	intake_account_count_late(v->account, v->source, LATE_OUTDATED,
				  (size_t)a->outdated);
	intake_account_count_late(v->account, v->source, LATE_BEHIND,
				  (size_t)a->behind);
}

static void delivery_done(struct store_op *op, void *arg)
{
	struct delivery *d = arg;
	bool waits = delivery_waits(d);
	struct visit v = d->visit;
	bool woken = op->result == RESULT_OK &&
		     (op->u.accept.noted > 0 ||
		      (op->u.accept.woken > 0 && !d->claimed));

	if (op->result == RESULT_OK) {
		CRASH_POINT("intake_committed");
		follow_people(&v, &d->events);
		count_late(&v, &op->u.accept);
		if (waits)
			reply_counts(&v, op->u.accept.accepted,
				     op->u.accept.duplicate, d->events.ignored);
	} else if (waits) {
		reject_unavailable(&v, op->error.text);
	}
	delivery_free(d);
	if (woken)
		v.in->on_wake(v.account->name, v.in->arg);
}

/* Takes the events out of the list. */
static void deliver(const struct visit *v, struct event_list *events)
{
	struct delivery *d = xcalloc(1, sizeof(*d));
	struct store_accept *a = &d->op.u.accept;

	hash_addresses(v->in, events);
	put_behind(v, events);
	for (size_t i = 0; i < events->count; i++) {
		listen_to(v, &events->items[i]);
		event_forget_addresses(&events->items[i]);
	}
	d->visit = *v;
	d->events = *events;
	event_list_init(events);
	store_op_init(&d->op, STORE_ACCEPT);
	a->account = v->account->name;
	a->events = d->events.items;
	a->count = d->events.count;
	a->now_ms = loop_wall_ms(v->in->loop);
	a->wait_ms = v->account->wait_ms;
	a->recheck_ms = v->account->recheck_ms;
	v->in->under_way++;
	delivery_wait(d);
	storeq_submit(v->in->q, &d->op, delivery_done, d);
	d->claimed = v->in->along &&
		     v->in->along(v->account->name, v->in->along_arg);
}

static void take_events(const struct visit *v, struct event_list *events)
{
	drop_idle_talk(v->account, events);
	if (events->count && v->in->draining)
		reject_unavailable(v, "draining");
	else if (events->count && storeq_behind(v->in->q))
		reject_unavailable(v, "store is behind");
	else if (events->count)
		deliver(v, events);
	else
		reply_counts(v, 0, 0, events->ignored);
}

static enum result decode(const struct visit *v, struct event_list *events,
			  struct error *err)
{
	struct slice body = http_request_body(v->request);

	return v->source == EVENT_FROM_SUNCO
		       ? decode_sunco(body, events, err)
		       : decode_zendesk(body, events, err);
}

static void take_body(const struct visit *v)
{
	struct event_list events;
	struct error err;

	event_list_init(&events);
	if (decode(v, &events, &err)) {
		reject_malformed(v, err.text);
	} else {
		intake_account_seen(v->account, v->source,
				    loop_wall_ms(v->in->loop));
		intake_seen_soon(&v->in->seen);
		take_events(v, &events);
	}
	event_list_release(&events);
}

static void visit_webhook(struct http_request *request, struct intake *in,
			  enum event_source source)
{
	struct visit v = {in, request, NULL, source};
	enum signature_verdict verdict;

	v.account = intake_account_find(&in->accounts,
					http_request_param(request, "account"));
	if (!v.account) {
		reject_unknown(&v);
		return;
	}
	verdict = verify(&v);
	if (verdict != SIGNATURE_OK)
		reject_unauthorized(&v, verdict);
	else if (is_test_call(&v))
		reply_counts(&v, 0, 0, 0);
	else
		take_body(&v);
}

static void on_sunco(struct http_request *request, void *arg)
{
	visit_webhook(request, arg, EVENT_FROM_SUNCO);
}

static void on_zendesk(struct http_request *request, void *arg)
{
	visit_webhook(request, arg, EVENT_FROM_ZENDESK);
}

static void on_health(struct http_request *request, void *arg)
{
	struct http_reply answer = {.status = 200,
				    .body = SLICE("{\"status\":\"ok\"}")};

	(void)arg;
	http_request_reply(request, &answer);
}

const struct http_route *intake_routes(size_t *count)
{
	static const struct http_route routes[] = {
		{"POST", "/webhooks/{account}/sunco", on_sunco,
		 HTTP_ROUTE_JSON},
		{"POST", "/webhooks/{account}/zendesk", on_zendesk,
		 HTTP_ROUTE_JSON},
		{"GET", "/healthz", on_health, HTTP_ROUTE_ALWAYS},
	};

	*count = ARRAY_LEN(routes);
	return routes;
}
