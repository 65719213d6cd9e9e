/*
 * Deliveries of webhooks.
 *
 *	SENDING --answer--> WAITING --timer--> SENDING
 *	SENDING --answer--> DELIVERED | FAILED
 *
 *	SENDING     attempt(): one request under way
 *	WAITING     on_answer(): another attempt is due
 *	DELIVERED   on_answer(): a 2xx
 *	FAILED      on_answer(): no further attempt; attempt(): no target set
 *
 * Invariant: the caller's done is called at most once, never from inside
 * webhooks_send().
 */
#include "sandbox/webhooks_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

#define SUNCO_ATTEMPTS		  5
#define SUNCO_TIMEOUT_MS	  20000
#define SUNCO_FIRST_DELAY_MS	  10000
#define SUNCO_DELAY_FACTOR	  4
#define ZENDESK_TIMEOUT_MS	  12000
#define ZENDESK_RETRIES_409	  3
#define ZENDESK_RETRIES		  5
#define ZENDESK_DELAY_MS	  5000
#define ZENDESK_RETRY_AFTER_MAX_S 60
#define HEADERS_MAX		  8
#define HEADER_SIZE		  512

enum phase { SENDING, WAITING, DELIVERED, FAILED };
static const char *const phase_names[] = {"sending", "waiting", "delivered",
					  "failed"};

struct delivery {
	TAILQ_ENTRY(delivery) entry;
	struct webhooks *owner;
	uint64_t id;
	enum phase phase;
	enum webhook_source source;
	const char *label;
	char *body;
	size_t body_len;
	char *url, *key, *signature, *timestamp;
	bool unsigned_;
	struct json_t *attempts;
	int attempt_count;
	int conflicts;
	int timeouts;
	struct http_transfer *transfer;
	struct loop_timer *timer;
	bool to_the_end;
	webhook_done *done;
	void *arg;
};
TAILQ_HEAD(delivery_list, delivery);

struct webhooks {
	struct loop *loop;
	struct http_client *http;
	const struct account *account;
	struct delivery_list list;
	size_t count;
	uint64_t last_id;
};

struct header_list {
	char lines[HEADERS_MAX][HEADER_SIZE];
	const char *ptrs[HEADERS_MAX];
	size_t count;
};

static void delivery_free(struct delivery *d)
{
	TAILQ_REMOVE(&d->owner->list, d, entry);
	d->owner->count--;
	if (d->transfer)
		http_transfer_cancel(d->transfer);
	loop_timer_free(d->timer);
	json_free(d->attempts);
	free(d->body);
	free(d->url);
	free(d->key);
	free(d->signature);
	free(d->timestamp);
	free(d);
}

struct webhooks *webhooks_new(struct loop *loop, struct http_client *http,
			      const struct account *account)
{
	struct webhooks *w = xcalloc(1, sizeof(*w));

	w->loop = loop;
	w->http = http;
	w->account = account;
	TAILQ_INIT(&w->list);
	return w;
}

void webhooks_forget(struct webhooks *w)
{
	struct delivery *d;

	while ((d = TAILQ_FIRST(&w->list)))
		delivery_free(d);
}

void webhooks_free(struct webhooks *w)
{
	if (!w)
		return;
	webhooks_forget(w);
	free(w);
}

static const char *source_name(enum webhook_source s)
{
	return s == WEBHOOK_SUNCO ? "sunco" : "zendesk";
}

static struct json_t *delivery_encode(const struct delivery *d)
{
	struct json_t *o = json_new_obj();
	const struct json_t *last;

	last = json_at(d->attempts, json_len(d->attempts) - 1);
	json_set_int(o, "id", (int64_t)d->id);
	json_set_str(o, "source", source_name(d->source));
	json_set_str(o, "event", d->label);
	json_set_str(o, "state", phase_names[d->phase]);
	json_set_int(o, "status", json_get_int(last, "status", 0));
	json_set(o, "attempts", json_clone(d->attempts));
	return o;
}

