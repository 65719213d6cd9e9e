/*
 * Tickets: show, update (comment, tags, status, requester), delete, adding and
 * removing tags, listing comments. A closed ticket takes no update.
 */
#include "sandbox/zendesk.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

#define SECOND_MS 1000

static struct zen_ticket *ticket_of(const struct call *c, struct answer *out)
{
	struct zen_ticket *t =
		state_ticket(c->account->state, call_param_id(c, 0));

	if (!t)
		call_not_found(out);
	return t;
}

static void answer_ticket(const struct call *c, const struct zen_ticket *t,
			  struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "ticket", render_ticket(c->account, t));
	call_ok(out, 200, body);
}

void zendesk_ticket_show(const struct call *c, struct answer *out)
{
	const struct zen_ticket *t = ticket_of(c, out);

	if (t)
		answer_ticket(c, t, out);
}

/* safe_update: the ticket must not have changed since updated_stamp. */
static bool update_is_stale(const struct zen_ticket *t,
			    const struct json_t *fields)
{
	const char *stamp = json_get_str(fields, "updated_stamp");
	int64_t stamp_ms;

	if (!json_get_bool(fields, "safe_update", false))
		return false;
	return !stamp || !clock_parse_iso8601(slice_of(stamp), &stamp_ms) ||
	       stamp_ms / SECOND_MS < t->updated_ms / SECOND_MS;
}

static void apply_fields(const struct call *c, struct zen_ticket *t,
			 const struct json_t *fields)
{
	const struct json_t *comment = json_get(fields, "comment");
	const struct json_t *tags = json_get(fields, "tags");
	const char *body = json_get_str(comment, "body");
	const struct zen_user *requester = state_user(
		c->account->state, json_get_id(fields, "requester_id"));

	if (body)
		state_ticket_comment(
			t, body, json_get_bool(comment, "public", true),
			json_get_id(comment, "author_id"), c->now_ms);
	if (json_is_arr(tags)) {
		json_free(t->tags);
		t->tags = json_clone(tags);
	}
	if (requester && requester->active)
		state_ticket_give(c->account->state, t, requester, c->now_ms);
	if (json_get_str(fields, "status"))
		state_user_set_text(&t->status, json_get_str(fields, "status"));
	t->updated_ms = c->now_ms;
}

/* NULL: it takes no update, and that has been answered. */
static struct zen_ticket *ticket_to_update(const struct call *c,
					   struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct zen_ticket *t = ticket_of(c, out);
	struct limit_verdict v = {.refused = false};

	if (!t)
		return NULL;
	if (s->ticket_update_limits)
		v = limits_take_ticket(&c->account->limits, s, t, c->now_ms);
	if (v.refused) {
		call_too_many(c, out, v.reset_s);
		return NULL;
	}
	if (!str_eq(t->status, "closed"))
		return t;
	call_invalid(out, "status", "Status: closed prevents ticket update",
		     NULL);
	return NULL;
}

void zendesk_ticket_update(const struct call *c, struct answer *out)
{
	const struct json_t *fields = json_get(c->body, "ticket");
	struct zen_ticket *t = ticket_to_update(c, out);
	struct json_t *body;

	if (!t)
		return;
	if (update_is_stale(t, fields)) {
		body = json_new_obj();
		json_set_str(body, "error", "UpdateConflict");
		json_set_str(body, "description",
			     "Ticket was changed since updated_stamp");
		call_ok(out, 409, body);
		return;
	}
	apply_fields(c, t, fields);
	out->applied = true;
	answer_ticket(c, t, out);
}

void zendesk_ticket_delete(const struct call *c, struct answer *out)
{
	struct zen_ticket *t = ticket_of(c, out);

	if (!t)
		return;
	state_ticket_delete(c->account->state, t, c->now_ms);
	out->applied = true;
	call_ok(out, 204, NULL);
}

static bool tag_there(const struct json_t *tags, const char *tag)
{
	for (size_t i = 0; i < json_len(tags); i++) {
		if (str_eq(json_str(json_at(tags, i)), tag))
			return true;
	}
	return false;
}

static void answer_tags(const struct call *c, struct zen_ticket *t,
			struct answer *out)
{
	struct json_t *body = json_new_obj();

	t->updated_ms = c->now_ms;
	json_set(body, "tags", json_clone(t->tags));
	out->applied = true;
	call_ok(out, 200, body);
}

void zendesk_ticket_tags(const struct call *c, struct answer *out)
{
	const struct json_t *more = json_get(c->body, "tags");
	struct zen_ticket *t = ticket_to_update(c, out);

	if (!t)
		return;
	for (size_t i = 0; i < json_len(more); i++) {
		const char *tag = json_str(json_at(more, i));

		if (tag && !tag_there(t->tags, tag))
			json_push(t->tags, json_new_str(tag));
	}
	answer_tags(c, t, out);
}

void zendesk_tags_remove(const struct call *c, struct answer *out)
{
	struct zen_ticket *t = ticket_to_update(c, out);
	struct json_t *kept;

	if (!t)
		return;
	kept = json_new_arr();
	for (size_t i = 0; i < json_len(t->tags); i++) {
		const char *tag = json_str(json_at(t->tags, i));

		if (tag && !call_query_has(c, "tags", tag))
			json_push(kept, json_new_str(tag));
	}
	json_free(t->tags);
	t->tags = kept;
	answer_tags(c, t, out);
}

/* In the order of their making, or, if asked, the newest first. */
static const struct zen_comment *
comment_at(const struct call *c, const struct zen_ticket *t, size_t i)
{
	bool newest = str_eq(call_query(c, "sort"), "-created_at") ||
		      str_eq(call_query(c, "sort_order"), "desc");

	return &t->comments[newest ? t->comment_count - 1 - i : i];
}

void zendesk_comments_list(const struct call *c, struct answer *out)
{
	const struct zen_ticket *t = ticket_of(c, out);
	struct json_t *body, *list;
	struct page p;
	bool cursor;

	if (!t)
		return;
	body = json_new_obj();
	list = json_new_arr();
	cursor = call_cursor_page(c, t->comment_count, &p);
	if (!cursor)
		p = call_page(c, t->comment_count);
	for (size_t i = p.first; i < p.end; i++)
		json_push(list, render_comment(comment_at(c, t, i)));
	json_set(body, "comments", list);
	if (cursor)
		call_cursor_links(c, &p, body);
	else
		call_page_links(c, &p, body);
	call_ok(out, 200, body);
}
