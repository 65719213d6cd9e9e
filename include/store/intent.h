/*
 * STORE_INTENT and STORE_STEP: a change is written down before it is sent. See
 * store.h, which includes this.
 */
#ifndef REUNITE_STORE_INTENT_H
#define REUNITE_STORE_INTENT_H

#include <stdint.h>

#include "core/journal.h"

struct store_intent {
	int64_t job_id;
	int64_t token;
	uint64_t users[2]; /* locked; 0 = unused */
	int64_t now_ms;
	int64_t lock_until_ms;
	const struct journal_entry *entry; /* status pending */
	const char *progress;
	int64_t max_per_hour; /* INT64_MAX: not asked */
	int64_t max_per_profile;
	/* Only merges and adopts take a place of the breaker; it counts for
	 * less than an hour (for the profile: a day), and only from the moment
	 * on at which a person last closed the breaker. The job names
	 * the entry (journal_id) until a settle finishes it.
	 * out; RESULT_CONFLICT: a lock is held by another job;
	 * RESULT_RATE: the breaker is open, the counts say which */
	int64_t journal_id;
	int64_t merges_this_hour;
	int64_t merges_into_profile_today;
	int64_t place_ms; /* RESULT_RATE: when to ask again; INT64_MAX: never */
};

struct store_step {
	int64_t job_id;
	int64_t token;
	const char *progress;
	int64_t journal_id;
	enum journal_status status;
	int64_t now_ms;
};

#endif
