/*
 * `reunite setup`: what its files share.
 *
 * Every step says what it found or did as it does it, so that whoever stops it
 * knows how far it came; every step may be done again.
 */
#ifndef REUNITE_CLI_SETUP_H
#define REUNITE_CLI_SETUP_H

#include "base/error.h"
#include "cli/cli.h"
#include "core/registration.h"
#include "upstream.h"

#define SETUP_SECRETS_MAX 2 /* of one provider's webhooks */

struct setup {
	struct cli *cli;
	char *path;  /* of the configuration, absolute */
	bool is_new; /* it is not there yet */
	struct config *config;
	const struct account_config *account;
	struct registration want;
	struct upstream *upstream;
	bool changed;	  /* something was made or changed */
	bool failed;	  /* a step did not succeed */
	bool unavailable; /* because a provider did not answer */
};

/* The secrets of what is registered now. */
struct setup_secrets {
	char *items[SETUP_SECRETS_MAX];
	size_t count;
};
void setup_secrets_add(struct setup_secrets *s, const char *secret);
void setup_secrets_release(struct setup_secrets *s); /* wipes them */

/* ---- setup_say.c ---- */

enum setup_state {
	SETUP_FOUND, /* there, and nothing of ours */
	SETUP_UNCHANGED,
	SETUP_CREATED,
	SETUP_MENDED,
	SETUP_REMOVED,
	SETUP_WRITTEN,
	SETUP_TO_DO, /* for a person */
	SETUP_NOTE,
	SETUP_FAILED,
};
/* One line: what it is about ("sunco", "zendesk", "files"), its part
 * ("webhook"), id (or NULL) and some words. Remembers changes and failures. */
void setup_say(struct setup *s, enum setup_state state, const char *about,
	       const char *part, const char *id, const char *fmt, ...)
	PRINTF_LIKE(6, 7);
/* A request was refused or lost; tried: what it was to do. */
void setup_say_refusal(struct setup *s, const char *part,
		       const struct api_result *r, const char *tried);
/* A second webhook that is ours by name or path; it is left alone. */
void setup_say_twin(struct setup *s, const char *about, const char *part,
		    const struct registered_webhook *w);
/* "sunco" or "zendesk" */
const char *setup_about(enum api api);

/* Asks; false: said. *answer is *new*. */
bool setup_ask(struct setup *s, const char *part, const char *tried,
	       const struct registration_order *o, struct json_t **answer);

/* ---- setup_begin.c ---- */

/* The configuration, or what is given of one, and where the providers reach
 * us. On anything but CLI_DONE the error has been printed. */
int setup_begin(struct setup *s);
void setup_end(struct setup *s);

/* ---- setup_sunco.c, setup_zendesk.c ---- */

/* False: not all is there; what could not be done has been said. */
bool setup_sunco(struct setup *s, struct setup_secrets *out);
void setup_sunco_remove(struct setup *s);
/* Both webhooks; *ticket_id is *new*, NULL if it is not there. */
bool setup_zendesk_webhooks(struct setup *s, struct setup_secrets *out,
			    char **ticket_id);
void setup_zendesk_trigger(struct setup *s, const char *ticket_id);
void setup_zendesk_remove(struct setup *s);

/* ---- setup_files.c ---- */

/* Where the secrets of a setting are kept: *new*. */
char *setup_secret_path(const struct setup *s, const char *account,
			const char *setting);
/* Replaces the file as a whole; *changed: it was not so before. */
MUST_CHECK enum result setup_file_write(const char *path, struct slice text,
					bool *changed, struct error *err);
/* Makes a file that is not there yet, mode 0600; RESULT_CONFLICT: it is. */
MUST_CHECK enum result setup_file_create(const char *path, struct slice text,
					 struct error *err);
/* The secrets that the configuration has for the setting. */
const struct config_list *setup_known_secrets(const struct setup *s,
					      const char *setting);
bool setup_has_secret(const struct config_list *list, const char *secret);
/* Into the setting's file, those known before behind them. False: said. */
bool setup_keep_secrets(struct setup *s, const char *setting,
			const struct setup_secrets *now);

/* ---- setup_config.c ---- */

/* Writes a new configuration, or says what an old one lacks. */
void setup_configuration(struct setup *s, const struct setup_secrets *sunco,
			 const struct setup_secrets *zendesk);

/* ---- setup_print.c ---- */

/* Every request as curl, none of them sent. */
void setup_print(struct setup *s, bool remove);

#endif
