/*
 * From what was written to a whole configuration: defaults, values, and what
 * settings demand of each other.
 */
#include "app/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/str.h"
#include "config_raw.h"
#include "config_value.h"

/* Printed in Zendesk's documentation: whoever reads it could sign with it. */
#define PUBLIC_TEST_SECRET "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="

static const struct config_row *row_named(const char *name)
{
	bool is_file;

	return config_row_find(name, true, &is_file);
}

/* Secrets of webhooks whose file is not there yet. */
static bool file_is_to_come(const struct config_raws *raws,
			    struct config_raw *raw)
{
	if (!raws->early || raw->row->kind != KIND_SECRETS ||
	    access(raw->items[0], F_OK) == 0)
		return false;
	raw->path = raw->items[0];
	raw->count = 0;
	return true;
}

/* Every value of one section, CONFIG_GLOBAL or an account's index. */
static enum result set_section(struct config_raws *raws, size_t account,
			       void *base, struct error *err)
{
	enum result r = RESULT_OK;

	for (size_t i = 0; i < config_row_count; i++)
		if (config_rows[i].setting->account ==
		    (account != CONFIG_GLOBAL))
			config_value_default(base, &config_rows[i]);
	for (size_t i = 0; i < raws->count && r == RESULT_OK; i++) {
		struct config_raw *raw = &raws->items[i];

		if (raw->account != account)
			continue;
		if (config_raws_find(raws, account, raw->row) != raw)
			return error_set(err, RESULT_INVALID,
					 "%s: give either %s or %s_file",
					 raw->where, raw->row->setting->name,
					 raw->row->setting->name);
		if (raw->is_file && !file_is_to_come(raws, raw))
			r = config_raw_resolve(raw, err);
		if (r == RESULT_OK)
			r = config_value_set(base, raw, err);
	}
	return r;
}

static enum result missing(const struct config_raws *raws, size_t account,
			   const char *name, struct error *err)
{
	const struct config_raw_account *a = &raws->accounts[account];
	const struct config_row *row = row_named(name);
	const struct config_raw *raw = config_raws_find(raws, account, row);
	char variable[CONFIG_VARIABLE_SIZE];

	if (raw)
		return error_set(err, RESULT_INVALID,
				 "%s: %s must not be empty", raw->where, name);
	config_variable(variable, row, false);
	if (raws->environment)
		return error_set(err, RESULT_INVALID,
				 "%s: the variable is required", variable);
	return error_set(err, RESULT_INVALID, "%s: account %s: %s is required",
			 a->where, a->name, name);
}

/* Which settings an account cannot do without, by zendesk_auth. */
static enum result check_required(const struct config_raws *raws,
				  size_t account,
				  const struct account_config *a,
				  struct error *err)
{
	enum { ALWAYS = 8 };
	static const struct {
		const char *name;
		unsigned when; /* 1 << enum zendesk_auth, or ALWAYS */
	} required[] = {
		{"zendesk_url", ALWAYS},
		{"zendesk_client_id", 1 << ZENDESK_OAUTH},
		{"zendesk_client_secret", 1 << ZENDESK_OAUTH},
		{"zendesk_token", 1 << ZENDESK_BEARER | 1 << ZENDESK_API_TOKEN},
		{"zendesk_email", 1 << ZENDESK_API_TOKEN},
		{"sunco_url", ALWAYS},
		{"sunco_app_id", ALWAYS},
		{"sunco_key_id", ALWAYS},
		{"sunco_key_secret", ALWAYS},
	};
	unsigned now = ALWAYS | 1u << a->zendesk_auth;

	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		const struct config_row *row = row_named(required[i].name);
		const char *value =
			*(char *const *)((const char *)a + row->offset);

		if ((required[i].when & now) && str_is_empty(value))
			return missing(raws, account, required[i].name, err);
	}
	return RESULT_OK;
}

static bool has_secret(const struct config_list *list, const char *secret)
{
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i], secret))
			return true;
	return false;
}

