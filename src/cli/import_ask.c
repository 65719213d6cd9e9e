/*
 * Looking up the rows of a window: who has the external ids, who has the
 * addresses. See import_walk.h.
 *
 * One search for many addresses is believed when it says that nobody has one
 * only as far as searches of this run have found two of their addresses: up to
 * the later one of them, terms are known to be alternatives. Who is missing
 * behind that is asked for alone; should that find anybody, it goes on one by
 * one.
 */
#include <string.h>

#include "base/str.h"
#include "import_walk.h"

/* ---- external ids ---- */

static void on_holders(const struct api_result *r, const struct zd_user *users,
		       size_t count, void *arg)
{
	struct import_span *s = arg;

	s->op = NULL;
	if (r->result != RESULT_OK) {
		import_span_failed(s, r);
		return;
	}
	for (size_t i = 0; i < s->count; i++)
		for (size_t n = 0; n < count; n++)
			if (users[n].active &&
			    str_eq_nocase(
				    users[n].external_id,
				    import_span_item(s, i)->row.external_id))
				import_span_item(s, i)->holder = users[n].id;
	import_span_done(s);
}

void import_ask_holders(struct import_span *s)
{
	const char *ids[ZENDESK_MANY_MAX];

	for (size_t i = 0; i < s->count; i++)
		ids[i] = import_span_item(s, i)->row.external_id;
	if (s->count == 1 && !zendesk_many_allows(ids[0]))
		s->op = zendesk_search_external_id(import_api(s->walk),
						   LANE_BACKFILL, ids[0],
						   on_holders, s);
	else
		s->op = zendesk_users_by_external_ids(import_api(s->walk),
						      LANE_BACKFILL, ids,
						      s->count, on_holders, s);
}

/* ---- addresses ---- */

static bool has_owner(const struct import_item *i, const struct zd_user *users,
		      size_t count)
{
	for (size_t n = 0; n < count; n++)
		if (import_owns(&users[n], i->row.address))
			return true;
	return false;
}

/* Two were found, so terms are alternatives, up to the last one of them. */
static void learn(struct import_walk *w, const struct import_span *s,
		  const struct zd_user *users, size_t count)
{
	size_t found = 0, last = 0;

	for (size_t i = 0; i < s->count; i++)
		if (has_owner(import_span_item(s, i), users, count)) {
			found++;
			last = i;
		}
	if (found > 1 && w->terms < last + 1)
		w->terms = last + 1;
	if (s->alone && found > 0)
		w->one_by_one = true;
}

static void decide(struct import_walk *w, struct import_item *i,
		   const struct zd_user *users, size_t count)
{
	import_decide(&i->row, users, count, i->holder, &w->rules);
	i->open = i->row.outcome == IMPORT_SET;
}

static void on_owners(const struct api_result *r, const struct zd_user *users,
		      size_t count, void *arg)
{
	struct import_span *s = arg;
	struct import_walk *w = s->walk;

	s->op = NULL;
	if (r->result != RESULT_OK) {
		import_span_failed(s, r);
		return;
	}
	learn(w, s, users, count);
	for (size_t i = 0; i < s->count; i++)
		if (s->count == 1 || i < w->terms ||
		    has_owner(import_span_item(s, i), users, count))
			decide(w, import_span_item(s, i), users, count);
		else
			import_span_add_one(w, s->items[i]);
	import_span_done(s);
}

void import_ask_owners(struct import_span *s)
{
	const char *addresses[ZENDESK_MANY_MAX];

	for (size_t i = 0; i < s->count; i++)
		addresses[i] = import_span_item(s, i)->row.address;
	s->op = zendesk_search_addresses(import_api(s->walk), LANE_BACKFILL,
					 addresses, s->count, on_owners, s);
}
