/*
 * Private to the commands: a file that has its name only once it is whole.
 *
 * While it is being written it is NAME.part, readable by its owner alone. No
 * file is ever replaced.
 */
#ifndef REUNITE_CLI_OUT_FILE_H
#define REUNITE_CLI_OUT_FILE_H

#include <stdio.h>

#include "base/error.h"

struct out_file {
	FILE *out;
	char *path, *part; /* *owned* */
};

/* RESULT_CONFLICT: there is such a file, or somebody writes it now. */
MUST_CHECK enum result out_file_open(struct out_file *f, const char *path,
				     struct error *err);
/* To the disk, and to its name. However it ends, f is over then. */
MUST_CHECK enum result out_file_finish(struct out_file *f, struct error *err);
/* Takes it away again. */
void out_file_abandon(struct out_file *f);

#endif
