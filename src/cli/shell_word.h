/*
 * Commands that are printed to be typed: words quoted as a shell wants them.
 */
#ifndef REUNITE_CLI_SHELL_WORD_H
#define REUNITE_CLI_SHELL_WORD_H

#include "base/buf.h"

void shell_put_word(struct buf *out, const char *word);
/* " NAME VALUE", or nothing if value is NULL. */
void shell_put_option(struct buf *out, const char *name, const char *value);

#endif
