/*
 * What commands print: JSON lines and aligned tables.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"

#define CELL_MAX 512
#define BOLD	 "\033[1m"
#define PLAIN	 "\033[0m"

void cli_json(struct cli *c, struct json_t *v)
{
	char *text = json_text(v);

	fprintf(c->out, "%s\n", text);
	free(text);
	json_free(v);
}

/* How long the character is in UTF-8 if it controls a terminal, turns the
 * direction of what follows around, or cannot be seen; 0: it is text. */
static size_t control_len(const unsigned char *p)
{
	if (p[0] < ' ' || p[0] == 0x7f)
		return 1;
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
		return 2; /* U+0080 to U+009F */
	if (p[0] == 0xd8 && p[1] == 0x9c)
		return 2; /* U+061C */
	if (p[0] == 0xe2 && p[1] == 0x80 &&
	    ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
		return 3; /* U+200B to U+200F, U+2028 to U+202E */
	if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)
		return 3; /* U+2060 to U+206F */
	if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
		return 3; /* U+FEFF */
	return 0;
}

void cli_clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p;) {
		size_t len = control_len(p);

		memset(p, '?', len);
		p += len > 0 ? len : 1;
	}
}

bool cli_out_ok(const struct cli *c)
{
	return !ferror(c->out);
}

void cli_table_init(struct cli_table *t, struct cli *c,
		    const char *const *headings, size_t columns)
{
	if (columns > CLI_TABLE_MAX_COLUMNS)
		abort();
	*t = (struct cli_table){
		.cli = c, .headings = headings, .columns = columns};
	for (size_t i = 0; i < columns; i++)
		t->width[i] = strlen(headings[i]);
}

void cli_table_release(struct cli_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->count = t->cap = 0;
}

void cli_table_cell(struct cli_table *t, const char *fmt, ...)
{
	size_t column = t->count % t->columns;
	char text[CELL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_clean(text);
	if (strlen(text) > t->width[column])
		t->width[column] = strlen(text);
	if (t->count == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cells = xrealloc(t->cells, t->cap * sizeof(*t->cells));
	}
	t->cells[t->count++] = xstrdup(text);
}

void cli_table_id(struct cli_table *t, uint64_t id)
{
	if (id)
		cli_table_cell(t, "%llu", (unsigned long long)id);
	else
		cli_table_cell(t, "-");
}

void cli_table_time(struct cli_table *t, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(wall_ms, text);
	cli_table_cell(t, "%s", wall_ms ? text : "-");
}

static void print_row(struct cli_table *t, const char *const *cells)
{
	FILE *out = t->cli->out;

	for (size_t i = 0; i + 1 < t->columns; i++)
		fprintf(out, "%-*s  ", (int)t->width[i], cells[i]);
	fprintf(out, "%s", cells[t->columns - 1]);
}

static void print_head(struct cli_table *t)
{
	fputs(t->cli->colour ? BOLD : "", t->cli->out);
	print_row(t, t->headings);
	fputs(t->cli->colour ? PLAIN "\n" : "\n", t->cli->out);
	t->headed = true;
}

void cli_table_flush(struct cli_table *t)
{
	if (!t->headed && t->count > 0)
		print_head(t);
	for (size_t i = 0; i + t->columns <= t->count; i += t->columns) {
		print_row(t, (const char *const *)&t->cells[i]);
		fputc('\n', t->cli->out);
	}
	cli_table_release(t);
}
