/*
 * What the files of the scheduler share.
 */
#ifndef REUNITE_APP_SCHEDULER_INT_H
#define REUNITE_APP_SCHEDULER_INT_H

#include "app/scheduler.h"

#define SCHED_IDLE_MS 30000 /* between two looks at all accounts */

struct sched_account {
	struct scheduler *s;
	char name[ACCOUNT_SIZE];
	const struct account_config *config;
	struct api_client *api;
	struct run *runs[SCHEDULER_RUNS_MAX];
	size_t run_count;
	struct loop_timer *timer;
	struct store_op claim;
	int64_t claimed_ms; /* loop_boot_ms() when it was asked for */
	bool claiming;
	bool dirty; /* woken while the claim was under way */
	struct store_op row;
	bool asking;  /* row is the store's */
	bool ask_row; /* it was not read: ask again before the next claim */
	bool paused;
	int64_t waited_at_ms; /* what the budget said last, and when */
	int64_t wait_ms;
	size_t width; /* how many runs there may be now */
};

struct scheduler {
	struct loop *loop;
	struct storeq *q;
	struct lease_keeper *leases;
	struct crypto_hmac *hmac;
	struct hearsay *hearsay; /* or NULL */
	scheduler_watch_fn *watch;
	void *watch_arg;
	scheduler_place_fn *place;
	void *place_arg;
	scheduler_noted_fn *noted;
	void *noted_arg;
	scheduler_row_fn *row;
	void *row_arg;
	struct sched_account **accounts; /* by name */
	size_t account_count;
	struct store_op look;
	struct loop_timer *look_timer;
	bool looking;
	int64_t ahead_ms;	/* the store's clock was set on by so much */
	int64_t ahead_until_ms; /* when no lease is from before that */
	bool draining;
	bool freed; /* the store still holds an op */
	loop_fn *drained;
	void *drained_arg;
};

/* scheduler.c: asks for jobs, if there is room and nothing speaks against it;
 * for the account's row, and then for jobs. */
void sched_claim(struct sched_account *a);
/* The same for one of many events. */
void sched_claim_woken(struct sched_account *a);
void sched_ask_row(struct sched_account *a);
/* Of a scheduler that was freed. */
void sched_release_when_idle(struct scheduler *s);

/* scheduler_look.c; NULL: there is no such account. */
struct sched_account *sched_find(const struct scheduler *s, const char *name);
struct sched_account *sched_add(struct scheduler *s, const char *name);
/* Asks which accounts have something to do, now and every SCHED_IDLE_MS; *arg*
 * is the scheduler. */
void sched_look(void *arg);

#endif
