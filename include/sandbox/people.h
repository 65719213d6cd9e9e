/*
 * People as JSON into the state, as if they had been there for long: no rule
 * of the platforms is applied, nothing is told to anybody.
 */
#ifndef REUNITE_SANDBOX_PEOPLE_H
#define REUNITE_SANDBOX_PEOPLE_H

#include <stdint.h>

#include "base/error.h"

struct account;
struct json_t;

/* The body of POST /_sandbox/people (README.md). The ids of what was made, in
 * the same lists: *new*; NULL with the reason, and nothing loaded. */
struct json_t *people_load(struct account *a, const struct json_t *body,
			   int64_t now_ms, struct error *err);
/* The people of the two background articles, and two agents. */
void people_seed(struct account *a, int64_t now_ms);

#endif
