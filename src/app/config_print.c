/*
 * The configuration as it took effect, as a file, secrets masked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "config_value.h"

#define NAME_COLUMN 24

/* Quoted so that the same text comes out when it is read again. */
void config_quote(FILE *out, const char *s)
{
	char quote = strchr(s, '$') ? '\'' : '"';

	fputc(quote, out);
	for (; *s; s++) {
		if (*s == quote || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc(quote, out);
}

static void append(struct buf *out, const char *from, const char *to)
{
	if (buf_append(out, from, (size_t)(to - from)) != RESULT_OK)
		abort();
}

/* scheme://user:PASSWORD@host/db?password=PASSWORD&... */
static void mask_passwords(struct buf *out, const char *url)
{
	static const char key[] = "password=";
	const char *user = strstr(url, "://");
	const char *host = user ? strrchr(user, '@') : NULL;
	const char *colon =
		host ? memchr(user + 3, ':', (size_t)(host - user - 3)) : NULL;
	const char *at;

	if (colon) {
		append(out, url, colon + 1);
		buf_puts(out, CONFIG_MASK);
		url = host;
	}
	while ((at = strstr(url, key))) {
		at += sizeof(key) - 1;
		append(out, url, at);
		buf_puts(out, CONFIG_MASK);
		url = at + strcspn(at, "&");
	}
	append(out, url, url + strlen(url));
}

char *config_mask_url(const char *url)
{
	struct buf b;

	buf_init(&b, 2 * CONFIG_FILE_MAX);
	mask_passwords(&b, url);
	return buf_detach(&b);
}

static void add(struct config_list *list, const char *text, size_t len)
{
	size_t size = (list->count + 1) * sizeof(char *);

	list->items = xrealloc(list->items, size);
	list->items[list->count++] = xstrndup(text, len);
}

static void add_text(struct config_list *out, const struct config_row *row,
		     const char *s, bool plain)
{
	struct buf b;

	buf_init(&b, 2 * CONFIG_FILE_MAX);
	if (row->setting->secret && *s && !plain)
		buf_puts(&b, CONFIG_MASK);
	else if (row->kind == KIND_STORE && !plain)
		mask_passwords(&b, s);
	else
		buf_puts(&b, s);
	add(out, b.data, b.len);
	buf_release(&b);
}

static void add_word(struct config_list *out, const struct config_row *row,
		     int64_t i)
{
	struct slice word = config_word(row, (size_t)i);

	add(out, word.ptr, word.len);
}

/* A field as it would be written, secrets masked unless it is plain. */
static void texts_of(struct config_list *out, const struct config_row *row,
		     const void *field, bool plain)
{
	const struct config_list *list = field;
	const char *text;
	char number[32];

	switch (row->kind) {
	case KIND_SECRETS:
	case KIND_PATTERNS:
		for (size_t i = 0; i < list->count; i++)
			add_text(out, row, list->items[i], plain);
		break;
	case KIND_DURATION:
	case KIND_INTEGER:
		config_number_print(number, sizeof(number), row,
				    *(const int64_t *)field);
		add(out, number, strlen(number));
		break;
	case KIND_WORD:
		add_word(out, row, *(const int *)field - row->min);
		break;
	case KIND_SWITCH:
		add_word(out, row, *(const bool *)field);
		break;
	default:
		text = *(char *const *)field;
		add_text(out, row, text ? text : "", plain);
		break;
	}
}

static void each_of(const void *base, const char *account, bool plain,
		    config_visit *visit, void *arg)
{
	for (size_t i = 0; i < config_row_count; i++) {
		const struct config_row *row = &config_rows[i];
		struct config_list value = {0};

		if (row->setting->account != (account != NULL))
			continue;
		texts_of(&value, row, (const char *)base + row->offset, plain);
		visit(account, row->setting, &value, arg);
		for (size_t k = 0; k < value.count; k++)
			free(value.items[k]);
		free(value.items);
	}
}

static void each(const struct config *c, bool plain, config_visit *visit,
		 void *arg)
{
	each_of(c, NULL, plain, visit, arg);
	for (size_t i = 0; i < c->account_count; i++)
		each_of(&c->accounts[i], c->accounts[i].name, plain, visit,
			arg);
}

void config_each(const struct config *c, config_visit *visit, void *arg)
{
	each(c, false, visit, arg);
}

void config_each_plain(const struct config *c, config_visit *visit, void *arg)
{
	each(c, true, visit, arg);
}

struct print {
	FILE *out;
	const char *account; /* whose section is open */
};

static void open_section(struct print *p, const char *account)
{
	if (p->account == account)
		return;
	fprintf(p->out, "%s\naccount \"%s\" {\n", p->account ? "}\n" : "",
		account);
	p->account = account;
}

static void print_setting(const char *account,
			  const struct config_setting *setting,
			  const struct config_list *value, void *arg)
{
	bool list = str_eq(setting->type, "list");
	struct print *p = arg;

	open_section(p, account);
	fprintf(p->out, "%s%-*s = %s", account ? "\t" : "", NAME_COLUMN,
		setting->name, list ? "{" : "");
	for (size_t i = 0; i < value->count; i++) {
		fputs(i > 0 ? ", " : "", p->out);
		if (str_eq(setting->type, "integer"))
			fputs(value->items[i], p->out);
		else
			config_quote(p->out, value->items[i]);
	}
	fputs(list ? "}\n" : "\n", p->out);
}

void config_print(const struct config *c, FILE *out)
{
	struct print p = {.out = out};

	config_each(c, print_setting, &p);
	fputs(p.account ? "}\n" : "", out);
}
