/*
 * How the sweep of an account is doing, and the walk over its history, for
 * /api/v1/accounts.
 */
#include "admin_int.h"

#include "app/sweeper.h"
#include "base/str.h"

static struct json_t *walk_row(const struct store_cursor_row *r)
{
	struct json_t *v = json_new_obj();

	json_set_bool(v, "under_way", r->leased);
	admin_set_time(v, "last_page", r->moved_ms);
	admin_set_time(v, "last_complete", r->done_ms);
	json_set_str(v, "failure", r->failure);
	json_set_str(v, "explanation",
		     r->failure ? sweep_why_find(r->failure)->text : NULL);
	admin_set_time(v, "again_at", r->failure ? r->due_ms : 0);
	json_set_int(v, "scanned", r->scanned);
	json_set_int(v, "found", r->found);
	json_set_int(v, "woken", r->woken);
	return v;
}

static struct json_t *walk_rows(const struct store_cursors *l)
{
	struct json_t *v = json_new_obj();

	for (size_t w = 0; sweep_walks[w]; w++) {
		struct json_t *row = json_new_null();

		for (size_t i = 0; i < l->count; i++) {
			if (!str_eq(l->rows[i].name, sweep_walks[w]))
				continue;
			json_free(row);
			row = walk_row(&l->rows[i]);
		}
		json_set(v, sweep_walks[w], row);
	}
	return v;
}

struct json_t *admin_sweep_row(int64_t every_ms, const struct store_cursors *l)
{
	struct json_t *v = json_new_obj();
	int64_t done_ms = sweep_done_ms(l->rows, l->count);

	json_set_int(v, "every_s", every_ms / 1000);
	admin_set_time(v, "last_complete", done_ms);
	json_set_bool(v, "late", sweep_is_late(every_ms, done_ms, l->now_ms));
	json_set(v, "walks", walk_rows(l));
	return v;
}

struct json_t *admin_backfill_row(const struct store_cursors *l)
{
	const struct store_cursor_row *r = NULL;
	struct json_t *v;

	for (size_t i = 0; i < l->count; i++)
		if (str_eq(l->rows[i].name, STORE_WALK_NAME))
			r = &l->rows[i];
	if (!r)
		return json_new_null();
	v = walk_row(r);
	json_set_str(v, "state", store_walk_state(r));
	admin_set_time(v, "started_at", r->started_ms);
	json_set_int(v, "total", r->total);
	json_set(v, "limit",
		 r->woken_max ? json_new_int(r->woken_max) : json_new_null());
	json_set_int(v, "unfinished", r->unfinished);
	return v;
}
