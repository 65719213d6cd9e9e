/*
 * The configuration: libconfuse syntax or the environment alone, one table
 * of settings for both, for `check`, the man page and the example file.
 *
 * Errors are "file:line: message" (environment: "REUNITE_X: message") and
 * never show a secret's value. The rules are in reunite.conf(5).
 */
#ifndef REUNITE_APP_CONFIG_H
#define REUNITE_APP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "api/api_client.h"
#include "base/error.h"
#include "base/log.h"
#include "core/policy.h"
#include "core/ticket_note.h"

#define CONFIG_DEFAULT_PATH "/etc/reunite/reunite.conf"

struct config_setting;

struct config_list {
	char **items;
	size_t count;
};

struct account_config {
	char name[ACCOUNT_SIZE];
	char *zendesk_url; /* no slash at the end */
	enum zendesk_auth zendesk_auth;
	char *zendesk_client_id;
	char *zendesk_client_secret;
	char *zendesk_token;
	char *zendesk_email;
	struct config_list zendesk_webhook_secrets; /* may be empty: 401 */
	char *sunco_url;
	char *sunco_app_id;
	char *sunco_key_id;
	char *sunco_key_secret;
	struct config_list sunco_webhook_secrets;
	struct policy_rules rules; /* deny_emails borrowed from below */
	struct config_list deny_emails;
	int64_t settle_after_ms;
	int64_t review_expires_ms;
	enum ticket_note ticket_note;
	int64_t requests_per_minute;
	int64_t reserve_percent;
	int64_t wait_for_user_ms;
	int64_t sweep_every_ms;
	int64_t timestamp_tolerance_ms;
	int64_t recheck_after_ms;
	bool sunco_sync;
};

struct config {
	char *path;		      /* NULL: from the environment */
	struct config_list files;     /* with secrets: x_files, tls_key */
	struct config_list file_keys; /* whose: "admin_token", "acme.x" */
	char *listen;
	char *public_url;      /* no slash at the end; "": not known */
	char *tls_certificate; /* NULL or "", like tls_key: no TLS */
	char *tls_key;
	char *tls_certificate_where; /* "reunite.conf:12", with the files */
	char *tls_key_where;
	char *admin_listen;
	char *admin_token; /* NULL or "": closed */
	char *store;
	enum log_level log_level;
	enum log_format log_format;
	int64_t max_connections;
	int64_t request_timeout_ms;
	int64_t drain_timeout_ms;
	int64_t retention_events_ms;
	int64_t retention_jobs_ms;
	int64_t retention_journal_ms;
	int64_t retention_before_images_ms;
	struct account_config *accounts;
	size_t account_count;
};

/* path NULL: CONFIG_DEFAULT_PATH if it is there, else the environment.
 * RESULT_INVALID with the first error in err. *out is *new*. */
MUST_CHECK enum result config_load(struct config **out, const char *path,
				   struct error *err);
void config_free(struct config *c);

/* ---- to begin with: for setup ---- */

/* As config_load() of a file, but the webhooks' secrets may be missing, and so
 * may the files that are to hold them. */
MUST_CHECK enum result config_load_early(struct config **out, const char *path,
					 struct error *err);
struct config_given {
	const char *name;  /* "zendesk_url", "zendesk_token_file" */
	const char *value; /* NULL: not given */
	const char *where; /* what an error begins with */
};
/* Of what is given and, for the rest, of the environment: one account, named
 * so, or (NULL) after its subdomain. The webhooks' secrets may be missing, and
 * sunco_url, too. */
MUST_CHECK enum result config_compose(struct config **out, const char *account,
				      const struct config_given *given,
				      size_t count, struct error *err);
/* The file that an x_file of this setting named, or NULL; account NULL: a
 * global one. */
const char *config_file_of(const struct config *c, const char *account,
			   const char *setting);
/* A whole configuration with comments, secrets as x_file: path_of says where,
 * or NULL for a secret that is not needed. What is as by default is a comment. */
typedef const char *config_path_of(const char *account,
				   const struct config_setting *setting,
				   void *arg);
void config_write(const struct config *c, config_path_of *path_of, void *arg,
		  FILE *out);
/* A value as it stands in a file, in quotes. */
void config_quote(FILE *out, const char *s);

const struct account_config *config_account(const struct config *c,
					    const char *name);
/* Forgets every other account: for work that is about this one alone. It must
 * be there. */
void config_keep_account(struct config *c, const char *name);
/* Are agents told on tickets, at this level? Not while only observing: that
 * writes nothing to Zendesk. */
bool config_tells(const struct account_config *a, enum ticket_note level);
/* What api_client_new() takes, borrowed from a. */
void config_api(const struct account_config *a, struct api_config *out);
/* What is wrong with a public_url, or NULL. */
const char *config_origin_problem(const char *url);
/* A store's URL as it may be shown, its passwords masked: *new*. */
char *config_mask_url(const char *url);
/* The whole configuration as a file that loads once the masked secrets are
 * filled in: the mask itself is refused, so that it never becomes one. */
void config_print(const struct config *c, FILE *out);
/* What works but should not stay so, a line each: "account acme: ...". */
void config_warnings(const struct config *c, FILE *out);

/* The certificate of the public listener and its key, read now: *new*, NULL if
 * none is set. RESULT_INVALID: "file:line: message". */
struct tls_context;
MUST_CHECK enum result config_tls(const struct config *c,
				  struct tls_context **out, struct error *err);

/* The file at path holds a secret itself, not in a variable or an x_file. */
bool config_shows_secret(const struct config *c);

/* One row of the settings table, for docs and completion. */
struct config_setting {
	const char *name;
	const char
		*type; /* string url address file duration integer list, or the
			     words it takes: "observe|review|auto" */
	const char *fallback; /* as written in the file, "" if none */
	const char *help;
	bool account; /* inside an account section */
	bool secret;  /* x_file works too (and for store) */
	bool reload;  /* SIGHUP applies it */
};
const struct config_setting *config_settings(size_t *count);
/* Every setting with its value as text, secrets masked, in the order of
 * config_print(); a list has any number of items, the others one. account is
 * NULL for the global ones. All borrowed for the call. */
typedef void config_visit(const char *account,
			  const struct config_setting *setting,
			  const struct config_list *value, void *arg);
void config_each(const struct config *c, config_visit *visit, void *arg);

#endif
