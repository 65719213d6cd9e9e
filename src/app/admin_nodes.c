/*
 * GET /api/v1/nodes: the processes that serve the store.
 */
#include "admin_int.h"

#include "base/str.h"

static struct json_t *node_row(const struct admin_call *call,
			       const struct store_node_row *r)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "id", r->id);
	json_set_str(v, "name", r->name);
	json_set_str(v, "version", r->version);
	admin_set_time(v, "started_at", r->started_ms);
	admin_set_time(v, "last_beat", r->beat_ms);
	json_set_bool(v, "this",
		      str_eq(r->id, node_id(engine_node(call->admin->engine))));
	return v;
}

static void answer_nodes(struct admin_call *call)
{
	const struct store_nodes *l = &call->op.u.nodes;
	struct json_t *items, *v;

	if (call->op.result != RESULT_OK) {
		admin_call_fail(call, call->op.result);
		return;
	}
	items = json_new_arr();
	for (size_t i = 0; i < l->count; i++)
		json_push(items, node_row(call, &l->rows[i]));
	v = json_new_obj();
	json_set(v, "items", items);
	json_set(v, "next", json_new_null());
	admin_call_reply(call, 200, v);
}

void admin_get_nodes(struct http_request *req, void *arg)
{
	struct admin *a = arg;
	struct admin_call *call;

	if (!admin_admit(a, req))
		return;
	call = admin_call_new(a, req);
	store_op_init(&call->op, STORE_NODES);
	call->op.u.nodes.now_ms = loop_wall_ms(a->loop);
	admin_call_submit(call, answer_nodes);
}
