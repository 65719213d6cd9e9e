/*
 * Requests to one account: queue, credentials, limits, result.
 *
 *	api_send -> WAITING -> SENT -> FINISHED -> DELIVERING -> freed
 *	            |  | ^-------+      ^  ^
 *	            |  +---- RIDING ----+  |
 *	            +----------------------+
 *
 *	WAITING->SENT      request_try(): token there, budget allows
 *	WAITING->FINISHED  request_try(): token refused, or would wait too long
 *	SENT->WAITING      answered(): a clean 401 under OAuth, the first time
 *	SENT->FINISHED     answered()
 *	to, from RIDING    with another request, that reads many: api_batch.c
 *	->DELIVERING       deliver(): the callback runs, cancel does nothing
 *	any other->freed   api_cancel(), api_client_free()
 *
 * Invariants: everything leaves WAITING from pump(), which runs from a timer,
 * so no callback comes from inside api_send(); at most one pump is armed, at
 * the earliest time at which a waiting request may go.
 *
 * Refused: to repeat anything but a request that the API answered with a
 * clean 401 (which was not carried out); links to other hosts.
 */
#include "api_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/metrics.h"

enum {
	URL_MAX = 16 * 1024,
	HEADER_MAX = 16 * 1024,
};

const char *api_name(enum api a)
{
	return a == API_ZENDESK ? "zendesk" : "sunco";
}

const struct api_config *api_client_config(const struct api_client *c)
{
	return &c->config;
}

/* ---- results ---- */

void api_request_free(struct api_request *q)
{
	json_free(q->json);
	free(q->path);
	free(q->body);
	free(q);
}

static struct request_list *request_list(struct api_request *q)
{
	struct api_client *c = q->client;

	switch (q->state) {
	case WAITING:
		return &c->waiting[q->toll.lane];
	case SENT:
		return &c->sent;
	case RIDING:
		return &q->driver->riders;
	default:
		return &c->finished;
	}
}

void api_request_move(struct api_request *q, enum request_state to)
{
	TAILQ_REMOVE(request_list(q), q, entry);
	q->state = to;
	TAILQ_INSERT_TAIL(request_list(q), q, entry);
}

static void client_release(struct api_client *c)
{
	loop_timer_free(c->pump_timer);
	oauth_free(c->oauth);
	api_config_release(&c->config);
	free(c);
}

static void deliver(struct api_client *c)
{
	struct api_request *q;

	c->delivering = true;
	while ((q = TAILQ_FIRST(&c->finished))) {
		TAILQ_REMOVE(&c->finished, q, entry);
		q->state = DELIVERING;
		if (q->drives)
			api_batch_answered(q);
		else
			q->done(&q->result, q->json, q->arg);
		api_request_free(q);
	}
	c->delivering = false;
	if (c->dead)
		client_release(c);
}

static void budget_show(struct api_client *c)
{
	const struct budget *b = &c->limits.budget;
	const char *account = c->config.account;

	metric_set(metric_get(METRIC_API_BUDGET, account),
		   (double)budget_left(b, loop_now_ms(c->loop)));
	metric_set(metric_get(METRIC_API_LIMIT, account), (double)b->limit);
}

static void waiting_show(struct api_client *c)
{
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		const char *name = job_lane_name((enum job_lane)lane);
		struct api_request *q;
		int n = 0;

		TAILQ_FOREACH(q, &c->waiting[lane], entry)
		n++;
		metric_set(
			metric_get(METRIC_API_WAITING, c->config.account, name),
			n);
	}
}

void api_client_pump(void *arg)
{
	struct api_client *c = arg;

	loop_timer_set(c->pump_timer, 0);
}

/* ---- the answer ---- */

static void note_date(struct api_client *c, const struct http_answer *a)
{
	const char *date = http_answer_header(a, "date");

	if (date && clock_parse_http_date(slice_of(date), &c->date_ms))
		c->date_mono_ms = loop_now_ms(c->loop);
}

bool api_client_date(const struct api_client *c, int64_t *date_ms,
		     int64_t *age_ms)
{
	*date_ms = c->date_ms;
	*age_ms = loop_now_ms(c->loop) - c->date_mono_ms;
	return c->date_ms != 0;
}

