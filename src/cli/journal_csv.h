/*
 * Private to `journal export`: the journal as RFC 4180 has it.
 */
#ifndef REUNITE_CLI_JOURNAL_CSV_H
#define REUNITE_CLI_JOURNAL_CSV_H

#include <stdbool.h>
#include <stdio.h>

#include "core/journal.h"

/* The columns, which are the keys of `journal list --json`. personal: the
 * before-image is the last of them. */
void journal_csv_head(FILE *out, bool personal);
void journal_csv_entry(FILE *out, const struct journal_entry *e, bool personal);

#endif
