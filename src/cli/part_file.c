/*
 * Files of several lives: see part_file.h.
 */
#include "part_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/json.h"
#include "base/str.h"
#include "private_file.h"

#define WORD_MAX_BYTES (64 * 1024)
#define WORD_VERSION   1
#define OWNERS_ALONE   (S_IRUSR | S_IWUSR)

const char *const part_file_endings[] = {"", ".part", ".resume", ".resume.new",
					 NULL};

static char *name_with(const char *path, const char *ending)
{
	size_t size = strlen(path) + strlen(ending) + 1;
	char *name = xcalloc(1, size);

	snprintf(name, size, "%s%s", path, ending);
	return name;
}

enum result part_file_open(struct part_file *f, const char *path,
			   struct error *err)
{
	enum result r;

	f->path = xstrdup(path);
	f->part = name_with(path, ".part");
	f->resume = name_with(path, ".resume");
	r = private_file_open(&f->out, f->part, err);
	if (r != RESULT_OK)
		part_file_close(f);
	return r;
}

struct json_t *part_file_word(const struct part_file *f)
{
	char text[WORD_MAX_BYTES];
	FILE *in = fopen(f->resume, "re");
	struct json_t *v;
	size_t n;

	if (!in)
		return NULL;
	n = fread(text, 1, sizeof(text), in);
	fclose(in);
	v = json_parse(text, n, NULL);
	if (json_get_int(v, "version", 0) == WORD_VERSION)
		return v;
	json_free(v);
	return NULL;
}

bool part_file_has(const struct part_file *f, int64_t bytes)
{
	struct stat st;

	return fstat(fileno(f->out), &st) == 0 && st.st_size >= bytes;
}

enum result part_file_cut(struct part_file *f, off_t bytes, struct error *err)
{
	if (ftruncate(fileno(f->out), bytes) != 0 ||
	    fseeko(f->out, bytes, SEEK_SET) != 0)
		return private_file_failed("cut", f->part, err);
	return RESULT_OK;
}

static bool write_whole(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		      OWNERS_ALONE);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool ok;

	if (!out)
		return false;
	ok = fputs(text, out) >= 0 && fflush(out) == 0 &&
	     fsync(fileno(out)) == 0;
	return fclose(out) == 0 && ok;
}

/* A word that is half written must not be read. */
static bool write_word(const struct part_file *f, const struct json_t *word)
{
	char *name = name_with(f->resume, ".new");
	char *text = json_text(word);
	bool ok = write_whole(name, text) && rename(name, f->resume) == 0;

	free(text);
	free(name);
	return ok;
}

static bool sync_lines(struct part_file *f)
{
	return fflush(f->out) == 0 && !ferror(f->out) &&
	       fsync(fileno(f->out)) == 0;
}

bool part_file_keep(struct part_file *f, struct json_t *word)
{
	bool ok;

	json_set_int(word, "version", WORD_VERSION);
	ok = sync_lines(f) && write_word(f, word);
	json_free(word);
	return ok;
}

bool part_file_finish(struct part_file *f)
{
	bool ok = sync_lines(f) && rename(f->part, f->path) == 0;

	CRASH_POINT("report_finished");
	if (ok)
		(void)unlink(f->resume);
	return ok;
}

void part_file_close(struct part_file *f)
{
	if (f->out)
		fclose(f->out);
	free(f->path);
	free(f->part);
	free(f->resume);
	*f = (struct part_file){NULL, NULL, NULL, NULL};
}
