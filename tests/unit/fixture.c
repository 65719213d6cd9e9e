/*
 * Golden files under tests/fixtures.
 */
#include "fixture.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FIXTURE_MAX_BYTES (1 << 20)

struct slice fixture_read(const char *name)
{
	char path[512];
	char *text = xcalloc(1, FIXTURE_MAX_BYTES);
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", TEST_FIXTURES, name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("no fixture %s", path);
	len = fread(text, 1, FIXTURE_MAX_BYTES, f);
	fclose(f);
	return (struct slice){xrealloc(text, len ? len : 1), len};
}

size_t fixture_each(const char *folder,
		    void (*fn)(const char *name, struct slice text, void *arg),
		    void *arg)
{
	char path[512];
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/%s", TEST_FIXTURES, folder);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		struct slice text;

		if (!strstr(entry->d_name, ".json"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		text = fixture_read(path);
		fn(path, text, arg);
		free((char *)text.ptr);
		count++;
	}
	closedir(dir);
	return count;
}
