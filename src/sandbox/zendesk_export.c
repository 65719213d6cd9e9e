/*
 * Incremental exports: which users, and which tickets, changed.
 *
 * The last minute is left out; a cursor holds the last change that was told,
 * so that what changes again comes again. Exports share a limit of their own,
 * and their headers speak of it.
 */
#include "sandbox/zendesk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/list.h"
#include "sandbox/render.h"

#define EXPORT_PAGE_MAX 1000

/* Where an export stands: the last change that was told; and a row of one. */
struct told {
	int64_t updated_ms;
	uint64_t id;
	void *of; /* a user or a ticket */
};

struct export
{
	struct told from;
	int64_t until_ms;
	struct told *items;
	size_t count;
};

static int told_compare(const void *a, const void *b)
{
	const struct told *x = a, *y = b;

	if (x->updated_ms != y->updated_ms)
		return x->updated_ms < y->updated_ms ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void export_add(struct export *l, int64_t updated_ms, uint64_t id,
		       void *of)
{
	struct told one = {updated_ms, id, of};

	if (updated_ms <= l->until_ms && told_compare(&l->from, &one) < 0)
		LIST_PUSH(l->items, l->count, one);
}

/* Start time or cursor of the call; false: a 422 or 400 was answered. */
static bool start_read(const struct call *c, struct told *from,
		       struct answer *out)
{
	const char *cursor = call_query(c, "cursor");
	int64_t start_s = call_query_int(c, "start_time", -1);
	char *plain = cursor ? call_cursor_decode(cursor) : NULL;
	bool ok = false;

	if (plain)
		ok = sscanf(plain, "%" SCNd64 ".0||%" SCNu64 "|",
			    &from->updated_ms, &from->id) == 2;
	free(plain);
	if (ok)
		return true;
	if (cursor || start_s < 0) {
		call_bad_request(out, "InvalidParameter",
				 "start_time or a cursor is needed");
		return false;
	}
	if (start_s * 1000 >
	    c->now_ms - c->account->settings.incremental_lag_ms) {
		call_invalid(out, "start_time",
			     "Too recent: at least a minute ago",
			     "StartTimeTooRecent");
		return false;
	}
	*from = (struct told){start_s * 1000, 0, NULL};
	return true;
}

/* Takes one export of the account's share; false: refused with a 429. */
static bool within_limit(const struct call *c, struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct limit_verdict v =
		limits_take(&c->account->limits.incremental,
			    s->incremental_limit, s->window_ms, c->now_ms);

	if (s->rate_headers && v.total > 0) {
		buf_clear(&out->headers); /* the account's */
		limits_headers(&v, &out->headers);
	}
	if (v.refused)
		call_too_many(c, out, v.reset_s);
	return !v.refused;
}

static bool begin(const struct call *c, struct export *l, struct answer *out)
{
	*l = (struct export){.until_ms = c->now_ms};
	l->until_ms -= c->account->settings.incremental_lag_ms;
	return within_limit(c, out) && start_read(c, &l->from, out);
}

/* In the order of their changes, as many as a page takes. */
static size_t page_of(const struct call *c, struct export *l)
{
	int64_t size = call_query_int(c, "per_page", EXPORT_PAGE_MAX);

	if (l->count)
		qsort(l->items, l->count, sizeof(l->items[0]), told_compare);
	if (size < 1 || size > EXPORT_PAGE_MAX)
		size = EXPORT_PAGE_MAX;
	return l->count < (size_t)size ? l->count : (size_t)size;
}

static void answer(const struct call *c, struct export *l, size_t count,
		   struct json_t *body, struct answer *out)
{
	struct told last = count ? l->items[count - 1] : l->from;
	char plain[64];
	char *cursor;
	char *url;

	snprintf(plain, sizeof(plain), "%" PRId64 ".0||%" PRIu64 "|",
		 last.updated_ms, last.id);
	cursor = call_cursor_encode(plain);
	url = call_url_with(c, "cursor", cursor);
	json_set_str(body, "after_cursor", cursor);
	json_set_str(body, "after_url", url);
	json_set_str(body, "before_cursor", NULL);
	json_set_str(body, "before_url", NULL);
	json_set_bool(body, "end_of_stream", count == l->count);
	call_ok(out, 200, body);
	free(cursor);
	free(url);
	free(l->items);
}

void zendesk_users_export(const struct call *c, struct answer *out)
{
	const struct state *s = c->account->state;
	struct json_t *body = json_new_obj();
	struct zen_user **users;
	struct export l;
	size_t count;

	if (!begin(c, &l, out)) {
		json_free(body);
		return;
	}
	for (size_t i = 0; i < s->user_count; i++)
		export_add(&l, s->users[i]->updated_ms, s->users[i]->id,
			   s->users[i]);
	count = page_of(c, &l);
	users = xcalloc(count + 1, sizeof(struct zen_user *));
	for (size_t i = 0; i < count; i++)
		users[i] = l.items[i].of;
	zendesk_users_list(c, users, count,
			   c->account->settings.side_load_export, body);
	free(users);
	answer(c, &l, count, body, out);
}

void zendesk_tickets_export(const struct call *c, struct answer *out)
{
	const struct state *s = c->account->state;
	struct json_t *body = json_new_obj();
	struct json_t *list = json_new_arr();
	struct export l;
	size_t count;

	json_set(body, "tickets", list);
	if (!begin(c, &l, out)) {
		json_free(body);
		return;
	}
	for (size_t i = 0; i < s->ticket_count; i++)
		export_add(&l, s->tickets[i]->updated_ms, s->tickets[i]->id,
			   s->tickets[i]);
	count = page_of(c, &l);
	for (size_t i = 0; i < count; i++)
		json_push(list, render_ticket(c->account, l.items[i].of));
	answer(c, &l, count, body, out);
}
