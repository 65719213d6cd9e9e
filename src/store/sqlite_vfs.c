/*
 * How the files of a SQLite store are written: by SQLite's own functions, only
 * at other times.
 *
 * The log is written in few pieces. SQLite hands a commit over as two writes a
 * page; they follow one another, so they are gathered until the log is synced,
 * or anything else is asked of it. Nobody else looks for them before: a commit
 * is in the log's index only after its sync (synchronous = FULL), and what
 * cannot be written fails that sync.
 *
 * The database is synced little by little while the log is moved into it. The
 * commits that go on meanwhile share its disk, and all of it at once would be
 * in front of them.
 *
 * An open file is SQLite's, with some of its methods replaced and our state
 * behind it. One thread at a time uses it: the handles are not shared.
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

struct state {
	const sqlite3_io_methods *real;
	uint8_t *bytes; /* of the log, still to be written; NULL: never any */
	int count;
	sqlite3_int64 at;	/* in the log, of the first of them */
	sqlite3_int64 unsynced; /* bytes of the database */
};

static sqlite3_vfs vfs;
static size_t state_at;

static struct state *state_of(sqlite3_file *f)
{
	return (struct state *)((char *)f + state_at);
}

/* ---- the log ---- */

static int write_gathered(sqlite3_file *f)
{
	struct state *s = state_of(f);
	int count = s->count;

	s->count = 0;
	if (count == 0)
		return SQLITE_OK;
	return s->real->xWrite(f, s->bytes, count, s->at);
}

static int log_write(sqlite3_file *f, const void *bytes, int count,
		     sqlite3_int64 at)
{
	struct state *s = state_of(f);
	int rc = SQLITE_OK;

	if (at != s->at + s->count || count > GATHER_BYTES - s->count)
		rc = write_gathered(f);
	if (rc != SQLITE_OK)
		return rc;
	if (count > GATHER_BYTES)
		return s->real->xWrite(f, bytes, count, at);
	if (s->bytes == NULL)
		s->bytes = xcalloc(1, GATHER_BYTES);
	if (s->count == 0)
		s->at = at;
	memcpy(s->bytes + s->count, bytes, (size_t)count);
	s->count += count;
	return SQLITE_OK;
}

static int log_read(sqlite3_file *f, void *bytes, int count, sqlite3_int64 at)
{
	int rc = write_gathered(f);

	if (rc == SQLITE_OK)
		rc = state_of(f)->real->xRead(f, bytes, count, at);
	return rc;
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

static int log_close(sqlite3_file *f)
{
	struct state *s = state_of(f);
	int written = write_gathered(f), closed;

	free(s->bytes);
	closed = s->real->xClose(f);
	return written == SQLITE_OK ? closed : written;
}

static void make_log_methods(sqlite3_io_methods *m)
{
	m->xWrite = log_write;
	m->xRead = log_read;
	m->xTruncate = log_truncate;
	m->xSync = log_sync;
	m->xFileSize = log_size;
	m->xClose = log_close;
}

/* ---- the database ---- */

static int database_sync(sqlite3_file *f, int flags)
{
	struct state *s = state_of(f);

	s->unsynced = 0;
	return s->real->xSync(f, flags);
}

static int database_write(sqlite3_file *f, const void *bytes, int count,
			  sqlite3_int64 at)
{
	struct state *s = state_of(f);
	int rc = s->real->xWrite(f, bytes, count, at);

	s->unsynced += count;
	if (rc == SQLITE_OK && s->unsynced >= SPREAD_BYTES)
		rc = database_sync(f, SQLITE_SYNC_NORMAL);
	return rc;
}

static void make_database_methods(sqlite3_io_methods *m)
{
	m->xWrite = database_write;
	m->xSync = database_sync;
}

/* ---- opening ---- */

/* SQLite's methods of a kind of file, and ours. */
struct kind {
	int flag;
	void (*make)(sqlite3_io_methods *m);
	const sqlite3_io_methods *real;
	sqlite3_io_methods ours;
};

static struct kind kinds[] = {
	{.flag = SQLITE_OPEN_WAL, .make = make_log_methods},
	{.flag = SQLITE_OPEN_MAIN_DB, .make = make_database_methods},
};
static pthread_mutex_t kinds_lock = PTHREAD_MUTEX_INITIALIZER;

/* A file with other methods than the first of its kind is left as it is. */
static void take(struct kind *k, sqlite3_file *f)
{
	pthread_mutex_lock(&kinds_lock);
	if (k->real == NULL) {
		k->real = f->pMethods;
		k->ours = *k->real;
		k->make(&k->ours);
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
