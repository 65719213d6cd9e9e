/*
 * See power_vfs.h. Real files serve as the page cache; what is on the disk is
 * in memory, block by block.
 */
#include "power_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "contract.h"

#define BLOCK	   4096
#define BLOCKS_MAX 4096
#define FILES_MAX  8

struct disk_file {
	char name[160];
	bool is_database;      /* not its log */
	unsigned char *blocks; /* as they are on the disk */
	bool dirty[BLOCKS_MAX];
	sqlite3_int64 size;	/* on the disk */
	unsigned char *image;	/* as a cut left it */
	sqlite3_int64 was_size; /* likewise; -1: there was no cut */
};

struct power_file {
	sqlite3_file base;
	struct disk_file *disk; /* NULL: not one of ours */
	sqlite3_file *real;
};

struct power power;
static bool is_on;
static struct disk_file *files[FILES_MAX];
static sqlite3_vfs *real_vfs;
static sqlite3_vfs power_vfs;

uint32_t power_random(uint32_t n)
{
	power.seed = power.seed * 1664525u + 1013904223u;
	return (power.seed >> 8) % n;
}

static struct power_file *file_of(sqlite3_file *f)
{
	return (struct power_file *)f;
}

static struct disk_file *disk_of(const char *name)
{
	size_t i;

	for (i = 0; i < FILES_MAX && files[i]; i++)
		if (str_eq(files[i]->name, name))
			return files[i];
	assert_true(i < FILES_MAX);
	files[i] = xcalloc(1, sizeof(*files[i]));
	files[i]->blocks = xcalloc(BLOCKS_MAX, BLOCK);
	files[i]->was_size = -1;
	assert_true(str_copy(files[i]->name, sizeof(files[i]->name), name));
	return files[i];
}

static void read_block(struct power_file *f, size_t i, unsigned char *out)
{
	int rc = f->real->pMethods->xRead(f->real, out, BLOCK,
					  (sqlite3_int64)i * BLOCK);

	assert_true(rc == SQLITE_OK || rc == SQLITE_IOERR_SHORT_READ);
}

/* --- faults and cuts --- */

/* The blocks on their way are there or not; so is the end of the file. */
static void take_image(struct disk_file *d)
{
	unsigned char now[BLOCK];
	FILE *f = fopen(d->name, "r");
	size_t i, n;

	d->image = xcalloc(BLOCKS_MAX, BLOCK);
	memcpy(d->image, d->blocks, (size_t)BLOCKS_MAX * BLOCK);
	d->was_size = d->size;
	for (i = 0; f && i < BLOCKS_MAX; i++) {
		if (!d->dirty[i] || power_random(2))
			continue;
		memset(now, 0, sizeof(now));
		fseek(f, (long)i * BLOCK, SEEK_SET);
		n = fread(now, 1, sizeof(now), f);
		memcpy(d->image + i * BLOCK, now, sizeof(now));
		if (d->was_size < (sqlite3_int64)(i * BLOCK + n))
			d->was_size = (sqlite3_int64)(i * BLOCK + n);
	}
	if (f)
		fclose(f);
}

static bool strikes(void)
{
	if (++power.calls == power.cut_at) {
		for (size_t i = 0; i < FILES_MAX && files[i]; i++)
			take_image(files[i]);
		if (power.on_cut)
			power.on_cut(power.arg);
	}
	if (power.fail_one_in == 0 ||
	    power_random((uint32_t)power.fail_one_in) != 0)
		return false;
	power.failed++;
	return true;
}

static int file_write(sqlite3_file *file, const void *p, int n,
		      sqlite3_int64 at)
{
	struct power_file *f = file_of(file);
	sqlite3_int64 i;
	bool fails;
	int rc;

	if (!f->disk)
		return f->real->pMethods->xWrite(f->real, p, n, at);
	fails = strikes();
	if (fails)
		n = (int)power_random(
			(uint32_t)n); /* some of it came through */
	rc = n > 0 ? f->real->pMethods->xWrite(f->real, p, n, at) : SQLITE_OK;
	assert_true(at + n <= (sqlite3_int64)BLOCKS_MAX * BLOCK);
	for (i = at / BLOCK; n > 0 && i <= (at + n - 1) / BLOCK; i++)
		f->disk->dirty[i] = true;
	if (fails)
		return power_random(2) ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	return rc;
}

/* What had the block before may be read again, or what it failed to keep. */
static void lose(struct power_file *f, size_t i)
{
	if (power_random(2) && (sqlite3_int64)(i + 1) * BLOCK <= f->disk->size)
		(void)f->real->pMethods->xWrite(
			f->real, f->disk->blocks + i * BLOCK, BLOCK,
			(sqlite3_int64)i * BLOCK);
}

