/*
 * The daemon: listeners in front of the engine, signals, reload, drain.
 *
 * SIGTERM, SIGINT: stops accepting, answers what was read, lets running jobs
 * reach a stored state, ends within drain_timeout; a second one ends it at
 * once. SIGHUP: reads the configuration again; what cannot change while
 * running says so in the log.
 */
#ifndef REUNITE_APP_DAEMON_H
#define REUNITE_APP_DAEMON_H

#include "app/config.h"
#include "base/error.h"

struct tls_context;

/* Takes the config and what config_tls() made of it. Returns when it was told to end; RESULT_OK then. Failures
 * to start are in err. path: as given to config_load(), for SIGHUP. */
MUST_CHECK enum result daemon_run(struct config *config,
				  struct tls_context *tls, const char *path,
				  struct error *err);

#endif
