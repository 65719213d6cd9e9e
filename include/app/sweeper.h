/*
 * What webhooks missed: both providers give up on them in time. Every
 * sweep_every it reads which users and which messaging tickets changed
 * (incremental exports, two requests when nothing did), and hands the people
 * to the store, which wakes whom no job has seen.
 *
 * It begins half a minute after the start (sweep_every, if less), since
 * providers still deliver again what they could not, and after a reload, and
 * goes on from where it came to, however long ago that was; the first time
 * ever from sweep_every ago, at least an hour: what is older is backfill's.
 * Nothing is left alone until its page is stored. It waits while many of its
 * finds wait to be looked at, and while the account is paused or held. What
 * it fails at holds up nobody else.
 *
 * The walk over all of history (`backfill`) is done by the same machine, a page
 * at a time between those, when a person has started it: store/cursor.h.
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_SWEEPER_H
#define REUNITE_APP_SWEEPER_H

#include "app/engine.h"

struct sweeper;
/* Freed before the engine. */
struct sweeper *sweeper_new(struct loop *loop, struct engine *engine);
/* Of that walk alone; for a command. */
struct sweeper *sweeper_new_walk(struct loop *loop, struct engine *engine);
/* A person may have started it, or wants it to go on: looks at once. */
void sweeper_wake(struct sweeper *s);
/* Drops what is under way, as a crash would. NULL is allowed. */
void sweeper_free(struct sweeper *s);
/* Accounts, intervals, credentials may be others: looks at once. */
void sweeper_reloaded(struct sweeper *s);
/* Begins no more pages; done once the cursors are given back. */
void sweeper_drain(struct sweeper *s, loop_fn *done, void *arg);

/* The names of its walks in the store; NULL behind the last. */
extern const char *const sweep_walks[];
bool sweep_is_walk(const char *name);
/* Why a walk came to a stand, by the word that the store keeps. */
struct sweep_why {
	const char *word;
	const char *text; /* for people */
	const char *mend; /* what to do; NULL: wait */
};
const struct sweep_why *sweep_why_find(const char *word); /* never NULL */
/* When all walks were at their end last; 0: one never was. */
int64_t sweep_done_ms(const struct store_cursor_row *rows, size_t count);
/* The next one should have ended long ago. */
bool sweep_is_late(int64_t every_ms, int64_t done_ms, int64_t now_ms);

#endif
