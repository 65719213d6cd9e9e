/*
 * What a walk over all of history came to, or would: decisions by action and
 * reason, and an estimate of what doing them takes. Pure.
 */
#ifndef REUNITE_CLI_BACKFILL_TALLY_H
#define REUNITE_CLI_BACKFILL_TALLY_H

#include "core/journal.h"

#define TALLY_ACTIONS (ACTION_ADOPT + 1) /* those that are decided */

struct tally {
	int64_t count[TALLY_ACTIONS][REASON_COUNT]; /* that ended well */
	int64_t failed;
	int64_t calls;	    /* of Zendesk's, as the entries say */
	uint64_t *profiles; /* *owned*: of every merge */
	size_t profile_count, profile_cap;
};
void tally_release(struct tally *t);
void tally_add(struct tally *t, const struct journal_entry *e);
/* A line of a report; false: it is none. */
bool tally_add_line(struct tally *t, const struct json_t *line);
int64_t tally_total(const struct tally *t); /* failed ones included */
int64_t tally_of(const struct tally *t, enum action action);

/* What doing it takes. */
struct estimate {
	int64_t calls; /* to Zendesk, deciding included */
	int64_t calls_per_minute;
	int64_t links; /* merges and adopts */
	int64_t links_per_hour;
	int64_t most_of_profile; /* merges that go into one profile */
	int64_t per_profile_day;
	int64_t minutes; /* the longest of all that; -1: never */
};
/* rules: the account's; pages: requests of the walk itself. */
void tally_estimate(struct tally *t, const struct policy_rules *rules,
		    int64_t pages, int64_t calls_per_minute,
		    struct estimate *out);

/* {"merge": 3, ...} and [{"action", "reason", "count"}, ...], the most first:
 * *new* */
struct json_t *tally_encode_actions(const struct tally *t);
struct json_t *tally_encode_reasons(const struct tally *t);

/* Rows by action and reason, the most first. */
struct tally_row {
	enum action action;
	enum reason reason;
	int64_t count;
};
#define TALLY_ROWS_MAX (TALLY_ACTIONS * REASON_COUNT)
size_t tally_rows(const struct tally *t, struct tally_row out[TALLY_ROWS_MAX]);

#endif
