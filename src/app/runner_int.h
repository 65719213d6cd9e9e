/*
 * Shared by runner.c, runner_life.c and runner_settle.c; nobody else includes
 * it.
 */
#ifndef REUNITE_APP_RUNNER_INT_H
#define REUNITE_APP_RUNNER_INT_H

#include "api/sunco.h"
#include "api/zendesk.h"
#include "app/runner.h"
#include "app/seen.h"

/* One command under way. */
struct slot {
	struct run *run;
	bool used;
	struct command cmd;
	struct zendesk_op *zendesk;
	struct api_request *sunco;
	struct loop_timer *timer;
	struct store_op op;
	bool storing; /* op is the store's until its completion */
	int held;     /* a change, until the lease is longer: for how often it
			 was made so */
	struct journal_entry entry;
	char *progress;
};

struct run {
	struct run_env env;
	struct job job;
	struct linkjob link;
	bool dry;
	int64_t skew_ms; /* the wall clock was set by so much since the start */
	int64_t began_ms; /* to read about the person; 0: it goes on with a
			     saga, and what that rests on was read before */
	bool cancelled;	  /* freed when the store gave its ops back */
	bool ended;	  /* its callback is at work */
	run_done *done;
	void *arg;
	struct slot slots[COMMANDS_MAX];
	struct loop_timer *again; /* the store failed: once more */
	struct lease lease;
	bool starting; /* begin_plain() is deferred */
	/* the review that woke the job; kind STORE_OP_COUNT: not asked */
	struct store_op review_op;
	struct review approval; /* what of it the run has to know; id 0: none */
	/* the end */
	struct store_op settle;
	struct journal_entry entry;
	struct store_link known;
	struct review review;
	struct seen seen;
	char *progress;
	bool settling;
	bool bare; /* the settle without what the store would not take */
	int64_t review_expires_ms;
	enum ticket_note ticket_note;
};

#define RUN_STORE_RETRY_MS 1000
#define RUN_HELD_MAX	   3

/* Something came of the lease: what waits for it goes on, or will not. */
void run_lease_told(struct run *run, bool kept);
void run_execute(struct run *run, const struct commands *cmds);
void run_slot_release(struct slot *s);
void run_settle(struct run *run);
/* The wall clock as the run began with it: its state machine sees no step. */
int64_t run_now_ms(const struct run *run);
/* Calls fn a little later, unless the run is dropped before. */
void run_again(struct run *run, loop_fn *fn);
/* The callback, and the end. */
void run_end(struct run *run, const struct run_report *report);
void run_log_lost(const struct run *run);
void run_crash_point(const char *when, const char *what);
/* Who approved what the entry is about, if that counted. */
void run_entry_approval(const struct run *run, struct journal_entry *e);
/* Frees it once nothing of it is the store's any more. */
void run_release(struct run *run);

#endif
