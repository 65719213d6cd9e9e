/*
 * A review as text for a terminal.
 */
#ifndef REUNITE_CLI_REVIEW_TEXT_H
#define REUNITE_CLI_REVIEW_TEXT_H

#include "cli/cli.h"

/* v: as review_encode_whole() made it; borrowed. Says the same as v. */
void review_text(struct cli *c, const struct json_t *v);
/* Parts of it. */
void review_heading(struct cli *c, const char *text);
void review_sides(struct cli *c, const struct json_t *card);

#endif
