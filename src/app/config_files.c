/*
 * What stands beside the configuration: does its own file hold secrets?
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "config_raw.h"

static bool has_text(const char *file, const char *secret)
{
	return !str_is_empty(secret) && strstr(file, secret);
}

static bool has_any(const char *file, const struct config_list *secrets)
{
	for (size_t i = 0; i < secrets->count; i++)
		if (has_text(file, secrets->items[i]))
			return true;
	return false;
}

/* base: the whole configuration, or one account. */
static bool section_shows(const char *file, const void *base, bool account)
{
	for (size_t i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		const void *field = (const char *)base + row->offset;

		if (row->setting->account != account)
			continue;
		if (row->kind == KIND_SECRET &&
		    has_text(file, *(char *const *)field))
			return true;
		if (row->kind == KIND_SECRETS && has_any(file, field))
			return true;
	}
	return false;
}

bool config_shows_secret(const struct config *c)
{
	bool shows;
	size_t len;
	char *file;

	if (!c->path || config_read(c->path, CONFIG_FILE_MAX, &file, &len,
				    NULL) != RESULT_OK)
		return false;
	shows = section_shows(file, c, false);
	for (size_t i = 0; i < c->account_count && !shows; i++)
		shows = section_shows(file, &c->accounts[i], true);
	crypto_wipe(file, len);
	free(file);
	return shows;
}
