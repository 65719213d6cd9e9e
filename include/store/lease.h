/*
 * STORE_EXTEND: longer leases of claimed jobs. See store.h, which includes
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

#endif
