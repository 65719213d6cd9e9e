/*
 * One decision, said to a person.
 */
#include "explain.h"

#include "base/json.h"
#include "base/str.h"

static void print_link(struct cli *c, const struct decision *d)
{
	if (d->intended == ACTION_ADOPT)
		fputs("give the conversation's user the address", c->out);
	else
		fprintf(c->out,
			"merge the conversation's user into profile "
			"%llu",
			(unsigned long long)d->profile_id);
}

static void print_headline(struct cli *c, const struct decision *d)
{
	switch (d->action) {
	case ACTION_MERGE:
	case ACTION_ADOPT:
		fprintf(c->out, "%s: ", action_name(d->action));
		print_link(c, d);
		if (!d->applied)
			fputs(" (only observed, nothing is changed)", c->out);
		break;
	case ACTION_REVIEW:
		fputs("review: a person has to look", c->out);
		if (d->intended != ACTION_NONE) {
			fputs("; if approved, ", c->out);
			print_link(c, d);
		}
		break;
	case ACTION_REFUSE:
		fputs("refuse: nothing is done, and nobody can approve it",
		      c->out);
		break;
	case ACTION_WAIT:
		fputs("wait: look again later, in the end do nothing", c->out);
		break;
	default:
		fputs("none: nothing to do", c->out);
		break;
	}
	fputc('\n', c->out);
}

static void print_reasons(struct cli *c, const struct decision *d)
{
	enum reason list[REASON_COUNT];
	size_t count = reason_set_list(d->reasons, list);

	for (size_t i = 0; i < count; i++)
		fprintf(c->out, "  %-10s %s (%s)\n", i == 0 ? "because" : "and",
			reason_text(list[i]), reason_code(list[i]));
}

static void print_steps(struct cli *c, const struct decision *d)
{
	if (d->complete_name && d->step_count == 0)
		fprintf(c->out, "  %-10s %s\n", "but",
			"The conversation's user gets its name.");
	if (d->step_count == 0)
		return;
	fprintf(c->out, "  %-10s ", "steps");
	for (size_t i = 0; i < d->step_count; i++)
		fprintf(c->out, "%s%s", i > 0 ? ", " : "",
			step_name(d->steps[i]));
	fputc('\n', c->out);
}

static void print_decision(struct cli *c, const struct decision *d,
			   const char *zendesk)
{
	print_headline(c, d);
	print_reasons(c, d);
	if (d->rule > 0)
		fprintf(c->out, "  %-10s %d\n", "rule", d->rule);
	fprintf(c->out, "  %-10s %s\n", "evidence", evidence_name(d->evidence));
	print_steps(c, d);
	fprintf(c->out, "  %-10s %s\n", "by itself", zendesk);
}

void explain_decision(struct cli *c, const struct decision *d,
		      const char *zendesk)
{
	if (c->json)
		cli_json(c, decision_encode(d, zendesk));
	else
		print_decision(c, d, zendesk);
}

void explain_answer(struct cli *c, const struct facts *f,
		    const struct policy_rules *r)
{
	struct decision d;

	policy_decide(f, r, &d);
	explain_decision(c, &d, policy_zendesk_does(f, r));
}
