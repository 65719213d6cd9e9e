/*
 * A large store is looked through beside the daemon, from its start on: by a
 * thread with a connection of its own, which gives way to everybody.
 *
 * One pass reads the whole file. SQLite of some versions does not end it
 * before its time, so who closes the store may wait for it. It holds a
 * snapshot meanwhile: the log grows for that long.
 *
 * Invariant: the thread touches nothing of the store's handle; found is all
 * that it says, and it says it once.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "sqlite_db.h"

#define NICE 5 /* gives way, but must come to its end: see above */

struct sq_patrol {
	sqlite3 *db;
	pthread_t thread;
	atomic_bool found; /* damage */
};

static void tell(struct sq_patrol *p, int rc, const char *damage,
		 int64_t from_ms)
{
	if (damage != NULL) {
		atomic_store(&p->found, true);
		log_error("store_damaged", log_str("where", damage));
	} else if (rc == SQLITE_OK) {
		log_info("store_checked",
			 log_int("ms", clock_mono_ms() - from_ms));
	} else if (rc != SQLITE_INTERRUPT) {
		log_warn("store_not_checked",
			 log_str("error", sqlite3_errmsg(p->db)));
	}
}

static void *look_through(void *arg)
{
	struct sq_patrol *p = arg;
	int64_t from_ms = clock_mono_ms();
	char *damage = NULL;
	int rc;

	/* Of Linux: of this thread alone. */
	(void)setpriority(PRIO_PROCESS, 0, NICE);
	rc = sq_check_file(p->db, true, &damage);
	tell(p, rc, damage, from_ms);
	free(damage);
	return NULL;
}

/* Signals are the loop's. */
static void start(struct sq_patrol *p)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&p->thread, NULL, look_through, p) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

enum result sq_patrol_start(struct sq_patrol **out, const char *path,
			    struct error *err)
{
	struct sq_patrol *p = xcalloc(1, sizeof(*p));
	int rc = sqlite3_open_v2(path, &p->db,
				 SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
				 NULL);
	enum result r;

	if (rc != SQLITE_OK) {
		r = sq_error(p->db, rc, "store", err);
		sqlite3_close(p->db);
		free(p);
		return r;
	}
	start(p);
	*out = p;
	return RESULT_OK;
}

bool sq_patrol_found(struct sq_patrol *p)
{
	return p != NULL && atomic_load(&p->found);
}

void sq_patrol_end(struct sq_patrol *p)
{
	if (p == NULL)
		return;
	sqlite3_interrupt(p->db);
	pthread_join(p->thread, NULL);
	sqlite3_close(p->db);
	free(p);
}
