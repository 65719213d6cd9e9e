/*
 * Obeying refusals (429): how long nothing is sent, and how little is sent
 * until one request was let through again.
 *
 *	open -> held -> probing -> open
 *	         ^---------+
 *
 *	open->held	throttle_refused()
 *	held->probing	time: one request, then none for THROTTLE_PROBE_MS
 *	probing->held	throttle_refused(): twice as long as before
 *	probing->open	throttle_passed()
 *
 * A refusal that says for how long is obeyed as far as that is within reason
 * (THROTTLE_TOLD_MAX_MS); one that does not, or that says less than the
 * refusals in a row call for, costs a time of our own that doubles. So while
 * everything is refused at most a handful of requests a minute are sent.
 *
 * Pure: time and randomness are parameters.
 */
#ifndef REUNITE_CORE_THROTTLE_H
#define REUNITE_CORE_THROTTLE_H

#include <stdint.h>

#define THROTTLE_TOLD_MAX_MS   (15 * 60 * 1000) /* a date gone wrong, say */
#define THROTTLE_FIRST_MS      1000  /* however short a time was told */
#define THROTTLE_UNTOLD_MS     10000 /* none was told */
#define THROTTLE_LONGEST_MS    (60 * 1000)
#define THROTTLE_UNTOLD_MAX_MS (5 * 60 * 1000)
#define THROTTLE_PROBE_MS      5000

struct throttle {
	int refusals; /* in a row; 0: open */
	int64_t until_ms;
	int64_t next_ms; /* after a probe */
};

/* How long until one may be sent; 0: now. */
int64_t throttle_wait_ms(const struct throttle *t, int64_t now_ms);
void throttle_sent(struct throttle *t, int64_t now_ms);
/* told_ms: from now, -1: nothing was told. Refusals that come while nothing
 * is sent are of requests from before and count as one. */
void throttle_refused(struct throttle *t, int64_t told_ms, uint32_t random,
		      int64_t now_ms);
/* Somebody else who asks the same was refused: nothing is sent until then. */
void throttle_told(struct throttle *t, int64_t until_ms, int64_t now_ms);
/* How long others should hold back, too: not while one request probes. */
int64_t throttle_told_ms(const struct throttle *t, int64_t now_ms);
void throttle_passed(struct throttle *t, int64_t now_ms);

#endif
