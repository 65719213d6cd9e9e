/*
 * STORE_EXTEND: longer leases of claimed jobs; STORE_LOCK: users whom something
 * else than a job is about to change. See store.h, which includes
 * this.
 */
#ifndef REUNITE_STORE_LEASE_H
#define REUNITE_STORE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store_lease {
	int64_t job_id;
	int64_t token;
	bool held; /* out: it was, and is longer now */
};

/* Of as many runs as a process has; some may be lost, which is no failure. */
#define STORE_EXTEND_MAX 1024
struct store_extend {
	struct store_lease *leases; /* by job_id, ascending */
	size_t count;
	int64_t until_ms;
	int64_t lock_until_ms; /* of their locks, if that is later */
};

/* Locks of users, as an intent takes them, for whoever has no job: who is held
 * by a job, or by another owner, is left out. All of them are given back with
 * count 0; after a kill they end by themselves. */
#define STORE_LOCK_MAX 512
struct store_lock {
	const char *account;
	int64_t owner;	       /* below 0: no job's id */
	const uint64_t *users; /* ascending */
	size_t count;
	int64_t now_ms;
	int64_t until_ms;
	bool *held; /* out: each one's; the caller's */
};

#endif
