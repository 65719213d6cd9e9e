/*
 * What must be true in the end, whatever happened on the way: the sandbox is
 * as an undisturbed machine leaves it, nothing was done twice, and the store
 * has nothing open and nothing wrong.
 */
#ifndef REUNITE_TESTS_ORACLE_H
#define REUNITE_TESTS_ORACLE_H

#include "base/buf.h"
#include "machine.h"

/* The people and tickets as they are, without times and ids: *new*. */
char *oracle_picture(const struct machine *m);
/* What the account counts as done: "1 merge, 0 adopts", say: *new*. */
char *oracle_deeds(const struct machine *m);
/* Appends a line for everything in the store that must not be. */
void oracle_check(const struct machine *m, struct buf *problems);
/* The journal, for somebody who wants to know how it came. */
void oracle_tell(const struct machine *m, struct buf *out);

#endif
