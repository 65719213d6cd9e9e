/*
 * Helpers of the contract suite.
 */
#include "contract.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void contract_dir_make(struct contract_dir *d)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(d->dir, sizeof(d->dir), "%s/reunite-store-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(d->dir));
	snprintf(d->path, sizeof(d->path), "%s/reunite.db", d->dir);
	snprintf(d->url, sizeof(d->url), "sqlite:%s", d->path);
}

void contract_dir_remove(struct contract_dir *d)
{
	DIR *dir = opendir(d->dir);
	struct dirent *e;
	char name[512];

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", d->dir, e->d_name);
		if (e->d_name[0] != '.')
			assert_int_equal(unlink(name), 0);
	}
	closedir(dir);
	assert_int_equal(rmdir(d->dir), 0);
}

struct store *contract_open_url(const char *url, enum store_mode mode)
{
	struct error err = {""};
	struct store *s = NULL;

	if (store_open(&s, url, mode, 0, &err) != RESULT_OK)
		fail_msg("store_open: %s", err.text);
	return s;
}
