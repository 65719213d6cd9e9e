/*
 * The configuration file, parsed by libconfuse.
 *
 * Every setting is a string to libconfuse; what it means is checked where
 * the line is known. config_scan.c has been over the text before.
 */
#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "config_raw.h"

#define KEY_SIZE 64

/* Two options per row, x and x_file, and the ends of both arrays. */
struct options {
	cfg_opt_t *global;
	cfg_opt_t *account;
	char (*names)[KEY_SIZE];
};

static void key_of(char out[KEY_SIZE], const struct config_row *row,
		   bool is_file)
{
	snprintf(out, KEY_SIZE, "%s%s", row->setting->name,
		 is_file ? "_file" : "");
}

static cfg_opt_t *add_row(cfg_opt_t *at, const struct config_row *row,
			  char (*names)[KEY_SIZE])
{
	cfg_opt_t list = CFG_STR_LIST(NULL, NULL, CFGF_NODEFAULT);
	cfg_opt_t single = CFG_STR(NULL, NULL, CFGF_NODEFAULT);

	*at = config_row_is_list(row) ? list : single;
	key_of(names[0], row, false);
	at++->name = names[0];
	if (config_row_takes_file(row)) {
		*at = single;
		key_of(names[1], row, true);
		at++->name = names[1];
	}
	return at;
}

static void options_init(struct options *o)
{
	static const cfg_opt_t end = CFG_END();
	size_t size = 2 * config_row_count + 2;
	cfg_opt_t *global, *account;

	o->global = global = xcalloc(size, sizeof(cfg_opt_t));
	o->account = account = xcalloc(size, sizeof(cfg_opt_t));
	o->names = xcalloc(size, KEY_SIZE);
	for (size_t i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];

		if (row->setting->account)
			account = add_row(account, row, &o->names[2 * i]);
		else
			global = add_row(global, row, &o->names[2 * i]);
	}
	*account = end;
	*global++ = (cfg_opt_t)CFG_SEC("account", o->account,
				       CFGF_MULTI | CFGF_TITLE |
					       CFGF_NO_TITLE_DUPES);
	*global = end;
}

static void options_release(struct options *o)
{
	free(o->global);
	free(o->account);
	free(o->names);
}

/* Its messages may hold words of the file; ours do not. */
static void be_silent(cfg_t *cfg, const char *fmt, va_list ap)
{
	(void)cfg;
	(void)fmt;
	(void)ap;
}

static enum result take_values(cfg_t *cfg, struct config_raws *out,
			       struct error *err)
{
	for (size_t i = 0; i < out->count; i++) {
		struct config_raw *raw = &out->items[i];
		cfg_t *section = cfg;
		char key[KEY_SIZE];

		if (raw->account != CONFIG_GLOBAL)
			section = cfg_gettsec(cfg, "account",
					      out->accounts[raw->account].name);
		key_of(key, raw->row, raw->is_file);
		for (unsigned int k = 0; k < cfg_size(section, key); k++)
			config_raw_add_item(
				raw, slice_of(cfg_getnstr(section, key, k)));
		if (raw->count == 0 && !config_row_is_list(raw->row))
			return error_set(err, RESULT_INVALID,
					 "%s: %s: the value is missing",
					 raw->where, key);
	}
	return RESULT_OK;
}

enum result config_parse(const char *text, const char *path,
			 struct config_raws *out, struct error *err)
{
	enum result r = RESULT_INVALID;
	struct options options;
	cfg_t *cfg;

	options_init(&options);
	cfg = cfg_init(options.global, CFGF_NONE);
	if (!cfg)
		abort();
	cfg_set_error_function(cfg, be_silent);
	if (cfg_parse_buf(cfg, text) == CFG_SUCCESS)
		r = take_values(cfg, out, err);
	else
		error_set(err, r, "%s:%d: libconfuse cannot read this", path,
			  cfg->line);
	cfg_free(cfg);
	options_release(&options);
	return r;
}

enum result config_from_file(const char *path, struct config_raws *out,
			     struct error *err)
{
	enum result r;
	size_t len;
	char *text;

	r = config_read(path, CONFIG_FILE_MAX, &text, &len, err);
	if (r != RESULT_OK)
		return r;
	r = config_scan(text, path, out, err);
	if (r == RESULT_OK)
		r = config_parse(text, path, out, err);
	crypto_wipe(text, len);
	free(text);
	return r;
}
