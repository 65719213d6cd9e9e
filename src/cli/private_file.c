/*
 * Files of their owner alone: see private_file.h.
 */
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWNERS_ALONE (S_IRUSR | S_IWUSR)

enum result private_file_failed(const char *what, const char *name,
				struct error *err)
{
	return error_set(err, RESULT_TEMP, "cannot %s %s: %s", what, name,
			 strerror(errno));
}

/* It may be from another program. */
static enum result take(int fd, const char *name, struct error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		return error_set(err, RESULT_CONFLICT,
				 "another command is writing %s", name);
	if (fchmod(fd, OWNERS_ALONE) != 0)
		return private_file_failed("write", name, err);
	return RESULT_OK;
}

enum result private_file_open(FILE **out, const char *name, struct error *err)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		      OWNERS_ALONE);
	enum result r;

	*out = NULL;
	if (fd < 0)
		return private_file_failed("write", name, err);
	r = take(fd, name, err);
	if (r == RESULT_OK)
		*out = fdopen(fd, "r+");
	else
		close(fd);
	return r;
}