static enum result check_webhook_secrets(const struct config_raws *raws,
					 size_t account,
					 const struct account_config *a,
					 struct error *err)
{
	const struct config_raw_account *place = &raws->accounts[account];
	const struct config_raw *raw = config_raws_find(
		raws, account, row_named("zendesk_webhook_secrets"));

	if (a->zendesk_webhook_secrets.count == 0 &&
	    a->sunco_webhook_secrets.count == 0 && !raws->early)
		return error_set(err, RESULT_INVALID,
				 "%s: account %s: zendesk_webhook_secrets or "
				 "sunco_webhook_secrets is required",
				 place->where, place->name);
	if (has_secret(&a->zendesk_webhook_secrets, PUBLIC_TEST_SECRET) &&
	    !config_url_is_loopback(a->zendesk_url))
		return error_set(err, RESULT_INVALID,
				 "%s: zendesk_webhook_secrets holds Zendesk's "
				 "public test secret",
				 raw->where);
	return RESULT_OK;
}

static enum result build_account(struct config_raws *raws, size_t i,
				 struct account_config *a, struct error *err)
{
	enum result r;

	if (!str_copy(a->name, sizeof(a->name), raws->accounts[i].name))
		abort();
	r = set_section(raws, i, a, err);
	a->rules.deny_emails = (const char *const *)a->deny_emails.items;
	a->rules.deny_email_count = a->deny_emails.count;
	if (r == RESULT_OK)
		r = check_required(raws, i, a, err);
	if (r == RESULT_OK)
		r = check_webhook_secrets(raws, i, a, err);
	return r;
}

static enum result build(struct config_raws *raws, struct config *c,
			 struct error *err)
{
	enum result r = set_section(raws, CONFIG_GLOBAL, c, err);

	if (r == RESULT_OK)
		r = config_pair_tls(c, raws, err);
	if (r == RESULT_OK && raws->account_count == 0)
		return error_set(err, RESULT_INVALID, "%s: there is no account",
				 raws->where);
	c->accounts = xcalloc(raws->account_count, sizeof(*c->accounts));
	while (r == RESULT_OK && c->account_count < raws->account_count) {
		size_t i = c->account_count++;

		r = build_account(raws, i, &c->accounts[i], err);
	}
	return r;
}

/* "acme.zendesk_token", "admin_token": *new*. */
static char *file_key(const char *account, const char *setting)
{
	char key[ACCOUNT_SIZE + 64];

	snprintf(key, sizeof(key), "%s%s%s", account ? account : "",
		 account ? "." : "", setting);
	return xstrdup(key);
}

/* Takes key. */
static void keep_file(struct config *c, const char *path, char *key)
{
	c->files.items[c->files.count++] = xstrdup(path);
	c->file_keys.items[c->file_keys.count++] = key;
}

static void keep_files(struct config *c, const struct config_raws *raws)
{
	c->files.items = xcalloc(raws->count + 2, sizeof(char *));
	c->file_keys.items = xcalloc(raws->count + 2, sizeof(char *));
	if (!str_is_empty(c->tls_key))
		keep_file(c, c->tls_key, file_key(NULL, "tls_key"));
	for (size_t i = 0; i < raws->count; i++) {
		const struct config_raw *raw = &raws->items[i];
		bool global = raw->account == CONFIG_GLOBAL;

		if (!raw->path)
			continue;
		keep_file(c, raw->path,
			  file_key(global ? NULL
					  : raws->accounts[raw->account].name,
				   raw->row->setting->name));
	}
}

const char *config_file_of(const struct config *c, const char *account,
			   const char *setting)
{
	char *key = file_key(account, setting);
	const char *path = NULL;

	for (size_t i = 0; i < c->files.count && !path; i++)
		if (str_eq(c->file_keys.items[i], key))
			path = c->files.items[i];
	free(key);
	return path;
}

