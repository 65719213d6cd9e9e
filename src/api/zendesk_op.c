/*
 * The life of a Zendesk call; see zendesk_int.h.
 */
#include "zendesk_int.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"

enum { PATH_MAX_BYTES = 512 };

struct zendesk_op *zendesk_op_new(struct api_client *c, enum job_lane lane,
				  void *arg)
{
	struct zendesk_op *op = xcalloc(1, sizeof(*op));

	op->client = c;
	op->lane = lane;
	op->arg = arg;
	for (int i = 0; i < ZENDESK_SLOTS; i++)
		op->slots[i].op = op;
	return op;
}

static void op_free(struct zendesk_op *op)
{
	for (int i = 0; i < ZENDESK_SLOTS; i++)
		json_free(op->slots[i].identities);
	for (size_t i = 0; i < op->count; i++)
		zd_user_release(&op->users[i]);
	free(op->users);
	free(op->text);
	free(op->ticket_rows);
	free(op->job.failures);
	free(op);
}

static void op_close(struct zendesk_op *op)
{
	op->ending = true;
	for (int i = 0; i < ZENDESK_SLOTS; i++)
		if (op->slots[i].request)
			api_cancel(op->slots[i].request);
}

void zendesk_cancel(struct zendesk_op *op)
{
	if (op->ending)
		return;
	op_close(op);
	op_free(op);
}

void zendesk_send_by(struct zendesk_op *op, int64_t boot_ms)
{
	for (int i = 0; i < ZENDESK_SLOTS; i++)
		if (op->slots[i].request)
			api_send_by(op->slots[i].request, boot_ms);
}

/* The request went away without an answer: cancelled by us, or the client is
 * being freed and the last one takes the op along. */
static void slot_dropped(void *arg)
{
	struct zendesk_slot *s = arg;
	struct zendesk_op *op = s->op;

	s->request = NULL;
	if (--op->open == 0 && !op->ending)
		op_free(op);
}

static void slot_answered(const struct api_result *r, const struct json_t *json,
			  void *arg)
{
	struct zendesk_slot *s = arg;
	struct zendesk_op *op = s->op;

	s->request = NULL;
	op->open--;
	op->calls += r->calls;
	op->answered(s, r, json);
}

void zendesk_op_send(struct zendesk_slot *s, struct api_call *call)
{
	call->api = API_ZENDESK;
	call->lane = s->op->lane;
	s->op->open++;
	s->request = api_send_owned(s->op->client, call, slot_answered,
				    slot_dropped, s);
}

void zendesk_op_end(struct zendesk_op *op, const struct api_result *r)
{
	struct api_result result = *r;

	result.calls = op->calls;
	op_close(op);
	op->deliver(op, &result);
	op_free(op);
}

void zendesk_op_fail(struct zendesk_op *op, const struct api_result *r,
		     enum result class, const char *why)
{
	struct api_result result = *r;

	result.result = error_set(&result.error, class, "%s", why);
	zendesk_op_end(op, &result);
}

void zendesk_op_add_user(struct zendesk_op *op, struct zd_user *u)
{
	op->users = xrealloc(op->users, (op->count + 1) * sizeof(*op->users));
	op->users[op->count++] = *u;
}

void zendesk_op_deliver_user(struct zendesk_op *op, const struct api_result *r)
{
	op->done.user(r, r->result == RESULT_OK ? op->users : NULL, op->arg);
}

struct zendesk_op *zendesk_op_start(struct zendesk_op *op,
				    struct api_call *call, const char *before,
				    uint64_t id, const char *behind)
{
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	buf_printf(&path, "%s%" PRIu64 "%s", before, id, behind);
	call->path = path.overflow ? NULL : path.data;
	if (!call->user)
		call->user = id;
	zendesk_op_send(&op->slots[0], call);
	buf_release(&path);
	return op;
}

void zendesk_op_plain(struct zendesk_slot *s, const struct api_result *r,
		      const struct json_t *json)
{
	(void)json;
	zendesk_op_end(s->op, r);
}

void zendesk_op_deliver_plain(struct zendesk_op *op, const struct api_result *r)
{
	op->done.plain(r, op->arg);
}

enum zendesk_more zendesk_next_path(const struct zendesk_op *op,
				    const struct json_t *json,
				    const char **path)
{
	const struct json_t *more =
		json_get(json_get(json, "meta"), "has_more");
	const struct json_t *link = json_get(json, "next_page");

	if (json_is_bool(more)) {
		if (!json_bool(more, true))
			return MORE_NO;
		link = json_get(json_get(json, "links"), "next");
	} else if (json_is_null(link)) {
		return MORE_NO;
	}
	*path = api_client_link_path(op->client, json_str(link));
	return *path ? MORE_YES : MORE_BROKEN;
}
