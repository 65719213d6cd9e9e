/*
 * Every command's row, in the order of `reunite --help`.
 */
#ifndef REUNITE_CLI_COMMANDS_H
#define REUNITE_CLI_COMMANDS_H

#include "cli/cli.h"

#define CLI_COMMANDS(X) X(cmd_check)

#define CLI_COMMAND_DECLARE(row) extern const struct cli_command row;
CLI_COMMANDS(CLI_COMMAND_DECLARE)
#undef CLI_COMMAND_DECLARE

#endif
