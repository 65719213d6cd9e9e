/*
 * `explain --table --markdown`: the matrix as deploy/deciding.md has it.
 *
 * For everybody who may write there are two tables, what Zendesk does by
 * itself and what reunite does. Owners and settings that make no difference
 * to the one or the other share a row or a line of it.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "explain.h"
#include "matrix.h"

#define CELL_MAX_BYTES 4096

/* A table: what it is about, and one line of its cells. */
struct side {
	enum matrix_facet facet;
	const char *heading;
	void (*put)(struct buf *b, const struct matrix_outcome *o);
};

static void put_zendesk(struct buf *b, const struct matrix_outcome *o)
{
	buf_puts(b, o->zendesk);
}

static void put_reunite(struct buf *b, const struct matrix_outcome *o)
{
	buf_printf(b, "%s, `%s`", action_name(o->action),
		   reason_code(o->reason));
}

static const struct side sides[] = {
	{MATRIX_ZENDESK, "Zendesk by itself", put_zendesk},
	{MATRIX_REUNITE, "reunite", put_reunite},
};

/* "`verified_only` with `claimed`: "; nothing where it holds for all. */
static void put_where(struct buf *b, unsigned settings, unsigned thresholds)
{
	char *setting = matrix_setting_words(settings, "`", "");
	char *threshold = matrix_threshold_words(thresholds, "`", "");

	buf_puts(b, setting);
	if (*threshold)
		buf_printf(b, "%swith %s", *setting ? " " : "", threshold);
	if (*setting || *threshold)
		buf_puts(b, ": ");
	free(setting);
	free(threshold);
}

/* A line for every answer. */
static void put_answers(struct buf *b, const struct side *side,
			const struct matrix_outcomes *o)
{
	for (int s = 0; s < MATRIX_SETTINGS; s++) {
		unsigned settings = matrix_settings_like(o, s, side->facet);

		for (int t = 0; t < MATRIX_THRESHOLDS && settings; t++) {
			unsigned thresholds =
				matrix_thresholds_like(o, s, t, side->facet);

			if (!thresholds)
				continue;
			buf_puts(b, b->len > 0 ? "<br>" : "");
			put_where(b, settings, thresholds);
			side->put(b, &o->at[s][t]);
		}
	}
}

/* All with the outcomes of the n-th; nothing if an earlier one has them. */
static void put_owners(struct buf *b, const struct side *side,
		       const struct matrix_person *p, size_t n,
		       const struct matrix_outcomes *outcomes)
{
	const struct matrix_owner *o;
	struct matrix_outcomes other;

	for (size_t i = 0; (o = matrix_owner(i)); i++) {
		if (!matrix_ask(p, o, &other) ||
		    !matrix_outcomes_equal(outcomes, &other, side->facet))
			continue;
		if (i < n)
			return;
		buf_printf(b, "%s%s", b->len > 0 ? "<br>" : "",
			   matrix_owner_name(o));
	}
}

static void print_row(struct cli *c, const struct side *side,
		      const struct matrix_person *p, size_t n)
{
	struct matrix_outcomes outcomes;
	struct buf owners, answers;

	if (!matrix_ask(p, matrix_owner(n), &outcomes))
		return;
	buf_init(&owners, CELL_MAX_BYTES);
	buf_init(&answers, CELL_MAX_BYTES);
	put_owners(&owners, side, p, n, &outcomes);
	put_answers(&answers, side, &outcomes);
	if (owners.len > 0)
		fprintf(c->out, "| %s | %s |\n", owners.data, answers.data);
	buf_release(&owners);
	buf_release(&answers);
}

/* Does one table serve for both? */
static bool is_same_table(const struct side *side,
			  const struct matrix_person *p,
			  const struct matrix_person *q)
{
	const struct matrix_owner *o;
	struct matrix_outcomes a, b;

	for (size_t n = 0; (o = matrix_owner(n)); n++) {
		bool is = matrix_ask(p, o, &a);

		if (matrix_ask(q, o, &b) != is ||
		    (is && !matrix_outcomes_equal(&a, &b, side->facet)))
			return false;
	}
	return true;
}

static void print_table(struct cli *c, const struct side *side, size_t person)
{
	const struct matrix_person *p = matrix_person(person);
	const struct matrix_person *q;

	for (size_t i = 0; i < person; i++) {
		q = matrix_person(i);
		if (!is_same_table(side, p, q))
			continue;
		fprintf(c->out, "\n%s: as for \"%s, address: %s\".\n",
			side->heading, q->person, q->address);
		return;
	}
	fprintf(c->out, "\n| whose is the address | %s |\n|---|---|\n",
		side->heading);
	for (size_t n = 0; matrix_owner(n); n++)
		print_row(c, side, p, n);
}

void explain_markdown(struct cli *c)
{
	const struct matrix_person *p;

	for (size_t i = 0; (p = matrix_person(i)); i++) {
		fprintf(c->out, "\n**%s, address: %s**\n", p->person,
			p->address);
		for (size_t s = 0; s < ARRAY_LEN(sides); s++)
			print_table(c, &sides[s], i);
	}
	fputc('\n', c->out);
}
