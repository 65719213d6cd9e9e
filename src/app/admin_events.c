/*
 * GET /api/v1/accounts/{account}/events: what this daemon heard of Zendesk's
 * event subscriptions lately, the oldest first. From memory: another node's
 * are another node's.
 */
#include "admin_int.h"

#include "app/tidings.h"
#include "base/str.h"

static struct json_t *event_row(const struct tiding *e)
{
	struct json_t *v = json_new_obj();

	admin_set_time(v, "received_at", e->received_ms);
	json_set_str(v, "type", e->type);
	json_set_id(v, "user_id", e->user_id);
	json_set_id(v, "other_user_id", e->other_user_id);
	json_set_str(v, "sunco_user_id", *e->sunco_id ? e->sunco_id : NULL);
	return v;
}

void admin_get_events(struct http_request *req, void *arg)
{
	struct slice account = http_request_param(req, "account");
	struct admin *a = arg;
	const struct tiding *e;
	struct admin_call *call;
	struct json_t *items, *v;

	if (!admin_admit(a, req))
		return;
	items = json_new_arr();
	for (size_t i = 0; a->tidings && (e = tidings_at(a->tidings, i)); i++)
		if (slice_eq(account, slice_of(e->account)))
			json_push(items, event_row(e));
	v = json_new_obj();
	json_set(v, "items", items);
	json_set(v, "next", json_new_null());
	call = admin_call_new(a, req);
	admin_call_reply(call, 200, v);
}
