/*
 * The files of a SQLite store: its lock, its creation, and whether they are
 * still the ones that were opened.
 *
 * Refuses to begin an empty store where there was another: the lock file
 * tells, which is marked once a store is complete and stays when the database
 * goes; a log without its database tells, too. An empty database without a
 * mark is a creation that was interrupted.
 *
 * A database that is deleted or replaced under us goes on to be written, by
 * everybody who has it open, and is gone with the last of them. So nothing
 * more is written, and what is in it is saved under another name. Its log goes
 * into it, or it would go into whatever takes the database's name next.
 *
 * A lock file that is deleted or replaced under us locks nobody out: it is
 * made and taken anew. If another was faster, nothing more is written. Locks
 * and logs stand beside the file itself, whatever links lead to it.
 */
#include "sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"

#define NAME_MAX_BYTES 4096
#define RESCUES_MAX    100

static const char mark[] = "A store of reunite was made here; without this "
			   "file an empty one may take its place.\n";
static const char leaving[] = "Its daemon is about to end.\n";

/* The path with an ending, in a buffer that the caller releases. */
static const char *name_of(struct buf *b, const char *path, const char *ending)
{
	buf_init(b, NAME_MAX_BYTES);
	(void)buf_printf(b, "%s%s", path, ending);
	return b->data;
}

char *sq_path(const char *location)
{
	char *path = realpath(location, NULL);

	return path ? path : xstrdup(location);
}

static off_t size_of(const char *path, const char *ending)
{
	struct stat st;
	struct buf b;
	off_t size = 0;

	if (stat(name_of(&b, path, ending), &st) == 0)
		size = st.st_size;
	buf_release(&b);
	return size;
}

enum result sq_lock(struct sq *q, const char *path, struct error *err)
{
	enum result r = RESULT_OK;
	struct buf b;
	const char *name = name_of(&b, path, ".lock");

	q->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (q->lock_fd < 0 && errno == EROFS && q->base.mode == STORE_SOURCE)
		r = RESULT_OK; /* nor can anybody serve it */
	else if (q->lock_fd < 0)
		r = sq_os_error(err, "cannot open", name);
	else if (flock(q->lock_fd, LOCK_EX | LOCK_NB) != 0)
		r = error_set(err, RESULT_CONFLICT, "another process holds %s",
			      name);
	buf_release(&b);
	return r;
}

static bool is_marked(const struct sq *q)
{
	struct stat st;

	return fstat(q->lock_fd, &st) == 0 && st.st_size > 0;
}

/* Durable after the store itself is, so it never speaks of one that was not.
 */
enum result sq_mark(struct sq *q, const char *path, struct error *err)
{
	size_t size = sizeof(mark) - 1;

	if (is_marked(q)) {
		(void)!ftruncate(q->lock_fd, (off_t)size); /* we stay */
		return RESULT_OK;
	}
	if (pwrite(q->lock_fd, mark, size, 0) != (ssize_t)size ||
	    fsync(q->lock_fd) != 0)
		return sq_os_error(err, "cannot mark the lock file of", path);
	return RESULT_OK; /* its name was synced with the database's */
}

void sq_leave(struct store_backend *b)
{
	(void)!pwrite(((struct sq *)b)->lock_fd, leaving, sizeof(leaving) - 1,
		      sizeof(mark) - 1);
}

bool sq_is_left(const char *location)
{
	char *path = sq_path(location);
	bool left = size_of(path, ".lock") > (off_t)sizeof(mark) - 1;

	free(path);
	return left;
}

enum result sq_refuse_empty(const struct sq *q, const char *path,
			    struct error *err)
{
	/* A copy is put there on purpose. */
	if (is_marked(q) && q->base.mode != STORE_TARGET)
		return error_set(err, RESULT_PERM,
				 "there was a store at %s and it is gone: put "
				 "it back, or a copy of it; to begin with an "
				 "empty one, remove its .lock file",
				 path);
	if (access(path, F_OK) != 0 && size_of(path, "-wal") > 0)
		return error_set(err, RESULT_PERM,
				 "%s is gone, but its log (-wal) is there: put "
				 "it back, or move the log away",
				 path);
	return RESULT_OK;
}

static enum result create(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return sq_os_error(err, "cannot create", path);
	close(fd);
	return sq_sync_folder(path, err);
}

/* Never opened here: closing it would end the locks of a handle that this
 * process has on it already. */
