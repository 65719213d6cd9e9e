/*
 * See json_rewrite.c; for json.c only.
 */
#ifndef REUNITE_BASE_JSON_REWRITE_H
#define REUNITE_BASE_JSON_REWRITE_H

#include "base/str.h"

/* NULL when jansson can read the text as it is, else a *new* text of the same
 * length that it can read. */
char *json_rewrite(const char *text, size_t len);

#endif
