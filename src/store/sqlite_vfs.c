/*
 * How the files of a SQLite store are written: by SQLite's own functions, only
 * at other times.
 *
 * What a commit writes to the log goes there in few pieces. SQLite hands it
 * over as two writes a page; they follow one another, so they are gathered
 * until the log is synced. Nobody looks for them before: a commit is in the
 * log's index only after its sync (synchronous = FULL), and what cannot be
 * written fails that sync. Only a COMMIT is gathered, and nothing is kept
 * behind its end. What is written earlier in a transaction that is larger than
 * the cache goes its own way: when it is taken back, others write there.
 *
 * The database is synced little by little while the log is moved into it. The
 * commits that go on meanwhile share its disk, and all of it at once would be
 * in front of them.
 *
 * SQLite syncs what it moved at the end of the log only, and counts the rest as
 * moved before: such pages are read from the database, where a sync that fails
 * later may have lost them, and the one after it succeeds without them. So every
 * part is synced before it counts; and where that fails, the index is told that
 * nothing is moved.
 *
 * An open file is SQLite's, with some of its methods replaced and our state
 * behind it.
 */
#include "sqlite_db.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* SQLite's own write takes less than 128 KiB. */
#define GATHER_BYTES (124 << 10)
#define SPREAD_BYTES (256 << 10)
#define ALIGN	     16

/* The log's index (sqlite.org/walformat.html): its version, how many pages of
 * the log are moved, and the lock of who reads nothing but the database. */
#define INDEX_VERSION	3007000
#define INDEX_MOVED	96
#define INDEX_READ_LOCK 3

/* Of a kind of file: SQLite's methods, and ours. */
struct kind {
	int flag;
	void (*replace)(sqlite3_io_methods *m);
	const sqlite3_io_methods *real;
	sqlite3_io_methods ours;
};

struct state {
	const sqlite3_io_methods *real;
	/* of a database that has a log: */
	volatile void *index;
	sqlite3_int64 unsynced; /* bytes */
	bool lost;		/* perhaps, by a sync that failed */
};

static sqlite3_vfs vfs;
static size_t state_at;

static struct state *state_of(sqlite3_file *f)
{
	return (struct state *)((char *)f + state_at);
}

/* ---- the log ---- */

/* Of the thread that is at a COMMIT. */
static _Thread_local struct sq_gather *gather;

static int write_gathered(sqlite3_file *f)
{
	int count;

	if (gather == NULL || gather->count == 0 || gather->file != f)
		return SQLITE_OK;
	count = gather->count;
	gather->count = 0;
	return state_of(f)->real->xWrite(f, gather->bytes, count, gather->at);
}

/* Whether it was taken: there is room, and it follows what is there. */
static bool keep(sqlite3_file *f, const void *bytes, int count,
		 sqlite3_int64 at)
{
	struct sq_gather *g = gather;

	if (g == NULL || count > GATHER_BYTES - g->count ||
	    (g->count > 0 && (g->file != f || at != g->at + g->count)))
		return false;
	if (g->bytes == NULL)
		g->bytes = xcalloc(1, GATHER_BYTES);
	if (g->count == 0) {
		g->file = f;
		g->at = at;
	}
	memcpy(g->bytes + g->count, bytes, (size_t)count);
	g->count += count;
	return true;
}

static int log_write(sqlite3_file *f, const void *bytes, int count,
		     sqlite3_int64 at)
{
	int rc;

	if (keep(f, bytes, count, at))
		return SQLITE_OK;
	rc = write_gathered(f);
	if (rc != SQLITE_OK || keep(f, bytes, count, at))
		return rc;
	return state_of(f)->real->xWrite(f, bytes, count, at);
}

static int log_read(sqlite3_file *f, void *bytes, int count, sqlite3_int64 at)
{
	int rc = write_gathered(f);

	return rc == SQLITE_OK ? state_of(f)->real->xRead(f, bytes, count, at)
			       : rc;
}

static int log_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	int rc = write_gathered(f);

	return rc == SQLITE_OK ? state_of(f)->real->xTruncate(f, size) : rc;
}

static int log_sync(sqlite3_file *f, int flags)
{
	int rc = write_gathered(f);

	return rc == SQLITE_OK ? state_of(f)->real->xSync(f, flags) : rc;
}

static int log_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = write_gathered(f);

	return rc == SQLITE_OK ? state_of(f)->real->xFileSize(f, size) : rc;
}

static void replace_for_log(sqlite3_io_methods *m)
{
	m->xWrite = log_write;
	m->xRead = log_read;
	m->xTruncate = log_truncate;
	m->xSync = log_sync;
	m->xFileSize = log_size;
}

