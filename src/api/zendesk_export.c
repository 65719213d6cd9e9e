/*
 * What changed: pages of users and tickets (incremental exports), and many
 * users at once.
 *
 *	page --> users without identities? --no--> end
 *	              | yes                        ^
 *	              +--> show_many, 100 a time --+--> list the rest, one by one
 *
 * A page goes on whatever a single user is like: one that cannot be read, or
 * is gone by now, is left out, since a page that fails is asked for again
 * and again. What cannot be read as a page at all is RESULT_TEMP.
 *
 * Sources: Zendesk Support API, Incremental Exports (cursor based), Show Many
 * Users, Side-Loading (users: identities), Via types.
 */
#include "zendesk_int.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

#define INCREMENTAL "/api/v2/incremental/"

enum { PATH_MAX_BYTES = 8 * 1024 };

/* Ways into Zendesk that are no messaging, by via.channel. */
static const char *const other_channels[] = {
	"any_channel",
	"api",
	"chat",
	"closed_ticket",
	"email",
	"facebook",
	"facebook_message",
	"facebook_post",
	"forum",
	"help_center",
	"helpcenter",
	"import",
	"mail",
	"mobile",
	"mobile_sdk",
	"phone_call_inbound",
	"rule",
	"sample_ticket",
	"side_conversation",
	"sms",
	"text_message",
	"ticket_sharing",
	"topic",
	"twitter",
	"twitter_dm",
	"twitter_favorite",
	"voice",
	"voicemail",
	"web",
	"web_form",
	"web_service",
	"web_widget",
	"phone_call_outbound",
};

static bool is_messaging(const struct json_t *ticket)
{
	const char *channel = json_get_str(json_get(ticket, "via"), "channel");

	for (size_t i = 0; i < ARRAY_LEN(other_channels); i++)
		if (str_eq(channel, other_channels[i]))
			return false;
	return true;
}

static int64_t time_of(const struct json_t *v, const char *key)
{
	const char *text = json_get_str(v, key);
	int64_t ms;

	return text && clock_parse_iso8601(slice_of(text), &ms) ? ms : 0;
}

/* ---- pages ---- */

/* What every page says; false: it cannot be read, and the op has ended. */
static bool page_take(struct zendesk_op *op, const struct api_result *r,
		      const struct json_t *json, const struct json_t *items)
{
	const char *after = json_get_str(json, "after_cursor");
	const struct json_t *end = json_get(json, "end_of_stream");

	if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
		return false;
	}
	/* at the end there may be none: it goes on from the same place then */
	if (str_is_empty(after) && json_bool(end, false))
		after = op->text;
	else if (str_is_empty(after))
		items = NULL;
	if (!json_is_arr(items) || !json_is_bool(end)) {
		zendesk_op_fail(op, r, RESULT_TEMP, "export: cannot be read");
		return false;
	}
	op->page.scanned = json_len(items);
	/* a cursor that stands still would be followed for ever */
	op->page.end_of_stream =
		json_bool(end, true) || str_eq(op->text, after);
	if (after != op->text) {
		free(op->text);
		op->text = xstrdup(after);
	}
	op->page.after_cursor = op->text;
	for (size_t i = 0; i < json_len(items); i++) {
		int64_t ms = time_of(json_at(items, i), "updated_at");

		if (ms > 0 &&
		    (op->page.first_ms == 0 || ms < op->page.first_ms))
			op->page.first_ms = ms;
	}
	return true;
}

static struct zendesk_op *page_send(struct zendesk_op *op, const char *name,
				    const char *what, int64_t since_ms,
				    const char *cursor, size_t size)
{
	struct api_call call = {
		.name = name,
		.method = "GET",
		.endpoint = ENDPOINT_INCREMENTAL,
	};
	struct buf path;

	op->text = xstrdup(cursor);
	buf_init(&path, PATH_MAX_BYTES);
	buf_printf(&path, INCREMENTAL "%s&per_page=%zu&", what, size);
	if (cursor) {
		buf_puts(&path, "cursor=");
		http_escape(&path, slice_of(cursor));
	} else {
		buf_printf(&path, "start_time=%" PRId64,
			   since_ms > 0 ? since_ms / 1000 : 0);
	}
	call.path = path.overflow ? NULL : path.data;
	zendesk_op_send(&op->slots[0], &call);
	buf_release(&path);
	return op;
}

/* ---- many users ---- */