static void note_sync(const struct disk_file *d)
{
	long n = 0;

	for (size_t i = 0; i < BLOCKS_MAX; i++)
		n += d->dirty[i];
	if (d->is_database && n > power.most_synced)
		power.most_synced = n;
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct power_file *f = file_of(file);
	bool fails;
	size_t i;

	(void)flags;
	if (!f->disk)
		return SQLITE_OK;
	fails = strikes();
	if (power.fail_database_syncs && f->disk->is_database)
		fails = true;
	note_sync(f->disk);
	for (i = 0; i < BLOCKS_MAX; i++) {
		if (f->disk->dirty[i] && fails)
			lose(f, i);
		else if (f->disk->dirty[i])
			read_block(f, i, f->disk->blocks + i * BLOCK);
		f->disk->dirty[i] = false;
	}
	if (fails)
		return SQLITE_IOERR_FSYNC;
	return f->real->pMethods->xFileSize(f->real, &f->disk->size);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	struct power_file *f = file_of(file);

	if (f->disk && strikes())
		return SQLITE_IOERR_TRUNCATE;
	return f->real->pMethods->xTruncate(f->real, size);
}

/* --- handed through --- */

#define REAL(f) file_of(f)->real
#define THROUGH(name, params, args)                                            \
	static int file_##name params                                          \
	{                                                                      \
		return REAL(f)->pMethods->x##name args;                        \
	}

THROUGH(Close, (sqlite3_file * f), (REAL(f)))
THROUGH(Read, (sqlite3_file * f, void *p, int n, sqlite3_int64 at),
	(REAL(f), p, n, at))
THROUGH(FileSize, (sqlite3_file * f, sqlite3_int64 *size), (REAL(f), size))
THROUGH(Lock, (sqlite3_file * f, int how), (REAL(f), how))
THROUGH(Unlock, (sqlite3_file * f, int how), (REAL(f), how))
THROUGH(CheckReservedLock, (sqlite3_file * f, int *out), (REAL(f), out))
THROUGH(SectorSize, (sqlite3_file * f), (REAL(f)))
THROUGH(DeviceCharacteristics, (sqlite3_file * f), (REAL(f)))
THROUGH(ShmMap,
	(sqlite3_file * f, int page, int size, int extend, void volatile **p),
	(REAL(f), page, size, extend, p))
THROUGH(ShmLock, (sqlite3_file * f, int at, int n, int flags),
	(REAL(f), at, n, flags))
THROUGH(ShmUnmap, (sqlite3_file * f, int gone), (REAL(f), gone))

static void file_ShmBarrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

/* Truncations ahead of time would go past us. */
static int file_FileControl(sqlite3_file *f, int what, void *arg)
{
	if (what == SQLITE_FCNTL_SIZE_HINT)
		return SQLITE_OK;
	return REAL(f)->pMethods->xFileControl(REAL(f), what, arg);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_Close,
	.xRead = file_Read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_FileSize,
	.xLock = file_Lock,
	.xUnlock = file_Unlock,
	.xCheckReservedLock = file_CheckReservedLock,
	.xFileControl = file_FileControl,
	.xSectorSize = file_SectorSize,
	.xDeviceCharacteristics = file_DeviceCharacteristics,
	.xShmMap = file_ShmMap,
	.xShmLock = file_ShmLock,
	.xShmBarrier = file_ShmBarrier,
	.xShmUnmap = file_ShmUnmap,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		    int flags, int *out)
{
	struct power_file *f = file_of(file);
	int rc;

	(void)vfs;
	f->real = (sqlite3_file *)(f + 1);
	rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
	f->base.pMethods = f->real->pMethods ? &methods : NULL;
	f->disk = is_on && name &&
				  (flags &
				   (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL))
			  ? disk_of(name)
			  : NULL;
	if (f->disk && flags & SQLITE_OPEN_MAIN_DB)
		f->disk->is_database = true;
	return rc;
}

/* --- the disk as a whole --- */

static void put_under(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	power_vfs = *real_vfs;
	power_vfs.zName = "power";
	power_vfs.szOsFile =
		(int)sizeof(struct power_file) + real_vfs->szOsFile;
	power_vfs.xOpen = vfs_open;
	assert_int_equal(sqlite3_vfs_register(&power_vfs, 1), SQLITE_OK);
}

void power_on(uint32_t seed)
{
	if (!real_vfs)
		put_under();
	power = (struct power){.seed = seed};
	is_on = true;
}

void power_image(const char *from, const char *to)
{
	size_t len = strlen(from), i;
	char name[160];
	FILE *f;

	for (i = 0; i < FILES_MAX && files[i]; i++) {
		const struct disk_file *d = files[i];
		bool cut = d->was_size >= 0;

		if (strncmp(d->name, from, len) != 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", to, d->name + len);
		f = fopen(name, "w");
		assert_non_null(f);
		(void)fwrite(cut ? d->image : d->blocks, 1,
			     (size_t)(cut ? d->was_size : d->size), f);
		assert_int_equal(fclose(f), 0);
	}
}

void power_off(void)
{
	for (size_t i = 0; i < FILES_MAX && files[i]; i++) {
		free(files[i]->blocks);
		free(files[i]->image);
		free(files[i]);
		files[i] = NULL;
	}
	is_on = false;
}
