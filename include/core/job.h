/*
 * One row of work: everything known about one person of one account.
 */
#ifndef REUNITE_CORE_JOB_H
#define REUNITE_CORE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/journal.h"

enum job_state {
	JOB_READY,
	JOB_RUNNING,
	JOB_WAITING, /* for an identity, a user or a search index */
	JOB_REVIEW,  /* a person has to look */
	JOB_DEAD,    /* gave up; `queue retry` starts it again */
	JOB_DONE,
	JOB_STATE_COUNT
};
enum job_lane { LANE_LIVE, LANE_REVIEW, LANE_BACKFILL, LANE_COUNT };
const char *job_state_name(enum job_state s);
bool job_state_parse(const char *s, enum job_state *out);
const char *job_lane_name(enum job_lane l);

#define PERSON_SIZE (SUNCO_ID_SIZE + 2)

struct job {
	int64_t id;
	char account[ACCOUNT_SIZE];
	char person[PERSON_SIZE]; /* "s:" SunCo id, or "z:" Zendesk user id */
	enum job_state state;
	enum job_lane lane;
	int64_t created_ms; /* when the first event of this round came */
	int64_t run_at_ms;
	int64_t deadline_ms; /* a wait ends here */
	int attempts;	     /* runs that ended in a failure, in a row */
	int64_t gen;	     /* one more for every event */
	int64_t token;	     /* of the lease; 0 when not running */
	bool recovered; /* claimed from a lease that ended without a word */
	char sunco_id[SUNCO_ID_SIZE];
	uint64_t zendesk_user_id; /* a hint: requester, or last known */
	uint64_t ticket_id;
	char conversation_id[SUNCO_ID_SIZE];
	enum event_source source;
	int64_t review_id;  /* the approved review that woke it, or 0 */
	int64_t journal_id; /* the open entry of a saga under way, or 0 */
	char *progress;	    /* *owned* JSON of the state machine, or NULL */
	char *last_error;   /* *owned*, one line, or NULL */
};
void job_init(struct job *j);
void job_release(struct job *j);
void job_copy(struct job *dst, const struct job *src); /* dst is raw */
/* "s:..." if sunco_id is not empty, else "z:..."; false if neither, or if it
 * does not fit. */
bool job_person(char out[PERSON_SIZE], const char *sunco_id,
		uint64_t zendesk_user_id);
/* For `queue list`, without the progress: *new*. */
struct json_t *job_encode(const struct job *j);

#endif
