/*
 * Commands of the state machines: see command.h.
 */
#include "core/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

const char *command_name(enum command_kind k)
{
	static const char *const names[COMMAND_KIND_COUNT] = {
		[COMMAND_NONE] = "none",
		[COMMAND_RECALL] = "recall",
		[COMMAND_FOLD] = "fold",
		[COMMAND_SUNCO] = "sunco_user",
		[COMMAND_USER] = "user",
		[COMMAND_SEARCH_ADDRESS] = "search_address",
		[COMMAND_SEARCH_EXTERNAL] = "search_external_id",
		[COMMAND_INTENT] = "intent",
		[COMMAND_STORE] = "store",
		[COMMAND_MERGE] = "merge",
		[COMMAND_ADD_ADDRESS] = "add_address",
		[COMMAND_SET_NAME] = "set_name",
		[COMMAND_SET_EXTERNAL_ID] = "set_external_id",
		[COMMAND_VERIFY_ADDRESS] = "verify_address",
		[COMMAND_SYNC] = "sync",
		[COMMAND_SLEEP] = "sleep",
		[COMMAND_TICKETS] = "tickets",
		[COMMAND_SUNCO_ADDRESS] = "sunco_address",
		[COMMAND_SUNCO_EXTERNAL] = "sunco_external_id",
	};

	return names[k];
}

struct command *commands_add(struct commands *c, enum command_kind kind)
{
	struct command *cmd;

	if (c->count == COMMANDS_MAX)
		abort(); /* a state asks for more than it may */
	cmd = &c->items[c->count++];
	memset(cmd, 0, sizeof(*cmd));
	cmd->kind = kind;
	return cmd;
}

bool command_changes(enum command_kind k)
{
	return k == COMMAND_MERGE || k == COMMAND_ADD_ADDRESS ||
	       k == COMMAND_SET_NAME || k == COMMAND_SET_EXTERNAL_ID ||
	       k == COMMAND_VERIFY_ADDRESS || k == COMMAND_SYNC;
}
