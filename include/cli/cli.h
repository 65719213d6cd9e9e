/*
 * The command-line frame: one row and one file (cmd_*.c) per command.
 *
 * A command gets its options parsed and checked by its row. It writes
 * results to c->out (with --json one object per line), everything else
 * through cli_error() and its like to c->err, and returns an exit code. No
 * e-mail address and no name is written unless c->personal.
 *
 * To add a command: define its row in src/cli/cmd_x.c and name the row in
 * src/cli/commands.h. Help, the man page's test and completion read it there.
 */
#ifndef REUNITE_CLI_CLI_H
#define REUNITE_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "app/config.h"
#include "base/error.h"
#include "store/store.h"

enum cli_exit {
	CLI_DONE,
	CLI_FAILED,
	CLI_USAGE,    /* wrong usage or configuration */
	CLI_REFUSED,  /* by policy */
	CLI_UPSTREAM, /* Zendesk or Sunshine Conversations unavailable */
};

enum cli_type {
	CLI_FLAG,
	CLI_TEXT,
	CLI_CHOICE, /* a word of metavar, "open|closed" */
	CLI_REASON, /* a code of core/reason.h; metavar "CODE" */
	CLI_NUMBER, /* decimal, above 0 */
	CLI_SINCE,  /* "24h" back from now, or ISO 8601: wall ms */
};

struct cli_option {
	const char *name; /* without the dashes */
	enum cli_type type;
	const char *metavar; /* "ID", "FILE"; NULL for a flag */
	const char *help;
};

/* What a command takes besides its own options. */
enum {
	CLI_TAKES_CONFIG = 1,	/* -c FILE */
	CLI_TAKES_JSON = 2,	/* --json */
	CLI_TAKES_PERSONAL = 4, /* --show-personal-data */
};

struct cli;
struct cli_command {
	const char *name;      /* "check", "journal list" */
	const char *arguments; /* "ID" for the usage line, or NULL */
	const char *summary;   /* one line, no full stop */
	const char *example;   /* one line without "reunite " */
	unsigned takes;
	const struct cli_option *options; /* ends with a NULL name, or NULL */
	size_t min_args;
	size_t max_args;
	int (*run)(struct cli *c);
};

#define CLI_MAX_OPTIONS 16 /* per command, the common ones not counted */

/* One invocation. */
struct cli {
	const struct cli_command *command;
	FILE *in, *out, *err;
	int64_t now_ms; /* wall clock at the start */
	bool colour;	/* out is a terminal */
	bool json;
	bool personal;
	const char *config_path; /* NULL: see config_load() */
	const char **args;	 /* what is no option, borrowed from argv */
	size_t arg_count;
	struct {
		const char *text; /* NULL: not given; "" for a flag */
		int64_t number;	  /* CLI_NUMBER, CLI_SINCE */
	} values[CLI_MAX_OPTIONS];
};

/* Runs a command line, argv[0] included, and returns its exit code. */
int cli_main(int argc, char **argv, FILE *in, FILE *out, FILE *err);
/* All rows, ended by NULL. */
const struct cli_command *const *cli_commands(void);

/* By an option's name; a name that the row lacks is a caller's bug (abort). */
bool cli_given(const struct cli *c, const char *option);
const char *cli_text(const struct cli *c, const char *option); /* or NULL */
int64_t cli_number(const struct cli *c, const char *option);   /* or 0 */
/* args[i] as a number above 0; on false the error has been printed, and the
 * command returns CLI_USAGE. */
MUST_CHECK bool cli_arg_number(struct cli *c, size_t i, int64_t *out);

/* One line "reunite CMD: message" on c->err; the exit code that fits. */
int cli_error(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
int cli_usage_error(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The configuration; on anything but CLI_DONE the error has been printed. */
MUST_CHECK int cli_config(struct cli *c, struct config **out);
/* The configuration and its store (SERVE is not for commands); both *new*.
 * On anything but CLI_DONE the error has been printed and neither is set. */
MUST_CHECK int cli_store(struct cli *c, enum store_mode mode,
			 struct config **config, struct store **store);
/* How a program ends that could not open its store: CLI_UPSTREAM where the
 * store is a database that may be back soon. */
int cli_store_code(const char *url, enum result why);
/* Where a store may have many daemons, nothing but their own word says that
 * there is one. */
bool cli_is_served(const char *url, struct store *s);
/* An --account must be one of the configuration's. NULL is fine. */
MUST_CHECK int cli_check_account(struct cli *c, const struct config *config,
				 const char *account);
/* The public listener's certificate as *new*, NULL without one; says what is
 * wrong with it. */
struct tls_context;
MUST_CHECK int cli_tls(struct cli *c, const struct config *config,
		       struct tls_context **out);

/* One JSON object as a line on c->out; *takes* v. */
struct json_t;
void cli_json(struct cli *c, struct json_t *v);
/* Makes text fit for a terminal and for eyes: what controls it, turns the
 * direction around or cannot be seen becomes '?', byte by byte. */
void cli_clean(char *text);
/* False once c->out broke (a closed pipe, a full disk): stop the listing. */
bool cli_out_ok(const struct cli *c);

/*
 * Aligned columns: cells row by row, then a flush per page. Columns only
 * grow from page to page. Cells are escaped: no control characters.
 */
#define CLI_TABLE_MAX_COLUMNS 16
struct cli_table {
	struct cli *cli;
	const char *const *headings; /* borrowed */
	size_t columns;
	size_t width[CLI_TABLE_MAX_COLUMNS];
	char **cells; /* of this page */
	size_t count;
	size_t cap;
	bool headed;
};
void cli_table_init(struct cli_table *t, struct cli *c,
		    const char *const *headings, size_t columns);
void cli_table_cell(struct cli_table *t, const char *fmt, ...)
	PRINTF_LIKE(2, 3);
void cli_table_id(struct cli_table *t, uint64_t id);	   /* 0 prints "-" */
void cli_table_time(struct cli_table *t, int64_t wall_ms); /* 0 prints "-" */
void cli_table_flush(struct cli_table *t);
void cli_table_release(struct cli_table *t);

#endif
