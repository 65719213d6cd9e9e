/*
 * Keeps one line about the queue for `systemctl status`; does nothing where no
 * service manager listens.
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_STATUS_H
#define REUNITE_APP_STATUS_H

#include "app/engine.h"
#include "app/supervisor.h"

struct status;
struct status *status_new(struct loop *loop, struct engine *engine,
			  struct supervisor *supervisor);
void status_free(struct status *s); /* NULL is allowed */

#endif
