/*
 * What the pure state machines ask the runner to do, and what comes back.
 *
 * A step returns commands; the runner carries them out and brings exactly one
 * answer for each. Strings in commands are borrowed from the machine and live
 * until the answer.
 */
#ifndef REUNITE_CORE_COMMAND_H
#define REUNITE_CORE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/event.h"
#include "core/job.h"
#include "core/journal.h"
#include "core/owner.h"
#include "core/pair.h"
#include "core/user.h"

enum command_kind {
	COMMAND_NONE,
	COMMAND_RECALL,		 /* ids, text: the address or NULL */
	COMMAND_FOLD,		 /* text: the SunCo id learnt */
	COMMAND_SUNCO,		 /* text: the SunCo id */
	COMMAND_USER,		 /* id */
	COMMAND_SEARCH_ADDRESS,	 /* text */
	COMMAND_SEARCH_EXTERNAL, /* text */
	COMMAND_INTENT,		 /* id, into: the users to lock */
	COMMAND_STORE,		 /* progress, status */
	COMMAND_MERGE,		 /* id into into */
	COMMAND_ADD_ADDRESS,	 /* id, text, flag: verified */
	COMMAND_SET_NAME,	 /* id, text */
	COMMAND_SET_EXTERNAL_ID, /* id, text; NULL takes it away */
	COMMAND_VERIFY_ADDRESS,	 /* id, into: its identity */
	COMMAND_SYNC,		 /* id into into, told to SunCo */
	COMMAND_SLEEP,		 /* delay_ms */
	/* what a person will want to know; all may fail */
	COMMAND_TICKETS,	/* id */
	COMMAND_SUNCO_ADDRESS,	/* text, id: the brand or 0 */
	COMMAND_SUNCO_EXTERNAL, /* text, id: the brand or 0 */
	COMMAND_KIND_COUNT
};
const char *command_name(enum command_kind k);
/* Does it change anything in Zendesk or SunCo? */
bool command_changes(enum command_kind k);

#define RECALL_MAX 8

struct command {
	enum command_kind kind;
	uint64_t id;
	uint64_t into;
	const char *text;
	bool flag;
	int64_t delay_ms;
	enum journal_status status;
	uint64_t ids[RECALL_MAX]; /* RECALL; 0: unused */
};

#define COMMANDS_MAX 4
struct commands {
	struct command items[COMMANDS_MAX];
	size_t count;
};
struct command *commands_add(struct commands *c, enum command_kind kind);

/* What the store remembers; index by index of the command's ids. */
struct recall {
	uint64_t survivor[RECALL_MAX];
	bool survived[RECALL_MAX];
	bool rejected[RECALL_MAX];
	int64_t merges_today[RECALL_MAX];
	bool rejected_adopt;
	bool merging; /* without a SunCo user: a merge of ids[0] has begun */
	int64_t merges_this_hour;
	bool linked;
	uint64_t linked_user;
	struct event_print linked_print;
	int64_t linked_ms;
	/* who has or had the address that was asked about, ids[0] left out */
	struct owner owners[OWNERS_MAX];
	size_t owner_count;
	struct pair_asked asked[RECALL_MAX]; /* reviews of these profiles */
	struct pair_asked asked_adopt; /* of ids[0], with no profile meant */
	/* The address that a webhook said the person has: a hint; borrowed for
	 * the answer, or NULL. plenty: a request in vain does no harm now. */
	const char *told;
	bool plenty;
};

struct answer {
	enum command_kind to;
	uint64_t id; /* of the command */
	int64_t now_ms;
	enum result result;
	bool sent;	/* not OK: it may have taken effect */
	bool personal;	/* AUTH: others are allowed, this user is not */
	bool duplicate; /* 422: the value is somebody else's */
	bool mentions_external_id;
	int64_t told_ms;   /* RATE: Retry-After, -1: not told */
	int calls;	   /* requests it cost */
	const char *error; /* one line, no personal data; borrowed */
	/* by kind; borrowed */
	const struct sunco_user *sunco;
	size_t sunco_count; /* SUNCO_ADDRESS, SUNCO_EXTERNAL: of sunco */
	int64_t tickets;
	const struct zd_user *users;
	size_t user_count;
	const struct recall *recall;
	bool kept;		 /* FOLD */
	const struct job *taken; /* FOLD: the person's row, now ours */
	int64_t journal_id;	 /* INTENT */
	int64_t merges_this_hour, merges_into_profile; /* INTENT, RATE */
};

#endif
