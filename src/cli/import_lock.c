/*
 * Locks of an import: see import_lock.h. A failure to renew them or to give
 * them back is no reason to stop: they end by themselves.
 */
#include "import_lock.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define LOCK_MS	 (3 * 60 * 1000) /* the longest while between two looks */
#define RENEW_MS (60 * 1000)

int64_t import_lock_owner(void)
{
	uint32_t dice;

	crypto_random(&dice, sizeof(dice));
	return -1 - (int64_t)dice;
}

void import_lock_init(struct import_lock *l, struct store *store,
		      const char *account)
{
	*l = (struct import_lock){
		.store = store,
		.account = account,
	};
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static enum result lock(struct import_lock *l, bool *held, int64_t now_ms,
			struct error *err)
{
	struct store_op op;

	store_op_init(&op, STORE_LOCK);
	op.u.lock = (struct store_lock){
		.account = l->account,
		.owner = l->owner,
		.users = l->users,
		.count = l->count,
		.now_ms = now_ms,
		.until_ms = now_ms + LOCK_MS,
		.held = held,
	};
	l->until_ms = now_ms + LOCK_MS;
	if (!l->store) {
		memset(held, true, l->count * sizeof(*held));
		return RESULT_OK;
	}
	if (store_do(l->store, &op) != RESULT_OK)
		return error_set(err, RESULT_TEMP, "the store failed: %s",
				 op.error.text);
	return RESULT_OK;
}

enum result import_lock_take(struct import_lock *l, const uint64_t *users,
			     size_t count, int64_t now_ms, struct error *err)
{
	bool held[STORE_LOCK_MAX];
	size_t kept = 0;
	enum result r;

	if (count == 0)
		return RESULT_OK;
	memcpy(l->users, users, count * sizeof(*users));
	qsort(l->users, count, sizeof(*l->users), by_number);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || l->users[i] != l->users[kept - 1])
			l->users[kept++] = l->users[i];
	l->count = kept;
	r = lock(l, held, now_ms, err);
	kept = 0;
	for (size_t i = 0; i < l->count && r == RESULT_OK; i++)
		if (held[i])
			l->users[kept++] = l->users[i];
	l->count = kept;
	return r;
}

bool import_lock_has(const struct import_lock *l, uint64_t user)
{
	return bsearch(&user, l->users, l->count, sizeof(user), by_number) !=
	       NULL;
}

void import_lock_renew(struct import_lock *l, int64_t now_ms)
{
	bool held[STORE_LOCK_MAX];
	struct error err;

	if (l->count > 0 && l->until_ms - now_ms < LOCK_MS - RENEW_MS)
		(void)lock(l, held, now_ms, &err);
}

void import_lock_drop(struct import_lock *l)
{
	struct error err;

	if (l->count == 0)
		return;
	l->count = 0;
	if (l->store)
		(void)lock(l, NULL, l->until_ms - LOCK_MS, &err);
}

void import_lock_release(struct import_lock *l)
{
	import_lock_drop(l);
	if (l->store)
		store_close(l->store);
	l->store = NULL;
}
