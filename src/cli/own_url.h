/*
 * Private to the commands: where a listener of the configuration can be
 * reached from this machine.
 */
#ifndef REUNITE_CLI_OWN_URL_H
#define REUNITE_CLI_OWN_URL_H

#define OWN_URL_SIZE 256

/* Whoever listens on every address is asked on this machine's own. The
 * configuration has seen to it that a port is there, and nothing too long. */
void own_url(char out[OWN_URL_SIZE], const char *scheme, const char *address,
	     const char *path);

#endif
