/*
 * `reunite completion`: the script that lets a shell complete commands,
 * options and values. It is made of the rows, so it knows what they know.
 */
#include "base/str.h"
#include "commands.h"
#include "completion.h"

static int run(struct cli *c)
{
	if (str_eq(c->args[0], "bash"))
		completion_bash(c->out);
	else if (str_eq(c->args[0], "zsh"))
		completion_zsh(c->out);
	else
		return cli_usage_error(c, "there is one for bash and for zsh");
	return CLI_DONE;
}

const struct cli_command cmd_completion = {
	.name = "completion",
	.arguments = "bash|zsh",
	.summary = "what completes commands and options in a shell",
	.example = "completion bash",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
