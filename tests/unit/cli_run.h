/*
 * Command lines run inside a test, in a folder with a configuration.
 */
#ifndef REUNITE_TESTS_UNIT_CLI_RUN_H
#define REUNITE_TESTS_UNIT_CLI_RUN_H

#include <stddef.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/cli.h"

/* What the last run wrote. */
extern char *cli_out, *cli_err;
/* The store's URL; the configuration takes it from REUNITE_TEST_STORE. */
extern char cli_url[128];

/* Group fixtures: the folder and the configuration, account "acme". */
int cli_make_folder(void **state);
int cli_remove_folder(void **state);
/* A teardown: removes the store's files, not the folder. */
int cli_remove_store(void **state);

/* Runs "reunite" with the words of line, "@" standing for -c CONFIG. */
int cli_run(const char *line);
int cli_run_to(FILE *out_file, const char *line);
void cli_forget(void); /* frees what the last run wrote */

size_t cli_lines(const char *text);
/* The i-th line of cli_out: *new*. */
struct json_t *cli_line_json(size_t i);
/* Wrong usage: one line with message, nothing on stdout. */
void cli_refuses(const char *line, const char *message);
/* CLI_FAILED with exactly this message. */
void cli_fails(const char *line, const char *message);

#endif
