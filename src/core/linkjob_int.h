/*
 * Shared by the files of the linkjob machine; nobody else includes it.
 */
#ifndef REUNITE_CORE_LINKJOB_INT_H
#define REUNITE_CORE_LINKJOB_INT_H

#include "core/linkjob.h"

void linkjob_enter(struct linkjob *l, enum linkjob_state s);
/* linkjob.c */
void linkjob_note_read(struct linkjob *l, int64_t now_ms);
/* What the first two stages refuse needs no search. */
bool linkjob_out_of_question(const struct zd_user *u);
void linkjob_find_owners(struct linkjob *l, int64_t now_ms,
			 struct commands *out);
/* A look that comes late (an API was down, the account paused, nobody ran)
 * makes the wait longer by as much: nobody is given up on because of that. */
void linkjob_forgive_lateness(struct linkjob *l, int64_t now_ms);
/* linkjob_do.c */
void linkjob_weigh(struct linkjob *l, struct commands *out);
void linkjob_on_weighed(struct linkjob *l, const struct answer *a,
			struct commands *out);
void linkjob_decide(struct linkjob *l, int64_t now_ms, struct commands *out);
void linkjob_resume(struct linkjob *l, const struct answer *a,
		    struct commands *out);
void linkjob_do(struct linkjob *l, const struct answer *a,
		struct commands *out);
void linkjob_ask_with(struct linkjob *l, reason_set waived);
/* linkjob_former.c */
/* Whom an answer shows, to be remembered. */
void linkjob_see(struct linkjob *l, const struct answer *a);
/* Asks for the next former owner; false: there is none to ask for. */
bool linkjob_ask_former(struct linkjob *l, struct commands *out);
void linkjob_on_former(struct linkjob *l, const struct answer *a,
		       struct commands *out);
/* linkjob_early.c */
/* Searches the owners of the address that a webhook named (NULL: none did), if
 * what it finds will be wanted. reads: the user of the hint is being read. */
void linkjob_search_early(struct linkjob *l, const char *told, bool reads,
			  struct commands *out);
/* Beside the read of whom SunCo says to be the messaging user. */
void linkjob_search_beside(struct linkjob *l, struct commands *out);
/* An answer to it, which fails nothing. */
bool linkjob_is_early(const struct linkjob *l, const struct answer *a);
void linkjob_take_early(struct linkjob *l, const struct answer *a);
/* True: its hits are among the profiles now, no other search is needed. */
bool linkjob_use_early(struct linkjob *l, int64_t now_ms);
void linkjob_early_release(struct linkjob *l);
/* linkjob_json.c */
void linkjob_restore(struct linkjob *l, const struct job *job);
struct json_t *linkjob_image(const struct linkjob *l); /* *new* */
/* linkjob_review.c: the policy with the approval, if it counts; and the end
 * of a run that decided, by way of GATHER when a person is asked. */
void linkjob_ask_approval(struct linkjob *l);
void linkjob_conclude(struct linkjob *l, struct commands *out);
void linkjob_gather(struct linkjob *l, const struct answer *a);
void linkjob_gathered_release(struct linkjob_gathered *g);

#endif
