/*
 * `reunite doctor`: the configuration, and who may read what it names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "doctor.h"

static void say_warnings(struct doctor *d, char *text)
{
	char *line, *rest = text;

	while ((line = strtok_r(rest, "\n", &rest)))
		doctor_say(d, DOCTOR_WARNING, NULL, "%s", line);
}

static void check_configuration(struct doctor *d)
{
	const struct config *c = d->config;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	config_warnings(c, out);
	fclose(out);
	doctor_say(d, DOCTOR_OK, NULL, "%s, %zu account%s",
		   c->path ? c->path : "from the environment", c->account_count,
		   c->account_count == 1 ? "" : "s");
	say_warnings(d, text);
	free(text);
}

/* A secret is for its owner and, at most, its group. */
static bool check_mode(struct doctor *d, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		doctor_say(d, DOCTOR_WARNING, NULL, "%s: %s", path,
			   strerror(errno));
		return false;
	}
	if (!(st.st_mode & (S_IRWXO | S_IWGRP)))
		return true;
	doctor_say(d, DOCTOR_PROBLEM, "chmod 640, or 600",
		   "%s holds a secret, and its mode is %03o", path,
		   (unsigned)(st.st_mode & 0777));
	return false;
}

static void check_secrets(struct doctor *d)
{
	const struct config *c = d->config;
	bool own = config_shows_secret(c);
	size_t fit = 0;

	for (size_t i = 0; i < c->files.count; i++)
		fit += check_mode(d, c->files.items[i]);
	if (own)
		fit += check_mode(d, c->path);
	if (fit == c->files.count + own)
		doctor_say(d, DOCTOR_OK, NULL,
			   fit ? "files with secrets: %zu, nobody else may "
				 "read them"
			       : "files with secrets: %zu",
			   fit);
}

static void check_admin(struct doctor *d)
{
	if (str_is_empty(d->config->admin_token))
		doctor_say(d, DOCTOR_OK, NULL,
			   "no admin_token: the admin API is closed");
	else
		doctor_say(d, DOCTOR_OK, NULL, "the admin API is open on %s",
			   d->config->admin_listen);
}

const struct doctor_check doctor_file_checks[] = {
	{"configuration", check_configuration},
	{"secrets", check_secrets},
	{"certificate", doctor_check_certificate},
	{"admin", check_admin},
};
const size_t doctor_file_check_count = ARRAY_LEN(doctor_file_checks);
