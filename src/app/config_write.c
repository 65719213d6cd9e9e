/*
 * A configuration written for the first time: every setting once, with what it
 * is for. It loads as it is; secrets stand in files.
 */
#include <string.h>

#include "base/str.h"
#include "config_value.h"

#define COLUMNS 78

struct write {
	FILE *out;
	config_path_of *path_of;
	void *arg;
	const char *account; /* whose section is open */
};

/* "# " and words, as many as fit. */
static void put_comment(struct write *w, const char *indent, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > COLUMNS) {
			fputc('\n', w->out);
			column = 0;
		}
		if (column == 0)
			column += (size_t)fprintf(w->out, "%s#", indent) +
				  7 * strlen(indent);
		column += (size_t)fprintf(w->out, " %.*s", (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', w->out);
}

static void put_value(struct write *w, const struct config_setting *s,
		      const struct config_list *value)
{
	bool list = str_eq(s->type, "list");

	fputs(list ? "{" : "", w->out);
	for (size_t i = 0; i < value->count; i++) {
		fputs(i > 0 ? ", " : "", w->out);
		if (str_eq(s->type, "integer"))
			fputs(value->items[i], w->out);
		else
			config_quote(w->out, value->items[i]);
	}
	fputs(list ? "}\n" : "\n", w->out);
}

static bool is_default(const struct config_setting *s,
		       const struct config_list *value)
{
	if (value->count == 0)
		return true;
	return value->count == 1 && str_eq(value->items[0], s->fallback);
}

static void put_setting(const char *account, const struct config_setting *s,
			const struct config_list *value, void *arg)
{
	struct write *w = arg;
	const char *indent = account ? "\t" : "";
	const char *path = NULL;

	if (w->account != account)
		fprintf(w->out,
			"\n# One section per Zendesk account.\n"
			"account \"%s\" {\n",
			account);
	else
		fputc('\n', w->out);
	w->account = account;
	if (s->secret)
		path = w->path_of(account, s, w->arg);
	put_comment(w, indent, s->help);
	if (path) {
		fprintf(w->out, "%s%s_file = ", indent, s->name);
		config_quote(w->out, path);
		fputc('\n', w->out);
		return;
	}
	fprintf(w->out, "%s%s%s = ", indent,
		s->secret || is_default(s, value) ? "# " : "", s->name);
	if (s->secret)
		fputs(str_eq(s->type, "list") ? "{}\n" : "\"\"\n", w->out);
	else
		put_value(w, s, value);
}

void config_write(const struct config *c, config_path_of *path_of, void *arg,
		  FILE *out)
{
	struct write w = {.out = out, .path_of = path_of, .arg = arg};

	fputs("# reunite, see reunite.conf(5). What stands behind a # is the "
	      "default.\n",
	      out);
	config_each_plain(c, put_setting, &w);
	fputs(w.account ? "}\n" : "", out);
}