static void many_next(struct zendesk_op *op, const struct api_result *r);

static bool is_end_user(const struct zd_user *u)
{
	return u->active && u->role == ZD_ROLE_END_USER;
}

/* Counts as nobody, of whom there is nothing left to ask. */
static void leave_out(struct zd_user *u)
{
	zd_user_clear_identities(u);
	u->identities_known = true;
	u->active = false;
}

/* Identities beside the users, each to its own. */
static void take_identities(struct zd_user *users, size_t count,
			    const struct json_t *beside)
{
	struct json_t **own = xcalloc(count + 1, sizeof(*own));

	for (size_t i = 0; i < count; i++)
		own[i] = json_new_arr();
	for (size_t n = 0; n < json_len(beside); n++) {
		uint64_t id = json_get_id(json_at(beside, n), "user_id");

		for (size_t i = 0; i < count; i++)
			if (users[i].id == id && is_end_user(&users[i]))
				json_push(own[i],
					  json_clone(json_at(beside, n)));
	}
	for (size_t i = 0; i < count; i++) {
		if (is_end_user(&users[i]) && json_len(own[i]) > 0)
			zd_user_decode_identities(&users[i], own[i]);
		json_free(own[i]);
	}
	free(own);
}

static const struct json_t *user_named(const struct json_t *users, uint64_t id)
{
	for (size_t i = 0; i < json_len(users); i++)
		if (json_get_id(json_at(users, i), "id") == id)
			return json_at(users, i);
	return NULL;
}

/* An answer that brings identities, and none of this user, means that it has
 * none, but with an address that they were not brought. */
static enum result user_decode(const struct json_t *v,
			       const struct json_t *answer, struct zd_user *out)
{
	enum result r = zd_user_decode(v, out, NULL);

	if (r == RESULT_OK && json_is_arr(json_get(answer, "identities")) &&
	    str_is_empty(json_get_str(v, "email")))
		out->identities_known = true;
	return r;
}

/* As it is now. */
static void refresh(struct zd_user *u, const struct json_t *answer)
{
	const struct json_t *users = json_get(answer, "users");
	struct zd_user now;

	if (user_decode(user_named(users, u->id), answer, &now) != RESULT_OK) {
		leave_out(u);
		return;
	}
	zd_user_release(u);
	*u = now;
	if (!is_end_user(u))
		leave_out(u);
}

static void many_answered(struct zendesk_slot *s, const struct api_result *r,
			  const struct json_t *json)
{
	const struct json_t *users = json_get(json, "users");
	struct zendesk_op *op = s->op;

	if (r->result == RESULT_OK && !json_is_arr(users)) {
		zendesk_op_fail(op, r, RESULT_TEMP, "users: cannot be read");
		return;
	}
	if (r->result != RESULT_OK) {
		zendesk_op_end(op, r);
		return;
	}
	for (size_t i = op->asked_from; i < op->asked; i++)
		if (!op->users[i].identities_known)
			refresh(&op->users[i], json);
	take_identities(op->users + op->asked_from, op->asked - op->asked_from,
			json_get(json, "identities"));
	many_next(op, r);
}

/* The next of those without identities; when all were asked for, what is
 * still missing is listed. */
static void many_next(struct zendesk_op *op, const struct api_result *r)
{
	struct api_call call = {.name = "users_show_many", .method = "GET"};
	struct buf path;
	size_t n = 0;

	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/api/v2/users/show_many?include=identities&ids=");
	op->asked_from = op->asked;
	for (; op->asked < op->count && n < ZENDESK_MANY_MAX; op->asked++)
		if (!op->users[op->asked].identities_known)
			buf_printf(&path, "%s%" PRIu64, n++ > 0 ? "," : "",
				   op->users[op->asked].id);
	if (n == 0) {
		zendesk_op_list_rest(op, r);
	} else {
		op->answered = many_answered;
		call.path = path.data;
		zendesk_op_send(&op->slots[0], &call);
	}
	buf_release(&path);
}

/* Closes the gaps of those that were left out. */
static void keep_end_users(struct zendesk_op *op)
{
	size_t kept = 0;

	for (size_t i = 0; i < op->count; i++)
		if (is_end_user(&op->users[i]))
			op->users[kept++] = op->users[i];
		else
			zd_user_release(&op->users[i]);
	op->count = kept;
}

