/*
 * `explain`: one decision said to a person, facts from a file, and the
 * policy's table. Private to the command line.
 */
#ifndef REUNITE_SRC_CLI_EXPLAIN_H
#define REUNITE_SRC_CLI_EXPLAIN_H

#include "cli/cli.h"
#include "core/policy.h"

/* A decision on c->out, as JSON or for people. No address and no name. */
void explain_decision(struct cli *c, const struct decision *d,
		      const char *zendesk);
/* The same, decided here. */
void explain_answer(struct cli *c, const struct facts *f,
		    const struct policy_rules *r);
/* Answers every object of a file ("-" is c->in); an exit code. */
int explain_facts(struct cli *c, const char *file);
/* Every outcome of the policy, from the policy itself; an exit code. */
int explain_table(struct cli *c, bool markdown);
/* The same as deploy/deciding.md has it. */
void explain_markdown(struct cli *c);

#endif
