/*
 * Whole copies of the store; see backups.h.
 */
#include "backups.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

#define HOST_SIZE 256
#define SCHEME	  "sqlite:"

static bool is_gone(const char *name)
{
	struct stat st;

	return stat(name, &st) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Somebody may work on what was a backup. */
static bool is_store(const char *name, const char *url)
{
	struct stat a, b;

	return str_starts(url, SCHEME) && stat(name, &a) == 0 &&
	       stat(url + sizeof(SCHEME) - 1, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Where only reading is allowed it stays. */
static void forget_one(struct store *store, const struct store_backup_row *row)
{
	struct store_op op;

	store_op_init(&op, STORE_BACKUP);
	op.u.backup.host = row->host;
	op.u.backup.name = row->name;
	(void)!store_do(store, &op);
}

enum result backups_each(struct store *store, const char *url, backups_fn *each,
			 void *arg, struct error *err)
{
	char here[HOST_SIZE] = "";
	struct store_op op;
	enum result r;

	(void)gethostname(here, sizeof(here) - 1);
	store_op_init(&op, STORE_BACKUPS);
	r = store_do(store, &op);
	if (r != RESULT_OK)
		*err = op.error;
	for (size_t i = 0; i < op.u.backups.count && r == RESULT_OK; i++) {
		const struct store_backup_row *row = &op.u.backups.rows[i];

		if (!str_eq(row->host, here))
			each(arg, row->name, row->host, row->made_ms);
		else if (is_gone(row->name))
			forget_one(store, row);
		else if (!is_store(row->name, url))
			each(arg, row->name, NULL, row->made_ms);
	}
	store_op_release(&op);
	return r;
}
