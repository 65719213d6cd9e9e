/*
 * The file of an import: looked through as a whole before anything is done
 * about it, then read row by row.
 *
 * The first line names the columns, "email" and "external_id" in any order and
 * case; others are left alone. What comes from a pipe, or "-", is kept in a
 * temporary file without a name. Whatever breaks the grammar of CSV is found
 * by the first look, as "FILE:LINE: why", without a word of what stands there.
 */
#ifndef REUNITE_CLI_IMPORT_FILE_H
#define REUNITE_CLI_IMPORT_FILE_H

#include <stdio.h>

#include "core/csv.h"
#include "core/import.h"
#include "core/twins.h"

#define IMPORT_DIGEST_SIZE 65
#define IMPORT_PIECE_SIZE  (64 * 1024)

/* Behind the last row that was read. */
struct import_place {
	uint64_t offset;
	int64_t line;
};

struct import_file {
	const char *name; /* for messages; borrowed */
	FILE *in;	  /* can be read again */
	struct csv csv;
	char piece[IMPORT_PIECE_SIZE];
	struct slice input;	   /* of the piece, not read yet */
	bool last;		   /* no piece follows */
	size_t email, external_id; /* columns */
	/* of the first look */
	int64_t rows;
	char digest[IMPORT_DIGEST_SIZE]; /* of all bytes */
	struct import_place first;	 /* behind the headings */
	struct twins twins;
};

/* Opens name, "-": standard, and looks through all of it. RESULT_INVALID: its
 * contents are wrong; on failure there is nothing to close. */
MUST_CHECK enum result import_file_open(struct import_file *f, const char *name,
					FILE *standard, struct error *err);
void import_file_close(struct import_file *f);
/* The next row is the one at the place. */
MUST_CHECK enum result import_file_seek(struct import_file *f,
					const struct import_place *at,
					struct error *err);
/* CSV_RECORD: the row; what the file alone says of it is in its outcome,
 * IMPORT_UNKNOWN: nothing yet. */
enum csv_got import_file_next(struct import_file *f, struct import_row *row,
			      struct error *err);
struct import_place import_file_place(const struct import_file *f);
/* Whether writing to path would destroy it. */
bool import_file_is(const struct import_file *f, const char *path);
/* Half of a hash of an external id, as it compares. */
uint64_t import_file_hash_id(const char *external_id);

#endif
