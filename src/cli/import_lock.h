/*
 * Users whom an import is about to change, locked as merges lock theirs, so
 * that neither disturbs the other.
 */
#ifndef REUNITE_CLI_IMPORT_LOCK_H
#define REUNITE_CLI_IMPORT_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct import_lock {
	struct store *store; /* *owned*; NULL: there is none, hence no merge */
	const char *account;
	int64_t owner; /* to be set before the first is taken */
	uint64_t users[STORE_LOCK_MAX]; /* ascending; held */
	size_t count;
	int64_t until_ms;
};
/* A number that no job and no other import has. */
int64_t import_lock_owner(void);
/* Takes the store. */
void import_lock_init(struct import_lock *l, struct store *store,
		      const char *account);
/* Takes these, in any order, at most STORE_LOCK_MAX; nobody is held before.
 * On anything but RESULT_OK err says why. */
MUST_CHECK enum result import_lock_take(struct import_lock *l,
					const uint64_t *users, size_t count,
					int64_t now_ms, struct error *err);
bool import_lock_has(const struct import_lock *l, uint64_t user);
/* Holds them longer, if it is time to. */
void import_lock_renew(struct import_lock *l, int64_t now_ms);
/* Gives all of them back. */
void import_lock_drop(struct import_lock *l);
/* The same, and closes the store. */
void import_lock_release(struct import_lock *l);

#endif
