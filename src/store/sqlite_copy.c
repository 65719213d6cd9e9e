/*
 * A copy of the whole store in one file, while others read and write it; and
 * the copies that are there already.
 *
 * Refuses to leave half of one: the copy has its name only when it is whole
 * and on disk. It holds what the store held, personal data too, and is made
 * for its owner alone.
 */
#include "sqlite_db.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
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

/* --- those that are there --- */

struct copies {
	const char *folder;
	const char *base; /* the store's own name in it */
	struct store_copy *items;
	size_t count;
};

/* What comes after the store's name; "part" ends a copy that was given up. */
static bool is_copy(const struct copies *c, const char *name, bool *rescued)
{
	size_t len = strlen(c->base);
	const char *ending = name + len;

	if (strncmp(name, c->base, len) != 0)
		return false;
	*rescued = str_starts(ending, ".rescued-");
	return *rescued || str_starts(ending, ".schema-");
}

static void add_copy(struct copies *c, const char *name)
{
	struct store_copy copy;
	struct stat st;
	struct buf b;

	if (!is_copy(c, name, &copy.rescued))
		return;
	buf_init(&b, NAME_MAX_BYTES);
	(void)buf_printf(&b, "%s/%s", c->folder, name);
	if (stat(b.data, &st) == 0 && S_ISREG(st.st_mode)) {
		copy.name = xstrdup(b.data);
		copy.made_ms = (int64_t)st.st_mtime * 1000;
		c->items =
			xrealloc(c->items, (c->count + 1) * sizeof(*c->items));
		c->items[c->count++] = copy;
	}
	buf_release(&b);
}

size_t sq_copies(const char *location, struct store_copy **out)
{
	char *for_folder = sq_path(location), *for_base = sq_path(location);
	struct copies c = {dirname(for_folder), basename(for_base), NULL, 0};
	DIR *dir = opendir(c.folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		add_copy(&c, entry->d_name);
	if (dir != NULL)
		closedir(dir);
	free(for_folder);
	free(for_base);
	*out = c.items;
	return c.count;
}

void sq_copies_prune(struct db *d, int64_t before_ms)
{
	struct sq *q = (struct sq *)d;
	struct store_copy *copies;
	size_t i,
		count = sq_copies(sqlite3_db_filename(q->db, "main"), &copies);

	for (i = 0; i < count; i++) {
		if (!copies[i].rescued && copies[i].made_ms < before_ms &&
		    unlink(copies[i].name) == 0)
			log_info("store_copy_removed",
				 log_str("file", copies[i].name));
		free(copies[i].name);
	}
	free(copies);
}
