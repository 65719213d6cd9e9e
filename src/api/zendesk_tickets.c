/*
 * Tickets: the requester, internal notes, tags.
 *
 * Sources: Zendesk Support API, Tickets, Ticket Comments, Tags. Tags are added
 * and removed by their own endpoint: an update of the ticket would replace all
 * of them. No request says safe_update, which whatever its value refuses an
 * update beside another one. A note says that it is not public in so many
 * words: the default is the ticket's first comment's.
 */
#include "zendesk_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

#define TICKETS "/api/v2/tickets/"

enum { FIND_PAGES_MAX = 3, QUERY_MAX_BYTES = 512 };

/* ---- the requester ---- */

static void deliver_ticket(struct zendesk_op *op, const struct api_result *r)
{
	op->done.ticket(r, r->result == RESULT_OK ? op->requester_id : 0,
			op->arg);
}

static void ticket_answered(struct zendesk_slot *s, const struct api_result *r,
			    const struct json_t *json)
{
	struct zendesk_op *op = s->op;

	op->requester_id =
		json_get_id(json_get(json, "ticket"), "requester_id");
	if (r->result == RESULT_OK && op->requester_id == 0)
		zendesk_op_fail(op, r, RESULT_TEMP,
				"ticket: no requester answered");
	else
		zendesk_op_end(op, r);
}

struct zendesk_op *zendesk_ticket_get(struct api_client *c, enum job_lane lane,
				      uint64_t ticket_id,
				      zendesk_ticket_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct api_call call = {.name = "ticket_get", .method = "GET"};

	op->answered = ticket_answered;
	op->deliver = deliver_ticket;
	op->done.ticket = done;
	return zendesk_op_start(op, &call, TICKETS, ticket_id, "");
}

/* ---- notes ---- */

static struct zendesk_op *change_start(struct api_client *c, enum job_lane lane,
				       struct api_call *call,
				       uint64_t ticket_id, const char *behind,
				       zendesk_plain_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);

	call->endpoint = ENDPOINT_TICKET_UPDATE;
	call->object = ticket_id;
	op->answered = zendesk_op_plain;
	op->deliver = zendesk_op_deliver_plain;
	op->done.plain = done;
	return zendesk_op_start(op, call, TICKETS, ticket_id, behind);
}

struct zendesk_op *zendesk_ticket_note(struct api_client *c, enum job_lane lane,
				       uint64_t ticket_id, const char *text,
				       zendesk_plain_done *done, void *arg)
{
	struct json_t *body = json_new_obj();
	struct json_t *ticket = json_new_obj();
	struct json_t *comment = json_new_obj();
	struct api_call call = {
		.name = "ticket_note",
		.method = "PUT",
		.body = body,
		.once = true,
	};

	json_set_str(comment, "body", text);
	json_set_bool(comment, "public", false);
	json_set(ticket, "comment", comment);
	json_set(body, "ticket", ticket);
	return change_start(c, lane, &call, ticket_id, "", done, arg);
}

static bool is_it(const struct json_t *comment, const char *text)
{
	static const char *const keys[] = {"plain_body", "body"};

	if (json_get_bool(comment, "public", true))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *body = json_get_str(comment, keys[i]);

		if (body && strstr(body, text))
			return true;
	}
	return false;
}

static void find_page(struct zendesk_op *op, const char *path)
{
	struct api_call call = {
		.name = "ticket_comments",
		.method = "GET",
		.path = path,
	};

	op->pages++;
	zendesk_op_send(&op->slots[0], &call);
}

static void find_answered(struct zendesk_slot *s, const struct api_result *r,
			  const struct json_t *json)
{
	const struct json_t *page = json_get(json, "comments");
	struct zendesk_op *op = s->op;
	const char *path = NULL;
	enum zendesk_more more;

	if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
		return;
	}
	for (size_t i = 0; i < json_len(page) && !op->found; i++)
		op->found = is_it(json_at(page, i), op->text);
	more = json_is_arr(page) ? zendesk_next_path(op, json, &path)
				 : MORE_BROKEN;
	if (more == MORE_BROKEN)
		zendesk_op_fail(op, r, RESULT_TEMP, "comments: cannot be read");
	else if (more == MORE_YES && !op->found && op->pages < FIND_PAGES_MAX)
		find_page(op, path);
	else
		zendesk_op_end(op, r);
}

static void deliver_found(struct zendesk_op *op, const struct api_result *r)
{
	op->done.found(r, r->result == RESULT_OK && op->found, op->arg);
}

struct zendesk_op *zendesk_ticket_find_note(struct api_client *c,
					    enum job_lane lane,
					    uint64_t ticket_id,
					    const char *text,
					    zendesk_found_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	struct api_call call = {.name = "ticket_comments", .method = "GET"};

	op->text = xstrdup(text);
	op->answered = find_answered;
	op->deliver = deliver_found;
	op->done.found = done;
	op->pages = 1;
	return zendesk_op_start(op, &call, TICKETS, ticket_id,
				"/comments?page%5Bsize%5D=100"
				"&sort=-created_at");
}

/* ---- tags ---- */

struct zendesk_op *zendesk_ticket_tag(struct api_client *c, enum job_lane lane,
				      uint64_t ticket_id, const char *tag,
				      zendesk_plain_done *done, void *arg)
{
	struct json_t *body = json_new_obj();
	struct json_t *tags = json_new_arr();
	struct api_call call = {
		.name = "ticket_tag",
		.method = "PUT",
		.body = body,
	};

	json_push(tags, json_new_str(tag));
	json_set(body, "tags", tags);
	return change_start(c, lane, &call, ticket_id, "/tags", done, arg);
}

struct zendesk_op *zendesk_ticket_untag(struct api_client *c,
					enum job_lane lane, uint64_t ticket_id,
					const char *const *tags, size_t count,
					zendesk_plain_done *done, void *arg)
{
	struct api_call call = {.name = "ticket_untag", .method = "DELETE"};
	struct zendesk_op *op;
	struct buf behind;

	buf_init(&behind, QUERY_MAX_BYTES);
	buf_puts(&behind, "/tags?tags=");
	for (size_t i = 0; i < count; i++)
		buf_printf(&behind, "%s%s", i > 0 ? "," : "", tags[i]);
	op = change_start(c, lane, &call, ticket_id, behind.data, done, arg);
	buf_release(&behind);
	return op;
}
