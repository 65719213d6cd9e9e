/*
 * A copy of the whole store in one file, while others read and write it.
 *
 * Refuses to leave half of one: the copy has its name only when it is whole
 * and on disk. It holds what the store held, personal data too, and is made
 * for its owner alone.
 */
#include "sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/str.h"

#define NAME_MAX_BYTES 4096

enum result sq_os_error(struct error *err, const char *what, const char *path)
{
	return error_set(err, RESULT_PERM, "%s %s: %s", what, path,
			 strerror(errno));
}

enum result sq_sync_folder(const char *path, struct error *err)
{
	char *copy = xstrdup(path);
	const char *folder = dirname(copy);
	enum result r = RESULT_OK;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) != 0)
		r = sq_os_error(err, "cannot sync", folder);
	if (fd >= 0)
		close(fd);
	free(copy);
	return r;
}

/* Into a file that is there already and empty, so that it has our mode. */
static enum result vacuum_into(struct sq *q, const char *path,
			       struct error *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(q->db, "VACUUM INTO ?1", -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return RESULT_OK;
	return sq_error(q->db, rc, "copying the store", err);
}

static enum result copy_by_way_of(struct sq *q, const char *part,
				  const char *name, struct error *err)
{
	int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	enum result r;

	if (fd < 0)
		return sq_os_error(err, "cannot create", part);
	r = vacuum_into(q, part, err);
	if (r == RESULT_OK && (fsync(fd) != 0 || rename(part, name) != 0))
		r = sq_os_error(err, "cannot keep", name);
	close(fd);
	if (r == RESULT_OK)
		return sq_sync_folder(name, err);
	(void)unlink(part);
	return r;
}

enum result sq_copy(struct sq *q, const char *name, struct error *err)
{
	struct buf part;
	enum result r;

	buf_init(&part, NAME_MAX_BYTES);
	(void)buf_printf(&part, "%s.part", name);
	r = copy_by_way_of(q, part.data, name, err);
	buf_release(&part);
	return r;
}
