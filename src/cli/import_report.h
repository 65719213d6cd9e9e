/*
 * What came of an import, a CSV line a row of the file: line, outcome, user,
 * and whom or which line it is in conflict with. No addresses and no external
 * ids, unless personal data is wanted.
 *
 * It is a part_file: after a kill the same command goes on behind the last row
 * that is known to be over. Users who are about to be changed are in its word
 * before anything is sent: whoever of them has the external id after a kill
 * got it from us.
 */
#ifndef REUNITE_CLI_IMPORT_REPORT_H
#define REUNITE_CLI_IMPORT_REPORT_H

#include "base/error.h"
#include "import_file.h"
#include "part_file.h"

/* What makes two runs the same one. */
struct import_key {
	const char *account;
	const char *digest; /* of the file */
	bool applied;
	bool personal;
};

struct import_report {
	struct part_file file;
	struct import_key key;
	/* behind the rows that are in it */
	struct import_place place;
	int64_t rows;
	int64_t counts[IMPORT_COUNT];
	uint64_t *intended; /* *owned*: users who were about to be changed */
	size_t intended_count;
	int64_t owner; /* of its locks, in every life the same; 0: none yet */
	bool resumed;
};

/* Begins a report, or goes on with one of the same key. RESULT_CONFLICT: the
 * one that is there is another's, or is being written; anew: begin anew all
 * the same. */
MUST_CHECK enum result import_report_open(struct import_report *r,
					  const char *path,
					  const struct import_key *key,
					  bool anew, struct error *err);
/* note: a code word, or "". */
void import_report_add(struct import_report *r, const struct import_row *row,
		       const char *note);
/* These are about to be changed. False: it could not be kept. */
MUST_CHECK bool import_report_intend(struct import_report *r,
				     const uint64_t *users, size_t count);
bool import_report_intended(const struct import_report *r, uint64_t user);
/* Everything before the place is over, and nothing is intended any more. */
MUST_CHECK bool import_report_keep(struct import_report *r,
				   const struct import_place *place);
MUST_CHECK bool import_report_finish(struct import_report *r);
void import_report_close(struct import_report *r);

#endif
