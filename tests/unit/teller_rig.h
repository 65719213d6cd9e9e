/*
 * A teller with its store, and Zendesk behind a script; notes for ticket 77.
 */
#ifndef REUNITE_TESTS_TELLER_RIG_H
#define REUNITE_TESTS_TELLER_RIG_H

#include "app/teller.h"
#include "core/journal.h"
#include "flow_rig.h"

#define TICKET "PUT /api/v2/tickets/77 "
#define TAGS   "PUT /api/v2/tickets/77/tags "
#define UNTAG  "DELETE /api/v2/tickets/77/tags?"
#define LOOK   "GET /api/v2/tickets/77/comments?"
#define ASK    "GET /api/v2/tickets/77 "
#define OURS   ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":11}}")
#define OK(m)  ALWAYS(m, 200, NULL, "{\"ticket\":{},\"tags\":[]}")

struct rig {
	struct flow f;
	struct teller *t;
	int64_t journal_id; /* of the last note */
};

void tell_start(struct rig *r);
void tell_stop(struct rig *r);
/* Gives the teller its account. */
void tell_begin(struct rig *r);
/* A decision with a note for ticket 77. */
void tell_decide(struct rig *r, enum action action, enum reason why);
void tell_merge(struct rig *r);
/* How many notes came to this. */
double tell_counted(const char *outcome);
/* Until so many did, and the store knows. */
void tell_until(struct rig *r, const char *outcome, int count);
int tell_asked(const struct rig *r, const char *what);
/* Is a note due at this time? Takes its lease. */
bool tell_is_due(struct rig *r, int64_t at_ms, bool *unsure);

#endif