enum result config_build(struct config_raws *raws, const char *path,
			 struct config **out, struct error *err)
{
	struct config *c = xcalloc(1, sizeof(*c));
	enum result r;

	c->path = xstrdup(path);
	r = build(raws, c, err);
	keep_files(c, raws);
	if (r == RESULT_OK)
		*out = c;
	else
		config_free(c);
	return r;
}

enum result config_load(struct config **out, const char *path,
			struct error *err)
{
	struct config_raws raws;
	enum result r;

	if (!path && access(CONFIG_DEFAULT_PATH, F_OK) == 0)
		path = CONFIG_DEFAULT_PATH;
	config_raws_init(&raws);
	r = path ? config_from_file(path, &raws, err)
		 : config_from_environment(&raws, err);
	if (r == RESULT_OK)
		r = config_build(&raws, path, out, err);
	config_raws_release(&raws);
	return r;
}

static void release_section(void *base, bool account)
{
	for (size_t i = 0; i < config_row_count; i++)
		if (config_rows[i].setting->account == account)
			config_value_release(base, &config_rows[i]);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	release_section(c, false);
	for (size_t i = 0; i < c->account_count; i++)
		release_section(&c->accounts[i], true);
	for (size_t i = 0; i < c->files.count; i++) {
		free(c->files.items[i]);
		free(c->file_keys.items[i]);
	}
	free(c->files.items);
	free(c->tls_certificate_where);
	free(c->tls_key_where);
	free(c->file_keys.items);
	free(c->accounts);
	free(c->path);
	free(c);
}

const struct account_config *config_account(const struct config *c,
					    const char *name)
{
	for (size_t i = 0; i < c->account_count; i++)
		if (str_eq(c->accounts[i].name, name))
			return &c->accounts[i];
	return NULL;
}

void config_keep_account(struct config *c, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->account_count; i++)
		if (str_eq(c->accounts[i].name, name))
			c->accounts[kept++] = c->accounts[i];
		else
			release_section(&c->accounts[i], true);
	c->account_count = kept;
}

bool config_tells(const struct account_config *a, enum ticket_note level)
{
	return a->ticket_note >= level && a->rules.apply != APPLY_OBSERVE;
}

void config_api(const struct account_config *a, struct api_config *out)
{
	*out = (struct api_config){
		.account = a->name,
		.zendesk_url = a->zendesk_url,
		.auth = a->zendesk_auth,
		.client_id = a->zendesk_client_id,
		.client_secret = a->zendesk_client_secret,
		.token = a->zendesk_token,
		.email = a->zendesk_email,
		.sunco_url = a->sunco_url,
		.sunco_app_id = a->sunco_app_id,
		.sunco_key_id = a->sunco_key_id,
		.sunco_key_secret = a->sunco_key_secret,
		.requests_per_minute = a->requests_per_minute,
		.reserve_percent = a->reserve_percent,
		.timeout_ms = API_TIMEOUT_MS,
		.writes_users = a->rules.apply != APPLY_OBSERVE,
		.writes_tickets = config_tells(a, NOTE_MERGED),
	};
}

void config_warnings(const struct config *c, FILE *out)
{
	for (size_t i = 0; i < c->account_count; i++) {
		const struct account_config *a = &c->accounts[i];

		if (has_secret(&a->zendesk_webhook_secrets, PUBLIC_TEST_SECRET))
			fprintf(out,
				"account %s: zendesk_webhook_secrets holds "
				"Zendesk's public test secret\n",
				a->name);
		if (a->rules.link_evidence != EVIDENCE_VERIFIED)
			fprintf(out,
				"account %s: link_evidence is below verified: "
				"addresses that nobody vouched for are "
				"trusted\n",
				a->name);
		if (a->ticket_note != NOTE_OFF &&
		    a->rules.apply == APPLY_OBSERVE)
			fprintf(out,
				"account %s: ticket_note does nothing while "
				"apply is observe, which changes nothing in "
				"Zendesk\n",
				a->name);
	}
}
