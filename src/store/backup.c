/*
 * A store is saved in a file while others work on it.
 *
 *   file      FILE.part, for its owner alone, locked against another backup
 *     |
 *   note      the store knows where it is kept, before it is there
 *     |
 *   save      what one transaction sees: as a whole, or row by row
 *     |
 *   verify    the file: is it whole, are the counts and checksums right?
 *     |
 *   keep      without a log beside it, on the disk, under its name
 *
 * Invariant: FILE is there whole or not at all, and is never replaced.
 */
#include "transfer_int.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crashpoint.h"
#include "base/str.h"
#include "sqlite_save.h"

#define PATH_MAX_BYTES 4096
#define PASSES	       2 /* every row is written and read */

struct saving {
	struct copying c;
	char *name; /* FILE, absolute */
	char *part;
	char *part_url;
	int fd; /* of part; -1: none */
};

static enum result os_error(struct saving *s, const char *what,
			    const char *path)
{
	return error_set(s->c.err, RESULT_PERM, "%s %s: %s", what, path,
			 strerror(errno));
}

/* --- the file --- */

static char *joined(const char *a, const char *b, const char *c)
{
	struct buf all;

	buf_init(&all, PATH_MAX_BYTES);
	(void)buf_printf(&all, "%s%s%s", a, b, c);
	return buf_detach(&all);
}

/* Where it will be, whatever links lead to its folder. */
static enum result name_it(struct saving *s)
{
	char *for_folder = xstrdup(s->c.t->to), *for_base = xstrdup(s->c.t->to);
	char *folder = realpath(dirname(for_folder), NULL);
	enum result r = RESULT_OK;

	if (folder == NULL)
		r = os_error(s, "cannot use the folder of", s->c.t->to);
	else
		s->name = joined(folder, "/", basename(for_base));
	free(folder);
	free(for_folder);
	free(for_base);
	if (r != RESULT_OK)
		return r;
	s->part = joined(s->name, ".part", "");
	s->part_url = joined("sqlite:", s->part, "");
	return RESULT_OK;
}

static enum result refuse_existing(struct saving *s)
{
	if (access(s->name, F_OK) != 0)
		return RESULT_OK;
	return error_set(s->c.err, RESULT_CONFLICT,
			 "%s is there already: a backup replaces nothing",
			 s->name);
}

/* What beside it a backup that was killed may have left. */
static void remove_beside(const struct saving *s)
{
	static const char *const endings[] = {"-wal", "-shm", "-journal",
					      ".lock"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		char *name = joined(s->part, endings[i], "");

		(void)unlink(name);
		free(name);
	}
}

