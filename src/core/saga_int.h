/*
 * Shared by the files of the saga; nobody else includes it.
 */
#ifndef REUNITE_CORE_SAGA_INT_H
#define REUNITE_CORE_SAGA_INT_H

#include "core/saga.h"

void saga_enter(struct saga *s, enum saga_state to);
/* The same read (or step) once more, a little later each time. */
void saga_sleep(struct saga *s, struct commands *out);
void saga_ask_merge(struct saga *s, struct commands *out);
/* The job keeps it and looks again later. */
void saga_park(struct saga *s, const struct answer *why);
/* The merge or adopt did not happen, because of this answer; or for this
 * reason. What was released is given back first. */
void saga_fail_as(struct saga *s, enum saga_state how, const struct answer *why,
		  struct commands *out);
void saga_fail(struct saga *s, enum result why, const char *note,
	       struct commands *out);
/* Nothing can have come of it: it never left, or it was turned away before
 * anybody looked into it. Any other refusal is looked into (a second merge is
 * refused because the first was done). */
bool saga_not_applied(const struct answer *a);
/* Nothing was said about the request itself: worth sending it again, for
 * what may be repeated. */
bool saga_unanswered(const struct answer *a);

/* saga_release.c */
/* The external id is in the way and may be taken away: at once, or in a run
 * whose facts are fresh. */
bool saga_wants_release(const struct saga *s);
bool saga_can_release(const struct saga *s, int64_t now_ms);
void saga_ask_release(struct saga *s, struct commands *out);
void saga_send_release(struct saga *s, struct commands *out);
void saga_ask_put_back(struct saga *s, enum saga_state then,
		       struct commands *out);
void saga_on_release(struct saga *s, const struct answer *a,
		     struct commands *out);
void saga_on_put_back(struct saga *s, const struct answer *a,
		      struct commands *out);

/* saga_after.c: the profile as it was just read, with the conversation. */
void saga_merged(struct saga *s, const struct zd_user *profile,
		 struct commands *out);
void saga_send_after(struct saga *s, struct commands *out);
void saga_on_after(struct saga *s, const struct answer *a,
		   struct commands *out);

#endif
