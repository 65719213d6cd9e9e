/*
 * What is said of a sweep: its walks, and why one came to a stand.
 */
#include "sweeper_int.h"

#include "base/str.h"

const char *const sweep_names[WALK_COUNT] = {"tickets", "users",
					     STORE_WALK_NAME};
const char *const sweep_walks[] = {"tickets", "users", NULL};

static const struct sweep_why whys[] = {
	{"forbidden",
	 "Zendesk refuses incremental exports to these credentials",
	 "exports need an admin's role (and, for tickets, the scope "
	 "tickets:read); then reload the daemon"},
	{"credentials", "Zendesk does not accept the credentials",
	 "mend the credentials, then reload the daemon"},
	{"unreachable", "Zendesk does not answer as it should", NULL},
	{"rate_limit", "the request limit is used up", NULL},
	{"backlog", "many that were found wait to be looked at", NULL},
	{"cursor_refused", "Zendesk does not know the place any more", NULL},
	{"refused", "Zendesk refuses the request",
	 "see sweep_failed in the daemon's log"},
	{"store", "the store does not take it",
	 "see store_failed in the daemon's log, and reunite doctor"},
};

bool sweep_is_walk(const char *name)
{
	for (size_t i = 0; sweep_walks[i]; i++)
		if (str_eq(name, sweep_walks[i]))
			return true;
	return false;
}

const struct sweep_why *sweep_why_find(const char *word)
{
	static const struct sweep_why other = {"other", "it failed", NULL};

	for (size_t i = 0; i < ARRAY_LEN(whys); i++)
		if (str_eq(word, whys[i].word))
			return &whys[i];
	return &other;
}

int64_t sweep_done_ms(const struct store_cursor_row *rows, size_t count)
{
	int64_t first_ms = INT64_MAX;

	for (size_t w = 0; sweep_walks[w]; w++) {
		int64_t done_ms = 0;

		for (size_t i = 0; i < count; i++)
			if (str_eq(rows[i].name, sweep_walks[w]))
				done_ms = rows[i].done_ms;
		if (done_ms < first_ms)
			first_ms = done_ms;
	}
	return first_ms;
}

#define LATE_MS (10 * 60 * 1000)

bool sweep_is_late(int64_t every_ms, int64_t done_ms, int64_t now_ms)
{
	return every_ms > 0 && done_ms > 0 &&
	       now_ms - done_ms > 2 * every_ms + LATE_MS;
}
