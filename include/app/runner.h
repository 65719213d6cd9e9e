/*
 * How: carries out one run of one job. The decisions are core/linkjob's; the
 * runner sends its commands to the store and the APIs and brings the answers.
 *
 * Owned by the loop thread. The callback comes exactly once, never from
 * inside run_start(); after run_cancel() it does not come.
 */
#ifndef REUNITE_APP_RUNNER_H
#define REUNITE_APP_RUNNER_H

#include "api/api_client.h"
#include "app/config.h"
#include "app/hearsay.h"
#include "app/lease.h"
#include "app/storeq.h"
#include "base/crypto.h"
#include "core/linkjob.h"

/* What a run needs; borrowed until its end. */
struct run_env {
	struct loop *loop;
	struct storeq *q; /* NULL: a dry run without a store */
	struct api_client *api;
	struct crypto_hmac *hmac; /* keyed with the store's key; NULL like q */
	const struct account_config *account; /* read at the start only */
	struct lease_keeper *leases;	      /* NULL like q */
	int64_t leased_ms;	 /* loop_boot_ms() when the job was claimed */
	struct hearsay *hearsay; /* NULL: nothing was heard */
	bool takes_over; /* the job may become another one on the way: where
			    that is the person's own */
};

/* How a run ended, for the scheduler and for `link`; borrowed. */
struct run_report {
	const struct job *job;
	const struct linkjob *link;
	enum job_state state; /* as settled */
	int64_t run_at_ms;
	enum result why; /* of the failure, if the job is to be retried */
	int64_t told_ms;
	bool lost;  /* the lease was lost: somebody else has the job */
	bool again; /* an event came meanwhile: it is ready again */
	bool noted; /* a note for its ticket is due */
	int64_t journal_id;
	int64_t review_id;
};

/* How many links a job of this lane may see in the hour before it: backfill
 * leaves a fifth of it to those who are writing now. */
int64_t run_hour_limit(const struct policy_rules *rules, enum job_lane lane);

struct run;
typedef void run_done(const struct run_report *report, void *arg);

/* Takes what job owns; an approved review of the job is read first. */
struct run *run_start(const struct run_env *env, struct job *job, bool dry,
		      run_done *done, void *arg);
const struct job *run_job(const struct run *run);
/* What it borrows of the configuration that it began with. */
const struct account_config *run_config(const struct run *run);
/* The wall clock was set; the run goes by the one that it began with. */
void run_clock_set(struct run *run, int64_t by_ms);
/* Drops it where it stands, as a crash would. From inside its own callback it
 * does nothing: the run has ended. */
void run_cancel(struct run *run);

#endif
