/*
 * The report of a dry run over all of history: a line of JSON a person, as the
 * journal has them.
 *
 * It is a part_file, whose word says how far the walk came. After a kill the
 * same command goes on behind the last whole line; nobody has two of them.
 */
#ifndef REUNITE_CLI_BACKFILL_REPORT_H
#define REUNITE_CLI_BACKFILL_REPORT_H

#include <stdio.h>

#include "backfill_tally.h"
#include "base/error.h"
#include "idset.h"
#include "part_file.h"

/* What makes two runs the same one. */
struct report_key {
	const char *account;
	const char *since; /* as typed; NULL: all of history */
	int64_t limit;
};

/* Where the walk is: all pages before cursor are in the report. */
struct report_place {
	char *cursor; /* *owned*; NULL: at the beginning */
	int64_t since_ms;
	int64_t scanned; /* users looked at */
	int64_t pages;
	int64_t found; /* conversations with a user */
	int64_t known; /* of them linked already: no line */
};

struct report {
	struct part_file file;
	FILE *echo; /* every line goes there, too; NULL: nowhere */
	struct report_key key;
	struct report_place place;
	struct idset seen;
	bool resumed;
};

/* Begins a report, or goes on with one of the same key, whose lines are added
 * to the tally. RESULT_CONFLICT: the one that is there is another's, or is
 * being written; anew: begin anew all the same. */
MUST_CHECK enum result report_open(struct report *r, const char *path,
				   const struct report_key *key, bool anew,
				   FILE *echo, struct tally *tally,
				   struct error *err);
/* *takes* line. */
void report_add(struct report *r, const char *sunco_id, struct json_t *line);
/* The place moved on; everything before it is kept. False: it could not be,
 * and the disk is full, say. */
MUST_CHECK bool report_keep(struct report *r);
MUST_CHECK bool report_finish(struct report *r);
void report_close(struct report *r);

#endif
