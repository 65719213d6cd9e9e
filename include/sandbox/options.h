/*
 * The command line of reunite-sandbox.
 */
#ifndef REUNITE_SANDBOX_OPTIONS_H
#define REUNITE_SANDBOX_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct json_t;

struct options {
	const char *listen;
	const char *port_file; /* NULL: none */
	const char *ca_file;   /* NULL: the system's */
	bool empty;
	bool verbose;
	bool help;
	bool version;
	struct json_t
		*settings; /* what the options set, for settings_apply() */
};

/* Borrows from argv. RESULT_INVALID: err says what is wrong. */
MUST_CHECK enum result options_parse(int argc, char **argv, struct options *out,
				     struct error *err);
void options_release(struct options *o);
void options_usage(FILE *to);

#endif
