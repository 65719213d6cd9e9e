/*
 * Limits that single endpoints have beside the account's.
 *
 * What is published is kept by counting our own requests in a sliding window;
 * what a header says is used up is left alone until it says; a refusal (429)
 * holds the endpoint, or, where the limit is each object's, that object. An
 * endpoint that is used up holds up nothing else. Requests of other
 * integrations count, too: only their refusals tell.
 *
 * Published (Zendesk, Rate limits; Update User; Incremental Exports): updates
 * of users one a second in all and five a minute of each, of tickets a
 * hundred a minute in all and thirty in ten minutes of each, incremental
 * exports ten a minute. Others tell by "Zendesk-RateLimit-NAME: total=100;
 * remaining=99; resets=41" if at all. All of them also count for the account.
 *
 * Where several nodes use the account, each keeps to its part of what is
 * published for all objects together. The part is another one every few
 * seconds: a wait for it is told as that long at most, to be asked again.
 *
 * Pure: time (monotonic) and randomness are parameters.
 */
#ifndef REUNITE_CORE_ENDPOINT_H
#define REUNITE_CORE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/throttle.h"

enum endpoint {
	ENDPOINT_OTHER,
	ENDPOINT_SEARCH,
	ENDPOINT_MERGE,
	ENDPOINT_IDENTITY, /* changes of one */
	ENDPOINT_USER_UPDATE,
	ENDPOINT_TICKET_UPDATE,
	ENDPOINT_INCREMENTAL,
	ENDPOINT_JOB, /* begins a background job: 30 of all at a time */
	ENDPOINT_COUNT
};

#define ENDPOINT_TAKEN_MAX 128 /* requests remembered, the newest ones */
#define ENDPOINT_HELD_MAX  16  /* objects held at the same time */

struct endpoint_state {
	struct throttle refused;
	int64_t total;		/* of its headers; 0: as published */
	int64_t spent_until_ms; /* its header: nothing remains */
	struct {
		int64_t at_ms;
		uint64_t object;
	} taken[ENDPOINT_TAKEN_MAX];
	uint64_t count; /* ever taken */
	struct {
		int64_t until_ms;
		uint64_t object;
	} held[ENDPOINT_HELD_MAX];
};

struct endpoints {
	struct endpoint_state of[ENDPOINT_COUNT];
	int64_t part; /* millionths of what is published; 0: all of it */
};

/* What an answer said of the endpoint's limit; -1 where it did not. */
struct endpoint_headers {
	int64_t total;
	int64_t remaining;
	int64_t reset_ms; /* from now */
	bool named;	  /* by a header of its own */
};
#define ENDPOINT_UNTOLD                                                        \
	((struct endpoint_headers){                                            \
		.total = -1, .remaining = -1, .reset_ms = -1})

/* The general headers of its answers may speak of its own limit: they say
 * nothing of the account's. */
bool endpoint_speaks_for_itself(enum endpoint e);
/* How long until a request may go; 0: now. object: the user's or ticket's id,
 * 0: none. */
int64_t endpoint_wait_ms(const struct endpoints *all, enum endpoint e,
			 uint64_t object, int64_t now_ms);
void endpoint_take(struct endpoints *all, enum endpoint e, uint64_t object,
		   int64_t now_ms);
void endpoint_learn(struct endpoints *all, enum endpoint e, uint64_t object,
		    const struct endpoint_headers *h, int64_t now_ms);
/* A 429 that is the endpoint's. told_ms: for how long, -1: not told. */
void endpoint_refused(struct endpoints *all, enum endpoint e, uint64_t object,
		      int64_t told_ms, uint32_t random, int64_t now_ms);
void endpoint_passed(struct endpoints *all, enum endpoint e, int64_t now_ms);

#endif
