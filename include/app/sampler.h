/*
 * Once a day and account: how many end users there are, and how many of them
 * are unverified, for the trend that `readiness` shows.
 *
 * Two requests in the lane that waits for everybody else; none while the
 * account is paused or held. Of several daemons over one store one asks.
 */
#ifndef REUNITE_APP_SAMPLER_H
#define REUNITE_APP_SAMPLER_H

#include "app/engine.h"

struct sampler;
/* Freed before the engine. */
struct sampler *sampler_new(struct loop *loop, struct engine *engine);
void sampler_free(struct sampler *s); /* NULL is allowed */

#endif