static void deliver_many(struct zendesk_op *op, const struct api_result *r)
{
	bool ok = r->result == RESULT_OK;

	keep_end_users(op);
	op->done.users(r, ok ? op->users : NULL, ok ? op->count : 0, op->arg);
}

static bool already(const struct zendesk_op *op, uint64_t id)
{
	for (size_t i = 0; i < op->count; i++)
		if (op->users[i].id == id)
			return true;
	return false;
}

struct zendesk_op *zendesk_users_get_many(struct api_client *c,
					  enum job_lane lane,
					  const uint64_t *ids, size_t count,
					  zendesk_users_done *done, void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);
	const struct api_result none = {.result = RESULT_OK};

	op->lenient = true;
	op->deliver = deliver_many;
	op->done.users = done;
	for (size_t i = 0; i < count && i < ZENDESK_MANY_MAX; i++) {
		struct zd_user u;

		if (already(op, ids[i]))
			continue;
		zd_user_init(&u);
		u.id = ids[i];
		zendesk_op_add_user(op, &u);
	}
	many_next(op, &none);
	return op;
}

/* ---- users ---- */

static void deliver_users(struct zendesk_op *op, const struct api_result *r)
{
	bool ok = r->result == RESULT_OK;

	keep_end_users(op);
	op->done.export_users(r, ok ? &op->page : NULL, ok ? op->users : NULL,
			      ok ? op->count : 0, op->arg);
}

static void users_answered(struct zendesk_slot *s, const struct api_result *r,
			   const struct json_t *json)
{
	const struct json_t *users = json_get(json, "users");
	struct zendesk_op *op = s->op;

	if (!page_take(op, r, json, users))
		return;
	for (size_t i = 0; i < json_len(users); i++) {
		struct zd_user u;

		if (user_decode(json_at(users, i), json, &u) != RESULT_OK)
			continue;
		if (is_end_user(&u) && !already(op, u.id))
			zendesk_op_add_user(op, &u);
		else
			zd_user_release(&u);
	}
	take_identities(op->users, op->count, json_get(json, "identities"));
	many_next(op, r);
}

struct zendesk_op *zendesk_export_users(struct api_client *c,
					enum job_lane lane, int64_t since_ms,
					const char *cursor, size_t size,
					zendesk_export_users_done *done,
					void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);

	op->lenient = true;
	op->answered = users_answered;
	op->deliver = deliver_users;
	op->done.export_users = done;
	return page_send(op, "users_export", "users/cursor?include=identities",
			 since_ms, cursor, size);
}

/* ---- tickets ---- */

static void deliver_tickets(struct zendesk_op *op, const struct api_result *r)
{
	bool ok = r->result == RESULT_OK;

	op->done.export_tickets(r, ok ? &op->page : NULL,
				ok ? op->ticket_rows : NULL,
				ok ? op->ticket_row_count : 0, op->arg);
}

static void ticket_take(struct zendesk_op *op, const struct json_t *v)
{
	struct zendesk_ticket t = {
		.id = json_get_id(v, "id"),
		.requester_id = json_get_id(v, "requester_id"),
		.created_ms = time_of(v, "created_at"),
	};

	if (t.id != 0 && t.requester_id != 0 && is_messaging(v) &&
	    !str_eq(json_get_str(v, "status"), "deleted"))
		op->ticket_rows[op->ticket_row_count++] = t;
}

static void tickets_answered(struct zendesk_slot *s, const struct api_result *r,
			     const struct json_t *json)
{
	const struct json_t *tickets = json_get(json, "tickets");
	struct zendesk_op *op = s->op;

	if (!page_take(op, r, json, tickets))
		return;
	op->ticket_rows =
		xcalloc(json_len(tickets) + 1, sizeof(*op->ticket_rows));
	for (size_t i = 0; i < json_len(tickets); i++)
		ticket_take(op, json_at(tickets, i));
	zendesk_op_end(op, r);
}

struct zendesk_op *zendesk_export_tickets(struct api_client *c,
					  enum job_lane lane, int64_t since_ms,
					  const char *cursor, size_t size,
					  zendesk_export_tickets_done *done,
					  void *arg)
{
	struct zendesk_op *op = zendesk_op_new(c, lane, arg);

	op->answered = tickets_answered;
	op->deliver = deliver_tickets;
	op->done.export_tickets = done;
	return page_send(op, "tickets_export",
			 "tickets/cursor?exclude_deleted=true", since_ms,
			 cursor, size);
}
