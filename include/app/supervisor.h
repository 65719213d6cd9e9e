/*
 * Tells the service manager how we are: started, reloading, stopping, alive.
 *
 * The protocol is that of sd_notify(3): datagrams to the socket named by
 * $NOTIFY_SOCKET. Without that variable everything here does nothing. With
 * $WATCHDOG_USEC for this process, a word comes from the loop at half that
 * interval: a loop that does not turn any more is seen as dead.
 *
 * Owned by the loop thread. A word that cannot be sent is lost, never waited
 * for.
 */
#ifndef REUNITE_APP_SUPERVISOR_H
#define REUNITE_APP_SUPERVISOR_H

#include "net/loop.h"

struct supervisor;

/* Reads the variables and removes them, so that no child inherits them. */
struct supervisor *supervisor_new(struct loop *loop);
void supervisor_free(struct supervisor *s);  /* NULL is allowed */
void supervisor_ready(struct supervisor *s); /* started, or reloaded */
void supervisor_reloading(struct supervisor *s);
void supervisor_stopping(struct supervisor *s);

#endif
