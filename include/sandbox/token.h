/*
 * A signed messaging JWT in an order's "token", instead of the bare claims in
 * its "jwt". Refuses what the platform refuses: another key, another
 * algorithm, a token that is over, one for anything but a user.
 */
#ifndef REUNITE_SANDBOX_TOKEN_H
#define REUNITE_SANDBOX_TOKEN_H

#include <stdint.h>

#include "base/error.h"

struct json_t;
struct settings;

/* Puts the claims of "token" into "jwt"; nothing to do without one. */
MUST_CHECK enum result token_take(const struct settings *s,
				  struct json_t *order, int64_t now_ms,
				  struct error *err);

#endif
