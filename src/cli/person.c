/*
 * Names and reasons as the journal can keep them: see person.h.
 */
#include "person.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define NAME_MAX_BYTES	 100
#define REASON_MAX_BYTES 200

/* Printable UTF-8 of at most so many bytes. */
static bool is_line(const char *s, size_t max_bytes)
{
	if (strlen(s) > max_bytes || !str_is_utf8(slice_of(s)))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == '\177')
			return false;
	return true;
}

const char *cli_person(struct cli *c)
{
	const char *by = cli_text(c, "by");
	struct passwd *user;

	if (!by)
		by = getlogin();
	if (!by && (user = getpwuid(getuid())))
		by = user->pw_name;
	if (!str_is_empty(by) && is_line(by, NAME_MAX_BYTES))
		return by;
	cli_usage_error(c, "--by must be a name of at most %d bytes",
			NAME_MAX_BYTES);
	return NULL;
}

bool cli_reason(struct cli *c, const char **out)
{
	*out = cli_text(c, "reason");
	if (!*out || is_line(*out, REASON_MAX_BYTES))
		return true;
	cli_usage_error(c, "--reason must be one line of at most %d bytes",
			REASON_MAX_BYTES);
	return false;
}