struct json_t *webhooks_encode(const struct webhooks *w)
{
	struct json_t *list = json_new_arr();
	const struct delivery *d;

	TAILQ_FOREACH(d, &w->list, entry)
	json_push(list, delivery_encode(d));
	return list;
}

static void header_add(struct header_list *h, const char *name,
		       const char *value)
{
	snprintf(h->lines[h->count], HEADER_SIZE, "%s: %s", name, value);
	h->ptrs[h->count] = h->lines[h->count];
	h->count++;
}

static void sign_zendesk(const struct delivery *d, const char *secret,
			 const char *timestamp, char out[64])
{
	struct crypto_hmac *h = crypto_hmac_new(secret, strlen(secret));
	struct slice parts[2] = {slice_of(timestamp), {d->body, d->body_len}};
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sign(h, parts, 2, mac);
	crypto_base64(mac, sizeof(mac), out);
	crypto_hmac_free(h);
}

static void headers_zendesk(const struct delivery *d, struct header_list *h)
{
	const struct settings *s = &d->owner->account->settings;
	const char *secret = d->key ? d->key : s->zendesk_secret;
	struct json_t *now = render_time(loop_wall_ms(d->owner->loop));
	const char *timestamp = d->timestamp ? d->timestamp : json_str(now);
	char signature[64];
	char invocation[32];

	snprintf(invocation, sizeof(invocation), "%" PRIu64, d->id);
	header_add(h, "X-Zendesk-Account-Id", "24681357");
	header_add(h, "X-Zendesk-Webhook-Id", "01SANDBOX0000000000000000A");
	header_add(h, "X-Zendesk-Webhook-Invocation-Id", invocation);
	header_add(h, "User-Agent", "Zendesk Webhook");
	if (!d->unsigned_) {
		sign_zendesk(d, secret, timestamp, signature);
		header_add(h, "X-Zendesk-Webhook-Signature",
			   d->signature ? d->signature : signature);
		header_add(h, "X-Zendesk-Webhook-Signature-Timestamp",
			   timestamp);
	}
	json_free(now);
}

static void headers_of(const struct delivery *d, struct header_list *h)
{
	const struct settings *s = &d->owner->account->settings;

	h->count = 0;
	header_add(h, "Content-Type", "application/json");
	if (d->source == WEBHOOK_ZENDESK)
		headers_zendesk(d, h);
	else if (!d->unsigned_)
		header_add(h, "X-API-Key", d->key ? d->key : s->sunco_secret);
}

static int64_t timeout_of(const struct delivery *d)
{
	int64_t set = d->owner->account->settings.webhook_timeout_ms;

	if (set > 0)
		return set;
	return d->source == WEBHOOK_SUNCO ? SUNCO_TIMEOUT_MS
					  : ZENDESK_TIMEOUT_MS;
}

static const char *target_of(const struct delivery *d)
{
	const struct settings *s = &d->owner->account->settings;

	if (d->url)
		return d->url;
	return d->source == WEBHOOK_SUNCO ? s->webhook_sunco
					  : s->webhook_zendesk;
}

static void tell(struct delivery *d)
{
	webhook_done *done = d->done;

	if (!done || (d->to_the_end && d->phase == WAITING))
		return;
	d->done = NULL;
	done(delivery_encode(d), d->arg);
}

static int64_t sunco_delay(const struct delivery *d, int status)
{
	int64_t delay_ms = SUNCO_FIRST_DELAY_MS;

	switch (status) {
	case 400:
	case 401:
	case 403:
	case 404:
	case 406:
		return -1;
	default:
		break;
	}
	if (d->attempt_count >= SUNCO_ATTEMPTS)
		return -1;
	for (int i = 1; i < d->attempt_count; i++)
		delay_ms *= SUNCO_DELAY_FACTOR;
	return delay_ms;
}

