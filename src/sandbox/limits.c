/*
 * Fixed windows, aligned to the first request in them.
 */
#include "sandbox/limits.h"

#include <inttypes.h>

#include "base/buf.h"
#include "sandbox/settings.h"
#include "sandbox/state.h"

#define UPDATES_PER_USER   5
#define SECONDS_PER_WINDOW 60 /* window_ms shortens this minute */
#define TICKET_UPDATES	   100
#define UPDATES_PER_TICKET 30
#define TICKET_WINDOWS	   10

struct limit_verdict limits_take(struct limit_window *w, int64_t total,
				 int64_t window_ms, int64_t now_ms)
{
	struct limit_verdict v = {.total = total};

	if (window_ms < 1)
		window_ms = 1;
	if (now_ms - w->start_ms >= window_ms || now_ms < w->start_ms) {
		w->start_ms = now_ms;
		w->used = 0;
	}
	v.refused = total > 0 && w->used >= total;
	if (!v.refused)
		w->used++;
	v.remaining = total > w->used ? total - w->used : 0;
	v.reset_s = (w->start_ms + window_ms - now_ms + 999) / 1000;
	return v;
}

struct limit_verdict limits_take_update(struct limits *l,
					const struct settings *settings,
					struct zen_user *u, int64_t now_ms)
{
	struct limit_window own = {u->update_window_ms, u->update_count};
	struct limit_verdict all;
	struct limit_verdict v;

	all = limits_take(&l->updates, 1,
			  settings->window_ms / SECONDS_PER_WINDOW, now_ms);
	v = limits_take(&own, UPDATES_PER_USER, settings->window_ms, now_ms);
	if (all.refused && !v.refused) {
		own.used--;
		v.remaining++;
		v.reset_s = all.reset_s;
		v.refused = true;
	}
	u->update_window_ms = own.start_ms;
	u->update_count = own.used;
	return v;
}

struct limit_verdict limits_take_ticket(struct limits *l,
					const struct settings *settings,
					struct zen_ticket *t, int64_t now_ms)
{
	struct limit_window own = {t->update_window_ms, t->update_count};
	struct limit_verdict v =
		limits_take(&own, UPDATES_PER_TICKET,
			    TICKET_WINDOWS * settings->window_ms, now_ms);

	t->update_window_ms = own.start_ms;
	t->update_count = own.used;
	return v.refused ? v
			 : limits_take(&l->tickets, TICKET_UPDATES,
				       settings->window_ms, now_ms);
}

void limits_headers(const struct limit_verdict *v, struct buf *headers)
{
	buf_printf(headers,
		   "X-Rate-Limit: %" PRId64
		   "\r\nX-Rate-Limit-Remaining: %" PRId64
		   "\r\nratelimit-limit: %" PRId64
		   "\r\nratelimit-remaining: %" PRId64
		   "\r\nratelimit-reset: %" PRId64 "\r\n",
		   v->total, v->remaining, v->total, v->remaining, v->reset_s);
}