static void count(const struct api_request *q, const struct http_answer *a)
{
	const char *api = api_name(q->toll.api);

	metric_add(metric_get(METRIC_API_REQUESTS, q->client->config.account,
			      api, q->name, result_name(q->result.result)),
		   1);
	metric_observe(metric_get(METRIC_API_SECONDS, api, q->name),
		       (double)a->elapsed_us / 1e6);
}

/* A clean 401: the token may have been taken back before its end. A 403: it
 * may be from before a permission was given. */
static bool request_again(struct api_request *q)
{
	struct api_client *c = q->client;

	if (q->result.result != RESULT_AUTH || q->token_generation == 0)
		return false;
	if (q->result.forbidden) {
		if (q->again || !oauth_doubt(c->oauth, q->token_generation))
			return false;
	} else if (q->again) {
		oauth_distrust(c->oauth, &q->result);
		return false;
	} else {
		oauth_expire(c->oauth, q->token_generation);
	}
	q->again = true;
	TAILQ_REMOVE(&c->sent, q, entry);
	q->state = WAITING;
	TAILQ_INSERT_HEAD(&c->waiting[q->toll.lane], q, entry);
	json_free(q->json);
	q->json = NULL;
	return true;
}

static void answered(const struct http_answer *a, void *arg)
{
	struct api_request *q = arg;
	struct api_client *c = q->client;
	struct api_result r = {
		.api = q->toll.api,
		.call = q->name,
		.calls = q->result.calls + a->sent,
	};

	q->transfer = NULL;
	api_limits_end(&c->limits, &q->toll);
	q->json = api_answer_read(a, loop_wall_ms(c->loop), &r);
	if (q->toll.api == API_ZENDESK && str_eq(q->method, "GET"))
		api_answer_is_anonymous(q->json, &r);
	q->result = r;
	api_limits_learn(&c->limits, &q->toll, a, &r, loop_now_ms(c->loop));
	budget_show(c);
	note_date(c, a);
	count(q, a);
	if (!request_again(q)) {
		if (!q->result.late && (!q->drives || r.result == RESULT_OK))
			api_holds_learn(&c->holds, &q->result, q->user);
		api_request_move(q, FINISHED);
	}
	api_client_pump(c);
	deliver(c);
}

/* ---- sending ---- */

static void request_refuse(struct api_request *q, const struct api_result *why)
{
	int calls = q->result.calls;

	q->result = *why;
	q->result.api = q->toll.api;
	q->result.call = q->name;
	q->result.calls = calls;
	api_request_move(q, FINISHED);
}

static void request_url(const struct api_request *q, struct buf *out)
{
	const struct api_config *c = &q->client->config;

	buf_puts(out, q->toll.api == API_SUNCO ? c->sunco_url : c->zendesk_url);
	buf_puts(out, q->path);
}

static void request_post(struct api_request *q, const char *url,
			 const char *authorization)
{
	struct api_client *c = q->client;
	const char *const headers[] = {
		authorization,
		"Accept: application/json",
		"Content-Type: application/json",
	};
	struct http_call call = {
		.method = q->method,
		.url = url,
		.headers = headers,
		.header_count = q->body ? 3 : 2,
		.timeout_ms = c->config.timeout_ms,
		.once = q->once,
		.send_by_ms = q->send_by_ms,
	};

	if (q->body)
		call.body = slice_of(q->body);
	api_request_move(q, SENT);
	q->transfer = http_client_send(c->http, &call, answered, q);
}

static void request_send(struct api_request *q, const char *oauth)
{
	struct api_result r = {.retry_after_ms = -1};
	struct buf url, authorization;

	buf_init(&url, URL_MAX);
	buf_init(&authorization, HEADER_MAX);
	api_authorization(&q->client->config, q->toll.api, oauth,
			  &authorization);
	if (q->path)
		request_url(q, &url);
	if (q->path && !url.overflow) {
		request_post(q, url.data, authorization.data);
	} else {
		api_limits_end(&q->client->limits, &q->toll);
		r.result = error_set(&r.error, RESULT_PERM,
				     "the request is too long");
		request_refuse(q, &r);
	}
	crypto_wipe(authorization.data, authorization.len);
	buf_release(&authorization);
	buf_release(&url);
}

