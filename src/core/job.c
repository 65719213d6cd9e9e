/*
 * One row of work. A value: what may happen to it is the store's business.
 */
#include "core/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

static const char *const state_names[JOB_STATE_COUNT] = {
	[JOB_READY] = "ready",	   [JOB_RUNNING] = "running",
	[JOB_WAITING] = "waiting", [JOB_REVIEW] = "review",
	[JOB_DEAD] = "dead",	   [JOB_DONE] = "done",
};

static const char *const lane_names[LANE_COUNT] = {
	[LANE_LIVE] = "live",
	[LANE_REVIEW] = "review",
	[LANE_BACKFILL] = "backfill",
};

const char *job_state_name(enum job_state s)
{
	return (size_t)s < JOB_STATE_COUNT ? state_names[s] : "unknown";
}

bool job_state_parse(const char *s, enum job_state *out)
{
	for (size_t i = 0; i < JOB_STATE_COUNT; i++) {
		if (!str_eq(s, state_names[i]))
			continue;
		*out = (enum job_state)i;
		return true;
	}
	return false;
}

const char *job_lane_name(enum job_lane l)
{
	return (size_t)l < LANE_COUNT ? lane_names[l] : "unknown";
}

void job_init(struct job *j)
{
	memset(j, 0, sizeof(*j));
}

void job_release(struct job *j)
{
	free(j->progress);
	free(j->last_error);
	job_init(j);
}

void job_copy(struct job *dst, const struct job *src)
{
	*dst = *src;
	dst->progress = xstrdup(src->progress);
	dst->last_error = xstrdup(src->last_error);
}

bool job_person(char out[PERSON_SIZE], const char *sunco_id,
		uint64_t zendesk_user_id)
{
	int len;

	if (!str_is_empty(sunco_id))
		len = snprintf(out, PERSON_SIZE, "s:%s", sunco_id);
	else if (zendesk_user_id)
		len = snprintf(out, PERSON_SIZE, "z:%" PRIu64, zendesk_user_id);
	else
		return false;
	/* cut, it would be somebody else's */
	return len > 0 && len < PERSON_SIZE;
}

static void set_time(struct json_t *obj, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(ms, text);
	json_set_str(obj, key, ms ? text : NULL);
}

static void set_text(struct json_t *obj, const char *key, const char *value)
{
	json_set_str(obj, key, str_is_empty(value) ? NULL : value);
}

struct json_t *job_encode(const struct job *j)
{
	struct json_t *obj = json_new_obj();

	json_set_id(obj, "id", (uint64_t)j->id);
	json_set_str(obj, "account", j->account);
	json_set_str(obj, "state", job_state_name(j->state));
	json_set_str(obj, "lane", job_lane_name(j->lane));
	set_time(obj, "created_at", j->created_ms);
	set_time(obj, "run_at", j->run_at_ms);
	set_time(obj, "deadline", j->deadline_ms);
	json_set_int(obj, "attempts", j->attempts);
	set_text(obj, "sunco_user_id", j->sunco_id);
	json_set_id(obj, "zendesk_user_id", j->zendesk_user_id);
	json_set_id(obj, "ticket_id", j->ticket_id);
	set_text(obj, "conversation_id", j->conversation_id);
	json_set_str(obj, "source", event_source_name(j->source));
	json_set_id(obj, "review_id", (uint64_t)j->review_id);
	json_set_id(obj, "journal_id", (uint64_t)j->journal_id);
	set_text(obj, "last_error", j->last_error);
	return obj;
}
