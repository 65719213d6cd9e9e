/*
 * Housekeeping: retention in small batches, and, once at the start, the
 * people whom waiting jobs listen for.
 */
#ifndef REUNITE_APP_JANITOR_H
#define REUNITE_APP_JANITOR_H

#include "app/engine.h"
#include "app/intake.h"

struct janitor;
struct janitor *janitor_new(struct loop *loop, struct engine *engine,
			    struct intake *intake);
void janitor_free(struct janitor *j); /* NULL is allowed */

#endif
