/*
 * Private to the commands: who is at the keyboard, for what the journal
 * remembers.
 */
#ifndef REUNITE_CLI_PERSON_H
#define REUNITE_CLI_PERSON_H

#include "cli/cli.h"

/* The row of --by; what is the verb behind "who". */
#define CLI_BY_OPTION(what)                                                    \
	{                                                                      \
		"by", CLI_TEXT, "NAME",                                        \
			"who " what "; by default the login name"              \
	}

/* --by, or the login name (under sudo that of the person), or the user's,
 * borrowed. NULL: the error has been printed; the exit code is CLI_USAGE. */
const char *cli_person(struct cli *c);
/* --reason: a line for the journal. False: the error has been printed. */
MUST_CHECK bool cli_reason(struct cli *c, const char **out); /* NULL: none */

#endif
