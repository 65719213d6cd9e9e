/*
 * How many requests one account may be sent, and when the next one may go.
 *
 * Learns the account's limit from the rate-limit headers, keeps a reserve
 * for the account's other integrations, sends evenly, serves lanes in order
 * and obeys refusals (core/throttle.h). Single endpoints have limits of their
 * own: core/endpoint.h.
 *
 * What we may use, in a window of the account: its limit less what others
 * take, but less the reserve at least. Of that nearly all is used while work
 * waits (tests/unit/test_budget_sim.c: 95 %), in three ways at once:
 *
 *   share   In any minute, and the time that requests differ on their way,
 *	     at most limit - reserve (the allowance) is sent. Whatever kind of
 *	     window the account has, the others always find their reserve.
 *   rest    Where others take more than the reserve, the last `remaining`
 *	     counts, less what is under way, less what the others will take
 *	     before we hear of it, at the rate at which `remaining` lately fell
 *	     without us.
 *   pace    Both are spread over the time that they must last. After a quiet
 *	     time BUDGET_BURST_PERCENT of the allowance, and one job's
 *	     requests at least, go at once; while work waits all the time there
 *	     are no bursts.
 *
 * Where several nodes use the account (core/stake.h), each has its part of
 * these: of the share what it holds of the minute, of the rest and the pace as
 * much as it claims. That its siblings take theirs changes nothing for it; so
 * they are not others.
 *
 * A lower lane goes only where it leaves the higher ones something to start
 * with. A 429 is nobody's plan: it takes others who empty the account before
 * an answer tells.
 *
 * Pure: time is a parameter, monotonic.
 */
#ifndef REUNITE_CORE_BUDGET_H
#define REUNITE_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"
#include "core/stake.h"
#include "core/throttle.h"

#define BUDGET_BURST_PERCENT 20
#define BUDGET_PACE_PERCENT  150 /* of an even pace, to catch up */
#define BUDGET_JOB_REQUESTS  6	 /* of an ordinary job, at most */

#define BUDGET_SOON_MS	4000 /* when jobs share the pace */
#define BUDGET_JOBS_MAX 1000 /* nothing is known yet */

#define BUDGET_CELL_MS	 STAKE_CELL_MS
#define BUDGET_CELLS	 256 /* a minute, and the longest guard */
#define BUDGET_LOW_CELLS 16

/* Rates and parts of requests are in millionths. */
struct budget {
	int64_t configured_per_minute; /* the account's limit; 0: learn */
	int64_t reserve_percent;
	int64_t limit; /* per minute, as last heard; 0: not heard yet */
	struct throttle refused;
	struct stake stake; /* which part is ours */
	/* what was sent */
	int32_t taken[BUDGET_CELLS];
	int64_t cell;  /* the newest one in taken[] */
	int64_t count; /* ever sent */
	int64_t open;  /* without an answer so far */
	int64_t taken_ms;
	/* what answers said */
	struct {
		int64_t cell;
		int64_t remaining;
	} low[BUDGET_LOW_CELLS]; /* the least, by when it was heard */
	int64_t remaining;	 /* the least of late */
	int64_t heard_ms;
	int64_t ends_ms;      /* until when it counts */
	int64_t turn_ends_ms; /* the window's end, if it was seen to begin */
	int64_t turned_ms;    /* when its first answer came */
	int64_t slowest_ms;   /* answer, of late */
	/* how fast remaining falls without us, per ms; below 0: rises */
	int64_t drift;
	int64_t drift_remaining; /* as it was, and all that we had sent */
	int64_t drift_nth;
	int64_t drift_ms;
	/* what the others took, in this window and in the one before */
	int64_t others;
	int64_t others_before;
	/* as it began, remaining and all of ours, too */
	int64_t others_first;
	int64_t others_remaining;
	int64_t others_nth;
	/* what may go */
	int64_t tokens;
	int64_t rate; /* per ms */
	int64_t refilled_ms;
	int64_t waits_ms; /* until when somebody was told to wait */
};

void budget_init(struct budget *b, int64_t per_minute, int64_t reserve_percent);
/* Other settings; what was taken and learnt stays. */
void budget_configure(struct budget *b, int64_t per_minute,
		      int64_t reserve_percent);

/* Other nodes use the account, too: nothing is ours before it was settled. */
void budget_share(struct budget *b, int64_t now_ms);
/* What the others are to know of us, to be settled with them and brought back,
 * with when it was asked for. waiting: some request does. Who needs nothing any
 * more lets go of it. */
void budget_stake(struct budget *b, bool waiting, struct stake_row *out,
		  int64_t now_ms);
void budget_settle(struct budget *b, const struct stake_row *row,
		   int64_t since_ms, int64_t now_ms);
/* Nothing of it is ours: it should be asked for at once. */
bool budget_lacks_stake(const struct budget *b, int64_t now_ms);
/* So many nodes may share it, each with enough for its jobs. */
int64_t budget_sharers(const struct budget *b);

/* 0: a request of this lane may go now; else how long to wait before asking
 * again. */
int64_t budget_wait_ms(struct budget *b, enum job_lane lane, int64_t now_ms);
/* It goes now. To be kept for its answer. */
struct budget_pass {
	int64_t nth;
	int64_t sent_ms;
};
struct budget_pass budget_take(struct budget *b, int64_t now_ms);
/* Once for each: it is over, answered or not. */
void budget_end(struct budget *b);

/* What its answer said of the account's limit; -1 where it did not. */
struct budget_headers {
	int64_t limit;
	int64_t remaining;
	int64_t reset_ms; /* from now */
};
#define BUDGET_UNTOLD ((struct budget_headers){-1, -1, -1})
void budget_learn(struct budget *b, const struct budget_pass *pass,
		  const struct budget_headers *h, int64_t now_ms);
/* A 429 of the account. told_ms: for how long, -1: not told. */
void budget_refused(struct budget *b, int64_t told_ms, uint32_t random,
		    int64_t now_ms);
void budget_passed(struct budget *b, int64_t now_ms);
/* A sibling was refused until then. */
void budget_told_refused(struct budget *b, int64_t until_ms, int64_t now_ms);

/* What is left to us this minute (never negative); for the metric. */
int64_t budget_left(const struct budget *b, int64_t now_ms);
/* So many requests a minute a lane may have at most, as far as is known. */
int64_t budget_per_minute(const struct budget *b, enum job_lane lane);
/* When a job may begin: where a minute has few requests, once there are enough
 * for a whole one, since what it read grows old. 0: now. */
int64_t budget_job_wait_ms(struct budget *b, int64_t now_ms);
/* How many jobs at the same time: each one's next request goes soon. */
int64_t budget_jobs_max(const struct budget *b);
/* Half of the burst is there. */
bool budget_has_plenty(struct budget *b, int64_t now_ms);
/* How many may go in one moment after a quiet time. */
int64_t budget_burst(const struct budget *b);

#endif
