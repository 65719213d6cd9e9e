/*
 * Spans of rows, each one request, and what becomes of it: see import_walk.h.
 *
 *	WAITING --import_pump()--> OPEN --answered--> DONE
 *	   ^                        |  \--refused----> DONE, and two halves WAITING
 *	   +---no answer, a limit---+
 *
 * When a request gets no answer everything rests for a while; after
 * GIVE_UP_AFTER failures in a row the command ends, and the same command goes
 * on.
 */
#include <stdlib.h>

#include "base/crypto.h"
#include "base/str.h"
#include "core/retry.h"
#include "import_walk.h"
#include "oneshot.h"

#define SPANS_OPEN_MAX 4
#define GIVE_UP_AFTER  8 /* about four minutes */

struct api_client *import_api(const struct import_walk *w)
{
	return engine_api(w->engine, w->account->name);
}

void import_stop(struct import_walk *w, int exit_code)
{
	progress_clear(&w->progress);
	w->over = true;
	w->exit_code = exit_code;
	loop_stop(w->loop);
}

void import_item_end(struct import_item *i, enum import_outcome o,
		     const char *note)
{
	i->row.outcome = o;
	i->open = false;
	if (note != i->note)
		str_copy(i->note, sizeof(i->note), note);
}

/* ---- failures ---- */

static uint32_t dice(void)
{
	uint32_t r;

	crypto_random(&r, sizeof(r));
	return r;
}

void import_give_up(struct import_walk *w, enum result why, const char *error)
{
	int code;

	if (w->over)
		return;
	progress_clear(&w->progress);
	code = oneshot_failed(w->cli, why, error);
	cli_error(w->cli, "it is not through: the same command goes on where "
			  "this one ended, --restart begins anew");
	import_stop(w, code);
}

void import_on_again(void *arg)
{
	struct import_walk *w = arg;

	w->waiting = false;
	import_pump(w);
}

/* Everything rests until then. */
static void later(struct import_walk *w, const struct api_result *r)
{
	if (r->result != RESULT_RATE)
		w->failures++;
	if (w->failures >= GIVE_UP_AFTER) {
		import_give_up(w, r->result, r->error.text);
		return;
	}
	w->why =
		r->result == RESULT_RATE ? "Zendesk's rate limit" : "no answer";
	w->waiting = true;
	loop_timer_set(w->again, retry_delay_ms(r->result, w->failures,
						r->retry_after_ms, dice()));
}

/* ---- spans ---- */

struct import_span *import_span_new(struct import_walk *w)
{
	struct import_span *s = xcalloc(1, sizeof(*s));
	struct import_span **end = &w->spans;

	while (*end)
		end = &(*end)->next;
	*end = s;
	s->walk = w;
	return s;
}

void import_spans_free(struct import_walk *w)
{
	while (w->spans) {
		struct import_span *s = w->spans;

		w->spans = s->next;
		if (s->op)
			zendesk_cancel(s->op);
		loop_timer_free(s->timer);
		free(s);
	}
	w->open = 0;
}

void import_span_add_one(struct import_walk *w, size_t item)
{
	struct import_span *s = import_span_new(w);

	s->items[s->count++] = item;
	s->alone = true;
}

static void end_span(struct import_span *s, int state)
{
	s->state = state;
	s->walk->open--;
}

struct import_item *import_span_item(const struct import_span *s, size_t i)
{
	return &s->walk->items[s->items[i]];
}

void import_span_done(struct import_span *s)
{
	s->walk->failures = 0;
	end_span(s, SPAN_DONE);
	import_pump(s->walk);
}

void import_span_again(struct import_span *s, const struct api_result *r)
{
	end_span(s, SPAN_WAITING);
	if (!s->walk->waiting)
		later(s->walk, r);
}

/* Cut in two, or, if it is one row, over. */
static void refused(struct import_span *s, const struct api_result *r)
{
	struct import_walk *w = s->walk;

	if (s->count == 1) {
		import_item_end(&w->items[s->items[0]], IMPORT_REFUSED,
				r->call);
	} else {
		struct import_span *rest = import_span_new(w);

		while (rest->count < s->count / 2)
			rest->items[rest->count++] = s->items[--s->count];
		rest = import_span_new(w);
		while (s->count > 0)
			rest->items[rest->count++] = s->items[--s->count];
	}
	import_span_done(s);
}

void import_span_failed(struct import_span *s, const struct api_result *r)
{
	if (r->result == RESULT_AUTH && r->forbidden)
		import_give_up(s->walk, r->result,
			       "Zendesk refuses it (403): give reunite's "
			       "client or token the rights of an admin, and "
			       "the scopes users:read and users:write");
	else if (r->result == RESULT_AUTH)
		import_give_up(s->walk, r->result, r->error.text);
	else if (r->result == RESULT_TEMP || r->result == RESULT_RATE)
		import_span_again(s, r);
	else
		refused(s, r);
}

/* ---- going on ---- */

static void on_step(void *arg)
{
	struct import_walk *w = arg;

	w->stepping = false;
	if (!w->over)
		import_phase_done(w);
}

void import_pump(struct import_walk *w)
{
	bool left = false;

	for (struct import_span *s = w->spans; s && !w->over; s = s->next) {
		if (s->state == SPAN_WAITING && !w->waiting &&
		    w->open < SPANS_OPEN_MAX) {
			s->state = SPAN_OPEN;
			w->open++;
			w->ask(s);
		}
		left = left || s->state != SPAN_DONE;
	}
	if (left || w->over || w->stepping)
		return;
	w->stepping = true;
	loop_defer(w->loop, on_step, w);
}
