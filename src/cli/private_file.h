/*
 * Private to the commands: a file that its owner alone can read, and that one
 * command at a time writes.
 */
#ifndef REUNITE_CLI_PRIVATE_FILE_H
#define REUNITE_CLI_PRIVATE_FILE_H

#include <stdio.h>

#include "base/error.h"

/* Makes it, or takes what is there, at its beginning; no link is followed.
 * Locked until it is closed. RESULT_CONFLICT: another command is writing it. */
MUST_CHECK enum result private_file_open(FILE **out, const char *name,
					 struct error *err);
/* RESULT_TEMP: what cannot be done with a file, by errno. */
enum result private_file_failed(const char *what, const char *name,
				struct error *err);

#endif
