/*
 * What may be done about one row of an import: a user gets an external id.
 *
 * Whoever logs in with that external id gets the user's conversations, so a
 * row is no better than the address in it: the user must be the one active
 * end-user who has exactly this address (policy.md, "owner"), neither
 * suspended nor shared, by a primary or a verified identity; and, as rule 23
 * has it, where nobody has proven the address it must be all that the user
 * has: else a stranger who once typed it into a form would get the person's
 * key. Denied addresses belong to nobody in particular (rule 14). An external
 * id is never replaced, nor taken from anybody.
 *
 * Addresses compare as core/address.h normalises them, external ids without
 * regard to ASCII case, as Zendesk does. Pure.
 */
#ifndef REUNITE_CORE_IMPORT_H
#define REUNITE_CORE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/user.h"

/* Zendesk's limit is 255 characters; these are bytes. */
#define IMPORT_ID_SIZE 256

/* X(NAME, code, class, text). The order is that of the summary. */
#define IMPORT_OUTCOMES(X)                                                     \
	X(SET, "set", TODO, "gets the external id")                            \
	X(ALREADY, "already", FINE, "has it already")                          \
	X(REPEATED, "repeated", FINE, "the same line came before")             \
	X(UNKNOWN, "unknown_address", MISSED,                                  \
	  "no user with this address was found")                               \
	X(BAD_ADDRESS, "invalid_address", CONFLICT,                            \
	  "not an e-mail address that can be trusted")                         \
	X(BAD_ID, "invalid_external_id", CONFLICT,                             \
	  "empty, over 255 bytes, not UTF-8, or with control characters")      \
	X(ADDRESS_TWICE, "address_twice", CONFLICT,                            \
	  "the file has the address with another external id, too")            \
	X(ID_TWICE, "external_id_twice", CONFLICT,                             \
	  "the file has the external id with another address, too")            \
	X(USER_TWICE, "user_twice", CONFLICT,                                  \
	  "the file has another external id for another address of this user") \
	X(OTHER_ID, "has_other_external_id", CONFLICT,                         \
	  "the user has another external id")                                  \
	X(HELD, "external_id_taken", CONFLICT,                                 \
	  "another user has this external id")                                 \
	X(SEVERAL, "several_users", CONFLICT,                                  \
	  "several users have this address")                                   \
	X(STAFF, "not_end_user", CONFLICT, "the user is an agent or an admin") \
	X(SUSPENDED, "suspended", CONFLICT, "the user is suspended")           \
	X(SHARED, "shared_user", CONFLICT,                                     \
	  "the user came from a sharing agreement")                            \
	X(DENIED, "email_denied", CONFLICT,                                    \
	  "a role address, or one of deny_emails")                             \
	X(UNPROVEN, "address_unproven", CONFLICT,                              \
	  "nobody has proven the address, and the user has other identities")  \
	X(BUSY, "busy", FAILED,                                                \
	  "a merge of this user is under way; run it again")                   \
	X(CHANGED, "changed", FAILED,                                          \
	  "the user changed or went away meanwhile; run it again")             \
	X(REFUSED, "refused", FAILED, "Zendesk refused it")

enum import_outcome {
#define IMPORT_OUTCOME_ENUM(name, code, class, text) IMPORT_##name,
	IMPORT_OUTCOMES(IMPORT_OUTCOME_ENUM)
#undef IMPORT_OUTCOME_ENUM
		IMPORT_COUNT
};
enum import_class {
	IMPORT_TODO,	 /* done, or in a dry run to be done */
	IMPORT_FINE,	 /* nothing to do */
	IMPORT_MISSED,	 /* nobody there */
	IMPORT_CONFLICT, /* a person has to look */
	IMPORT_FAILED,	 /* tried in vain */
};
/* "set" ...; a dry run says "would_set". Static. */
const char *import_outcome_name(enum import_outcome o, bool applied);
const char *import_outcome_text(enum import_outcome o);
enum import_class import_outcome_class(enum import_outcome o);

/* A row of the file, and what is known of it. */
struct import_row {
	int64_t line;			  /* of the file, from 1 */
	char address[ADDRESS_SIZE];	  /* normalised; "": it was none */
	char external_id[IMPORT_ID_SIZE]; /* trimmed; "": it was none */
	enum import_outcome outcome;
	uint64_t user;	     /* 0: not known */
	uint64_t other_user; /* whom it is in conflict with; 0: nobody */
	int64_t other_line;  /* likewise; 0: no line */
};

/* From what the file says. False: the row is over, its outcome says why. */
bool import_row_read(struct import_row *row, struct slice address,
		     struct slice external_id);

struct import_rules {
	const char *const *deny_emails;
	size_t deny_count;
};

/* Whether u is active and has exactly this address. */
bool import_owns(const struct zd_user *u, const char *address);
/* Sets the row's outcome and users. owners: hits of a search, in any order,
 * owners or not; holder: who has the external id, or 0. */
void import_decide(struct import_row *row, const struct zd_user *owners,
		   size_t count, uint64_t holder,
		   const struct import_rules *rules);

#endif
