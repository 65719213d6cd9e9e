/*
 * Shared by the restore*.c files; nobody else includes it.
 */
#ifndef REUNITE_CORE_RESTORE_INT_H
#define REUNITE_CORE_RESTORE_INT_H

#include "core/policy.h"
#include "core/restore.h"
#include "core/user.h"

#define RESTORE_NAME_MAX 256	   /* as long as a completed name may be */
#define RESTORE_PICK_MAX (1 << 16) /* bytes of a jq filter */

/* One side of a before-image. */
struct restore_side {
	bool known;		  /* it was there, with its identities */
	struct zd_user user;	  /* organizations_known: all of them */
	const struct json_t *raw; /* as Zendesk showed it, *borrowed* */
};

struct restore_case {
	const struct journal_entry *entry;
	struct restore_plan *plan;
	struct json_t *image; /* NULL: gone */
	struct restore_side person, profile;
	struct sunco_user sunco;
	bool sunco_known;
};

/* The plan's next step, *borrowed* until the one after it is added. The
 * formatted text is its sentence. */
struct restore_step *restore_add(struct restore_case *c, enum restore_kind kind,
				 const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A formatted text: *new*. */
char *restore_text(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The call of a step; path and body are *taken*. */
void restore_call(struct restore_step *s, const char *method, char *path,
		  struct json_t *body);
/* The value, or what it is in a plan that shows nothing personal. */
const char *restore_value(const struct restore_case *c, const char *value,
			  const char *what);
/* A jq filter with the value as a string in it: *new*. */
char *restore_pick(const char *before, const char *value, const char *after);
/* Two steps: find the user's identity, delete it. */
void restore_drop_identity(struct restore_case *c, uint64_t user,
			   const char *type, const char *value);
/* The command that keeps reunite from doing it again. */
void restore_reject(struct restore_case *c);

/* restore_merge.c */
void restore_merge(struct restore_case *c);

#endif