static int64_t zendesk_delay(struct delivery *d, const struct http_answer *a,
			     int status)
{
	const char *text = http_answer_header(a, "Retry-After");
	uint64_t after_s = ZENDESK_RETRY_AFTER_MAX_S;
	bool timed_out =
		a->result != RESULT_OK && a->elapsed_us / 1000 >= timeout_of(d);

	if (status == 409)
		return d->conflicts++ < ZENDESK_RETRIES_409 ? ZENDESK_DELAY_MS
							    : -1;
	if (timed_out)
		return d->timeouts++ < ZENDESK_RETRIES ? ZENDESK_DELAY_MS : -1;
	if (status != 429 && status != 503)
		return -1;
	str_parse_u64(slice_of(text), &after_s);
	if (after_s >= ZENDESK_RETRY_AFTER_MAX_S ||
	    d->attempt_count > ZENDESK_RETRIES)
		return -1;
	return (int64_t)after_s * 1000;
}

static void record(struct delivery *d, const struct http_answer *a, int status)
{
	struct json_t *o = json_new_obj();

	json_set(o, "at", render_time_ms(loop_wall_ms(d->owner->loop)));
	json_set_int(o, "status", status);
	json_set_int(o, "ms", a->elapsed_us / 1000);
	json_push(d->attempts, o);
	d->attempt_count++;
}

static void on_answer(const struct http_answer *a, void *arg)
{
	struct delivery *d = arg;
	int64_t speed = d->owner->account->settings.webhook_retry_speed;
	int status = a->result == RESULT_OK ? a->status : 0;
	int64_t delay_ms;

	d->transfer = NULL;
	record(d, a, status);
	if (status >= 200 && status < 300) {
		d->phase = DELIVERED;
		tell(d);
		return;
	}
	delay_ms = d->source == WEBHOOK_SUNCO ? sunco_delay(d, status)
					      : zendesk_delay(d, a, status);
	d->phase = delay_ms < 0 ? FAILED : WAITING;
	if (d->phase == WAITING)
		loop_timer_set(d->timer, delay_ms / (speed > 0 ? speed : 1));
	tell(d);
}

static void attempt(void *arg)
{
	struct delivery *d = arg;
	struct header_list headers;
	const char *url = target_of(d);
	struct http_call call = {.method = "POST",
				 .url = url,
				 .headers = headers.ptrs,
				 .body = {d->body, d->body_len},
				 .timeout_ms = timeout_of(d),
				 .once = true};

	if (str_is_empty(url)) {
		d->phase = FAILED;
		tell(d);
		return;
	}
	headers_of(d, &headers);
	call.header_count = headers.count;
	d->phase = SENDING;
	d->transfer = http_client_send(d->owner->http, &call, on_answer, d);
}

/* The oldest that has ended makes room. */
static void trim(struct webhooks *w)
{
	struct delivery *d = TAILQ_FIRST(&w->list);

	if (w->count > WEBHOOKS_KEPT_MAX &&
	    (d->phase == DELIVERED || d->phase == FAILED))
		delivery_free(d);
}

void webhooks_send(struct webhooks *w, const struct webhook_order *order,
		   bool to_the_end, webhook_done *done, void *arg)
{
	struct delivery *d = xcalloc(1, sizeof(*d));

	d->owner = w;
	d->id = ++w->last_id;
	d->source = order->source;
	d->label = order->label;
	d->body = xstrndup(order->body.ptr, order->body.len);
	d->body_len = order->body.len;
	d->url = xstrdup(order->url);
	d->key = xstrdup(order->key);
	d->signature = xstrdup(order->signature);
	d->timestamp = xstrdup(order->timestamp);
	d->unsigned_ = order->unsigned_;
	d->attempts = json_new_arr();
	d->to_the_end = to_the_end;
	d->done = done;
	d->arg = arg;
	d->timer = loop_timer_new(w->loop, attempt, d);
	TAILQ_INSERT_TAIL(&w->list, d, entry);
	w->count++;
	trim(w);
	loop_timer_set(d->timer, 0);
}
