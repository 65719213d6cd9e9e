/*
 * Configurations to begin with: before the webhooks are registered nobody
 * knows their secrets. See config.h.
 *
 * A composed one takes what is given first; where a setting is given in one of
 * its two ways (x, x_file) its variables are not looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "config_value.h"

#define URL_MAX_BYTES 4096

enum result config_load_early(struct config **out, const char *path,
			      struct error *err)
{
	struct config_raws raws;
	enum result r;

	config_raws_init(&raws);
	raws.early = true;
	r = config_from_file(path, &raws, err);
	if (r == RESULT_OK)
		r = config_build(&raws, path, out, err);
	config_raws_release(&raws);
	return r;
}

static const struct config_row *row_of(const char *name, bool *is_file)
{
	const struct config_row *row = config_row_find(name, true, is_file);

	return row ? row : config_row_find(name, false, is_file);
}

static void add_given(struct config_raws *raws, const struct config_given *g)
{
	bool is_file;
	const struct config_row *row = row_of(g->name, &is_file);
	size_t account = row->setting->account ? 0 : CONFIG_GLOBAL;

	config_raw_add_text(
		config_raws_add(raws, account, row, is_file, xstrdup(g->where)),
		g->value);
}

static const char *first_of(const struct config_raws *raws, const char *name)
{
	bool is_file;
	const struct config_raw *raw =
		config_raws_find(raws, 0, row_of(name, &is_file));

	return raw && raw->count > 0 ? raw->items[0] : NULL;
}

/* Zendesk's own address for Sunshine Conversations. */
static void add_sunco_url(struct config_raws *raws)
{
	const char *zendesk = first_of(raws, "zendesk_url");
	struct buf url;

	if (!zendesk || first_of(raws, "sunco_url"))
		return;
	buf_init(&url, URL_MAX_BYTES);
	buf_puts(&url, zendesk);
	while (url.len > 0 && url.data[url.len - 1] == '/')
		url.data[--url.len] = '\0';
	buf_puts(&url, "/sc");
	add_given(raws,
		  &(struct config_given){"sunco_url", url.data, "sunco_url"});
	buf_release(&url);
}

/* "acme" of https://acme.zendesk.com, else "default". */
static struct slice name_of(const char *url)
{
	const char *host = url ? strstr(url, "://") : NULL;
	struct slice name = {host ? host + 3 : "", 0};

	name.len = strcspn(name.ptr, ".:/");
	return host && strstr(url, ".zendesk.com") &&
			       config_account_name_ok(name)
		       ? name
		       : SLICE("default");
}

static enum result check_name(const char *account, struct error *err)
{
	if (!account || config_account_name_ok(slice_of(account)))
		return RESULT_OK;
	return error_set(err, RESULT_INVALID,
			 "an account's name has 1 to 63 letters, digits, _ "
			 "and -");
}

enum result config_compose(struct config **out, const char *account,
			   const struct config_given *given, size_t count,
			   struct error *err)
{
	enum result r = check_name(account, err);
	struct config_raws raws;

	config_raws_init(&raws);
	raws.early = true;
	for (size_t i = 0; i < count; i++)
		if (given[i].value)
			add_given(&raws, &given[i]);
	if (r == RESULT_OK)
		r = config_read_variables(&raws, err);
	if (r == RESULT_OK) {
		add_sunco_url(&raws);
		config_raws_add_account(
			&raws,
			account ? slice_of(account)
				: name_of(first_of(&raws, "zendesk_url")),
			xstrdup("environment"));
		r = config_build(&raws, NULL, out, err);
	}
	config_raws_release(&raws);
	return r;
}
