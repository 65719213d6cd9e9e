/*
 * users/search, search/count, and the export of users that changed.
 *
 * Exports leave out the last minute; a cursor holds the last change that was
 * told, so that a user who changes again comes again.
 */
#include "sandbox/zendesk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/list.h"
#include "sandbox/search.h"

#define SEARCH_DEPTH_MAX 10000
#define EXPORT_PAGE_MAX	 1000

static void answer_hits(const struct call *c, const struct search_hits *hits,
			struct answer *out)
{
	struct page p = call_page(c, hits->count);
	struct json_t *body;

	if (p.number * p.size > SEARCH_DEPTH_MAX) {
		call_bad_request(out, "InvalidPaginationDepth",
				 "Too many results: at most 10,000 by offset");
		return;
	}
	body = json_new_obj();
	zendesk_users_answer(c, p.end > p.first ? hits->users + p.first : NULL,
			     p.end - p.first, body);
	call_page_links(c, &p, body);
	call_ok(out, 200, body);
}

void zendesk_users_search(const struct call *c, struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct state *state = c->account->state;
	const char *query = call_query(c, "query");
	const char *external_id = call_query(c, "external_id");
	struct search_hits hits = {NULL, 0};

	if (!query && !external_id) {
		call_bad_request(out, "InvalidParameter",
				 "query or external_id is needed");
		return;
	}
	search_refresh(state->search, c->now_ms, s->index_lag_ms);
	if (query) {
		search_by_query(state, query, s->search_fuzzy,
				s->search_decoy_first, &hits);
	} else if (s->external_id_search_lags) {
		search_by_external_id(state, external_id, &hits);
	} else {
		struct zen_user *u =
			state_user_by_external_id(state, external_id, 0);

		if (u)
			LIST_PUSH(hits.users, hits.count, u);
	}
	answer_hits(c, &hits, out);
	search_hits_release(&hits);
}

/* ---- search/count ---- */

/* Has any address, or number, that somebody verified. */
static bool is_verified(const struct zen_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (u->identities[i]->verified)
			return true;
	}
	return false;
}

/* One word of the query; those that we do not know leave nobody out. */
static bool word_fits(const struct zen_user *u, const char *word)
{
	if (str_starts(word, "role:"))
		return str_eq(u->role, word + strlen("role:"));
	if (str_starts(word, "is_verified:"))
		return is_verified(u) == str_eq(word, "is_verified:true");
	return true;
}

static bool query_fits(const struct zen_user *u, const char *query)
{
	char *words = xstrdup(query);
	char *rest = NULL;
	bool fits = true;

	for (char *w = strtok_r(words, " ", &rest); w && fits;
	     w = strtok_r(NULL, " ", &rest))
		fits = word_fits(u, w);
	free(words);
	return fits;
}

void zendesk_search_count(const struct call *c, struct answer *out)
{
	struct state *state = c->account->state;
	const char *query = call_query(c, "query");
	struct json_t *body;
	int64_t count = 0;

	if (!query || !str_starts(query, "type:user")) {
		call_bad_request(out, "InvalidParameter",
				 "the sandbox counts type:user only");
		return;
	}
	search_refresh(state->search, c->now_ms,
		       c->account->settings.index_lag_ms);
	for (size_t i = 0; i < state->user_count; i++) {
		const struct zen_user *u = state->users[i];

		count += u->active && u->doc && query_fits(u, query);
	}
	body = json_new_obj();
	json_set_int(body, "count", count);
	call_ok(out, 200, body);
}

/* ---- exports ---- */

/* Where an export stands: the last change that was told. */
struct position {
	int64_t updated_ms;
	uint64_t id;
};

static int position_compare(const struct position *a, const struct zen_user *u)
{
	if (a->updated_ms != u->updated_ms)
		return a->updated_ms < u->updated_ms ? -1 : 1;
	return a->id < u->id ? -1 : a->id > u->id;
}

static int by_change(const void *a, const void *b)
{
	const struct zen_user *first = *(struct zen_user *const *)a;
	const struct zen_user *second = *(struct zen_user *const *)b;
	struct position p = {first->updated_ms, first->id};

	return position_compare(&p, second);
}

/* Start time or cursor of the call; false: a 422 or 400 was answered. */
static bool export_start(const struct call *c, struct position *from,
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
	*from = (struct position){start_s * 1000, 0};
	return true;
}

/* Everybody who changed after from and long enough ago, in that order. */
static void export_collect(const struct call *c, const struct position *from,
			   struct search_hits *out)
{
	const struct state *s = c->account->state;
	int64_t until_ms = c->now_ms - c->account->settings.incremental_lag_ms;

	for (size_t i = 0; i < s->user_count; i++) {
		struct zen_user *u = s->users[i];

		if (u->updated_ms <= until_ms && position_compare(from, u) < 0)
			LIST_PUSH(out->users, out->count, u);
	}
	if (out->count)
		qsort(out->users, out->count, sizeof(out->users[0]), by_change);
}

static void export_answer(const struct call *c, const struct search_hits *hits,
			  const struct position *from, struct answer *out)
{
	int64_t size = call_query_int(c, "per_page", EXPORT_PAGE_MAX);
	struct json_t *body = json_new_obj();
	struct position last = *from;
	size_t count = hits->count;
	char plain[64];
	char *cursor;
	char *url;

	if (size >= 1 && size < EXPORT_PAGE_MAX && (size_t)size < count)
		count = (size_t)size;
	else if (count > EXPORT_PAGE_MAX)
		count = EXPORT_PAGE_MAX;
	if (count)
		last = (struct position){hits->users[count - 1]->updated_ms,
					 hits->users[count - 1]->id};
	snprintf(plain, sizeof(plain), "%" PRId64 ".0||%" PRIu64 "|",
		 last.updated_ms, last.id);
	cursor = call_cursor_encode(plain);
	url = call_url_with(c, "cursor", cursor);
	zendesk_users_answer(c, hits->users, count, body);
	json_set_str(body, "after_cursor", cursor);
	json_set_str(body, "after_url", url);
	json_set_str(body, "before_cursor", NULL);
	json_set_str(body, "before_url", NULL);
	json_set_bool(body, "end_of_stream", count == hits->count);
	call_ok(out, 200, body);
	free(cursor);
	free(url);
}

void zendesk_users_export(const struct call *c, struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct search_hits hits = {NULL, 0};
	struct limit_verdict v;
	struct position from;

	v = limits_take(&c->account->limits.incremental, s->incremental_limit,
			s->window_ms, c->now_ms);
	if (v.refused) {
		call_too_many(c, out, v.reset_s);
		return;
	}
	if (!export_start(c, &from, out))
		return;
	export_collect(c, &from, &hits);
	export_answer(c, &hits, &from, out);
	search_hits_release(&hits);
}