void sq_gather_begin(struct sq_gather *g)
{
	g->count = 0;
	gather = g;
}

/* Of a COMMIT that worked nothing is left: it was synced. If it were not, its
 * pages would be missed, and nobody would know. */
void sq_gather_end(struct sq_gather *g, bool committed)
{
	if (committed && g->count > 0 && write_gathered(g->file) != SQLITE_OK)
		abort();
	g->count = 0;
	gather = NULL;
}

/* ---- the database ---- */

/* Fails until the checkpoint has ended that it is for. */
static int database_sync(sqlite3_file *f, int flags)
{
	struct state *s = state_of(f);
	int rc = s->lost ? SQLITE_IOERR_FSYNC : s->real->xSync(f, flags);

	s->unsynced = 0;
	s->lost = rc != SQLITE_OK && s->index != NULL;
	return rc;
}

static int database_write(sqlite3_file *f, const void *bytes, int count,
			  sqlite3_int64 at)
{
	struct state *s = state_of(f);
	int rc = s->real->xWrite(f, bytes, count, at);

	s->unsynced += count;
	if (rc == SQLITE_OK && s->index != NULL && s->unsynced >= SPREAD_BYTES)
		rc = database_sync(f, SQLITE_SYNC_NORMAL);
	return rc;
}

/* Before what was moved counts; SQLite does not heed what is returned. */
static int database_control(sqlite3_file *f, int what, void *arg)
{
	struct state *s = state_of(f);

	if (what == SQLITE_FCNTL_CKPT_DONE && s->unsynced > 0)
		(void)database_sync(f, SQLITE_SYNC_NORMAL);
	return s->real->xFileControl(f, what, arg);
}

static void move_all_again(struct state *s)
{
	volatile uint32_t *words = s->index;

	if (words != NULL && words[0] == INDEX_VERSION)
		__atomic_store_n(&words[INDEX_MOVED / sizeof(*words)], 0,
				 __ATOMIC_SEQ_CST);
	s->lost = false;
}

/* A checkpoint ends: nobody else is at one, nor reads only the database. */
static int database_lock(sqlite3_file *f, int at, int count, int how)
{
	struct state *s = state_of(f);

	if (s->lost && at == INDEX_READ_LOCK &&
	    how == (SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE))
		move_all_again(s);
	return s->real->xShmLock(f, at, count, how);
}

static int database_index(sqlite3_file *f, int part, int size, int extend,
			  void volatile **out)
{
	struct state *s = state_of(f);
	int rc = s->real->xShmMap(f, part, size, extend, out);

	if (part == 0)
		s->index = rc == SQLITE_OK ? *out : NULL;
	return rc;
}

static int database_index_end(sqlite3_file *f, int delete)
{
	struct state *s = state_of(f);

	s->index = NULL;
	return s->real->xShmUnmap(f, delete);
}

static void replace_for_database(sqlite3_io_methods *m)
{
	m->xFileControl = database_control;
	m->xShmLock = database_lock;
	m->xShmMap = database_index;
	m->xShmUnmap = database_index_end;
	m->xWrite = database_write;
	m->xSync = database_sync;
}

/* ---- opening ---- */

static struct kind kinds[] = {
	{.flag = SQLITE_OPEN_WAL, .replace = replace_for_log},
	{.flag = SQLITE_OPEN_MAIN_DB, .replace = replace_for_database},
};
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;

/* A file with other methods than the first of its kind is left as it is. */
static void take(struct kind *k, sqlite3_file *f)
{
	pthread_mutex_lock(&kinds_lock);
	if (k->real == NULL) {
		k->real = f->pMethods;
		k->ours = *k->real;
		k->replace(&k->ours);
	}
	if (f->pMethods == k->real) {
		*state_of(f) = (struct state){.real = k->real};
		f->pMethods = &k->ours;
	}
	pthread_mutex_unlock(&kinds_lock);
}

static int open_file(sqlite3_vfs *v, const char *name, sqlite3_file *f,
		     int flags, int *out)
{
	sqlite3_vfs *real = v->pAppData;
	int rc = real->xOpen(real, name, f, flags, out);

	if (rc != SQLITE_OK)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (flags & kinds[i].flag)
			take(&kinds[i], f);
	return rc;
}

static void register_vfs(void)
{
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	state_at = ((size_t)real->szOsFile + ALIGN - 1) / ALIGN * ALIGN;
	vfs = *real;
	vfs.zName = "reunite";
	vfs.pNext = NULL;
	vfs.pAppData = real;
	vfs.szOsFile = (int)(state_at + sizeof(struct state));
	vfs.xOpen = open_file;
	(void)sqlite3_vfs_register(&vfs, 0);
}

const char *sq_vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, register_vfs);
	return vfs.zName;
}
