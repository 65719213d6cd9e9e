/*
 * Walks through people: what webhooks missed ("users", "tickets"), all of
 * history ("backfill"). See store.h, which includes this.
 *
 * A cursor is one row an account and name. Of all who share the store one
 * goes on with it: whoever has claimed it, until its lease ends. A page's
 * people and the place behind the page are stored in one transaction, so a
 * page is seen again after a crash, never missed; whoever was found twice is
 * known by then.
 *
 *	(none) --claim--> going --found--> going ... --found, end--> done
 *	                    ^   --put back: failed, or later-->        |
 *	                    +---------- claim, every_ms later ---------+
 *
 * The walk over all of history ("backfill") goes only when a person says so,
 * and then once:
 *
 *	(none), done --start--> going ... done
 *	                        |  ^ |
 *	        stop: stopped <-+  | +-> full: as many woken as were asked for
 *	              +--- start --+-------+
 *
 * Whom it has woken and who has not begun yet rests while it is stopped.
 */
#ifndef REUNITE_STORE_CURSOR_H
#define REUNITE_STORE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/journal.h"

struct store_sighting;

#define STORE_CURSOR_NAME_SIZE 16
/* A look so shortly after a change may have been one before it: clocks
 * differ. */
#define STORE_LOOK_MARGIN_MS 10000

struct store_cursor_row {
	char account[ACCOUNT_SIZE];
	char name[STORE_CURSOR_NAME_SIZE];
	bool done;	    /* it came to the end; else it is on its way */
	bool stopped, full; /* or rests: see above */
	bool leased;	    /* somebody is at it */
	int64_t since_ms;   /* every change until then was seen */
	char *cursor;	    /* the API's own; NULL: from since_ms on; *owned* */
	int64_t due_ms;	    /* not before; of one that failed, or waits */
	int64_t started_ms; /* the first claim ever */
	int64_t moved_ms;   /* the last page; 0: none yet */
	int64_t done_ms;    /* when it came to the end last; 0: never */
	char *failure;	    /* one line, of the last attempt; NULL; *owned* */
	int64_t total;	    /* to be expected; 0: not known */
	int64_t scanned, found, woken; /* since the first claim */
	int64_t woken_max;	       /* 0: no limit */
	/* STORE_CURSORS, of "backfill": whom it has woken and who is not
	 * through; of them, who may run */
	int64_t unfinished, ready;
};
void store_cursor_row_release(struct store_cursor_row *r);
/* Of "backfill", of which everything was read: "going"; "finishing", while who
 * was found is not through; "stopped", "limit", "done". NULL: "never". */
const char *store_walk_state(const struct store_cursor_row *r);

struct store_cursor { /* STORE_CURSOR: claim it, or put it back */
	const char *account;
	const char *name;
	int64_t now_ms;
	enum { STORE_CURSOR_CLAIM, STORE_CURSOR_BACK } what;
	/* claim; not while the account is paused or held */
	int64_t since_ms; /* where a new one begins */
	int64_t every_ms; /* so long it rests at the end */
	int64_t lease_ms;
	int64_t crowd;	   /* jobs that wait in the backfill lane: enough */
	int64_t begun_ms;  /* when a process began that has not had it yet:
			    * what failed, or was done before then, does not
			    * rest; 0: it has had it */
	bool started_only; /* of one that a person started, and that goes */
	/* put back: RESULT_CONFLICT when the lease is not ours any more */
	int64_t token;	     /* out of a claim */
	const char *failure; /* one line; NULL: none */
	int64_t due_ms;
	bool rewind; /* its cursor is no good: from since_ms on */
	/* out of a claim */
	bool mine;
	bool halted;		     /* the account is paused or held */
	bool crowded;		     /* claimed, but enough wait as it is */
	int64_t next_ms;	     /* not mine: when to ask again */
	struct store_cursor_row row; /* of mine or not; raw if there is none */
};

/* Somebody who talks to us: a messaging identity of a Zendesk user. */
struct store_person {
	char sunco_id[SUNCO_ID_SIZE];
	uint64_t zendesk_user_id;
	uint64_t ticket_id; /* of the conversation; 0: not known */
	int64_t changed_ms; /* by Zendesk's clock */
};

/*
 * STORE_FOUND: a page. RESULT_CONFLICT: the lease is not ours any more, and
 * nothing was stored. Known, and left alone, is
 * - who is linked to this user: not longer ago than recheck_ms, or to the
 *   profile of a merge of ours;
 * - whose user was merged away since;
 * - whose job waits, is due or runs, and knows this user (not for a sweep if
 *   only history had them in mind: that may have been stopped, or will be);
 * - whose job knows this user and looked after the change;
 * - whom a job of the Zendesk user is about to meet.
 * Everybody else is woken, as an event would, in the backfill lane.
 *
 * Of EVENT_FROM_BACKFILL a job has looked when it did so since the walk began:
 * what was decided before, by other rules perhaps, is decided again. When
 * woken_max is reached the page stays unseen and the walk is full.
 */
struct store_found {
	const char *account;
	const char *name;
	int64_t token;
	int64_t now_ms;
	int64_t lease_ms; /* from now on */
	const struct store_person *people;
	size_t count;
	size_t scanned;	    /* what was in the page */
	const char *cursor; /* behind it; NULL: none, at the end only */
	int64_t since_ms;   /* every change until then was seen */
	bool end;	    /* for now */
	enum event_source source;
	int64_t wait_ms;
	int64_t recheck_ms;
	int64_t crowd;
	/* whose addresses the page showed; optional */
	const struct store_sighting *sightings;
	size_t sighting_count;
	/* out */
	int woken;
	int noted; /* notes that got their ticket */
	bool crowded;
	bool full;
};

/* STORE_WALK: a person starts or stops the walk over all of history. */
#define STORE_WALK_NAME "backfill"
struct store_walk {
	const char *account;
	int64_t now_ms;
	bool stop;
	/* start: one that is not through goes on as it is; one that is full
	 * gets more when all of its finds are through; else a new one begins,
	 * and with anew in any case. */
	bool anew;
	int64_t since_ms;
	int64_t woken_max; /* more than were woken so far; 0: no limit */
	int64_t total;
	/* out */
	bool was_going; /* there was one under way */
	bool resumed;	/* start: it had been begun before */
	int64_t parked; /* stop: jobs that rest now; start: that go on */
};

#define STORE_CURSORS_MAX 64
struct store_cursors {	     /* STORE_CURSORS: a list, by account and name */
	const char *account; /* NULL: all */
	int64_t now_ms;
	struct store_cursor_row *rows; /* out, *owned* */
	size_t count;
};

#endif
