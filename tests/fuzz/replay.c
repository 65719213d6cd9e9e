/*
 * Runs a fuzz target over files, without libFuzzer: arguments are files, or
 * folders whose files are taken. No input at all is a failure, since it would
 * prove nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1 << 20)
#define PATH_SIZE 4096

static size_t replayed;

/* The copy has exactly the input's size: reading past it is seen. */
static void replay_bytes(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, len);
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	replayed++;
}

static int replay_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	size_t len;
	int failed;

	if (!file) {
		perror(path);
		return -1;
	}
	len = fread(bytes, 1, sizeof(bytes), file);
	failed = ferror(file) || !feof(file);
	fclose(file);
	if (failed) {
		fprintf(stderr, "%s: not readable, or too large\n", path);
		return -1;
	}
	replay_bytes(bytes, len);
	return 0;
}

static int replay_path(const char *path);

static int replay_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int rc = 0;

	if (!dir) {
		perror(path);
		return -1;
	}
	while (!rc && (entry = readdir(dir))) {
		char child[PATH_SIZE];
		int len;

		if (entry->d_name[0] == '.')
			continue;
		len = snprintf(child, sizeof(child), "%s/%s", path,
			       entry->d_name);
		rc = len < PATH_SIZE ? replay_path(child) : -1;
	}
	closedir(dir);
	return rc;
}

static int replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st)) {
		perror(path);
		return -1;
	}
	return S_ISDIR(st.st_mode) ? replay_folder(path) : replay_file(path);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay_path(argv[i]))
			return EXIT_FAILURE;
	if (!replayed) {
		fputs("nothing to replay\n", stderr);
		return EXIT_FAILURE;
	}
	printf("replayed %zu\n", replayed);
	return EXIT_SUCCESS;
}
