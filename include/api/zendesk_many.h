/*
 * Zendesk calls about many users at a time, for whoever has lists of them.
 *
 * Sources: Zendesk Support API, Show Many Users, Search Users, Update Many
 * Users, Job Statuses. Contracts as in api/zendesk.h.
 */
#ifndef REUNITE_API_ZENDESK_MANY_H
#define REUNITE_API_ZENDESK_MANY_H

#include "api/zendesk.h"

/* What fits into one request, beside the number of them: bytes of the values
 * as a URL has them. */
#define ZENDESK_MANY_BYTES_MAX	6000
#define ZENDESK_SEARCH_MANY_MAX 25

/* How many bytes of a request the value takes. */
size_t zendesk_many_cost(const char *value);
/* External ids go into one list; those with a comma cannot. */
bool zendesk_many_allows(const char *external_id);

/* Who has these external ids, whatever they are, agents too; without
 * identities. At most ZENDESK_MANY_MAX, and ZENDESK_MANY_BYTES_MAX. Not from
 * the search index: without a lag. */
struct zendesk_op *
zendesk_users_by_external_ids(struct api_client *c, enum job_lane lane,
			      const char *const *external_ids, size_t count,
			      zendesk_users_done *done, void *arg);
/* These users as they are, whatever they are, without identities; those that
 * are not there any more are left out. */
struct zendesk_op *zendesk_users_by_ids(struct api_client *c,
					enum job_lane lane, const uint64_t *ids,
					size_t count, zendesk_users_done *done,
					void *arg);
/* Like zendesk_search_address(), for any of them: terms of the same property
 * find what fits one of them. That is how Zendesk's search behaves, not what
 * its reference promises: who finds nothing has to see for himself whether it
 * holds. At most ZENDESK_SEARCH_MANY_MAX, and ZENDESK_MANY_BYTES_MAX. */
struct zendesk_op *
zendesk_search_addresses(struct api_client *c, enum job_lane lane,
			 const char *const *addresses, size_t count,
			 zendesk_users_done *done, void *arg);

struct zendesk_external_id {
	uint64_t user;
	const char *external_id;
};
#define ZENDESK_JOB_ID_SIZE 65
enum zendesk_job_state {
	ZENDESK_JOB_OPEN,  /* queued, working */
	ZENDESK_JOB_ENDED, /* completed, as a whole; or it is forgotten */
	ZENDESK_JOB_FAILED,
};
/* What it says of one user; who is not named is not known to have failed. */
struct zendesk_job_failure {
	uint64_t user;	/* 0: only the place is known */
	size_t place;	/* in the request */
	bool duplicate; /* somebody else has the external id */
	char code[65];	/* a code word, or "" */
};
struct zendesk_job {
	char id[ZENDESK_JOB_ID_SIZE];
	enum zendesk_job_state state;
	struct zendesk_job_failure *failures; /* borrowed */
	size_t failure_count;
};
typedef void zendesk_job_done(const struct api_result *r,
			      const struct zendesk_job *job, void *arg);
/* Sets external ids of users who are there: nobody is ever created, which
 * create_or_update_many would do for whom it does not find. 1 to
 * ZENDESK_MANY_MAX. The job goes on at Zendesk; the same once more does no
 * harm. job is NULL unless OK. */
struct zendesk_op *
zendesk_set_external_ids(struct api_client *c, enum job_lane lane,
			 const struct zendesk_external_id *items, size_t count,
			 zendesk_job_done *done, void *arg);
/* How far it is. One that Zendesk does not know any more has ended. */
struct zendesk_op *zendesk_job_get(struct api_client *c, enum job_lane lane,
				   const char *id, zendesk_job_done *done,
				   void *arg);

#endif
