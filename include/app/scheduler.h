/*
 * When: claims due jobs, account by account, and keeps as many runs going as
 * the account's limits allow.
 *
 * An account for which an API does not work is held (core/hold.h): one run at
 * a time, at most one a minute in the end that meets the trouble, until an
 * answer says otherwise. A paused account is left alone. Lanes come from the
 * claim (live before review before backfill).
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_SCHEDULER_H
#define REUNITE_APP_SCHEDULER_H

#include "app/runner.h"

#define SCHEDULER_RUNS_MAX 16 /* under way, per account */

struct scheduler;
/* A person began to wait, or does no longer; a hint for intake. */
typedef void scheduler_watch_fn(const char *account, const char *sunco_id,
				bool waits, void *arg);

/* A run of the account took a place of the breaker, or found none. */
typedef void scheduler_place_fn(const char *account, void *arg);

/* A run left a note that is due now. */
typedef void scheduler_noted_fn(const char *account, void *arg);

struct scheduler *scheduler_new(struct loop *loop, struct storeq *q,
				struct lease_keeper *leases,
				struct crypto_hmac *hmac,
				scheduler_watch_fn *watch, void *arg);
/* For its runs; borrowed. */
void scheduler_set_hearsay(struct scheduler *s, struct hearsay *h);
/* NULL: nobody wants to know. */
void scheduler_on_noted(struct scheduler *s, scheduler_noted_fn *fn, void *arg);
/* Drops what runs, as a crash would. */
void scheduler_free(struct scheduler *s);
/* api and config: borrowed until replaced or removed. A name that is known
 * gets the new ones for its next runs, and a hold is tried again at once. */
void scheduler_set_account(struct scheduler *s,
			   const struct account_config *config,
			   struct api_client *api);
/* Claims no more of it; what runs goes on. */
void scheduler_stop_account(struct scheduler *s, const char *account);
/* An account's row was read, because others may have changed it. */
typedef void scheduler_row_fn(const char *account,
			      const struct store_account *row, void *arg);
void scheduler_on_row(struct scheduler *s, scheduler_row_fn *fn, void *arg);
void scheduler_on_place(struct scheduler *s, scheduler_place_fn *fn, void *arg);
/* Something became due: claims soon. NULL: for every account. */
void scheduler_wake(struct scheduler *s, const char *account);
/* Events of the account have just been given to the same queue of the store:
 * what they wake is claimed right behind them, in their transaction as a rule.
 * False: not so; scheduler_wake() when it is known that they woke somebody. */
bool scheduler_claim_along(struct scheduler *s, const char *account);
/* The wall clock was set: runs under way keep theirs. */
void scheduler_clock_set(struct scheduler *s, int64_t by_ms);
/* The same of a store's own clock. What others were leased by the old one does
 * not end before its time: for a while take-over waits longer by as much. */
void scheduler_store_clock_set(struct scheduler *s, int64_t by_ms);
/* Claims nothing any more; done once the last run has ended. */
void scheduler_drain(struct scheduler *s, loop_fn *done, void *arg);
size_t scheduler_runs(const struct scheduler *s); /* under way */
/* Does a run still borrow one of these? */
bool scheduler_borrows(const struct scheduler *s,
		       const struct account_config *configs, size_t count);
/* A person paused it, as last seen in the store. */
bool scheduler_paused(const struct scheduler *s, const char *account);

#endif
