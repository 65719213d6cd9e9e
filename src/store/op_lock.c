/*
 * Locks of users for what is no job: see store/lease.h.
 *
 * They are rows like those of jobs, under a number that no job has, so that an
 * intent minds them.
 */
#include "ops.h"

static bool is_free(struct db *q, const struct store_lock *l, int64_t account,
		    uint64_t user)
{
	return db_get(q, 0, LOCK_OF_ANOTHER, db_int(account), db_id(user),
		      db_int(l->owner), db_int(l->now_ms)) == 0;
}

enum result op_lock(struct db *q, struct store_op *op)
{
	struct store_lock *l = &op->u.lock;
	int64_t account = db_account_id(q, l->account, true);

	if (l->count == 0)
		db_do(q, LOCKS_RELEASE, db_int(l->owner));
	for (size_t i = 0; i < l->count; i++) {
		l->held[i] = is_free(q, l, account, l->users[i]);
		if (l->held[i])
			db_do(q, LOCK_PUT, db_int(account), db_id(l->users[i]),
			      db_int(l->owner), db_int(0), db_int(l->until_ms));
	}
	return RESULT_OK;
}
