/*
 * The limits of one account's two APIs, of single endpoints, and what answers
 * say about them.
 */
#ifndef REUNITE_API_API_LIMITS_H
#define REUNITE_API_API_LIMITS_H

#include "api_int.h"

/* Nobody says how much SunCo takes. */
struct api_sunco_limits {
	struct throttle refused;
	int open;
	int open_max; /* fewer after refusals */
	int passed;   /* answers since that changed */
	int part;     /* of API_SUNCO_OPEN_MAX, among several nodes */
};

struct api_limits {
	struct budget budget; /* Zendesk's */
	struct endpoints endpoints;
	struct api_sunco_limits sunco;
};

/* What a request counts for. */
struct api_toll {
	enum api api;
	enum job_lane lane;
	enum endpoint endpoint;
	uint64_t object;
	struct budget_pass pass;
};

#define API_LIMITS_OPEN (-1) /* not by time: until an answer comes */

void api_limits_init(struct api_limits *l, int64_t per_minute,
		     int64_t reserve_percent);
/* How long a request to Zendesk would have to wait; 0: not at all. */
int64_t api_limits_wait_ms(struct api_limits *l, const struct api_toll *toll,
			   int64_t now_ms);
/* 0: may go, and has been counted as under way; else how long to wait, or
 * API_LIMITS_OPEN. */
int64_t api_limits_take(struct api_limits *l, struct api_toll *toll,
			int64_t now_ms);
/* Nothing of it is awaited any more: before its answer is learnt from, or
 * when it is cancelled. */
void api_limits_end(struct api_limits *l, const struct api_toll *toll);
void api_limits_learn(struct api_limits *l, const struct api_toll *toll,
		      const struct http_answer *a, const struct api_result *r,
		      int64_t now_ms);

/* api_client.c */
struct api_limits *api_client_limits(struct api_client *c);
/* Among several nodes; see api_client_stake(). */
bool api_limits_stake(struct api_limits *l, bool waiting, struct api_stake *out,
		      int64_t now_ms);
void api_limits_settle(struct api_limits *l, const struct api_stake *s,
		       int64_t since_ms, int64_t now_ms);

#endif