/* Held back by the limits until wait_ms from now: stays, or ends as RATE. */
static int64_t request_hold(struct api_request *q, int64_t wait_ms)
{
	int64_t max_ms = q->once ? API_QUEUE_ONCE_MS : API_QUEUE_MAX_MS;
	struct api_result r = {.retry_after_ms = wait_ms};

	if (loop_now_ms(q->client->loop) + wait_ms - q->since_ms <= max_ms)
		return wait_ms;
	r.result = error_set(&r.error, RESULT_RATE,
			     "held back by the request budget");
	request_refuse(q, &r);
	return -1;
}

/* What rests on facts is not sent when they have grown old, after a long
 * wait for a token, say; nor what rests on a lease when that is over. */
static bool request_too_late(struct api_request *q)
{
	int64_t waited_ms = loop_now_ms(q->client->loop) - q->since_ms;
	struct api_result r = {
		.retry_after_ms = -1,
		.late = q->send_by_ms && clock_boot_ms() > q->send_by_ms,
	};

	if (!r.late && (!q->once || waited_ms <= API_QUEUE_ONCE_MS))
		return false;
	r.result = error_set(&r.error, RESULT_TEMP, "it waited too long");
	request_refuse(q, &r);
	return true;
}

/* Returns how long to wait before trying again, or -1: not by time. */
static int64_t request_try(struct api_request *q)
{
	struct api_client *c = q->client;
	const char *token = NULL;
	int64_t wait_ms;

	q->token_generation = 0;
	if (q->toll.api == API_ZENDESK && c->config.auth == ZENDESK_OAUTH)
		switch (oauth_token(c->oauth, &token, &q->token_generation)) {
		case OAUTH_COMING:
			return -1;
		case OAUTH_REFUSED:
			request_refuse(q, oauth_refusal(c->oauth));
			return -1;
		case OAUTH_READY:
			break;
		}
	if (request_too_late(q))
		return -1;
	wait_ms = api_limits_take(&c->limits, &q->toll, loop_now_ms(c->loop));
	if (wait_ms == 0)
		request_send(api_batch_board(q), token);
	return wait_ms > 0 ? request_hold(q, wait_ms) : -1;
}

bool api_client_waits(const struct api_client *c)
{
	const struct api_request *q;

	for (int lane = 0; lane < LANE_COUNT; lane++)
		TAILQ_FOREACH(q, &c->waiting[lane], entry)
	if (q->toll.api == API_ZENDESK)
		return true;
	return false;
}

static void ask_for_stake(struct api_client *c)
{
	if (c->needed && api_client_waits(c) &&
	    budget_lacks_stake(&c->limits.budget, loop_now_ms(c->loop)))
		c->needed(c->needed_arg);
}

static void pump(void *arg)
{
	struct api_client *c = arg;
	int64_t next_ms = -1;

	for (int lane = 0; lane < LANE_COUNT; lane++) {
		struct api_request *q = TAILQ_FIRST(&c->waiting[lane]);

		while (q) {
			struct api_request *next = TAILQ_NEXT(q, entry);
			int64_t wait_ms = request_try(q);

			if (wait_ms >= 0 && (next_ms < 0 || wait_ms < next_ms))
				next_ms = wait_ms;
			q = c->boarded ? TAILQ_FIRST(&c->waiting[lane]) : next;
			c->boarded = false;
		}
	}
	if (next_ms >= 0)
		loop_timer_set(c->pump_timer, next_ms);
	ask_for_stake(c);
	budget_show(c);
	waiting_show(c);
	deliver(c);
}

/* ---- for the calls ---- */

/* In its lane; what must not be repeated goes first, since what it rests on
 * grows old, and since it is what comes of the requests before it. */
static void request_queue(struct api_request *q, bool first)
{
	struct request_list *lane = &q->client->waiting[q->toll.lane];
	struct api_request *next = first ? TAILQ_FIRST(lane) : NULL;

	while (next && next->once)
		next = TAILQ_NEXT(next, entry);
	if (next)
		TAILQ_INSERT_BEFORE(next, q, entry);
	else
		TAILQ_INSERT_TAIL(lane, q, entry);
}

void api_request_alight(struct api_request *q)
{
	TAILQ_REMOVE(&q->driver->riders, q, entry);
	q->driver = NULL;
	q->share = 0;
	q->state = WAITING;
	request_queue(q, true);
}

