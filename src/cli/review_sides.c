/*
 * Both sides of a review beside each other: one row a kind, as many lines as
 * the longer side needs. See review_text.h.
 */
#include "review_text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define LABEL_WIDTH    15
#define LINES_MAX      2000
#define CELL_MAX_BYTES (64 * 1024)

/* The lines of one cell. */
struct cell {
	char *lines[LINES_MAX];
	size_t count;
};

struct columns {
	struct cli *cli;
	const struct json_t *card;
	const struct json_t *sides[2];
	size_t width; /* of the first */
};

static void cell_add(struct cell *cell, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void cell_add(struct cell *cell, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	if (cell->count == LINES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_clean(text);
	cell->lines[cell->count++] = xstrdup(text);
}

static void cell_release(struct cell *cell)
{
	for (size_t i = 0; i < cell->count; i++)
		free(cell->lines[i]);
}

/* Characters, not bytes. */
static size_t width_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

typedef void cell_fn(const struct columns *t, const struct json_t *side,
		     struct cell *out);

static void text_of(const struct json_t *side, const char *key,
		    struct cell *out)
{
	char *text = json_get_text(side, key);

	cell_add(out, "%s", text ? text : "-");
	free(text);
}

static void cell_id(const struct columns *t, const struct json_t *side,
		    struct cell *out)
{
	(void)t;
	text_of(side, "id", out);
	if (json_get_str(side, "link"))
		text_of(side, "link", out);
}

static void cell_name(const struct columns *t, const struct json_t *side,
		      struct cell *out)
{
	bool made_up = json_get_bool(side, "name_made_up", false);

	if (t->cli->personal)
		cell_add(out, "%s%s",
			 json_get_str(side, "name") ? json_get_str(side, "name")
						    : "-",
			 made_up ? " (made up by Zendesk)" : "");
	else
		cell_add(out, "%s",
			 made_up ? "(made up by Zendesk)" : "(not shown)");
}

static void cell_standing(const struct columns *t, const struct json_t *side,
			  struct cell *out)
{
	const char *role = json_get_str(side, "role");

	(void)t;
	cell_add(out, "%s%s%s", role ? role : "-",
		 json_get_bool(side, "active", true) ? "" : ", not active",
		 json_get_bool(side, "suspended", false) ? ", SUSPENDED" : "");
}

static void cell_created(const struct columns *t, const struct json_t *side,
			 struct cell *out)
{
	(void)t;
	text_of(side, "created_at", out);
}

static void cell_updated(const struct columns *t, const struct json_t *side,
			 struct cell *out)
{
	(void)t;
	text_of(side, "updated_at", out);
}

static void cell_external_id(const struct columns *t, const struct json_t *side,
			     struct cell *out)
{
	if (t->cli->personal)
		text_of(side, "external_id", out);
	else
		cell_add(out, "%s",
			 json_get_bool(side, "has_external_id", false)
				 ? "(there, not shown)"
				 : "-");
}

static void cell_organization(const struct columns *t,
			      const struct json_t *side, struct cell *out)
{
	const char *name = json_get_str(side, "organization");
	char *id = json_get_text(side, "organization_id");

	(void)t;
	cell_add(out, "%s%s%s", id ? id : "-", name ? " " : "",
		 name ? name : "");
	free(id);
}

static void cell_brand(const struct columns *t, const struct json_t *side,
		       struct cell *out)
{
	(void)t;
	text_of(side, "brand_id", out);
}

static void cell_tickets(const struct columns *t, const struct json_t *side,
			 struct cell *out)
{
	const struct json_t *tickets = json_get(side, "tickets");

	(void)t;
	if (json_is_num(tickets))
		cell_add(out, "%lld", (long long)json_int(tickets, 0));
	else
		cell_add(out, "unknown");
}

static void cell_tags(const struct columns *t, const struct json_t *side,
		      struct cell *out)
{
	const struct json_t *tags = json_get(side, "tags");
	struct buf b;

	buf_init(&b, CELL_MAX_BYTES);
	buf_printf(&b, "%lld", (long long)json_get_int(side, "tag_count", 0));
	for (size_t i = 0; i < json_len(tags); i++)
		buf_printf(&b, "%s%s", i ? ", " : ": ",
			   json_str(json_at(tags, i)));
	cell_add(out, "%s", b.data);
	buf_release(&b);
	(void)t;
}

static void cell_identity(const struct json_t *i, struct cell *out)
{
	const char *value = json_get_str(i, "value");
	const char *this = json_get_str(i, "this");

	cell_add(out, "%s%s%s%s", json_get_str(i, "type"), value ? " " : "",
		 value ? value : "",
		 str_eq(this, "conversation") ? " (this conversation)"
		 : str_eq(this, "address")    ? " (the address)"
					      : "");
	if (json_get_str(i, "how"))
		cell_add(out, "  %s", json_get_str(i, "how"));
}

static void cell_identities(const struct columns *t, const struct json_t *side,
			    struct cell *out)
{
	const struct json_t *list = json_get(side, "identities");

	(void)t;
	if (!json_is_arr(list))
		cell_add(out, "unknown");
	for (size_t i = 0; i < json_len(list); i++)
		cell_identity(json_at(list, i), out);
}

static const struct {
	const char *label;
	cell_fn *fill;
	const char *only_with; /* a key that one side has, or NULL: always */
} rows[] = {
	{"user", cell_id, NULL},
	{"name", cell_name, NULL},
	{"role", cell_standing, NULL},
	{"created", cell_created, "created_at"},
	{"changed", cell_updated, "updated_at"},
	{"external id", cell_external_id, NULL},
	{"organization", cell_organization, NULL},
	{"brand", cell_brand, "brand_id"},
	{"tickets", cell_tickets, NULL},
	{"tags", cell_tags, NULL},
	{"identities", cell_identities, NULL},
};

static void fill(const struct columns *t, size_t row, struct cell cells[2])
{
	for (int s = 0; s < 2; s++) {
		cells[s].count = 0;
		if (json_is_obj(t->sides[s]))
			rows[row].fill(t, t->sides[s], &cells[s]);
	}
}

static bool is_shown(const struct columns *t, size_t row)
{
	const char *key = rows[row].only_with;

	return !key || !json_is_null(json_get(t->sides[0], key)) ||
	       !json_is_null(json_get(t->sides[1], key));
}

static void print_row(const struct columns *t, const char *label,
		      const struct cell cells[2])
{
	size_t count = cells[0].count > cells[1].count ? cells[0].count
						       : cells[1].count;

	for (size_t i = 0; i < count; i++) {
		const char *left = i < cells[0].count ? cells[0].lines[i] : "";
		const char *right = i < cells[1].count ? cells[1].lines[i] : "";
		size_t gap = *right ? t->width - width_of(left) + 2 : 0;

		fprintf(t->cli->out, "%-*s%s%*s%s\n", LABEL_WIDTH,
			i ? "" : label, left, (int)gap, "", right);
	}
}

/* Wide enough for the longest line of the left side. */
static void measure(struct columns *t, struct cell cells[2])
{
	t->width = strlen("the conversation's");
	for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
		fill(t, row, cells);
		for (size_t i = 0; i < cells[0].count; i++)
			if (width_of(cells[0].lines[i]) > t->width)
				t->width = width_of(cells[0].lines[i]);
		cell_release(&cells[0]);
		cell_release(&cells[1]);
	}
}

void review_sides(struct cli *c, const struct json_t *card)
{
	struct columns t = {.cli = c, .card = card};
	struct cell *cells = xcalloc(2, sizeof(*cells));

	t.sides[0] = json_get(card, "messaging_user");
	t.sides[1] = json_get(card, "profile");
	measure(&t, cells);
	cells[0].count = cells[1].count = 0;
	cell_add(&cells[0], "the conversation's");
	if (json_is_obj(t.sides[1]))
		cell_add(&cells[1], "the profile");
	review_heading(c, "Both sides");
	print_row(&t, "", cells);
	cell_release(&cells[0]);
	cell_release(&cells[1]);
	for (size_t row = 0; row < ARRAY_LEN(rows); row++) {
		if (!is_shown(&t, row))
			continue;
		fill(&t, row, cells);
		print_row(&t, rows[row].label, cells);
		cell_release(&cells[0]);
		cell_release(&cells[1]);
	}
	free(cells);
}
