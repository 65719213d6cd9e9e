/*
 * The policy a second time, to hold policy.c against.
 *
 * Written from the text of the rules (deploy/deciding.md), plainly and
 * slowly, one function a rule, with nothing of policy*.c but its types: no
 * table, no short cut, its own idea of an address. Where the text leaves a
 * choice, the comment at the place says which one is taken.
 */
#ifndef REUNITE_TESTS_POLICY_ORACLE_H
#define REUNITE_TESTS_POLICY_ORACLE_H

#include "core/policy.h"

void oracle_decide(const struct facts *f, const struct policy_rules *r,
		   struct decision *out);

/* False: the two are not the same decision; text says where. */
bool oracle_agrees(const struct decision *a, const struct decision *b,
		   char *text, size_t size);

#endif