struct api_request *api_send_owned(struct api_client *c,
				   const struct api_call *call, api_done *done,
				   api_drop *drop, void *arg)
{
	struct api_request *q = xcalloc(1, sizeof(*q));

	q->client = c;
	q->state = WAITING;
	q->toll = (struct api_toll){
		.api = call->api,
		.lane = call->lane,
		.endpoint = call->endpoint,
		.object = call->object,
	};
	q->name = call->name;
	q->method = call->method;
	q->once = call->once;
	q->path = xstrdup(call->path);
	q->user = call->user;
	q->share = call->shareable ? call->user : 0;
	q->body = call->body ? json_text(call->body) : NULL;
	json_free(call->body);
	q->since_ms = loop_now_ms(c->loop);
	q->done = done;
	q->drop = drop;
	q->arg = arg;
	request_queue(q, q->once);
	api_client_pump(c);
	return q;
}

struct api_request *api_send(struct api_client *c, const struct api_call *call,
			     api_done *done, void *arg)
{
	return api_send_owned(c, call, done, NULL, arg);
}

void api_send_by(struct api_request *q, int64_t boot_ms)
{
	q->send_by_ms = boot_ms;
}

void api_cancel(struct api_request *q)
{
	struct api_request *driver = q->state == RIDING ? q->driver : NULL;

	if (q->state == DELIVERING)
		return;
	if (q->drives)
		api_batch_drop(q);
	if (q->transfer) {
		http_transfer_cancel(q->transfer);
		api_limits_end(&q->client->limits, &q->toll);
		api_client_pump(q->client);
	}
	TAILQ_REMOVE(request_list(q), q, entry);
	if (q->drop)
		q->drop(q->arg);
	api_request_free(q);
	if (driver && TAILQ_EMPTY(&driver->riders))
		api_cancel(driver);
}

/* ---- the client ---- */

struct api_client *api_client_new(struct loop *loop, struct http_client *http,
				  const struct api_config *config)
{
	struct api_client *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->http = http;
	c->batches = true;
	api_config_copy(&c->config, config);
	api_limits_init(&c->limits, config->requests_per_minute,
			config->reserve_percent);
	c->pump_timer = loop_timer_new(loop, pump, c);
	c->holds.loop = loop;
	c->oauth = oauth_new(loop, http, &c->holds, api_client_pump, c);
	oauth_configure(c->oauth, &c->config);
	for (int lane = 0; lane < LANE_COUNT; lane++)
		TAILQ_INIT(&c->waiting[lane]);
	TAILQ_INIT(&c->sent);
	TAILQ_INIT(&c->finished);
	return c;
}

static void cancel_all(struct request_list *list)
{
	struct api_request *q = TAILQ_FIRST(list);

	while (q) {
		struct api_request *next = TAILQ_NEXT(q, entry);

		api_cancel(q);
		q = next;
	}
}

void api_client_free(struct api_client *c)
{
	if (!c)
		return;
	for (int lane = 0; lane < LANE_COUNT; lane++)
		cancel_all(&c->waiting[lane]);
	cancel_all(&c->sent);
	cancel_all(&c->finished);
	c->dead = true;
	loop_timer_clear(c->pump_timer);
	if (!c->delivering)
		client_release(c);
}

void api_client_reconfigure(struct api_client *c,
			    const struct api_config *config)
{
	struct api_config old = c->config;

	api_config_copy(&c->config, config);
	c->batches = true;
	oauth_configure(c->oauth, &c->config);
	api_config_release(&old);
	budget_configure(&c->limits.budget, config->requests_per_minute,
			 config->reserve_percent);
	if (config->auth != ZENDESK_OAUTH)
		api_holds_need_no_token(&c->holds);
	api_client_try_again(c);
	api_client_pump(c);
}

void api_client_share(struct api_client *c, loop_fn *needed, void *arg)
{
	c->needed = needed;
	c->needed_arg = arg;
	if (needed)
		budget_share(&c->limits.budget, loop_now_ms(c->loop));
}

struct api_limits *api_client_limits(struct api_client *c)
{
	return &c->limits;
}

struct loop *api_client_loop(const struct api_client *c)
{
	return c->loop;
}

struct api_holds *api_client_holds(struct api_client *c)
{
	return &c->holds;
}

struct oauth *api_client_oauth(const struct api_client *c)
{
	return c->oauth;
}
