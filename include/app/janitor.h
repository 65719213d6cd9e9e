/*
 * Housekeeping: retention in small batches, and, at the start and after a
 * reload, the people whom waiting jobs listen for.
 */
#ifndef REUNITE_APP_JANITOR_H
#define REUNITE_APP_JANITOR_H

#include "app/engine.h"
#include "app/intake.h"
#include "app/timekeeper.h"

struct janitor;
struct janitor *janitor_new(struct loop *loop, struct engine *engine,
			    struct intake *intake,
			    const struct timekeeper *clock);
void janitor_free(struct janitor *j); /* NULL is allowed */
/* There may be accounts that there were not before. */
void janitor_reloaded(struct janitor *j);

#endif
