/*
 * /api/v1/readiness: the report of the command `readiness`, as JSON. It asks
 * Zendesk nothing: the daily sample is in the store.
 */
#include "admin_int.h"

#include "base/str.h"

#define DEFAULT_DAYS 7

static void answer(struct admin_call *call)
{
	const struct readiness *r = call->op.u.readiness.report;
	const struct account_config *a = config_account(
		engine_config(call->admin->engine), call->account);
	struct json_t *v, *weeks;

	if (call->op.result != RESULT_OK || !a) {
		admin_call_fail(call, a ? call->op.result : RESULT_NOTFOUND);
		return;
	}
	v = json_new_obj();
	weeks = json_new_arr();
	for (size_t i = 0; i < READINESS_WEEKS; i++)
		json_push(weeks, readiness_encode_week(r, i));
	json_set(v, "summary", readiness_encode(r, &a->rules));
	json_set(v, "weeks", weeks);
	admin_call_reply(call, 200, v);
}

/* The account's name into the call; the only one need not be named. */
static bool read_account(struct admin_call *call)
{
	const struct config *c = engine_config(call->admin->engine);

	if (http_request_has_query(call->req, "account"))
		return http_request_query(call->req, "account", call->account,
					  sizeof(call->account));
	return c->account_count == 1 &&
	       str_copy(call->account, sizeof(call->account),
			c->accounts[0].name);
}

static bool read_since(struct admin_call *call, int64_t *out)
{
	char text[32];

	if (!http_request_has_query(call->req, "since_ms"))
		return true;
	return http_request_query(call->req, "since_ms", text, sizeof(text)) &&
	       str_parse_i64(slice_of(text), out);
}

static void refuse(struct admin_call *call, int status, const char *why)
{
	http_request_reply_error(call->req, status, why);
	admin_call_free(call);
}

void admin_get_readiness(struct http_request *req, void *arg)
{
	struct admin *a = arg;
	struct store_readiness *r;
	struct admin_call *call;

	if (!admin_admit(a, req))
		return;
	call = admin_call_new(a, req);
	store_op_init(&call->op, STORE_READINESS);
	r = &call->op.u.readiness;
	r->now_ms = loop_wall_ms(a->loop);
	r->since_ms = r->now_ms - (DEFAULT_DAYS - 1) * STORE_DAY_MS;
	r->patience_ms = READINESS_PATIENCE_DAYS * STORE_DAY_MS;
	r->account = call->account;
	if (!read_account(call) || !read_since(call, &r->since_ms))
		refuse(call, 400, "bad parameter");
	else if (!config_account(engine_config(a->engine), call->account))
		refuse(call, 404, "not found");
	else
		admin_call_submit(call, answer);
}
