/*
 * Fixed windows, aligned to the first request in them.
 */
#include "sandbox/limits.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/json.h"
#include "sandbox/render.h"
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

/* ---- the account ---- */

static struct limit_record *record_of(struct limits *l)
{
	return &l->records[(l->record_count - 1) % LIMIT_RECORDS_MAX];
}

static struct limit_verdict account_take(struct limits *l,
					 const struct settings *settings,
					 bool others, int64_t now_ms)
{
	struct limit_verdict v = limits_take(&l->zendesk, settings->limit,
					     settings->window_ms, now_ms);
	struct limit_record *r;

	if (l->record_count == 0 ||
	    record_of(l)->start_ms != l->zendesk.start_ms) {
		l->record_count++;
		*record_of(l) = (struct limit_record){
			.start_ms = l->zendesk.start_ms,
			.limit = settings->limit,
		};
	}
	r = record_of(l);
	if (others)
		(*(v.refused ? &r->others_refused : &r->others_taken))++;
	else
		(*(v.refused ? &r->refused : &r->taken))++;
	return v;
}

void limits_others(struct limits *l, const struct settings *settings,
		   int64_t more, int64_t now_ms)
{
	int64_t gap_us = settings->others_per_window;

	if (gap_us > 0)
		gap_us = settings->window_ms * 1000 / gap_us;
	if (gap_us <= 0 || l->others_due_us == 0)
		l->others_due_us = now_ms * 1000;
	while (gap_us > 0 && l->others_due_us <= now_ms * 1000) {
		account_take(l, settings, true, l->others_due_us / 1000);
		l->others_due_us += gap_us;
	}
	for (; more > 0; more--)
		account_take(l, settings, true, now_ms);
}

struct limit_verdict limits_take_account(struct limits *l,
					 const struct settings *settings,
					 int64_t now_ms)
{
	limits_others(l, settings, 0, now_ms);
	return account_take(l, settings, false, now_ms);
}

static struct json_t *record_encode(const struct limit_record *r)
{
	struct json_t *o = json_new_obj();

	json_set(o, "at", render_time_ms(r->start_ms));
	json_set_int(o, "limit", r->limit);
	json_set_int(o, "taken", r->taken);
	json_set_int(o, "refused", r->refused);
	json_set_int(o, "others_taken", r->others_taken);
	json_set_int(o, "others_refused", r->others_refused);
	return o;
}

struct json_t *limits_encode(const struct limits *l)
{
	struct json_t *list = json_new_arr();
	size_t i = l->record_count > LIMIT_RECORDS_MAX
			   ? l->record_count - LIMIT_RECORDS_MAX
			   : 0;

	for (; i < l->record_count; i++)
		json_push(list,
			  record_encode(&l->records[i % LIMIT_RECORDS_MAX]));
	return list;
}

/* ---- endpoints ---- */

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
