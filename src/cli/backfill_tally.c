/*
 * Counting decisions: see backfill_tally.h.
 */
#include "backfill_tally.h"

#include <stdlib.h>
#include <string.h>

#include "app/runner.h"
#include "base/json.h"
#include "base/str.h"

/* Requests that doing adds to those of deciding. */
enum {
	MERGE_CALLS = 3, /* merge, read back, pin */
	ADOPT_CALLS = 3, /* address, name, read back */
	REVIEW_CALLS = 2 /* tickets of both */
};

#define HOUR_MINUTES 60
#define DAY_MINUTES  (24 * HOUR_MINUTES)

void tally_release(struct tally *t)
{
	free(t->profiles);
	*t = (struct tally){.failed = 0};
}

static void add_profile(struct tally *t, uint64_t profile)
{
	if (t->profile_count == t->profile_cap) {
		t->profile_cap = t->profile_cap ? 2 * t->profile_cap : 64;
		t->profiles = xrealloc(t->profiles,
				       t->profile_cap * sizeof(uint64_t));
	}
	t->profiles[t->profile_count++] = profile;
}

static void add(struct tally *t, enum action action, enum reason reason,
		enum journal_status status, uint64_t profile, int64_t calls)
{
	t->calls += calls;
	if (status == JOURNAL_FAILED) {
		t->failed++;
		return;
	}
	t->count[action][reason]++;
	if (action == ACTION_MERGE)
		add_profile(t, profile);
}

void tally_add(struct tally *t, const struct journal_entry *e)
{
	if (e->action < TALLY_ACTIONS)
		add(t, e->action, e->reason, e->status, e->profile_id,
		    e->api_calls);
}

bool tally_add_line(struct tally *t, const struct json_t *line)
{
	const char *action = json_get_str(line, "action");
	const char *reason = json_get_str(line, "reason");
	const char *status = json_get_str(line, "status");
	enum journal_status s;
	enum action a;
	enum reason r;

	if (!action || !reason || !status || !action_parse(action, &a) ||
	    a >= TALLY_ACTIONS || !reason_parse(reason, &r) ||
	    !journal_status_parse(status, &s))
		return false;
	add(t, a, r, s, json_get_id(line, "profile_id"),
	    json_get_int(line, "api_calls", 0));
	return true;
}

int64_t tally_of(const struct tally *t, enum action action)
{
	int64_t n = 0;

	for (int r = 0; r < REASON_COUNT; r++)
		n += t->count[action][r];
	return n;
}

int64_t tally_total(const struct tally *t)
{
	int64_t n = t->failed;

	for (int a = 0; a < TALLY_ACTIONS; a++)
		n += tally_of(t, (enum action)a);
	return n;
}

static int compare_rows(const void *pa, const void *pb)
{
	const struct tally_row *a = pa, *b = pb;

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	if (a->action != b->action)
		return a->action < b->action ? 1 : -1;
	return (int)a->reason - (int)b->reason;
}

size_t tally_rows(const struct tally *t, struct tally_row out[TALLY_ROWS_MAX])
{
	size_t n = 0;

	for (int a = 0; a < TALLY_ACTIONS; a++)
		for (int r = 0; r < REASON_COUNT; r++)
			if (t->count[a][r] > 0)
				out[n++] = (struct tally_row){(enum action)a,
							      (enum reason)r,
							      t->count[a][r]};
	qsort(out, n, sizeof(out[0]), compare_rows);
	return n;
}

struct json_t *tally_encode_actions(const struct tally *t)
{
	static const enum action order[] = {ACTION_MERGE, ACTION_ADOPT,
					    ACTION_REVIEW, ACTION_REFUSE,
					    ACTION_NONE};
	struct json_t *v = json_new_obj();

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		json_set_int(v, action_name(order[i]), tally_of(t, order[i]));
	json_set_int(v, "failed", t->failed);
	return v;
}

struct json_t *tally_encode_reasons(const struct tally *t)
{
	struct tally_row rows[TALLY_ROWS_MAX];
	size_t n = tally_rows(t, rows);
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < n; i++) {
		struct json_t *v = json_new_obj();

		json_set_str(v, "action", action_name(rows[i].action));
		json_set_str(v, "reason", reason_code(rows[i].reason));
		json_set_int(v, "count", rows[i].count);
		json_push(list, v);
	}
	return list;
}

/* --- the estimate --- */

static int compare_ids(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return (*a > *b) - (*a < *b);
}

/* How many merges the profile has that has the most. */
static int64_t most_of_profile(struct tally *t)
{
	int64_t most = 0, run = 0;

	if (t->profile_count > 0)
		qsort(t->profiles, t->profile_count, sizeof(t->profiles[0]),
		      compare_ids);
	for (size_t i = 0; i < t->profile_count; i++) {
		bool same = i > 0 && t->profiles[i] == t->profiles[i - 1];

		run = same ? run + 1 : 1;
		most = run > most ? run : most;
	}
	return most;
}

/* So many places open at once, and as many again a window later; -1: never. */
static int64_t windows(int64_t count, int64_t places, int64_t minutes)
{
	if (count <= 0)
		return 0;
	return places > 0 ? (count - 1) / places * minutes : -1;
}

static int64_t longest(const struct estimate *e)
{
	int64_t calls =
		(e->calls + e->calls_per_minute - 1) / e->calls_per_minute;
	int64_t hours = windows(e->links, e->links_per_hour, HOUR_MINUTES);
	int64_t days =
		windows(e->most_of_profile, e->per_profile_day, DAY_MINUTES);

	if (hours < 0 || days < 0)
		return -1;
	if (calls < hours)
		calls = hours;
	return calls < days ? days : calls;
}

void tally_estimate(struct tally *t, const struct policy_rules *rules,
		    int64_t pages, int64_t calls_per_minute,
		    struct estimate *out)
{
	int64_t merges = tally_of(t, ACTION_MERGE);
	int64_t adopts = tally_of(t, ACTION_ADOPT);

	*out = (struct estimate){
		.calls = pages + t->calls + MERGE_CALLS * merges +
			 ADOPT_CALLS * adopts +
			 REVIEW_CALLS * tally_of(t, ACTION_REVIEW),
		.calls_per_minute = calls_per_minute > 0 ? calls_per_minute : 1,
		.links = merges + adopts,
		.links_per_hour = run_hour_limit(rules, LANE_BACKFILL),
		.most_of_profile = most_of_profile(t),
		.per_profile_day = rules->max_merges_per_profile,
	};
	out->minutes = longest(out);
}
