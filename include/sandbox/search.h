/*
 * The search index: what users/search sees, later than it happened.
 *
 * A change reaches the index once it is lag_ms old; until then searches see
 * the user as it was (a new one not at all). Answers show the users as they
 * are. `email:` finds addresses by their words, as a tokenising index does:
 * parker@x.example also finds peter.parker@x.example.
 */
#ifndef REUNITE_SANDBOX_SEARCH_H
#define REUNITE_SANDBOX_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search;
struct search_doc;
struct state;
struct zen_user;

struct search *search_new(void);
void search_free(struct search *x);
void search_doc_free(struct search_doc *d); /* NULL is allowed */
void search_changed(struct search *x, struct zen_user *u, int64_t now_ms);
/* Takes over what is at least lag_ms old. */
void search_refresh(struct search *x, int64_t now_ms, int64_t lag_ms);

struct search_hits {
	struct zen_user **users;
	size_t count;
};
void search_hits_release(struct search_hits *h);
struct search_ways {
	bool fuzzy; /* false: `email:` finds whole addresses only */
	bool decoy_first;
	bool any_term; /* of several `email:`; false: all of them must fit */
};
/* Searches of the index as of the last refresh; out is filled anew. */
void search_by_query(const struct state *s, const char *query,
		     const struct search_ways *ways, struct search_hits *out);
void search_by_external_id(const struct state *s, const char *external_id,
			   struct search_hits *out);

#endif
