/*
 * Private to the commands: the report of `readiness` for people.
 */
#ifndef REUNITE_CLI_READINESS_TEXT_H
#define REUNITE_CLI_READINESS_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/readiness.h"

struct readiness_look {
	int width;   /* columns; bars take what is left of them */
	bool blocks; /* bars of U+2588, else of '#' */
	bool colour; /* bold headings */
};

void readiness_print(FILE *out, const struct readiness *r,
		     const struct policy_rules *set,
		     const struct readiness_look *look);

#endif
