/*
 * Settings as they were written, and files that hold a secret.
 */
#include "config_raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

void config_raws_init(struct config_raws *r)
{
	*r = (struct config_raws){0};
}

static void raw_clear(struct config_raw *raw)
{
	for (size_t i = 0; i < raw->count; i++) {
		crypto_wipe(raw->items[i], strlen(raw->items[i]));
		free(raw->items[i]);
	}
	free(raw->items);
	raw->items = NULL;
	raw->count = 0;
}

void config_raws_release(struct config_raws *r)
{
	for (size_t i = 0; i < r->count; i++) {
		raw_clear(&r->items[i]);
		free(r->items[i].where);
		free(r->items[i].path);
	}
	for (size_t i = 0; i < r->account_count; i++) {
		free(r->accounts[i].name);
		free(r->accounts[i].where);
	}
	free(r->items);
	free(r->accounts);
	free(r->where);
	config_raws_init(r);
}

struct config_raw *config_raws_add(struct config_raws *r, size_t account,
				   const struct config_row *row, bool is_file,
				   char *where)
{
	struct config_raw *raw;

	r->items = xrealloc(r->items, (r->count + 1) * sizeof(*r->items));
	raw = &r->items[r->count++];
	*raw = (struct config_raw){.account = account,
				   .row = row,
				   .is_file = is_file,
				   .where = where};
	return raw;
}

void config_raws_add_account(struct config_raws *r, struct slice name,
			     char *where)
{
	size_t size = (r->account_count + 1) * sizeof(*r->accounts);

	r->accounts = xrealloc(r->accounts, size);
	r->accounts[r->account_count++] = (struct config_raw_account){
		.name = xstrndup(name.ptr, name.len), .where = where};
}

const struct config_raw *config_raws_find(const struct config_raws *r,
					  size_t account,
					  const struct config_row *row)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].account == account && r->items[i].row == row)
			return &r->items[i];
	return NULL;
}

void config_raw_add_item(struct config_raw *raw, struct slice item)
{
	size_t size = (raw->count + 1) * sizeof(*raw->items);

	raw->items = xrealloc(raw->items, size);
	raw->items[raw->count++] = xstrndup(item.ptr, item.len);
}

enum result config_read(const char *path, size_t max_bytes, char **out,
			size_t *len, struct error *err)
{
	enum result r = RESULT_INVALID;
	FILE *f = fopen(path, "re");
	char *text;

	if (!f)
		return error_set(err, r, "cannot open %s: %s", path,
				 strerror(errno));
	text = xcalloc(max_bytes + 2, 1);
	*len = fread(text, 1, max_bytes + 1, f);
	if (ferror(f))
		error_set(err, r, "cannot read %s: %s", path, strerror(errno));
	else if (*len > max_bytes)
		error_set(err, r, "%s is over %zu bytes", path, max_bytes);
	else if (memchr(text, '\0', *len))
		error_set(err, r, "%s holds a NUL byte", path);
	else
		r = RESULT_OK;
	fclose(f);
	if (r == RESULT_OK)
		*out = text;
	else
		free(text);
	return r;
}

static void add_lines(struct config_raw *raw, struct slice text)
{
	const char *end;

	while ((end = memchr(text.ptr, '\n', text.len))) {
		size_t len = (size_t)(end - text.ptr);

		config_raw_add_item(raw, (struct slice){text.ptr, len});
		text.ptr += len + 1;
		text.len -= len + 1;
	}
	config_raw_add_item(raw, text);
}

enum result config_raw_resolve(struct config_raw *raw, struct error *err)
{
	const char *name = raw->row->setting->name;
	struct slice text;
	struct error why;
	char *content;
	size_t len;

	if (config_read(raw->items[0], CONFIG_SECRET_MAX, &content, &len,
			&why) != RESULT_OK)
		return error_set(err, RESULT_INVALID, "%s: %s_file: %s",
				 raw->where, name, why.text);
	raw->path = xstrdup(raw->items[0]);
	raw_clear(raw);
	text = (struct slice){content, len};
	if (text.len > 0 && content[text.len - 1] == '\n')
		text.len--;
	if (text.len > 0 && config_row_is_list(raw->row))
		add_lines(raw, text);
	else if (text.len > 0)
		config_raw_add_item(raw, text);
	crypto_wipe(content, len);
	free(content);
	if (raw->count == 0)
		return error_set(err, RESULT_INVALID,
				 "%s: %s_file: the file is empty", raw->where,
				 name);
	return RESULT_OK;
}
