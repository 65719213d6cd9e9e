/*
 * Windows and states of the walk: see import_walk.h.
 */
#include "import_walk.h"

#include <signal.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"

#define REREAD_MAX    25 /* users whose identities fit into one answer */
#define TICK_MS	      200
#define VERIFY_ROUNDS 5
#define VERIFY_GAP_MS 1000

static const struct {
	void (*ask)(struct import_span *s);
	size_t max; /* rows of a span */
} phases[IMPORT_PHASES] = {
	[IMPORT_HOLDERS] = {import_ask_holders, ZENDESK_MANY_MAX},
	[IMPORT_OWNERS] = {import_ask_owners, ZENDESK_SEARCH_MANY_MAX},
	[IMPORT_REREAD] = {import_ask_reread, REREAD_MAX},
	[IMPORT_SEND] = {import_ask_send, ZENDESK_MANY_MAX},
	[IMPORT_VERIFY] = {import_ask_verify, ZENDESK_MANY_MAX},
};

/* ---- phases ---- */

static const char *value_of(const struct import_walk *w, size_t i)
{
	const struct import_row *row = &w->items[i].row;

	return w->phase == IMPORT_OWNERS ? row->address : row->external_id;
}

static bool goes_alone(const struct import_walk *w, size_t i)
{
	if (w->phase == IMPORT_OWNERS)
		return w->one_by_one;
	return w->phase == IMPORT_HOLDERS &&
	       !zendesk_many_allows(w->items[i].row.external_id);
}

static void make_spans(struct import_walk *w)
{
	struct import_span *s = NULL;
	size_t bytes = 0;

	import_spans_free(w);
	for (size_t i = 0; i < w->count; i++) {
		size_t cost = zendesk_many_cost(value_of(w, i));
		bool alone;

		if (!w->items[i].open)
			continue;
		alone = goes_alone(w, i);
		if (!s || alone || s->count == phases[w->phase].max ||
		    bytes + cost > ZENDESK_MANY_BYTES_MAX) {
			s = import_span_new(w);
			bytes = 0;
		}
		s->items[s->count++] = i;
		bytes += cost;
		if (alone)
			s = NULL;
	}
}

static void begin_phase(struct import_walk *w, enum import_phase phase)
{
	w->phase = phase;
	w->ask = phases[phase].ask;
	make_spans(w);
	import_pump(w);
}

/* Two addresses of one user, each with an external id of its own: the first
 * one gets it, as far as anybody remembers. */
static void look_for_same_user(struct import_walk *w, struct import_item *i)
{
	uint64_t id = import_file_hash_id(i->row.external_id);
	struct twin *t = twin_table_find(&w->users, i->row.user);

	if (i->row.outcome != IMPORT_SET)
		return;
	if (t && t->partner != id) {
		i->row.other_line = t->first;
		import_item_end(i, IMPORT_USER_TWICE, "");
	} else if (!t && w->users.count < TWINS_SEEN_MAX) {
		t = twin_table_put(&w->users, i->row.user);
		t->partner = id;
		t->first = i->row.line;
	}
}

/* Set by an earlier life of this command, which did not live to say so. */
static void look_for_earlier(struct import_walk *w, struct import_item *i)
{
	if (i->row.outcome == IMPORT_ALREADY &&
	    import_report_intended(&w->report, i->row.user))
		i->row.outcome = IMPORT_SET;
}

static bool intend(struct import_walk *w)
{
	uint64_t users[IMPORT_WINDOW];
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].open)
			users[n++] = w->items[i].row.user;
	if (n == 0 || import_report_intend(&w->report, users, n))
		return true;
	import_stop(
		w, cli_error(w->cli, "cannot write %s", w->report.file.resume));
	return false;
}

/* Who is in the midst of a merge is left to it. False: the store failed. */
static bool lock_users(struct import_walk *w)
{
	struct error err = {.text = ""};
	uint64_t users[IMPORT_WINDOW];
	size_t n = 0;

	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].open)
			users[n++] = w->items[i].row.user;
	if (import_lock_take(&w->lock, users, n, loop_wall_ms(w->loop), &err) !=
	    RESULT_OK) {
		import_give_up(w, RESULT_TEMP, err.text);
		return false;
	}
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].open &&
		    !import_lock_has(&w->lock, w->items[i].row.user))
			import_item_end(&w->items[i], IMPORT_BUSY, "");
	return true;
}

static void window_done(struct import_walk *w);
static void next_window(struct import_walk *w);

static void on_verify_again(void *arg)
{
	struct import_walk *w = arg;

	w->waiting = false;
	begin_phase(w, IMPORT_VERIFY);
}

/* What does not show yet is looked at again, but not for ever. */
static void verified(struct import_walk *w)
{
	size_t left = 0;

	for (size_t i = 0; i < w->count; i++)
		left += w->items[i].open;
	if (left > 0 && ++w->rounds < VERIFY_ROUNDS) {
		w->waiting = true;
		loop_timer_set(w->reverify, w->rounds * VERIFY_GAP_MS);
		return;
	}
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].open)
			import_item_end(&w->items[i], IMPORT_REFUSED,
					"not_set");
	window_done(w);
}

void import_phase_done(struct import_walk *w)
{
	switch (w->phase) {
	case IMPORT_HOLDERS:
		begin_phase(w, IMPORT_OWNERS);
		break;
	case IMPORT_OWNERS:
		for (size_t i = 0; i < w->count; i++) {
			look_for_same_user(w, &w->items[i]);
			look_for_earlier(w, &w->items[i]);
		}
		if (!w->apply)
			window_done(w);
		else if (lock_users(w))
			begin_phase(w, IMPORT_REREAD);
		break;
	case IMPORT_REREAD:
		for (size_t i = 0; i < w->count; i++)
			look_for_earlier(w, &w->items[i]);
		if (intend(w))
			begin_phase(w, IMPORT_SEND);
		break;
	case IMPORT_SEND:
		w->rounds = 0;
		begin_phase(w, IMPORT_VERIFY);
		break;
	default:
		verified(w);
		break;
	}
}

