/*
 * The breaker, told to the operator: a line in the log when it opens and one
 * when it closes, for the account's hour and for profiles of the day.
 *
 * The store alone decides (rule 24 and the intent's transaction); here it is
 * only looked at: when a run took a place or found none, when another process
 * wrote, when the configuration changed, and when time closes it. What is
 * open at the start is told, too.
 *
 * At most STORE_FULL_MAX profiles of an account are told of at a time.
 */
#ifndef REUNITE_APP_BREAKER_H
#define REUNITE_APP_BREAKER_H

#include "app/engine.h"

struct breaker;

/* Looks at every account at once. */
struct breaker *breaker_new(struct loop *loop, struct engine *engine);
void breaker_free(struct breaker *b);
/* Looks soon. NULL: at every account. */
void breaker_look(struct breaker *b, const char *account);

/* A STORE_STATS with the account's limits. */
void breaker_ask(struct store_op *op, const struct account_config *a,
		 int64_t now_ms);
bool breaker_is_open(const struct store_stats *s); /* of the hour */
/* The gauges of /metrics. */
void breaker_gauges(const struct store_stats *s);

#endif
