/*
 * Shared by sweeper.c (which walk is due, and an account's life) and
 * sweeper_page.c (one page after the other, until a walk is given back).
 */
#ifndef REUNITE_APP_SWEEPER_INT_H
#define REUNITE_APP_SWEEPER_INT_H

#include "api/zendesk.h"
#include "app/people.h"
#include "app/seen.h"
#include "app/sweeper.h"

/* In this order: a ticket tells whose agent is to be told, too. */
enum walk { WALK_TICKETS, WALK_USERS, WALK_HISTORY, WALK_COUNT };
#define WALK_SWEEPS WALK_HISTORY /* the walks before are those of sweeps */
extern const char *const sweep_names[WALK_COUNT];

/* The diagram is in sweeper.c. */
enum sweeping { REST, CLAIM, PAGE, MANY, KEEP, BACK };

/* One of an account's walks, for as long as the process lives. */
struct sweep_walk {
	int64_t next_ms; /* wall; when to claim it again */
	int64_t done_ms; /* when it was at its end last, as far as known */
	int failures;	 /* in a row */
	int rewinds;	 /* places that were refused, since the last end */
	int shrunk;	 /* pages are so many times halved */
	int good;	 /* pages in a row since then */
	const char *why; /* it stands still, as told; NULL: it does not */
	bool tried;	 /* in this life */
};

struct sweep_account {
	struct sweeper *s;
	char name[ACCOUNT_SIZE];
	enum sweeping state;
	enum walk walk; /* that is claimed, or put back */
	bool again;	/* there was a reload meanwhile */
	struct sweep_walk walks[WALK_COUNT];
	struct store_op op;
	bool storing;
	struct zendesk_op *call;
	struct loop_timer *timer;
	int64_t token; /* of the lease */
	/* the page under way */
	int64_t since_ms;
	char *cursor; /* where it began; NULL: at since_ms; *owned* */
	char *after;  /* where the next one begins; *owned* */
	bool end;
	size_t scanned;
	int64_t first_ms;
	struct people people;
	struct seen seen;
	struct zendesk_ticket *tickets; /* newest of each requester; *owned* */
	size_t ticket_count, ticket_next;
	/* since the claim, for the log */
	struct {
		int64_t pages, scanned, found, woken;
	} sum;
};

struct sweeper {
	struct loop *loop;
	struct engine *engine;
	struct sweep_account **accounts;
	size_t account_count;
	int64_t begun_boot_ms;
	bool only_history;
	bool draining;
	bool freed; /* the store still holds an op */
	loop_fn *drained;
	void *drained_arg;
};

/* sweeper.c: for how long a page may take. */
#define SWEEP_LEASE_MS	 (5 * 60 * 1000)
#define SWEEP_CROWD	 2000  /* finds that may wait to be looked at, */
#define SWEEP_BACKLOG_MS 60000 /* or it stands still for so long */
/* History is in no hurry, and must not hold up a sweep's finds by its own; its
 * finds are looked at by the hundred, so it asks again soon. */
#define HISTORY_CROWD	   400
#define HISTORY_BACKLOG_MS 1000

/* NULL: it is gone, or its walk is not wanted any more. */
const struct account_config *sweeper_config(const struct sweep_account *a);
/* How long a walk rests at its end: so long at least that both of them, and
 * somebody else, get along with ten exports a minute without a jam. */
#define SWEEP_LEAST_MS 15000
static inline int64_t sweeper_every_ms(const struct account_config *c)
{
	return c->sweep_every_ms > SWEEP_LEAST_MS ? c->sweep_every_ms
						  : SWEEP_LEAST_MS;
}
/* Nothing is under way; the next walk when it is due. */
void sweeper_rest(struct sweep_account *a);
/* The store gave the op back; false: the sweeper was freed meanwhile, and
 * with it, perhaps, a. */
bool sweeper_returned(struct sweep_account *a);
/* The walk goes back to the store. why: a word of sweep_why, NULL: none. */
void sweeper_back(struct sweep_account *a, const char *why, int64_t delay_ms,
		  bool rewind);

/* So many of its finds may wait; and as many do. */
int64_t sweeper_crowd(const struct sweep_account *a);
void sweeper_crowded(struct sweep_account *a);
/* For the gauge: all that changed until then was seen, by whichever daemon. */
void sweeper_show_done(const struct sweep_account *a);

/* sweeper_page.c: it stands still, and that is told once. */
void sweeper_stand(struct sweep_account *a, const char *why, int64_t delay_ms);
/* The walk was claimed, since_ms and cursor are where it
 * goes on. Ends in sweeper_back() or sweeper_rest(). */
void sweeper_page(struct sweep_account *a);
void sweeper_page_release(struct sweep_account *a);

#endif