/* ---- windows ---- */

static void print_row(struct import_walk *w, const struct import_item *i)
{
	const struct import_row *row = &i->row;
	struct json_t *v = json_new_obj();

	json_set_int(v, "line", row->line);
	json_set_str(v, "outcome", import_outcome_name(row->outcome, w->apply));
	json_set_id(v, "user_id", row->user);
	json_set_id(v, "other_user_id", row->other_user);
	json_set(v, "other_line",
		 row->other_line ? json_new_int(row->other_line)
				 : json_new_null());
	json_set_str(v, "note", i->note[0] ? i->note : NULL);
	if (w->cli->personal) {
		json_set_str(v, "email", row->address);
		json_set_str(v, "external_id", row->external_id);
	}
	cli_json(w->cli, v);
}

static void report_item(struct import_walk *w, const struct import_item *i)
{
	enum import_class class = import_outcome_class(i->row.outcome);

	import_report_add(&w->report, &i->row, i->note);
	if (class != IMPORT_TODO && class != IMPORT_FINE &&
	    w->odd_count < IMPORT_ODD_MAX)
		w->odd[w->odd_count++] = i->row;
}

static void window_done(struct import_walk *w)
{
	import_lock_drop(&w->lock);
	for (size_t i = 0; i < w->count; i++)
		report_item(w, &w->items[i]);
	if (!w->asked) {
		w->report.place = w->behind; /* kept with a later one */
	} else if (!import_report_keep(&w->report, &w->behind)) {
		import_stop(w, cli_error(w->cli, "cannot write %s",
					 w->report.file.part));
		return;
	}
	for (size_t i = 0; i < w->count && w->cli->json; i++)
		print_row(w, &w->items[i]);
	w->count = 0;
	next_window(w);
}

static enum csv_got read_window(struct import_walk *w, struct error *err)
{
	enum csv_got got = CSV_RECORD;

	w->asked = false;
	for (w->count = 0; w->count < IMPORT_WINDOW; w->count++) {
		struct import_item *i = &w->items[w->count];

		*i = (struct import_item){.open = false};
		got = import_file_next(&w->file, &i->row, err);
		if (got != CSV_RECORD)
			break;
		i->open = i->row.outcome == IMPORT_UNKNOWN;
		w->asked = w->asked || i->open;
	}
	w->behind = import_file_place(&w->file);
	return got;
}

static void next_window(struct import_walk *w)
{
	struct error err = {.text = ""};

	if (read_window(w, &err) == CSV_BROKEN)
		import_stop(w,
			    cli_error(w->cli, "the file changed meanwhile: %s",
				      err.text));
	else if (w->count == 0)
		import_stop(w, CLI_DONE);
	else
		begin_phase(w, IMPORT_HOLDERS);
}

/* ---- life ---- */

static void show(struct import_walk *w)
{
	const int64_t *counts = w->report.counts;
	int64_t of_class[IMPORT_FAILED + 1] = {0};
	char note[PROGRESS_NOTE_SIZE];

	for (int o = 0; o < IMPORT_COUNT; o++)
		of_class[import_outcome_class((enum import_outcome)o)] +=
			counts[o];
	snprintf(note, sizeof(note),
		 "%lld %s, %lld already, %lld unknown, %lld conflicts%s%s",
		 (long long)of_class[IMPORT_TODO], w->apply ? "set" : "to set",
		 (long long)of_class[IMPORT_FINE],
		 (long long)of_class[IMPORT_MISSED],
		 (long long)of_class[IMPORT_CONFLICT],
		 w->waiting && w->why ? "; waits: " : "",
		 w->waiting && w->why ? w->why : "");
	progress_show(&w->progress, w->report.rows, w->file.rows, note,
		      loop_now_ms(w->loop));
}

static void on_tick(void *arg)
{
	struct import_walk *w = arg;

	show(w);
	import_lock_renew(&w->lock, loop_wall_ms(w->loop));
	loop_timer_set(w->tick, TICK_MS);
}

static void on_signal(void *arg)
{
	struct import_walk *w = arg;

	if (w->over)
		return;
	progress_clear(&w->progress);
	import_stop(w, cli_error(w->cli,
				 "stopped; the same command goes on with %s",
				 w->report.file.part));
}

static void start(void *arg)
{
	struct import_walk *w = arg;

	on_tick(w);
	next_window(w);
}

int import_walk_run(struct import_walk *w)
{
	w->again = loop_timer_new(w->loop, import_on_again, w);
	w->reverify = loop_timer_new(w->loop, on_verify_again, w);
	w->tick = loop_timer_new(w->loop, on_tick, w);
	w->signals[0] = loop_signal_new(w->loop, SIGINT, on_signal, w);
	w->signals[1] = loop_signal_new(w->loop, SIGTERM, on_signal, w);
	progress_init(&w->progress, w->cli->err);
	loop_defer(w->loop, start, w);
	loop_run(w->loop);
	import_spans_free(w);
	import_lock_drop(&w->lock);
	for (size_t i = 0; i < ARRAY_LEN(w->signals); i++)
		loop_signal_free(w->signals[i]);
	loop_timer_free(w->again);
	loop_timer_free(w->reverify);
	loop_timer_free(w->tick);
	twin_table_release(&w->users);
	return w->exit_code;
}
