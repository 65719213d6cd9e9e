/*
 * users/search and search/count.
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
	const struct search_ways ways = {.fuzzy = s->search_fuzzy,
					 .decoy_first = s->search_decoy_first,
					 .any_term = s->search_any_term};
	struct search_hits hits = {NULL, 0};

	if (!query && !external_id) {
		call_bad_request(out, "InvalidParameter",
				 "query or external_id is needed");
		return;
	}
	search_refresh(state->search, c->now_ms, s->index_lag_ms);
	if (query) {
		search_by_query(state, query, &ways, &hits);
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
