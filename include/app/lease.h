/*
 * Keeps the leases of the runs of one process, all of them with one operation
 * of the store every few seconds, and says until when each may act.
 *
 * Why two nodes never act on one person. m is when a node asks the store for a
 * lease, or for a longer one, by the store's clock:
 *
 *	m                     asked, with m as the time
 *	m + RUN_SEND_MS       the last change begins to be sent
 *	  + RUN_REQUEST_MS    it is over: its deadline, and what the server may
 *	                      still do with it behind that
 *	m + RUN_LEASE_MS      the lease ends, as stored
 *	  + RUN_GRACE_MS      another node takes the job over
 *
 * So RUN_SEND_MS + RUN_REQUEST_MS + 2E <= RUN_LEASE_MS + RUN_GRACE_MS must
 * hold, where E is how far a node's idea of the store's clock may be off; what
 * is left for 2E is RUN_MARGIN_MS (the timekeeper believes no answer that took
 * longer than a fifth of that). A take-over comes RUN_LEASE_MS +
 * RUN_GRACE_MS after the last beat of a node that died: within a minute.
 *
 * - A node counts from the turn of its loop in which it asked, by
 *   clock_boot_ms(), and only what the store has confirmed counts. An answer that comes late makes a lease
 *   shorter, never longer.
 * - The moment is looked at again when the connection stands and the next
 *   thing is the request's first byte (http_call.send_by_ms). A process that is
 *   stopped at any point before, or whose machine sleeps, sees that time has
 *   passed and does not send.
 * - Where too little is left the run asks for a longer lease first, and gives
 *   the change up if it does not get it: not sent, tried again later.
 * - Every write of a job carries its token. Whoever was taken over is refused
 *   each of them (RESULT_CONFLICT), and the run ends as lost.
 *
 * What is left: a process stopped in the microseconds between that look and
 * the write, and a virtual machine whose clocks all stood still, may send the
 * one change of a run that it was about to send. Whoever took the job over
 * looks before it acts, and Zendesk carries out one of two merges of the same
 * user: it refuses the other (the user is gone). That refusal is no trouble of
 * the account; the run stores that it has to look, is refused that as well,
 * and ends as lost, while the other node finds the merge done. Should the one
 * request go just when the other node has looked in vain and decides anew,
 * there is one merge all the same, but what follows it may be missing.
 *
 * Owned by the loop thread. Next to nothing for runs that end before their
 * first beat: a timer.
 */
#ifndef REUNITE_APP_LEASE_H
#define REUNITE_APP_LEASE_H

#include <sys/queue.h>

#include "app/storeq.h"

#define RUN_LEASE_MS   15000 /* of a claim, and of every beat */
#define RUN_GRACE_MS   40000 /* take-over waits so long behind its end */
#define RUN_BEAT_MS    5000
#define RUN_REQUEST_MS 40000 /* API_TIMEOUT_MS + SAGA_SETTLE_MS */
#define RUN_MARGIN_MS  5000
#define RUN_SEND_MS                                                            \
	(RUN_LEASE_MS + RUN_GRACE_MS - RUN_REQUEST_MS - RUN_MARGIN_MS)
#define RUN_SPARE_MS 4000 /* less left: a longer lease first */

enum lease_news {
	LEASE_KEPT,
	LEASE_FAILED, /* the store did not answer; asked again soon */
	LEASE_LOST,   /* it is not ours any more, nor kept from now on */
};
typedef void lease_told(enum lease_news news, void *arg);

struct lease_keeper;
struct lease_keeper *lease_keeper_new(struct loop *loop, struct storeq *q);
/* Nobody holds a lease of it any more; the store may still have an operation
 * of it. NULL is allowed. */
void lease_keeper_free(struct lease_keeper *k);

/* One run's; zeroed: none. Its fields are the keeper's. */
struct lease {
	struct lease_keeper *keeper;
	TAILQ_ENTRY(lease) entry;
	int64_t job_id;
	int64_t token;
	int64_t since_ms; /* loop_boot_ms() when it was asked for */
	int place;	  /* in the beat under way; -1: not in it */
	lease_told *told;
	void *arg;
};
/* As claimed; told is never called from inside. since_ms as above. */
void lease_take(struct lease *l, struct lease_keeper *k, int64_t job_id,
		int64_t token, int64_t since_ms, lease_told *told, void *arg);
/* It is another job's now, as confirmed by the store, with the same token. */
void lease_move(struct lease *l, int64_t job_id);
/* Does nothing where there is none. Allowed from inside told. */
void lease_drop(struct lease *l);
/* Until when changes may begin to be sent: a moment of clock_boot_ms(). */
int64_t lease_send_by_ms(const struct lease *l);
/* Is enough of it left to begin with one? */
bool lease_suffices(const struct lease *l);
/* Asks for more at once: told will be called. */
void lease_renew(struct lease *l);

#endif