/* And not the backup that it became while we waited for it. */
static bool is_part(const struct saving *s)
{
	struct stat ours, there;

	return flock(s->fd, LOCK_EX | LOCK_NB) == 0 &&
	       fstat(s->fd, &ours) == 0 && stat(s->part, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

static enum result make_part(struct saving *s)
{
	s->fd = open(s->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0)
		return os_error(s, "cannot create", s->part);
	if (!is_part(s)) {
		close(s->fd);
		s->fd = -1; /* it is not ours to remove */
		return error_set(s->c.err, RESULT_CONFLICT,
				 "another process writes %s", s->part);
	}
	remove_beside(s);
	if (ftruncate(s->fd, 0) != 0 || fchmod(s->fd, 0600) != 0)
		return os_error(s, "cannot use", s->part);
	return RESULT_OK;
}

static enum result sync_folder(struct saving *s)
{
	char *copy = xstrdup(s->name);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum result r = RESULT_OK;

	if (fd < 0 || fsync(fd) != 0)
		r = os_error(s, "cannot sync the folder of", s->name);
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

static enum result keep(struct saving *s)
{
	enum result r = sq_save_alone(s->part, s->c.err);

	if (r != RESULT_OK)
		return r;
	if (fsync(s->fd) != 0)
		return os_error(s, "cannot sync", s->part);
	CRASH_POINT("backup_before_rename");
	/* Where the file system cannot see to it, we look ourselves. */
	if (renameat2(AT_FDCWD, s->part, AT_FDCWD, s->name, RENAME_NOREPLACE) ==
	    0)
		return sync_folder(s);
	if (errno == EINVAL || errno == ENOSYS) {
		r = refuse_existing(s);
		if (r == RESULT_OK && rename(s->part, s->name) == 0)
			return sync_folder(s);
	}
	return r != RESULT_OK ? r : os_error(s, "cannot keep", s->name);
}

/* --- what is in it --- */

/* Whoever erases a person meanwhile is told of it, too. */
static enum result note(struct saving *s, bool gone)
{
	const struct transfer *t = s->c.t;
	struct store *store;
	struct store_op op;
	enum result r =
		store_open(&store, t->from, STORE_WRITE, t->now_ms, s->c.err);

	if (r != RESULT_OK)
		return r;
	store_op_init(&op, STORE_BACKUP);
	op.u.backup.host = t->host;
	op.u.backup.name = s->name;
	op.u.backup.made_ms = gone ? 0 : t->now_ms;
	r = store_do(store, &op);
	if (r != RESULT_OK)
		*s->c.err = op.error;
	store_close(store);
	return r;
}

static void tell_pages(void *arg, int64_t done, int64_t total)
{
	struct copying *c = arg;

	if (c->t->tell != NULL)
		c->t->tell(c->t->arg, "saving", "pages", done, total);
}

static enum result save_whole(struct saving *s)
{
	struct copying *c = &s->c;
	struct store_backend *b = &c->from.db->base;
	const struct store_save save = {
		.file = s->part,
		.log_bytes_max = c->t->log_bytes_max > 0
					 ? c->t->log_bytes_max
					 : TRANSFER_LOG_BYTES_MAX,
		.tell = tell_pages,
		.arg = c};
	enum result r = b->ops->save(b, &save, &c->from.err);

	return r == RESULT_OK ? r : side_failed(c, &c->from, r);
}

struct streaming {
	struct table_writer *writer;
	struct crypto_sha256 *hash;
	size_t columns;
};

static void stream_row(void *arg, const struct db_val *values)
{
	struct streaming *s = arg;

	table_digest(values, s->columns, s->hash);
	table_writer_add(s->writer, values);
}

static enum result stream_batch(struct copying *c, const struct table *t,
				struct table_place *at, struct streaming *s,
				size_t *rows)
{
	enum result r = side_begin(c, &c->to, true);

	if (r != RESULT_OK)
		return r;
	s->writer = table_writer_new(c->to.db, t);
	*rows = table_read(c->from.db, t, at, stream_row, s);
	table_writer_flush(s->writer);
	table_writer_free(s->writer);
	if (c->from.db->failed)
		r = side_failed(c, &c->from, RESULT_TEMP);
	return side_commit(c, &c->to, r);
}

static enum result stream_table(struct copying *c, const struct table *t,
				struct transfer_table *out)
{
	struct streaming s = {NULL, crypto_sha256_new(), table_columns(t)};
	enum result r = RESULT_OK;
	size_t rows = TABLE_BATCH;
	struct table_place at;

	memset(&at, 0, sizeof(at));
	out->rows = 0;
	while (r == RESULT_OK && rows == TABLE_BATCH) {
		r = stream_batch(c, t, &at, &s, &rows);
		out->rows += (int64_t)rows;
		copying_tell(c, "saving", t->name, (int64_t)rows);
	}
	table_place_release(&at);
	copying_hex(s.hash, out->sum);
	return r;
}

static enum result stream_end(struct copying *c)
{
	enum result r = side_begin(c, &c->to, true);

	if (r != RESULT_OK)
		return r;
	db_key_put(c->to.db, c->from.db->key);
	for (size_t i = 0; i < store_table_count; i++)
		table_set_last_id(c->to.db, &store_tables[i],
				  c->t->tables[i].last_id);
	return side_commit(c, &c->to, r);
}

static enum result save_rows(struct saving *s)
{
	struct copying *c = &s->c;
	enum result r = side_open(c, &c->to, s->part_url, STORE_TARGET);

	for (size_t i = 0; i < store_table_count && r == RESULT_OK; i++)
		r = stream_table(c, &store_tables[i], &c->t->tables[i]);
	if (r == RESULT_OK)
		r = stream_end(c);
	side_close(&c->to);
	return r;
}

/* In the transaction that is saved. */
static enum result count_all(struct copying *c)
{
	struct db *db = c->from.db;

	c->t->tables = xcalloc(store_table_count, sizeof(*c->t->tables));
	c->t->count = store_table_count;
	for (size_t i = 0; i < store_table_count; i++) {
		struct transfer_table *out = &c->t->tables[i];

		out->name = store_tables[i].name;
		out->rows = table_rows(db, &store_tables[i]);
		out->last_id = table_last_id(db, &store_tables[i]);
		c->t->rows += out->rows;
	}
	c->total = PASSES * c->t->rows;
	return db->failed ? side_failed(c, &c->from, RESULT_TEMP) : RESULT_OK;
}

static enum result save(struct saving *s)
{
	struct copying *c = &s->c;
	enum result r = side_open(c, &c->from, c->t->from, STORE_SNAPSHOT);

	if (r != RESULT_OK)
		return r;
	r = side_begin(c, &c->from, false);
	if (r == RESULT_OK) {
		r = count_all(c);
		if (r == RESULT_OK && c->from.db->base.ops->save != NULL)
			r = save_whole(s);
		else if (r == RESULT_OK)
			r = save_rows(s);
		(void)side_roll_back(&c->from, r);
	}
	side_close(&c->from);
	return r;
}

static enum result verify_all(struct copying *c)
{
	enum result r = side_begin(c, &c->to, false);

	if (r != RESULT_OK)
		return r;
	for (size_t i = 0; i < store_table_count && r == RESULT_OK; i++) {
		struct transfer_table *want = &c->t->tables[i], is;

		r = copying_sum(c, &c->to, &store_tables[i], "verifying", &is);
		is.last_id = table_last_id(c->to.db, &store_tables[i]);
		if (r == RESULT_OK)
			r = copying_compare(c, &is, want);
		if (r == RESULT_OK && is.last_id != want->last_id)
			r = error_set(c->err, RESULT_PERM,
				      "the ids of the table %s are not those "
				      "of the source",
				      want->name);
		*want = is;
	}
	return side_roll_back(&c->to, r);
}

static enum result verify(struct saving *s)
{
	struct copying *c = &s->c;
	enum result r = side_open(c, &c->to, s->part_url, STORE_READ);
	char *damage;

	if (r != RESULT_OK)
		return r;
	c->done = c->t->rows;
	c->to.db->err = &c->to.err;
	damage = c->to.db->driver->damage(c->to.db, false);
	if (c->to.db->failed)
		r = side_failed(c, &c->to, RESULT_TEMP);
	else if (damage != NULL)
		r = error_set(c->err, RESULT_PERM,
			      "the backup is damaged (%s): look into the disk",
			      damage);
	free(damage);
	if (r == RESULT_OK)
		r = verify_all(c);
	side_close(&c->to);
	return r;
}

static enum result make(struct saving *s)
{
	enum result r = make_part(s);

	if (r == RESULT_OK)
		r = note(s, false);
	if (r == RESULT_OK)
		r = save(s);
	if (r == RESULT_OK)
		r = verify(s);
	if (r == RESULT_OK)
		r = keep(s);
	return r;
}

/* Nothing stays of what failed, and nobody is told of it. */
static void give_up(struct saving *s)
{
	struct error err = *s->c.err;

	if (s->fd < 0)
		return;
	(void)unlink(s->part);
	(void)note(s, true);
	*s->c.err = err;
}

enum result transfer_backup(struct transfer *t, struct error *err)
{
	struct saving s = {.c = {.t = t,
				 .from.what = "store",
				 .to.what = "backup",
				 .err = err},
			   .fd = -1};
	enum result r = name_it(&s);

	if (r == RESULT_OK)
		r = refuse_existing(&s);
	if (r == RESULT_OK) {
		r = make(&s);
		if (r != RESULT_OK)
			give_up(&s);
		if (s.fd >= 0)
			remove_beside(&s);
	}
	if (s.fd >= 0)
		close(s.fd);
	free(s.name);
	free(s.part);
	free(s.part_url);
	return r;
}
