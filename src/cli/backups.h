/*
 * Private to the commands: whole copies of the store that were made on
 * purpose. They keep what is erased in the store.
 */
#ifndef REUNITE_CLI_BACKUPS_H
#define REUNITE_CLI_BACKUPS_H

#include "store/store.h"

/* host: another machine's, where nobody looked; NULL: it is here. */
typedef void backups_fn(void *arg, const char *name, const char *host,
			int64_t made_ms);
/* Those that are there still, as far as can be told, the newest first. What
 * is gone is forgotten, if the store may be written. RESULT_OK, or why they
 * cannot be told (op->error). */
MUST_CHECK enum result backups_each(struct store *store, const char *url,
				    backups_fn *each, void *arg,
				    struct error *err);

#endif
