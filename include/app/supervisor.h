/*
 * Tells the service manager how we are: started, reloading, stopping, alive.
 *
 * The protocol is that of sd_notify(3): datagrams to the socket named by
 * $NOTIFY_SOCKET. Without that variable everything here does nothing. With
 * $WATCHDOG_USEC for this process, a word comes from the loop at half that
 * interval, unless whoever was asked says that something hangs: a loop that
 * does not turn any more is seen as dead. Until it is ready, a thread asks
 * for more time: a large store may have to be copied and changed.
 *
 * Owned by the loop thread. A word that cannot be sent is lost, never waited
 * for.
 */
#ifndef REUNITE_APP_SUPERVISOR_H
#define REUNITE_APP_SUPERVISOR_H

#include "net/loop.h"

struct supervisor;

/* False: let us be started anew. */
typedef bool supervisor_alive_fn(void *arg);
/* Reads the variables and removes them, so that no child inherits them.
 * alive: asked on the loop, once it is ready. */
struct supervisor *supervisor_new(struct loop *loop, supervisor_alive_fn *alive,
				  void *arg);
/* A listening socket that the manager made (*yours*), as $LISTEN_FDS says; -1:
 * none. */
int supervisor_socket(struct supervisor *s);
bool supervisor_listens(const struct supervisor *s);
/* One line for `systemctl status`, without personal data. */
void supervisor_status(struct supervisor *s, const char *text);
void supervisor_free(struct supervisor *s);  /* NULL is allowed */
void supervisor_ready(struct supervisor *s); /* started, or reloaded */
void supervisor_reloading(struct supervisor *s);
void supervisor_stopping(struct supervisor *s);

#endif
