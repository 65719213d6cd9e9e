/*
 * The configuration from the environment alone: one account, "default".
 *
 * REUNITE_ and the upper-case key; lists are comma-separated. Other
 * variables that begin with REUNITE_ are not ours to judge: orchestrators
 * make such up (REUNITE_SERVICE_HOST).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config_raw.h"

void config_variable(char out[CONFIG_VARIABLE_SIZE],
		     const struct config_row *row, bool is_file)
{
	snprintf(out, CONFIG_VARIABLE_SIZE, "REUNITE_%s%s", row->setting->name,
		 is_file ? "_FILE" : "");
	for (char *p = out; *p; p++)
		*p = (char)toupper((unsigned char)*p);
}

void config_raw_add_text(struct config_raw *raw, const char *value)
{
	const char *comma;

	if (!config_row_is_list(raw->row) || raw->is_file) {
		config_raw_add_item(raw, slice_of(value));
		return;
	}
	while ((comma = strchr(value, ','))) {
		struct slice item = {value, (size_t)(comma - value)};

		config_raw_add_item(raw, slice_trim(item));
		value = comma + 1;
	}
	config_raw_add_item(raw, slice_trim(slice_of(value)));
}

static enum result read_variable(const struct config_row *row, bool is_file,
				 struct config_raws *out, struct error *err)
{
	size_t account = row->setting->account ? 0 : CONFIG_GLOBAL;
	char name[CONFIG_VARIABLE_SIZE];
	const char *value;

	config_variable(name, row, is_file);
	value = getenv(name);
	if (!value)
		return RESULT_OK;
	if (*value == '\0')
		return error_set(err, RESULT_INVALID,
				 "%s: the variable is "
				 "empty",
				 name);
	config_raw_add_text(
		config_raws_add(out, account, row, is_file, xstrdup(name)),
		value);
	return RESULT_OK;
}

static bool has_account(const struct config_raws *raws)
{
	for (size_t i = 0; i < raws->count; i++)
		if (raws->items[i].account != CONFIG_GLOBAL)
			return true;
	return false;
}

enum result config_read_variables(struct config_raws *out, struct error *err)
{
	enum result r = RESULT_OK;

	out->environment = true;
	out->where = xstrdup("environment");
	for (size_t i = 0; i < config_row_count && r == RESULT_OK; i++) {
		const struct config_row *row = &config_rows[i];
		size_t account = row->setting->account ? 0 : CONFIG_GLOBAL;

		if (config_raws_find(out, account, row))
			continue;
		r = read_variable(row, false, out, err);
		if (r == RESULT_OK && config_row_takes_file(row))
			r = read_variable(row, true, out, err);
	}
	return r;
}

enum result config_from_environment(struct config_raws *out, struct error *err)
{
	enum result r = config_read_variables(out, err);

	if (r != RESULT_OK)
		return r;
	if (!has_account(out))
		return error_set(err, RESULT_INVALID,
				 "no configuration: give -c FILE, "
				 "write " CONFIG_DEFAULT_PATH
				 ", or set REUNITE_ZENDESK_URL and the other "
				 "variables");
	config_raws_add_account(out, SLICE("default"), xstrdup("environment"));
	return RESULT_OK;
}
