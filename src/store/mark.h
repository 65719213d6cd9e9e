/*
 * The mark of a store that is a copy and not complete yet: what is copied into
 * it, and by which process. Nobody opens such a store but who goes on with it.
 */
#ifndef REUNITE_STORE_MARK_H
#define REUNITE_STORE_MARK_H

#include "base/crypto.h"
#include "db.h"

struct mark {
	uint8_t source[CRYPTO_SHA256_SIZE]; /* checksum of the whole source */
	uint8_t owner[16];		    /* random, of a process */
};

/* For whoever wants to use the store: RESULT_PERM when it is not complete. */
MUST_CHECK enum result mark_refuse(struct db *db, struct error *err);
/* For whoever wants to copy into it: RESULT_CONFLICT when it is, or was, a
 * store of its own. */
MUST_CHECK enum result mark_check_target(struct db *db, struct error *err);
/* These in a transaction. The mark as it is; false: there is none. */
bool mark_read(struct db *db, struct mark *out);
void mark_put(struct db *db, const struct mark *m);
/* RESULT_CONFLICT: another process has taken it. */
MUST_CHECK enum result mark_change(struct db *db, const struct mark *from,
				   const struct mark *to, struct error *err);
MUST_CHECK enum result mark_drop(struct db *db, const struct mark *m,
				 struct error *err);

#endif
