/*
 * One invocation: from argv to a command's exit code.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "commands.h"
#include "parse.h"

static const struct cli_command *const rows[] = {
#define CLI_COMMAND_ADDRESS(row) &row,
	CLI_COMMANDS(CLI_COMMAND_ADDRESS)
#undef CLI_COMMAND_ADDRESS
		NULL,
};

const struct cli_command *const *cli_commands(void)
{
	return rows;
}

static int print_line(struct cli *c, int code, const char *fmt, va_list ap)
	PRINTF_LIKE(3, 0);

static int print_line(struct cli *c, int code, const char *fmt, va_list ap)
{
	fprintf(c->err, "reunite %s: ", c->command->name);
	vfprintf(c->err, fmt, ap);
	if (code == CLI_USAGE)
		fprintf(c->err, "; see reunite %s --help", c->command->name);
	fputc('\n', c->err);
	return code;
}

int cli_error(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = print_line(c, CLI_FAILED, fmt, ap);
	va_end(ap);
	return code;
}

int cli_usage_error(struct cli *c, const char *fmt, ...)
{
	va_list ap;
	int code;

	va_start(ap, fmt);
	code = print_line(c, CLI_USAGE, fmt, ap);
	va_end(ap);
	return code;
}

static size_t option_index(const struct cli *c, const char *option)
{
	const struct cli_option *o = c->command->options;

	for (size_t i = 0; o && o[i].name; i++)
		if (str_eq(o[i].name, option))
			return i;
	abort();
}

bool cli_given(const struct cli *c, const char *option)
{
	return c->values[option_index(c, option)].text != NULL;
}

const char *cli_text(const struct cli *c, const char *option)
{
	return c->values[option_index(c, option)].text;
}

int64_t cli_number(const struct cli *c, const char *option)
{
	return c->values[option_index(c, option)].number;
}

bool cli_arg_number(struct cli *c, size_t i, int64_t *out)
{
	int64_t number;

	if (!str_parse_i64(slice_of(c->args[i]), &number) || number <= 0) {
		cli_usage_error(c, "%s must be a number above 0",
				c->command->arguments);
		return false;
	}
	*out = number;
	return true;
}

/* A reader that closes the pipe early (head) is no failure; a full disk is. */
static int finish(struct cli *c, int code)
{
	errno = 0;
	if ((fflush(c->out) == 0 && !ferror(c->out)) || errno == EPIPE)
		return code;
	fprintf(c->err, "reunite: cannot write the output: %s\n",
		strerror(errno));
	return code == CLI_DONE ? CLI_FAILED : code;
}

static int run(struct cli *c, int argc, char **argv)
{
	switch (cli_parse(c, argc, argv)) {
	case CLI_PARSED:
		return c->command->run(c);
	case CLI_PARSED_HELP:
		if (c->command)
			cli_help_command(c->out, c->command);
		else
			cli_help_group(c->out, argv[1]);
		return CLI_DONE;
	default:
		return CLI_USAGE;
	}
}

/* Without a command in front. */
static int run_bare(struct cli *c, const char *arg)
{
	if (str_eq(arg, "--help") || str_eq(arg, "-h")) {
		cli_help(c->out);
		return CLI_DONE;
	}
	if (str_eq(arg, "--version")) {
		fprintf(c->out, "reunite %s\n", REUNITE_VERSION);
		return CLI_DONE;
	}
	fprintf(c->err, "reunite: %s; see reunite --help\n",
		arg ? "the command comes first" : "no command");
	return CLI_USAGE;
}

int cli_main(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
	struct cli c = {.in = in, .out = out, .err = err};
	int code;

	c.now_ms = clock_wall_ms();
	c.colour = isatty(fileno(out)) == 1;
	if (argc < 2 || argv[1][0] == '-')
		code = run_bare(&c, argc < 2 ? NULL : argv[1]);
	else
		code = run(&c, argc, argv);
	free(c.args);
	return finish(&c, code);
}
