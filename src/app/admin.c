/*
 * Health, readiness and metrics; the frame of the admin API. See admin.h.
 */
#include "admin_int.h"

#include <stdlib.h>
#include <string.h>

#include "app/breaker.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/metrics.h"
#include "base/str.h"

#define METRICS_MAX_BYTES (8u << 20)

/* --- calls that wait for the store --- */

static void reply_late(struct admin_call *call)
{
	http_request_reply_error(call->req, 503, "the store does not answer");
}

struct admin_call *admin_call_new(struct admin *a, struct http_request *req)
{
	struct admin_call *call = xcalloc(1, sizeof(*call));

	call->admin = a;
	call->req = req;
	call->late = reply_late;
	call->next = a->calls;
	a->calls = call;
	return call;
}

void admin_call_free(struct admin_call *call)
{
	struct admin_call **p;

	if (call->admin) {
		for (p = &call->admin->calls; *p != call; p = &(*p)->next)
			;
		*p = call->next;
	}
	loop_timer_free(call->patience);
	store_op_release(&call->op);
	json_free(call->items);
	json_free(call->sweep);
	json_free(call->backfill);
	free(call);
}

void admin_call_changed(struct admin_call *call)
{
	const struct admin *a = call->admin;

	if (a->on_change)
		a->on_change(a->change_arg);
}

static void on_stored(struct store_op *op, void *arg)
{
	struct admin_call *call = arg;

	(void)op;
	if (call->admin && call->req)
		call->answer(call);
	else
		admin_call_free(call);
}

/* Nobody waits for a store that hangs, least of all who asks how it is; the
 * operation is the store's until it comes back. */
static void on_patience_end(void *arg)
{
	struct admin_call *call = arg;

	call->late(call);
	call->req = NULL;
}

void admin_call_submit(struct admin_call *call, admin_answer *answer)
{
	struct admin *a = call->admin;

	if (!call->patience) {
		call->patience = loop_timer_new(a->loop, on_patience_end, call);
		loop_timer_set(call->patience, ADMIN_PATIENCE_MS);
	}
	call->answer = answer;
	storeq_submit(engine_storeq(a->engine), &call->op, on_stored, call);
}

static void reply(struct http_request *req, int status, const char *type,
		  const struct buf *body)
{
	struct http_reply r = {
		.status = status,
		.content_type = type,
		.body = {body->data, body->len},
	};

	http_request_reply(req, &r);
}

static void reply_json(struct http_request *req, int status, struct json_t *v)
{
	struct buf body;

	buf_init(&body, METRICS_MAX_BYTES);
	json_write(v, &body);
	json_free(v);
	if (body.overflow)
		http_request_reply_error(req, 500,
					 "answer too large: ask for "
					 "fewer with limit");
	else
		reply(req, status, NULL, &body);
	buf_release(&body);
}

void admin_call_reply(struct admin_call *call, int status, struct json_t *v)
{
	reply_json(call->req, status, v);
	admin_call_free(call);
}

void admin_call_fail(struct admin_call *call, enum result r)
{
	switch (r) {
	case RESULT_NOTFOUND:
		http_request_reply_error(call->req, 404, "not found");
		break;
	case RESULT_CONFLICT:
		http_request_reply_error(call->req, 409,
					 "not possible in its present state");
		break;
	case RESULT_INVALID:
		http_request_reply_error(call->req, 400, "bad parameter");
		break;
	default:
		http_request_reply_error(call->req, 503, "the store failed");
	}
	admin_call_free(call);
}

void admin_call_refuse(struct admin_call *call)
{
	enum result r = call->op.result;

	if (r != RESULT_CONFLICT && r != RESULT_PERM) {
		admin_call_fail(call, r);
		return;
	}
	http_request_reply_error(call->req, 409, call->op.error.text);
	admin_call_free(call);
}

/* Digests are compared, so that neither content nor length shows in time. */
bool admin_authorized(const struct admin *a, struct http_request *req)
{
	static const char scheme[] = "Bearer ";
	const char *header = http_request_header(req, "Authorization");
	uint8_t want[CRYPTO_SHA256_SIZE];
	uint8_t got[CRYPTO_SHA256_SIZE];

	if (str_is_empty(a->token) || !header || !str_starts(header, scheme))
		return false;
	header += sizeof(scheme) - 1;
	crypto_sha256(a->token, strlen(a->token), want);
	crypto_sha256(header, strlen(header), got);
	return crypto_equal(want, got, sizeof(want));
}

