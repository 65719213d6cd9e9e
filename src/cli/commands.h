/*
 * Every command's row, in the order of `reunite --help`.
 */
#ifndef REUNITE_CLI_COMMANDS_H
#define REUNITE_CLI_COMMANDS_H

#include "cli/cli.h"

#define CLI_COMMANDS(X)                                                        \
	X(cmd_serve)                                                           \
	X(cmd_check)                                                           \
	X(cmd_health)                                                          \
	X(cmd_setup)                                                           \
	X(cmd_doctor)                                                          \
	X(cmd_link)                                                            \
	X(cmd_backfill)                                                        \
	X(cmd_import)                                                          \
	X(cmd_explain)                                                         \
	X(cmd_journal_list)                                                    \
	X(cmd_journal_show)                                                    \
	X(cmd_journal_export)                                                  \
	X(cmd_journal_restore_plan)                                            \
	X(cmd_journal_reject)                                                  \
	X(cmd_readiness)                                                       \
	X(cmd_probe)                                                           \
	X(cmd_queue_list)                                                      \
	X(cmd_queue_show)                                                      \
	X(cmd_queue_retry)                                                     \
	X(cmd_queue_drop)                                                      \
	X(cmd_queue_check)                                                     \
	X(cmd_queue_pause)                                                     \
	X(cmd_queue_resume)                                                    \
	X(cmd_store_backup)                                                    \
	X(cmd_store_copy)                                                      \
	X(cmd_jwt)                                                             \
	X(cmd_review_list)                                                     \
	X(cmd_review_show)                                                     \
	X(cmd_review_approve)                                                  \
	X(cmd_review_reject)                                                   \
	X(cmd_forget)                                                          \
	X(cmd_completion)

#define CLI_COMMAND_DECLARE(row) extern const struct cli_command row;
CLI_COMMANDS(CLI_COMMAND_DECLARE)
#undef CLI_COMMAND_DECLARE

#endif
