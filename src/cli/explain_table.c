/*
 * `explain --table`: the whole matrix, in one of three forms.
 *
 * For people, one line per situation; settings that make no difference share
 * it. For programs (--json) nothing is folded. For the manual (--markdown):
 * explain_markdown.c.
 */
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "explain.h"
#include "matrix.h"

/* Calls print for every situation that there is. */
typedef void situation_print(struct cli *c, void *arg,
			     const struct matrix_person *p,
			     const struct matrix_owner *o,
			     const struct matrix_outcomes *outcomes);

static void each_situation(struct cli *c, situation_print *print, void *arg)
{
	const struct matrix_person *p;
	const struct matrix_owner *o;
	struct matrix_outcomes outcomes;

	for (size_t i = 0; (p = matrix_person(i)); i++)
		for (size_t n = 0; (o = matrix_owner(n)); n++)
			if (matrix_ask(p, o, &outcomes))
				print(c, arg, p, o, &outcomes);
}

/* ---- for people ---- */

static const char *const columns[] = {
	"setting",	 "person",  "address", "owner",
	"link_evidence", "reunite", "reason",  "Zendesk by itself",
};

struct row {
	const char *setting, *threshold;
	const struct matrix_person *person;
	const struct matrix_owner *owner;
	const struct matrix_outcome *outcome;
};

static void add_row(struct cli_table *t, const struct row *r)
{
	const char *const cells[ARRAY_LEN(columns)] = {
		r->setting,
		r->person->person,
		r->person->address,
		matrix_owner_name(r->owner),
		r->threshold,
		action_name(r->outcome->action),
		reason_code(r->outcome->reason),
		r->outcome->zendesk,
	};

	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		cli_table_cell(t, "%s", cells[i]);
}

static void add_rows(struct cli *c, void *table, const struct matrix_person *p,
		     const struct matrix_owner *o,
		     const struct matrix_outcomes *outcomes)
{
	struct row r = {.person = p, .owner = o};

	(void)c;
	for (int s = 0; s < MATRIX_SETTINGS; s++) {
		unsigned settings =
			matrix_settings_like(outcomes, s, MATRIX_BOTH);
		char *setting = matrix_setting_words(settings, "", "any");

		for (int t = 0; t < MATRIX_THRESHOLDS && settings; t++) {
			unsigned like = matrix_thresholds_like(outcomes, s, t,
							       MATRIX_BOTH);
			char *threshold =
				matrix_threshold_words(like, "", "any");

			r.setting = setting;
			r.threshold = threshold;
			r.outcome = &outcomes->at[s][t];
			if (like)
				add_row(table, &r);
			free(threshold);
		}
		free(setting);
	}
}

/* ---- for programs ---- */

static void print_lines(struct cli *c, void *arg, const struct matrix_person *p,
			const struct matrix_owner *o,
			const struct matrix_outcomes *outcomes)
{
	(void)arg;
	for (int s = 0; s < MATRIX_SETTINGS; s++)
		for (int t = 0; t < MATRIX_THRESHOLDS; t++) {
			const struct matrix_outcome *x = &outcomes->at[s][t];
			struct json_t *line = json_new_obj();

			json_set_str(line, "setting",
				     email_identities_name(
					     (enum email_identities)s));
			json_set_str(line, "link_evidence",
				     evidence_name((enum evidence)(t + 1)));
			json_set_str(line, "person", p->person);
			json_set_str(line, "address", p->address);
			json_set_str(line, "owner", matrix_owner_name(o));
			json_set_str(line, "action", action_name(x->action));
			json_set_str(line, "reason", reason_code(x->reason));
			json_set_int(line, "rule", x->rule);
			json_set_str(line, "zendesk", x->zendesk);
			cli_json(c, line);
		}
}

int explain_table(struct cli *c, bool markdown)
{
	struct cli_table table;

	if (markdown) {
		explain_markdown(c);
		return CLI_DONE;
	}
	if (c->json) {
		each_situation(c, print_lines, NULL);
		return CLI_DONE;
	}
	cli_table_init(&table, c, columns, ARRAY_LEN(columns));
	each_situation(c, add_rows, &table);
	cli_table_flush(&table);
	cli_table_release(&table);
	return CLI_DONE;
}