/* --- without a token --- */

static void get_healthz(struct http_request *req, void *arg)
{
	struct json_t *v = json_new_obj();

	(void)arg;
	json_set_str(v, "status", "alive");
	reply_json(req, 200, v);
}

struct json_t *admin_hold_rows(const struct admin *a, const char *account)
{
	struct api_client *api = engine_api(a->engine, account);
	struct json_t *list = json_new_arr();
	char since[CLOCK_TEXT_SIZE];

	for (enum api i = 0; api && i < API_COUNT; i++) {
		const struct hold *hold = api_client_hold(api, i);
		struct json_t *v;

		if (!hold->reason)
			continue;
		clock_format(hold->since_wall_ms, since);
		v = json_new_obj();
		json_set_str(v, "account", account);
		json_set_str(v, "reason", hold_reason_name(hold->reason));
		json_set_str(v, "api", api_name(i));
		json_set_str(v, "since", since);
		json_set_str(v, "text", hold_text(hold));
		json_push(list, v);
	}
	return list;
}

static struct json_t *held_accounts(const struct admin *a)
{
	const struct config *config = engine_config(a->engine);
	const struct scheduler *s = engine_scheduler(a->engine);
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < config->account_count; i++) {
		const char *name = config->accounts[i].name;
		struct json_t *rows = admin_hold_rows(a, name);
		struct json_t *v;

		for (size_t n = 0; n < json_len(rows); n++)
			json_push(list, json_clone(json_at(rows, n)));
		json_free(rows);
		if (!scheduler_paused(s, name))
			continue;
		v = json_new_obj();
		json_set_str(v, "account", name);
		json_set_str(v, "reason", "paused");
		json_push(list, v);
	}
	return list;
}

static void reply_readyz(const struct admin *a, struct http_request *req,
			 bool store)
{
	bool ready = store && !a->draining;
	struct json_t *v = json_new_obj();
	struct error trouble;

	json_set_bool(v, "ready", ready);
	json_set_str(v, "store", store ? "ok" : "failing");
	if (!store && storeq_trouble(engine_storeq(a->engine), &trouble))
		json_set_str(v, "store_error", trouble.text);
	json_set_bool(v, "draining", a->draining);
	if (node_is_shared(engine_node(a->engine)))
		json_set_str(v, "node", node_id(engine_node(a->engine)));
	json_set(v, "held", held_accounts(a));
	reply_json(req, ready ? 200 : 503, v);
}

static bool is_behind(const struct admin *a)
{
	return storeq_behind(engine_storeq(a->engine));
}

static void answer_readyz(struct admin_call *call)
{
	reply_readyz(call->admin, call->req,
		     call->op.result == RESULT_OK && !is_behind(call->admin));
	admin_call_free(call);
}

static void late_readyz(struct admin_call *call)
{
	reply_readyz(call->admin, call->req, false);
}

static void ask_stats(struct admin_call *call, admin_answer *answer)
{
	const struct config *config = engine_config(call->admin->engine);

	str_copy(call->account, sizeof(call->account),
		 config->accounts[call->index].name);
	breaker_ask(&call->op, &config->accounts[call->index],
		    loop_wall_ms(call->admin->loop));
	call->op.u.stats.account = call->account; /* outlives a reload */
	admin_call_submit(call, answer);
}

static void get_readyz(struct http_request *req, void *arg)
{
	struct admin_call *call;

	if (is_behind(arg)) {
		reply_readyz(arg, req, false);
		return;
	}
	call = admin_call_new(arg, req);
	call->late = late_readyz;
	ask_stats(call, answer_readyz);
}

static void set_age(enum metric m, const char *account, int64_t since_ms,
		    int64_t now_ms)
{
	int64_t age_ms = since_ms && now_ms > since_ms ? now_ms - since_ms : 0;

	metric_set(metric_get(m, account), (double)age_ms / 1000);
}

