/*
 * Whole stores: copied to another place, which may be of another kind, and
 * saved in a file while they are served.
 *
 * A copy is whatever the source holds, ids and key included, so that work goes
 * on in it: what was running there is what a daemon leaves that died. It is
 * done in batches; each is in the target with the place behind it, or not at
 * all. So a copy that is interrupted in whatever way goes on when it is asked
 * for again; if the source is not the same any more, it begins anew. At its
 * end every table is read again and compared by count and checksum (SHA-256
 * over its rows in the order of their keys). Nobody can use the target before.
 *
 * Blocking; for commands.
 */
#ifndef REUNITE_STORE_TRANSFER_H
#define REUNITE_STORE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define TRANSFER_SUM_SIZE 65

struct transfer_table {
	const char *name; /* static */
	int64_t rows;
	int64_t last_id; /* the highest id given; 0: it has no such ids */
	char sum[TRANSFER_SUM_SIZE]; /* of its rows, hexadecimal */
};

struct transfer {
	const char *from; /* a store's URL */
	const char *to;	  /* a store's URL; of a backup: a file's path */
	const char *host; /* this machine, for notes of where copies are */
	int64_t now_ms;
	int64_t log_bytes_max; /* of a backup; see transfer_backup() */
	/* Called now and then, NULL: never. */
	void (*tell)(void *arg, const char *doing, const char *table,
		     int64_t done, int64_t total);
	void *arg;
	/* out */
	struct transfer_table *tables; /* *owned* */
	size_t count;
	int64_t rows;
	bool resumed;	/* some of it was there already */
	bool restarted; /* and was removed: the source had changed */
};

/*
 * RESULT_NOTFOUND: there is no source; RESULT_CONFLICT: somebody serves the
 * source, or the target is not new; RESULT_INVALID: a URL is wrong.
 */
MUST_CHECK enum result transfer_copy(struct transfer *t, struct error *err);
/*
 * Saves the store in a file of SQLite's, which is a store itself, while others
 * work on it. It holds what was there when it began, or something newer. The
 * file has its name only when it is whole, compared and on the disk; it is for
 * its owner alone. The store knows of it from the beginning (STORE_BACKUPS).
 *
 * A SQLite store's log cannot be let go meanwhile: past log_bytes_max the
 * backup is given up (RESULT_TEMP), before the disk is full.
 *
 * RESULT_CONFLICT: the file is there already, or somebody writes it just now.
 */
#define TRANSFER_LOG_BYTES_MAX (INT64_C(1) << 30)
MUST_CHECK enum result transfer_backup(struct transfer *t, struct error *err);
void transfer_release(struct transfer *t);

#endif
