/*
 * Changes of users, each one request, and how many tickets one has. Tickets
 * themselves are in zendesk_tickets.c.
 *
 * A change that must not happen twice is sent with `once`. An answer that
 * cannot be read does not say whether the change happened: RESULT_TEMP with
 * sent, to be looked up.
 */
#include "zendesk_int.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"

/* ---- merge ---- */

static void merge_answered(struct zendesk_slot *s, const struct api_result *r,
			   const struct json_t *json)
{
	struct zendesk_op *op = s->op;
	struct zd_user user;

	if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
		return;
	}
	if (zd_user_decode(json_get(json, "user"), &user, NULL) != RESULT_OK) {
		zendesk_op_fail(op, r, RESULT_TEMP, "merge: no user answered");
		return;
	}
	zendesk_op_add_user(op, &user);
	if (user.id == op->id)
		zendesk_op_end(op, r);
	else
		zendesk_op_fail(op, r, RESULT_TEMP,
				"merge: another user answered");
}

struct zendesk_op *zendesk_merge(struct api_client *c, enum job_lane lane,
				 uint64_t from, uint64_t into,
				 zendesk_user_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct json_t *body = json_new_obj();
	struct json_t *user = json_new_obj();
	struct api_call call = {
		.name = "user_merge",
		.endpoint = ENDPOINT_MERGE,
		.method = "PUT",
		.body = body,
		.user = into, /* the one of the two who may be special */
		.once = true,
	};

	json_set_id(user, "id", into);
	json_set(body, "user", user);
	op->id = into;
	op->answered = merge_answered;
	op->deliver = zendesk_op_deliver_user;
	op->done.user = done;
	return zendesk_op_start(op, &call, "/api/v2/users/", from, "/merge");
}

/* ---- changes of one user ---- */

static struct zendesk_op *user_update(struct api_client *c, enum job_lane lane,
				      const char *name, uint64_t id,
				      const char *key, const char *value,
				      zendesk_plain_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct json_t *body = json_new_obj();
	struct json_t *user = json_new_obj();
	struct api_call call = {
		.name = name,
		.method = "PUT",
		.body = body,
		.endpoint = ENDPOINT_USER_UPDATE,
		.object = id,
	};

	json_set_str(user, key, value);
	json_set(body, "user", user);
	op->answered = zendesk_op_plain;
	op->deliver = zendesk_op_deliver_plain;
	op->done.plain = done;
	return zendesk_op_start(op, &call, "/api/v2/users/", id, "");
}

struct zendesk_op *zendesk_set_external_id(struct api_client *c,
					   enum job_lane lane, uint64_t id,
					   const char *external_id,
					   zendesk_plain_done *done, void *arg)
{
	return user_update(c, lane, "user_set_external_id", id, "external_id",
			   external_id, done, arg);
}

struct zendesk_op *zendesk_set_name(struct api_client *c, enum job_lane lane,
				    uint64_t id, const char *name,
				    zendesk_plain_done *done, void *arg)
{
	return user_update(c, lane, "user_set_name", id, "name", name, done,
			   arg);
}

struct zendesk_op *zendesk_add_address(struct api_client *c, enum job_lane lane,
				       uint64_t id, const char *address,
				       bool verified, zendesk_plain_done *done,
				       void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct json_t *body = json_new_obj();
	struct json_t *identity = json_new_obj();
	struct api_call call = {
		.name = "identity_add",
		.endpoint = ENDPOINT_IDENTITY,
		.method = "POST",
		.body = body,
		.once = true,
	};

	json_set_str(identity, "type", "email");
	json_set_str(identity, "value", address);
	json_set_bool(identity, "verified", verified);
	json_set_bool(identity, "skip_verify_email", true);
	json_set(body, "identity", identity);
	op->answered = zendesk_op_plain;
	op->deliver = zendesk_op_deliver_plain;
	op->done.plain = done;
	return zendesk_op_start(op, &call, "/api/v2/users/", id, "/identities");
}

struct zendesk_op *zendesk_verify_address(struct api_client *c,
					  enum job_lane lane, uint64_t id,
					  uint64_t identity_id,
					  zendesk_plain_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct api_call call = {
		.name = "identity_verify",
		.endpoint = ENDPOINT_IDENTITY,
		.method = "PUT",
	};
	char rest[64];

	snprintf(rest, sizeof(rest), "/identities/%" PRIu64 "/verify",
		 identity_id);
	op->answered = zendesk_op_plain;
	op->deliver = zendesk_op_deliver_plain;
	op->done.plain = done;
	return zendesk_op_start(op, &call, "/api/v2/users/", id, rest);
}

/* ---- how much a user has ---- */

static void deliver_count(struct zendesk_op *op, const struct api_result *r)
{
	op->done.count(r, r->result == RESULT_OK ? op->tickets : 0, op->arg);
}

static void related_answered(struct zendesk_slot *s, const struct api_result *r,
			     const struct json_t *json)
{
	struct zendesk_op *op = s->op;

	op->tickets = json_get_int(json_get(json, "user_related"),
				   "requested_tickets", -1);
	if (r->result == RESULT_OK && op->tickets < 0)
		zendesk_op_fail(op, r, RESULT_TEMP,
				"user_related: no count answered");
	else
		zendesk_op_end(op, r);
}

struct zendesk_op *zendesk_user_tickets(struct api_client *c,
					enum job_lane lane, uint64_t id,
					zendesk_count_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct api_call call = {.name = "user_related", .method = "GET"};

	op->answered = related_answered;
	op->deliver = deliver_count;
	op->done.count = done;
	return zendesk_op_start(op, &call, "/api/v2/users/", id, "/related");
}

/* ---- head count ---- */

enum { SLOT_UNVERIFIED, SLOT_END_USERS, COUNT_PATH_MAX = 256 };

static void deliver_head_count(struct zendesk_op *op,
			       const struct api_result *r)
{
	bool ok = r->result == RESULT_OK;

	op->done.head_count(r, ok ? op->heads[SLOT_UNVERIFIED] : 0,
			    ok ? op->heads[SLOT_END_USERS] : 0, op->arg);
}

static void head_counted(struct zendesk_slot *s, const struct api_result *r,
			 const struct json_t *json)
{
	struct zendesk_op *op = s->op;
	int64_t count = json_get_int(json, "count", -1);

	if (r->result == RESULT_NOTFOUND) {
		zendesk_op_fail(op, r, RESULT_PERM, "search count: HTTP 404");
	} else if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
	} else if (count < 0) {
		zendesk_op_fail(op, r, RESULT_TEMP,
				"search count: cannot be read");
	} else {
		op->heads[s - op->slots] = count;
		if (op->open == 0)
			zendesk_op_end(op, r);
	}
}

static void head_count_ask(struct zendesk_op *op, int slot, const char *query)
{
	struct api_call call = {.name = "search_count", .method = "GET"};
	struct buf path;

	buf_init(&path, COUNT_PATH_MAX);
	buf_puts(&path, "/api/v2/search/count?query=");
	http_escape(&path, slice_of(query));
	call.path = path.data;
	zendesk_op_send(&op->slots[slot], &call);
	buf_release(&path);
}

struct zendesk_op *zendesk_head_count(struct api_client *c, enum job_lane lane,
				      zendesk_head_count_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);

	op->answered = head_counted;
	op->deliver = deliver_head_count;
	op->done.head_count = done;
	head_count_ask(op, SLOT_UNVERIFIED,
		       "type:user role:end-user is_verified:false");
	head_count_ask(op, SLOT_END_USERS, "type:user role:end-user");
	return op;
}
