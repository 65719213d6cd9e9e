/*
 * Requests to the two APIs, around the handlers.
 *
 * Faults come first, so that they strike whoever calls. A call takes effect
 * when its handler runs: at once for cut_after and for a hang that applies,
 * else after its delay. A client that leaves meanwhile changes nothing about
 * that, as with the real ones.
 */
#include "sandbox/gateway.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/acts.h"
#include "sandbox/call.h"
#include "sandbox/faults.h"
#include "sandbox/jobs.h"
#include "sandbox/reqlog.h"
#include "sandbox/routes.h"
#include "sandbox/sandbox.h"

#define QUERY_VALUE_MAX	  16384
#define REPLY_HEADERS_MAX 8192
#define RAW_REPLY_MAX	  (64 * 1024 * 1024)

struct exchange {
	struct exchange *next;
	struct sandbox *sandbox;
	struct http_request *request;
	struct loop_timer *timer;
	struct fault_strike fault;
	struct call call;
	struct answer answer;
	bool bad_body;
};

static void exchange_free(struct exchange *x)
{
	loop_timer_free(x->timer);
	fault_strike_release(&x->fault);
	call_release(&x->call);
	answer_release(&x->answer);
	free(x);
}

void gateway_free(struct sandbox *sb)
{
	while (sb->exchanges) {
		struct exchange *x = sb->exchanges;

		sb->exchanges = x->next;
		exchange_free(x);
	}
}

static void exchange_drop(struct exchange *x)
{
	struct exchange **p = &x->sandbox->exchanges;

	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	exchange_free(x);
}

static void call_read(struct exchange *x)
{
	struct http_request *r = x->request;
	struct call *c = &x->call;
	struct slice body = http_request_body(r);
	char value[QUERY_VALUE_MAX];

	c->account = &x->sandbox->account;
	c->path = xstrdup(http_request_path(r));
	c->route = route_find(http_request_method(r), c->path, c->params);
	c->authorization = xstrdup(http_request_header(r, "Authorization"));
	for (const char *const *name = route_queries(); *name; name++) {
		if (http_request_query(r, *name, value, sizeof(value)))
			call_add_query(c, *name, value);
	}
	if (body.len > 0) {
		c->body = json_parse(body.ptr, body.len, NULL);
		x->bad_body = !c->body;
	}
}

static bool is_sunco(const struct call *c)
{
	return c->route ? c->route->api == CALL_SUNCO
			: str_starts(c->path, "/sc/");
}

static void refuse_endpoint(const struct call *c, struct answer *out)
{
	struct json_t *body;

	if (is_sunco(c)) {
		call_sunco_error(out, 404, "not_found", "Not found");
		return;
	}
	body = json_new_obj();
	json_set_str(body, "error", "InvalidEndpoint");
	json_set_str(body, "description", "Not found");
	call_ok(out, 404, body);
}

static void refuse_credentials(const struct call *c, struct answer *out)
{
	struct json_t *body;

	if (is_sunco(c)) {
		call_sunco_error(out, 401, "unauthorized",
				 "Authorization is required");
		return;
	}
	body = json_new_obj();
	json_set_str(body, "error", "Couldn't authenticate you");
	call_ok(out, 401, body);
}

static bool credentials_good(const struct call *c, struct answer *out)
{
	bool write = !str_eq(c->route->method, "GET");
	enum access access;

	if (!c->route->resource)
		return true;
	if (is_sunco(c))
		access = oauth_check_sunco(c->account, c->authorization)
				 ? ACCESS_OK
				 : ACCESS_UNKNOWN;
	else
		access = oauth_check_zendesk(c->account, c->authorization,
					     c->route->resource, write,
					     c->now_ms);
	if (access == ACCESS_UNKNOWN)
		refuse_credentials(c, out);
	else if (access == ACCESS_FORBIDDEN)
		call_forbidden(out);
	return access == ACCESS_OK;
}

static void sunco_too_many(const struct call *c, struct answer *out)
{
	(void)c;
	call_sunco_error(out, 429, "too_many_requests", "Too Many Requests");
}

static bool within_limit(const struct call *c, struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct limits *l = &c->account->limits;
	struct limit_verdict v;

	if (!c->route->resource)
		return true;
	if (is_sunco(c)) {
		v = limits_take(&l->sunco, s->sunco_limit, s->window_ms,
				c->now_ms);
		if (v.refused)
			sunco_too_many(c, out);
		return !v.refused;
	}
	v = limits_take_account(l, s, c->now_ms);
	if (s->rate_headers && v.total > 0)
		limits_headers(&v, &out->headers);
	if (v.refused)
		call_too_many(c, out, v.reset_s);
	return !v.refused;
}

static void refuse_body(const struct call *c, struct answer *out)
{
	if (is_sunco(c))
		call_sunco_error(out, 400, "bad_request", "Invalid JSON");
	else
		call_bad_request(out, "InvalidJSON", "Invalid JSON");
}

