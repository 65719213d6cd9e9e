/*
 * Which accounts have something to do: one question for all of them, so that
 * it costs a node next to nothing to have many that sleep.
 */
#ifndef REUNITE_STORE_LOOK_H
#define REUNITE_STORE_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/journal.h"

#define STORE_LOOK_MAX 100000 /* accounts in an answer */

struct store_stir {
	char account[ACCOUNT_SIZE];
	bool paused;
	bool jobs; /* one is due by then, or runs somewhere */
};

struct store_look {	  /* STORE_LOOK */
	int64_t until_ms; /* what is due by then */
	/* out: by name; who is neither paused nor has jobs is left out */
	struct store_stir *rows; /* *new* */
	size_t count;
};

#endif
