/*
 * Calls about registrations.
 *
 *	registration_send -> a request open -> done() -> freed
 *	                       ^    | the list has another page
 *	                       +----+
 *	any -> registration_cancel(), client freed -> freed
 *
 * Lists are read to their end by cursor, which both platforms write alike but
 * for the case of its names. A list that says it goes on without saying where
 * is no list: RESULT_TEMP.
 */
#include "api/registration.h"

#include <stdlib.h>
#include <string.h>

#include "api_int.h"
#include "base/json.h"

enum { PATH_MAX_BYTES = 4096 };

#define APP	    "/v2/apps/{app}"
#define INTEGRATION APP "/integrations/{}"
#define SUNCO_HOOKS INTEGRATION "/webhooks"
#define HOOKS	    "/api/v2/webhooks"
#define TRIGGERS    "/api/v2/triggers"
#define PAGE	    "?page%5Bsize%5D=100"

static const struct row {
	enum api api;
	const char *name; /* the metric's label */
	const char *method;
	const char *path;
	const char *list; /* where a list's items are; NULL: no list */
} rows[] = {
	[CALL_SUNCO_APP] = {API_SUNCO, "app_get", "GET", APP, NULL},
	[CALL_SUNCO_INTEGRATIONS] = {API_SUNCO, "integration_list", "GET",
				     APP "/integrations" PAGE, "integrations"},
	[CALL_SUNCO_INTEGRATION_CREATE] = {API_SUNCO, "integration_create",
					   "POST", APP "/integrations", NULL},
	[CALL_SUNCO_INTEGRATION_DELETE] = {API_SUNCO, "integration_delete",
					   "DELETE", INTEGRATION, NULL},
	[CALL_SUNCO_WEBHOOKS] = {API_SUNCO, "webhook_list", "GET", SUNCO_HOOKS,
				 "webhooks"},
	[CALL_SUNCO_WEBHOOK_CREATE] = {API_SUNCO, "webhook_create", "POST",
				       SUNCO_HOOKS, NULL},
	[CALL_SUNCO_WEBHOOK_UPDATE] = {API_SUNCO, "webhook_update", "PATCH",
				       SUNCO_HOOKS "/{}", NULL},
	[CALL_SUNCO_WEBHOOK_DELETE] = {API_SUNCO, "webhook_delete", "DELETE",
				       SUNCO_HOOKS "/{}", NULL},
	[CALL_ZENDESK_WEBHOOKS] = {API_ZENDESK, "webhook_list", "GET",
				   HOOKS PAGE, "webhooks"},
	[CALL_ZENDESK_WEBHOOK_CREATE] = {API_ZENDESK, "webhook_create", "POST",
					 HOOKS, NULL},
	[CALL_ZENDESK_WEBHOOK_UPDATE] = {API_ZENDESK, "webhook_update", "PATCH",
					 HOOKS "/{}", NULL},
	[CALL_ZENDESK_WEBHOOK_DELETE] = {API_ZENDESK, "webhook_delete",
					 "DELETE", HOOKS "/{}", NULL},
	[CALL_ZENDESK_SIGNING_SECRET] = {API_ZENDESK, "signing_secret", "GET",
					 HOOKS "/{}/signing_secret", NULL},
	[CALL_ZENDESK_TRIGGERS] = {API_ZENDESK, "trigger_list", "GET",
				   TRIGGERS PAGE, "triggers"},
	[CALL_ZENDESK_TRIGGER_CREATE] = {API_ZENDESK, "trigger_create", "POST",
					 TRIGGERS, NULL},
	[CALL_ZENDESK_TRIGGER_UPDATE] = {API_ZENDESK, "trigger_update", "PUT",
					 TRIGGERS "/{}", NULL},
	[CALL_ZENDESK_TRIGGER_DELETE] = {API_ZENDESK, "trigger_delete",
					 "DELETE", TRIGGERS "/{}", NULL},
};

struct registration_op {
	struct api_client *client;
	enum job_lane lane;
	const struct row *row;
	char *path; /* of the first page */
	struct api_request *request;
	struct json_t *items;
	int calls;
	registration_done *done;
	void *arg;
};

enum api registration_api(enum registration_call call)
{
	return rows[call].api;
}

const char *registration_method(enum registration_call call)
{
	return rows[call].method;
}