/* Runs the handler and what stands before it. */
static void call_answer(struct exchange *x)
{
	struct call *c = &x->call;

	c->now_ms = loop_wall_ms(x->sandbox->loop);
	jobs_run(c->account, c->now_ms);
	if (!c->route)
		refuse_endpoint(c, &x->answer);
	else if (!credentials_good(c, &x->answer) ||
		 !within_limit(c, &x->answer))
		return;
	else if (x->bad_body)
		refuse_body(c, &x->answer);
	else
		c->route->handler(c, &x->answer);
	acts_send_changes(x->sandbox);
}

static void log_exchange(const struct exchange *x, int status)
{
	const struct route *r = x->call.route;
	size_t id_at = is_sunco(&x->call) ? 1 : 0;
	struct reqlog_entry e = {.at_ms = loop_wall_ms(x->sandbox->loop),
				 .api = is_sunco(&x->call) ? "sunco"
							   : "zendesk",
				 .call = r ? r->name : "unknown",
				 .method = r ? r->method : "",
				 .path = r ? r->pattern : "",
				 .status = status,
				 .applied = x->answer.applied};

	if (x->fault.kind != FAULT_NONE)
		e.fault = fault_kind_name(x->fault.kind);
	if (x->call.params[id_at])
		e.id = call_param_id(&x->call, id_at);
	reqlog_add(x->sandbox->log, &e);
}

static void put_date(struct exchange *x, struct buf *headers)
{
	struct sandbox *sb = x->sandbox;
	char date[CLOCK_TEXT_SIZE];

	clock_format_http_date(loop_wall_ms(sb->loop) +
				       sb->account.settings.date_ahead_ms,
			       date);
	buf_printf(headers, "Date: %s\r\n", date);
}

static void send_reply(struct exchange *x, int status, const char *type,
		       const char *body, const char *more_headers)
{
	struct buf headers;
	struct http_reply reply = {
		.status = status, .content_type = type, .body = slice_of(body)};

	buf_init(&headers, REPLY_HEADERS_MAX);
	put_date(x, &headers);
	buf_puts(&headers, x->answer.headers.data);
	if (more_headers)
		buf_puts(&headers, more_headers);
	reply.headers = headers.data;
	log_exchange(x, status);
	http_request_reply(x->request, &reply);
	buf_release(&headers);
}

/* Half of the answer, then the end of the connection. */
static void send_truncated(struct exchange *x)
{
	char *body = json_text(x->answer.body);
	size_t len = strlen(body);
	struct buf raw;

	buf_init(&raw, RAW_REPLY_MAX);
	buf_printf(&raw,
		   "HTTP/1.1 %d Cut\r\nContent-Type: application/json\r\n"
		   "Content-Length: %zu\r\n\r\n",
		   x->answer.status, len);
	buf_append(&raw, body, len / 2);
	log_exchange(x, 0);
	http_request_abort(x->request, (struct slice){raw.data, raw.len});
	buf_release(&raw);
	free(body);
}

static void send_cut(struct exchange *x)
{
	log_exchange(x, 0);
	http_request_abort(x->request, (struct slice){NULL, 0});
}

static void send_answer(struct exchange *x)
{
	char *body = x->answer.body ? json_text(x->answer.body) : NULL;

	send_reply(x, x->answer.status, NULL, body, NULL);
	free(body);
}

static void send_status(struct exchange *x)
{
	const struct fault_strike *f = &x->fault;
	char *body = f->body ? json_text(f->body) : NULL;

	send_reply(x, f->status, NULL, body, f->headers);
	free(body);
}

static void send_html(struct exchange *x)
{
	static const char page[] =
		"<!DOCTYPE html>\n<html><head><title>Temporarily unavailable"
		"</title></head><body><h1>Please try again.</h1></body>"
		"</html>\n";

	send_reply(x, x->fault.status, "text/html; charset=UTF-8", page,
		   x->fault.headers);
}

static void finish(void *arg)
{
	struct exchange *x = arg;
	enum fault_kind kind = x->fault.kind;

	if (x->fault.applies && !x->answer.status)
		call_answer(x);
	if (kind == FAULT_NONE || kind == FAULT_DELAY)
		send_answer(x);
	else if (kind == FAULT_TRUNCATE && x->answer.body)
		send_truncated(x);
	else if (kind == FAULT_STATUS)
		send_status(x);
	else if (kind == FAULT_HTML)
		send_html(x);
	else
		send_cut(x);
	exchange_drop(x);
}

void gateway_handle(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct exchange *x = xcalloc(1, sizeof(*x));
	const struct route *r;
	int64_t delay_ms;

	x->sandbox = sb;
	x->request = req;
	x->next = sb->exchanges;
	sb->exchanges = x;
	answer_init(&x->answer);
	call_read(x);
	r = x->call.route;
	x->fault.applies = true;
	if (r)
		faults_pick(sb->faults, r->api, r->name,
			    call_param_id(&x->call, is_sunco(&x->call)),
			    &x->fault);
	if (x->fault.kind == FAULT_HANG && x->fault.applies)
		call_answer(x);
	delay_ms = sb->account.settings.latency_ms + x->fault.ms;
	if (delay_ms <= 0) {
		finish(x);
		return;
	}
	x->timer = loop_timer_new(sb->loop, finish, x);
	loop_timer_set(x->timer, delay_ms);
}