static void set_gauges(const struct admin_call *call)
{
	const struct store_stats *s = &call->op.u.stats;
	const struct engine *e = call->admin->engine;
	struct api_client *api = engine_api(e, call->account);

	for (int i = 0; i < JOB_DONE; i++)
		metric_set(metric_get(METRIC_JOBS, call->account,
				      job_state_name((enum job_state)i)),
			   (double)s->jobs[i]);
	set_age(METRIC_QUEUE_OLDEST_SECONDS, call->account, s->oldest_due_ms,
		s->now_ms);
	set_age(METRIC_REVIEW_OLDEST_SECONDS, call->account,
		s->oldest_review_ms, s->now_ms);
	breaker_gauges(s);
	if (api)
		metric_set(metric_get(METRIC_API_BUDGET, call->account),
			   (double)budget_left(api_client_budget(api),
					       loop_now_ms(call->admin->loop)));
}

static void reply_metrics(struct http_request *req)
{
	struct buf body;

	buf_init(&body, METRICS_MAX_BYTES);
	metrics_render(&body);
	reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", &body);
	buf_release(&body);
}

/* The gauges as they were: what is counted in memory is never late. */
static void late_metrics(struct admin_call *call)
{
	reply_metrics(call->req);
}

static void answer_metrics(struct admin_call *call)
{
	const struct config *config = engine_config(call->admin->engine);

	if (call->op.result == RESULT_OK)
		set_gauges(call);
	store_op_release(&call->op);
	if (++call->index < config->account_count) {
		ask_stats(call, answer_metrics);
		return;
	}
	reply_metrics(call->req);
	admin_call_free(call);
}

static void get_metrics(struct http_request *req, void *arg)
{
	const struct admin *a = arg;
	struct admin_call *call;

	metric_set(metric_get(METRIC_STORE_LOG_BYTES),
		   (double)storeq_log_bytes(engine_storeq(a->engine)));
	if (is_behind(arg)) {
		reply_metrics(req);
		return;
	}
	call = admin_call_new(arg, req);
	call->late = late_metrics;
	ask_stats(call, answer_metrics);
}

/* --- life --- */

static const struct http_route plain_routes[] = {
	{"GET", "/healthz", get_healthz, HTTP_ROUTE_ALWAYS},
	{"GET", "/readyz", get_readyz, HTTP_ROUTE_ALWAYS},
	{"GET", "/metrics", get_metrics, HTTP_ROUTE_ALWAYS},
};

struct admin *admin_new(struct loop *loop, struct engine *engine)
{
	struct admin *a = xcalloc(1, sizeof(*a));
	size_t count = ARRAY_LEN(plain_routes);
	struct http_server_config config;

	a->loop = loop;
	a->engine = engine;
	a->routes = xcalloc(count + admin_account_route_count +
				    admin_api_route_count,
			    sizeof(*a->routes));
	memcpy(a->routes, plain_routes, sizeof(plain_routes));
	memcpy(a->routes + count, admin_account_routes,
	       admin_account_route_count * sizeof(*a->routes));
	count += admin_account_route_count;
	memcpy(a->routes + count, admin_api_routes,
	       admin_api_route_count * sizeof(*a->routes));
	count += admin_api_route_count;
	http_server_config_default(&config);
	config.name = "admin";
	a->server = http_server_new(loop, &config, a->routes, count, a);
	metric_set(metric_get(METRIC_BUILD_INFO, REUNITE_VERSION), 1);
	return a;
}

void admin_free(struct admin *a)
{
	if (!a)
		return;
	http_server_free(a->server);
	for (struct admin_call *c = a->calls; c; c = c->next) {
		c->admin = NULL; /* freed when the store gives them back */
		loop_timer_free(c->patience);
		c->patience = NULL;
	}
	free(a->routes);
	free(a->token);
	free(a);
}

enum result admin_listen(struct admin *a, const char *address,
			 struct error *err)
{
	return http_server_listen(a->server, address, err);
}

uint16_t admin_port(const struct admin *a)
{
	return http_server_port(a->server);
}

void admin_on_change(struct admin *a, void (*fn)(void *arg), void *arg)
{
	a->on_change = fn;
	a->change_arg = arg;
}

void admin_set_tidings(struct admin *a, const struct tidings *t)
{
	a->tidings = t;
}

void admin_set_token(struct admin *a, const char *token)
{
	free(a->token);
	a->token = xstrdup(token);
}

void admin_set_draining(struct admin *a)
{
	a->draining = true;
}

void admin_drain(struct admin *a, loop_fn *done, void *arg)
{
	http_server_drain(a->server, done, arg);
}
