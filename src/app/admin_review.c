/*
 * /api/v1/reviews/{id}: one review with both sides, and what people say to it.
 *
 * A decision reads the review first: its account's settings belong to it.
 */
#include "admin_int.h"

#include "app/decision.h"
#include "base/str.h"

static const struct account_config *account_of(const struct admin_call *call,
					       const struct review *r)
{
	return config_account(engine_config(call->admin->engine), r->account);
}

struct json_t *admin_review_whole(const struct admin_call *call)
{
	const struct review *r = &call->op.u.reviews.reviews[0];
	struct review_view view =
		decision_view(account_of(call, r), call->personal);

	return review_encode_whole(r, &view);
}

static void answer_decided(struct admin_call *call)
{
	const struct store_decide *d = &call->op.u.decide;
	struct json_t *v;

	if (call->op.result != RESULT_OK) {
		admin_call_refuse(call);
		return;
	}
	v = review_encode_decided(d);
	json_set_str(v, "status", "done");
	admin_call_changed(call);
	admin_call_reply(call, 200, v);
}

/* The review was read: now the word. */
static void answer_read(struct admin_call *call)
{
	struct store_reviews *list = &call->op.u.reviews;
	const struct account_config *a;
	struct store_decide d = call->decide;

	if (call->op.result == RESULT_OK && list->count == 0)
		call->op.result = error_set(&call->op.error, RESULT_NOTFOUND,
					    "no such review");
	if (call->op.result == RESULT_OK) {
		a = account_of(call, &list->reviews[0]);
		call->op.result =
			a ? decision_complete(a, &d,
					      loop_wall_ms(call->admin->loop),
					      &call->op.error)
			  : error_set(&call->op.error, RESULT_CONFLICT,
				      "the review's account is not in the "
				      "configuration");
	}
	if (call->op.result != RESULT_OK) {
		admin_call_refuse(call);
		return;
	}
	store_op_release(&call->op);
	store_op_init(&call->op, STORE_DECIDE);
	call->op.u.decide = d;
	admin_call_submit(call, answer_decided);
}

static bool wants_pin(const struct admin_call *call)
{
	struct slice body = http_request_body(call->req);
	struct json_t *v = json_parse(body.ptr, body.len, NULL);
	bool pin = json_get_bool(v, "pin", false);

	json_free(v);
	return pin;
}

static void decide(struct http_request *req, struct admin *a, bool approve)
{
	int64_t id;
	struct admin_call *call = admin_call_for_id(a, req, STORE_REVIEWS, &id);

	if (!call)
		return;
	if (!admin_call_read_by(call))
		return;
	call->decide = (struct store_decide){
		.review_id = id,
		.approve = approve,
		.pin = approve && wants_pin(call),
		.by = call->by,
	};
	call->op.u.reviews =
		(struct store_reviews){.id = id, .state = -1, .max = 1};
	admin_call_submit(call, answer_read);
}

void admin_review_approve(struct http_request *req, void *arg)
{
	decide(req, arg, true);
}

void admin_review_reject(struct http_request *req, void *arg)
{
	decide(req, arg, false);
}
