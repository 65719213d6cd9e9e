/*
 * What a handler sees of its request. A request is the first member of its
 * connection, which reads no further one before the reply.
 */
#include "http_server_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define ERROR_BODY_MAX_BYTES 1024

static const struct http_conn *conn_of(const struct http_request *r)
{
	return (const struct http_conn *)r;
}

const char *http_request_method(const struct http_request *r)
{
	return conn_of(r)->message.method;
}

const char *http_request_path(const struct http_request *r)
{
	return conn_of(r)->message.path;
}

struct slice http_request_param(const struct http_request *r, const char *name)
{
	struct slice want = slice_of(name);

	for (size_t i = 0; i < r->match.param_count; i++) {
		if (slice_eq(r->match.params[i].name, want))
			return r->match.params[i].value;
	}
	return (struct slice){NULL, 0};
}

bool http_request_has_query(const struct http_request *r, const char *name)
{
	return http_query_has(conn_of(r)->message.target.query, name);
}

bool http_request_query(const struct http_request *r, const char *name,
			char *out, size_t size)
{
	return http_query_get(conn_of(r)->message.target.query, name, out,
			      size);
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	const struct http_message *m = &conn_of(r)->message;
	const struct http_field *f = http_message_field(m, name);
	const struct http_field *end = m->fields + m->field_count;

	if (!f)
		return NULL;
	for (const struct http_field *g = f + 1; g < end; g++)
		if (slice_eq_nocase(g->name, f->name))
			return NULL;
	return f->value.ptr;
}

struct slice http_request_body(const struct http_request *r)
{
	const struct buf *body = &conn_of(r)->message.body;

	return (struct slice){body->data, body->len};
}

int64_t http_request_start_ms(const struct http_request *r)
{
	return r->start_ms;
}

int64_t http_request_start_us(const struct http_request *r)
{
	return r->start_us;
}

void http_request_on_leave(struct http_request *r, loop_fn *fn, void *arg)
{
	r->leave = fn;
	r->leave_arg = arg;
}

/* The handler's one reply is here. */
static void close_request(struct http_request *r, int status)
{
	if (!r->open) {
		log_error("second_reply", log_int("status", status));
		abort();
	}
	r->open = false;
	r->leave = NULL;
}

void http_request_reply(struct http_request *r, const struct http_reply *a)
{
	close_request(r, a->status);
	http_conn_reply((struct http_conn *)r, a);
}

void http_request_abort(struct http_request *r, struct slice raw)
{
	close_request(r, 0);
	http_conn_abort((struct http_conn *)r, raw);
}

void http_request_reply_error(struct http_request *r, int status,
			      const char *text)
{
	struct json_t *json = json_new_obj();
	struct http_reply a = {.status = status};
	struct buf body;

	buf_init(&body, ERROR_BODY_MAX_BYTES);
	json_set_str(json, "error", text);
	json_write(json, &body);
	a.body = (struct slice){body.data, body.len};
	http_request_reply(r, &a);
	json_free(json);
	buf_release(&body);
}
