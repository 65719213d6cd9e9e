/*
 * A growing set of names, each kept as 64 bits of its hash: for millions of
 * ids, where to take two of them for one is rarer than anything else.
 */
#ifndef REUNITE_CLI_IDSET_H
#define REUNITE_CLI_IDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idset {
	uint64_t *slots; /* *owned*; 0: free */
	size_t count, cap;
};
void idset_release(struct idset *s);
/* False: it was there. */
bool idset_add(struct idset *s, const char *name);
bool idset_has(const struct idset *s, const char *name);

#endif