void registration_path(const struct registration_order *o, const char *app,
		       struct buf *out)
{
	const char *at = rows[o->call].path, *brace;
	size_t id = 0;

	while ((brace = strchr(at, '{'))) {
		buf_append(out, at, (size_t)(brace - at));
		http_escape(out,
			    slice_of(brace[1] == '}' ? o->ids[id++] : app));
		at = strchr(brace, '}') + 1;
	}
	buf_puts(out, at);
}

static void op_free(void *arg)
{
	struct registration_op *op = arg;

	json_free(op->items);
	free(op->path);
	free(op);
}

void registration_cancel(struct registration_op *op)
{
	if (op->request)
		api_cancel(op->request); /* which drops the op */
}

static void answered(const struct api_result *r, const struct json_t *json,
		     void *arg);

static void op_send(struct registration_op *op, const char *path,
		    struct json_t *body)
{
	struct api_call call = {
		.api = op->row->api,
		.name = op->row->name,
		.method = op->row->method,
		.path = path,
		.body = body,
		.lane = op->lane,
		.once = str_eq(op->row->method, "POST"),
	};

	op->request = api_send_owned(op->client, &call, answered, op_free, op);
}

static void op_end(struct registration_op *op, const struct api_result *r,
		   const struct json_t *answer)
{
	struct api_result result = *r;

	result.calls = op->calls;
	op->request = NULL;
	op->done(&result, r->result == RESULT_OK ? answer : NULL, op->arg);
	op_free(op);
}

static void op_fail(struct registration_op *op, const struct api_result *r,
		    enum result class, const char *why)
{
	struct api_result result = *r;

	result.result =
		error_set(&result.error, class, "%s: %s", op->row->name, why);
	op_end(op, &result, NULL);
}

static void next_page(struct registration_op *op, const char *cursor)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, op->path);
	buf_puts(&path, strchr(op->path, '?') ? "&" : "?");
	buf_puts(&path, "page%5Bafter%5D=");
	http_escape(&path, slice_of(cursor));
	op_send(op, path.overflow ? NULL : path.data, NULL);
	buf_release(&path);
}

/* The cursor of the page behind; false: this was the last one. */
static bool goes_on(const struct json_t *json, const char **cursor)
{
	const struct json_t *meta = json_get(json, "meta");

	*cursor = json_get_str(meta, "after_cursor");
	if (!*cursor)
		*cursor = json_get_str(meta, "afterCursor");
	return json_get_bool(meta, "has_more", false) ||
	       json_get_bool(meta, "hasMore", false) ||
	       json_is_str(json_get(json, "next_page"));
}

static void take_page(struct registration_op *op, const struct api_result *r,
		      const struct json_t *json)
{
	const struct json_t *page = json_get(json, op->row->list);
	const char *cursor;

	if (!json_is_arr(page)) {
		op_fail(op, r, RESULT_TEMP, "cannot be read");
		return;
	}
	for (size_t i = 0; i < json_len(page); i++)
		json_push(op->items, json_clone(json_at(page, i)));
	if (json_len(op->items) > REGISTRATION_ITEMS_MAX)
		op_fail(op, r, RESULT_PERM, "the list is too long");
	else if (!goes_on(json, &cursor))
		op_end(op, r, op->items);
	else if (cursor && json_len(page) > 0)
		next_page(op, cursor);
	else
		op_fail(op, r, RESULT_TEMP, "cannot be read on");
}

static void answered(const struct api_result *r, const struct json_t *json,
		     void *arg)
{
	struct registration_op *op = arg;

	op->calls += r->calls;
	op->request = NULL;
	if (r->result == RESULT_OK && op->row->list)
		take_page(op, r, json);
	else
		op_end(op, r, json);
}

struct registration_op *registration_send(struct api_client *c,
					  enum job_lane lane,
					  const struct registration_order *o,
					  registration_done *done, void *arg)
{
	struct registration_op *op = xcalloc(1, sizeof(*op));
	struct buf path;

	op->client = c;
	op->lane = lane;
	op->row = &rows[o->call];
	op->items = op->row->list ? json_new_arr() : NULL;
	op->done = done;
	op->arg = arg;
	buf_init(&path, PATH_MAX_BYTES);
	registration_path(o, api_client_config(c)->sunco_app_id, &path);
	op->path = buf_detach(&path);
	op_send(op, op->path, o->body);
	return op;
}
