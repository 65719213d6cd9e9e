/*
 * The settings as rows; config_table.h has the table itself.
 */
#include "config_table.h"

#include <string.h>

#include "base/str.h"

#define TYPE_KIND_TEXT(words)	  "string"
#define TYPE_KIND_ADDRESS(words)  "address"
#define TYPE_KIND_FILE(words)	  "file"
#define TYPE_KIND_STORE(words)	  "string"
#define TYPE_KIND_URL(words)	  "url"
#define TYPE_KIND_ORIGIN(words)	  "url"
#define TYPE_KIND_SECRET(words)	  "string"
#define TYPE_KIND_SECRETS(words)  "list"
#define TYPE_KIND_PATTERNS(words) "list"
#define TYPE_KIND_DURATION(words) "duration"
#define TYPE_KIND_INTEGER(words)  "integer"
#define TYPE_KIND_WORD(words)	  words
#define TYPE_KIND_SWITCH(words)	  words

#define SETTING(name, kind, words, fallback, account, reload, help)            \
	{#name,	   TYPE_##kind(words),                                         \
	 fallback, help,                                                       \
	 account,  kind == KIND_SECRET || kind == KIND_SECRETS,                \
	 reload},
#define GLOBAL_SETTING(name, field, kind, words, min, max, fallback, reload,   \
		       help)                                                   \
	SETTING(name, kind, words, fallback, false, reload, help)
#define ACCOUNT_SETTING(name, field, kind, words, min, max, fallback, reload,  \
			help)                                                  \
	SETTING(name, kind, words, fallback, true, reload, help)

static const struct config_setting settings[] = {
	CONFIG_GLOBALS(GLOBAL_SETTING) CONFIG_ACCOUNT(ACCOUNT_SETTING)};

enum row_index {
#define ROW_INDEX(name, field, kind, words, min, max, fallback, reload, help)  \
	ROW_##name,
	CONFIG_GLOBALS(ROW_INDEX) CONFIG_ACCOUNT(ROW_INDEX)
#undef ROW_INDEX
};

#define ROW(type, name, field, kind, words, min, max)                          \
	{&settings[ROW_##name], kind, words, min, max, offsetof(type, field)},
#define GLOBAL_ROW(name, field, kind, words, min, max, fallback, reload, help) \
	ROW(struct config, name, field, kind, words, min, max)
#define ACCOUNT_ROW(name, field, kind, words, min, max, fallback, reload,      \
		    help)                                                      \
	ROW(struct account_config, name, field, kind, words, min, max)

const struct config_row config_rows[] = {CONFIG_GLOBALS(GLOBAL_ROW)
						 CONFIG_ACCOUNT(ACCOUNT_ROW)};
const size_t config_row_count = ARRAY_LEN(config_rows);

const struct config_setting *config_settings(size_t *count)
{
	*count = ARRAY_LEN(settings);
	return settings;
}

bool config_row_takes_file(const struct config_row *row)
{
	return row->setting->secret || row->kind == KIND_STORE;
}

bool config_row_is_list(const struct config_row *row)
{
	return row->kind == KIND_SECRETS || row->kind == KIND_PATTERNS;
}

static const struct config_row *find_name(struct slice name, bool account)
{
	for (size_t i = 0; i < config_row_count; i++) {
		const struct config_setting *s = config_rows[i].setting;

		if (s->account == account && slice_eq(name, slice_of(s->name)))
			return &config_rows[i];
	}
	return NULL;
}

const struct config_row *config_row_find(const char *key, bool account,
					 bool *is_file)
{
	static const char suffix[] = "_file";
	struct slice name = slice_of(key);
	const struct config_row *row = find_name(name, account);

	*is_file = false;
	if (row || name.len < sizeof(suffix) ||
	    !str_eq(key + name.len - (sizeof(suffix) - 1), suffix))
		return row;
	name.len -= sizeof(suffix) - 1;
	row = find_name(name, account);
	*is_file = true;
	return row && config_row_takes_file(row) ? row : NULL;
}
