/*
 * Files that are whole or not there; see out_file.h.
 */
#include "out_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "private_file.h"

static enum result conflict(const char *path, struct error *err)
{
	return error_set(err, RESULT_CONFLICT,
			 "%s is there already, and no file is replaced", path);
}

/* What a killed command left is begun anew. */
static enum result open_part(struct out_file *f, struct error *err)
{
	enum result r = private_file_open(&f->out, f->part, err);

	if (r != RESULT_OK || ftruncate(fileno(f->out), 0) == 0)
		return r;
	r = private_file_failed("write", f->part, err);
	fclose(f->out);
	return r;
}

static void release(struct out_file *f)
{
	free(f->path);
	free(f->part);
	*f = (struct out_file){NULL, NULL, NULL};
}

enum result out_file_open(struct out_file *f, const char *path,
			  struct error *err)
{
	size_t size = strlen(path) + sizeof(".part");
	enum result r;

	if (access(path, F_OK) == 0)
		return conflict(path, err);
	f->path = xstrdup(path);
	f->part = xcalloc(1, size);
	snprintf(f->part, size, "%s.part", path);
	r = open_part(f, err);
	if (r != RESULT_OK)
		release(f);
	return r;
}

void out_file_abandon(struct out_file *f)
{
	(void)unlink(f->part);
	fclose(f->out);
	release(f);
}

enum result out_file_finish(struct out_file *f, struct error *err)
{
	enum result r = RESULT_OK;

	if (fflush(f->out) != 0 || fsync(fileno(f->out)) != 0)
		r = private_file_failed("write", f->part, err);
	else if (link(f->part, f->path) != 0)
		r = errno == EEXIST ? conflict(f->path, err)
				    : private_file_failed("make", f->path, err);
	out_file_abandon(f);
	return r;
}