static enum result may_use(const char *path, int how, struct error *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || faccessat(AT_FDCWD, path, how, AT_EACCESS))
		return sq_os_error(err, "cannot open", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, RESULT_PERM, "%s is no file", path);
	return RESULT_OK;
}

enum result sq_need_file(const char *path, enum store_mode mode,
			 struct error *err)
{
	struct stat st;
	bool there = stat(path, &st) == 0;

	if ((!there && (errno == ENOENT || errno == ENOTDIR)) ||
	    (there && S_ISREG(st.st_mode) && st.st_size == 0))
		return error_set(err, RESULT_NOTFOUND,
				 "there is no store at %s", path);
	return may_use(path,
		       mode == STORE_READ || mode == STORE_SOURCE ? R_OK
								  : R_OK | W_OK,
		       err);
}

enum result sq_make_file(const struct sq *q, const char *path,
			 struct error *err)
{
	struct stat st;
	bool there = stat(path, &st) == 0;
	enum result r;

	if (!there && errno != ENOENT)
		return sq_os_error(err, "cannot open", path);
	if (there && (!S_ISREG(st.st_mode) || st.st_size > 0))
		return may_use(path, R_OK | W_OK, err);
	r = sq_refuse_empty(q, path, err);
	if (r == RESULT_OK && !there)
		r = create(path, err);
	return r;
}

/* --- while it is open --- */

static bool is_there(const char *name, const struct sq_file *f)
{
	struct stat st;

	return stat(name, &st) == 0 && st.st_dev == f->dev &&
	       st.st_ino == f->ino;
}

static void remember(const char *name, struct sq_file *f)
{
	struct stat st;

	if (stat(name, &st) == 0)
		*f = (struct sq_file){st.st_dev, st.st_ino};
}

void sq_files_remember(struct sq *q)
{
	const char *name = sqlite3_db_filename(q->db, "main");

	remember(name, &q->main_file);
	remember(sqlite3_filename_wal(name), &q->log_file);
}

bool sq_files_there(const struct sq *q)
{
	const char *name = sqlite3_db_filename(q->db, "main");

	return is_there(name, &q->main_file) &&
	       is_there(sqlite3_filename_wal(name), &q->log_file);
}

/* The number of the descriptor stays: the loop's thread uses it, too. */
static bool lock_again(struct sq *q, const char *path, const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct error err;
	bool ours;

	if (fd < 0)
		return true; /* nor could another */
	ours = flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	       dup3(fd, q->lock_fd, O_CLOEXEC) >= 0;
	close(fd);
	if (!ours)
		return false;
	log_warn("store_lock_gone", log_str("file", name));
	if (sq_mark(q, path, &err) == RESULT_OK)
		(void)sq_sync_folder(path, &err);
	return true;
}

bool sq_lock_is_ours(struct sq *q)
{
	const char *path = sqlite3_db_filename(q->db, "main");
	struct sq_file held = {0, 0};
	const char *name;
	struct stat st;
	struct buf b;

	if (q->lock_fd < 0 || q->displaced)
		return !q->displaced;
	if (fstat(q->lock_fd, &st) == 0)
		held = (struct sq_file){st.st_dev, st.st_ino};
	name = name_of(&b, path, ".lock");
	if (!is_there(name, &held))
		q->displaced = !lock_again(q, path, name);
	buf_release(&b);
	return !q->displaced;
}

static bool free_name(const char *path, struct buf *b)
{
	char ending[32];

	for (int i = 1; i <= RESCUES_MAX; i++) {
		(void)snprintf(ending, sizeof(ending), ".rescued-%d", i);
		if (access(name_of(b, path, ending), F_OK) != 0)
			return true;
		buf_release(b);
	}
	return false;
}

void sq_rescue(struct sq *q)
{
	const char *path = sqlite3_db_filename(q->db, "main");
	struct error err = {"too many copies"};
	enum result r = RESULT_PERM;
	struct buf b;

	if (free_name(path, &b)) {
		r = sq_copy(q, b.data, &err);
		q->rescued = r == RESULT_OK;
		log_error("store_gone", log_str("file", path),
			  log_str("saved_as", q->rescued ? b.data : NULL),
			  log_str("error", q->rescued ? NULL : err.text));
		buf_release(&b);
	}
	(void)q->base.base.ops->empty_log(&q->base.base);
}
