/*
 * Control endpoints: settings, faults, logs, state, reset. They are open to
 * whoever can reach the listener, which is therefore a loopback one.
 */
#include "sandbox/control.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/acts.h"
#include "sandbox/dump.h"
#include "sandbox/faults.h"
#include "sandbox/jobs.h"
#include "sandbox/people.h"
#include "sandbox/reqlog.h"
#include "sandbox/sandbox.h"
#include "sandbox/webhooks_out.h"
#include "sandbox/zendesk.h"

struct json_t *control_body(struct http_request *req)
{
	struct slice body = http_request_body(req);
	struct json_t *v;

	if (body.len == 0)
		return json_new_obj();
	v = json_parse(body.ptr, body.len, NULL);
	if (json_is_obj(v))
		return v;
	json_free(v);
	http_request_reply_error(req, 400, "a JSON object is needed");
	return NULL;
}

void control_reply(struct http_request *req, int status, struct json_t *body)
{
	struct http_reply reply = {.status = status};
	char *text = json_text(body);

	reply.body = slice_of(text);
	http_request_reply(req, &reply);
	free(text);
	json_free(body);
}

static uint64_t query_number(const struct http_request *req, const char *name,
			     uint64_t def)
{
	char text[32];

	if (http_request_query(req, name, text, sizeof(text)))
		str_parse_u64(slice_of(text), &def);
	return def;
}

void control_people(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct json_t *body = control_body(req);
	struct json_t *ids;
	struct error err;

	if (!body)
		return;
	ids = people_load(&sb->account, body, loop_wall_ms(sb->loop), &err);
	if (ids)
		control_reply(req, 200, ids);
	else
		http_request_reply_error(req, 400, err.text);
	json_free(body);
}

void control_state(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct dump_range range = {.from = query_number(req, "from", 0),
				   .count =
					   query_number(req, "count", SIZE_MAX),
				   .user_id = query_number(req, "user", 0)};

	jobs_run(&sb->account, loop_wall_ms(sb->loop));
	control_reply(req, 200, dump_state(sb->account.state, &range));
}

void control_requests(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct account *account = &sb->account;
	struct json_t *body =
		reqlog_encode(sb->log, query_number(req, "after", 0));

	limits_others(&account->limits, &account->settings, 0,
		      loop_wall_ms(sb->loop));
	json_set(body, "windows", limits_encode(&account->limits));
	control_reply(req, 200, body);
}

/* Requests of another integration, all at once. */
void control_others(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct account *account = &sb->account;
	struct json_t *body = control_body(req);

	if (!body)
		return;
	limits_others(&account->limits, &account->settings,
		      json_get_int(body, "requests", 0),
		      loop_wall_ms(sb->loop));
	json_free(body);
	control_reply(req, 200, json_new_obj());
}

void control_deliveries(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct json_t *body = json_new_obj();

	json_set(body, "deliveries", webhooks_encode(sb->webhooks));
	control_reply(req, 200, body);
}

void control_settings_show(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;

	control_reply(req, 200, settings_encode(&sb->account.settings));
}

void control_settings_set(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct json_t *body = control_body(req);
	struct error err;

	if (!body)
		return;
	if (settings_apply(&sb->account.settings, body, &err) == RESULT_OK)
		control_settings_show(req, arg);
	else
		http_request_reply_error(req, 400, err.text);
	json_free(body);
}

void control_faults_show(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct json_t *body = json_new_obj();

	json_set(body, "faults", faults_encode(sb->faults));
	control_reply(req, 200, body);
}

/* One row, or {"faults":[rows]}. */
void control_faults_add(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct json_t *body = control_body(req);
	const struct json_t *rows = json_get(body, "faults");
	enum result r = RESULT_OK;
	struct error err;

	if (!body)
		return;
	if (!rows)
		r = faults_add(sb->faults, body, &err);
	for (size_t i = 0; i < json_len(rows) && r == RESULT_OK; i++)
		r = faults_add(sb->faults, json_at(rows, i), &err);
	if (r == RESULT_OK)
		control_faults_show(req, arg);
	else
		http_request_reply_error(req, 400, err.text);
	json_free(body);
}

void control_faults_clear(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;

	faults_clear(sb->faults);
	control_faults_show(req, arg);
}

/* An agent merges two users; whoever is subscribed to events is told. */
void control_merge(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;
	struct json_t *body = control_body(req);
	const char *why;

	if (!body)
		return;
	why = zendesk_merge_by_hand(&sb->account, json_get_id(body, "from"),
				    json_get_id(body, "into"),
				    loop_wall_ms(sb->loop));
	if (why) {
		http_request_reply_error(req, 400, why);
	} else {
		acts_send_changes(sb);
		control_reply(req, 200, json_new_obj());
	}
	json_free(body);
}

void control_tokens_revoke(struct http_request *req, void *arg)
{
	struct sandbox *sb = arg;

	tokens_revoke_all(sb->account.tokens);
	control_reply(req, 200, json_new_obj());
}

void control_reset(struct http_request *req, void *arg)
{
	sandbox_reset(arg);
	control_reply(req, 200, json_new_obj());
}
