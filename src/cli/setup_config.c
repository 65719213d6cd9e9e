/*
 * The configuration, last of all: a new one is written whole, one that is
 * there is never touched; what it lacks is shown, line by line. None is written
 * where variables are one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "setup.h"

#define LINE_MAX_BYTES 4096

/* ---- a new one ---- */

struct first {
	struct setup *setup;
	char *path; /* of the setting under way */
	bool failed;
};

/* The value of a secret that stands in no file yet, or NULL. */
static const char *loose_secret(const struct setup *s, const char *account,
				const char *setting)
{
	const struct account_config *a = s->account;
	const struct {
		const char *name, *value;
	} rows[] = {
		{"zendesk_client_secret", a->zendesk_client_secret},
		{"zendesk_token", a->zendesk_token},
		{"sunco_key_secret", a->sunco_key_secret},
	};

	if (!account)
		return s->config->admin_token;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(setting, rows[i].name))
			return rows[i].value;
	return NULL;
}

static bool put_secret(struct setup *s, const char *path, const char *setting,
		       const char *secret)
{
	struct error err;
	struct buf text;
	bool changed;
	enum result r;

	buf_init(&text, LINE_MAX_BYTES * 4);
	buf_printf(&text, "%s\n", secret);
	r = setup_file_write(path, (struct slice){text.data, text.len},
			     &changed, &err);
	crypto_wipe(text.data, text.len);
	buf_release(&text);
	if (r != RESULT_OK)
		setup_say(s, SETUP_FAILED, "files", "secrets", NULL, "%s",
			  err.text);
	else if (changed)
		setup_say(s, SETUP_WRITTEN, "files", "secrets", NULL, "%s: %s",
			  setting, path);
	return r == RESULT_OK;
}

static const char *path_of(const char *account,
			   const struct config_setting *setting, void *arg)
{
	struct first *f = arg;
	const char *secret = loose_secret(f->setup, account, setting->name);
	bool webhook = str_eq(setting->type, "list");

	if (!webhook && str_is_empty(secret))
		return NULL;
	free(f->path);
	f->path = setup_secret_path(f->setup, account, setting->name);
	if (!webhook &&
	    !config_file_of(f->setup->config, account, setting->name))
		f->failed =
			!put_secret(f->setup, f->path, setting->name, secret) ||
			f->failed;
	return f->path;
}

static void write_first(struct setup *s)
{
	struct first f = {.setup = s};
	struct config *c;
	struct error err;
	size_t size;
	char *text;
	FILE *out = open_memstream(&text, &size);
	enum result r;

	if (!out)
		abort();
	config_write(s->config, path_of, &f, out);
	fclose(out);
	r = f.failed ? RESULT_PERM
		     : setup_file_create(s->path, (struct slice){text, size},
					 &err);
	if (r == RESULT_OK && config_load(&c, s->path, &err) == RESULT_OK) {
		setup_say(s, SETUP_WRITTEN, "files", "configuration", NULL,
			  "%s: read it, then reunite serve -c %s", s->path,
			  s->path);
		config_free(c);
	} else if (!f.failed) {
		setup_say(s, SETUP_FAILED, "files", "configuration", NULL, "%s",
			  err.text);
	}
	free(f.path);
	free(text);
}

/* ---- one that is there ---- */

static void say_line(struct setup *s, const char *where, const char *line)
{
	setup_say(s, SETUP_TO_DO, "files", "configuration", NULL,
		  "%s needs %s%s", s->path, where, line);
}

static void check_url(struct setup *s)
{
	char line[LINE_MAX_BYTES];

	if (str_eq(s->config->public_url, s->want.public_url))
		return;
	snprintf(line, sizeof(line), "public_url = \"%s\"", s->want.public_url);
	say_line(s, "at the top: ", line);
}

static void check_secrets(struct setup *s, const char *setting,
			  const struct setup_secrets *now)
{
	const char *account = s->account->name;
	const struct config_list *known = setup_known_secrets(s, setting);
	bool all = true;
	char line[LINE_MAX_BYTES], where[LINE_MAX_BYTES];
	char *path;

	for (size_t i = 0; i < now->count; i++)
		all = all && setup_has_secret(known, now->items[i]);
	if (all || config_file_of(s->config, account, setting))
		return;
	path = setup_secret_path(s, account, setting);
	snprintf(where, sizeof(where), "in account \"%s\"%s%s: ", account,
		 known->count > 0 ? ", in the place of " : "",
		 known->count > 0 ? setting : "");
	snprintf(line, sizeof(line), "%s_file = \"%s\"", setting, path);
	say_line(s, where, line);
	free(path);
}

static void check_there(struct setup *s, const struct setup_secrets *sunco,
			const struct setup_secrets *zendesk)
{
	bool changed = s->changed;

	check_url(s);
	check_secrets(s, "sunco_webhook_secrets", sunco);
	check_secrets(s, "zendesk_webhook_secrets", zendesk);
	if (changed)
		setup_say(s, SETUP_NOTE, "files", "configuration", NULL,
			  "a daemon at work reads secrets again on SIGHUP "
			  "(systemctl reload reunite)");
}

/* ---- none ---- */

/* In a container variables are the configuration, and they name the files
 * where the webhooks' secrets are now. A -c asks for a file all the same. */
static bool is_environment_enough(const struct setup *s)
{
	const struct account_config *a;
	struct config *c;
	struct error err;
	bool enough;

	if (s->failed || s->cli->config_path ||
	    config_load(&c, NULL, &err) != RESULT_OK)
		return false;
	a = config_account(c, s->account->name);
	enough = a && a->sunco_webhook_secrets.count > 0 &&
		 a->zendesk_webhook_secrets.count > 0 &&
		 str_eq(c->public_url, s->want.public_url);
	config_free(c);
	return enough;
}

void setup_configuration(struct setup *s, const struct setup_secrets *sunco,
			 const struct setup_secrets *zendesk)
{
	if (!s->is_new)
		check_there(s, sunco, zendesk);
	else if (is_environment_enough(s))
		setup_say(s, SETUP_FOUND, "files", "configuration", NULL,
			  "the variables are enough, no file is written");
	else if (!s->failed)
		write_first(s);
	else
		setup_say(s, SETUP_TO_DO, "files", "configuration", NULL,
			  "not written yet: run the same setup again");
}
