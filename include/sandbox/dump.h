/*
 * The whole state as JSON, for tests and eyes.
 */
#ifndef REUNITE_SANDBOX_DUMP_H
#define REUNITE_SANDBOX_DUMP_H

#include <stddef.h>
#include <stdint.h>

struct json_t;
struct state;

struct dump_range {
	size_t from; /* of every list */
	size_t count;
	uint64_t user_id; /* not 0: of Zendesk's users only this one */
};

struct json_t *dump_state(const struct state *s,
			  const struct dump_range *range); /* *new* */

#endif
