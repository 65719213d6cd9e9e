/*
 * What the store says of the walk over all of history, read now and then by
 * who started it, or asks.
 */
#ifndef REUNITE_CLI_BACKFILL_WATCH_H
#define REUNITE_CLI_BACKFILL_WATCH_H

#include "app/config.h"
#include "backfill_tally.h"
#include "progress.h"
#include "store/store.h"

struct watch {
	struct store *store;		     /* borrowed */
	const struct account_config *config; /* borrowed */
	/* as last read */
	bool there; /* it was ever begun */
	struct store_cursor_row row;
	struct store_stats stats; /* the hour, as far as it is backfill's */
	bool paused;
	bool held;	  /* the account; why is in the row or the log */
	int64_t moved_ms; /* when something was other than before */
	/* of the journal, since the walk began */
	struct tally tally;
	int64_t after_id;
};
void watch_init(struct watch *w, struct store *store,
		const struct account_config *config);
void watch_release(struct watch *w);
/* The state of things; and, unless only that is wanted, what was decided
 * since the last call: up to the first that is under way, at the end of all
 * those, too. */
enum watch_what { WATCH_STATE, WATCH_DECIDED, WATCH_END };
MUST_CHECK enum result watch_read(struct watch *w, enum watch_what what,
				  int64_t now_ms);
/* Everybody was found, or enough, and everybody who was is through. */
bool watch_is_over(const struct watch *w);
/* "going", "stopped", ..., a word. */
const char *watch_state(const struct watch *w);
/* Why nothing goes on, for people; "" if it does. */
void watch_why(const struct watch *w, int64_t now_ms,
	       char out[PROGRESS_NOTE_SIZE]);

#endif
