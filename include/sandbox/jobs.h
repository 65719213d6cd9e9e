/*
 * Background jobs: what update_many and create_or_update_many begin.
 *
 *	queued --its time has come: done for each, or not--> completed, failed
 *
 * Nothing happens before; the time is looked at with every request. Settings
 * say how long it takes, whose rows fail, and how many there may be at once.
 */
#ifndef REUNITE_SANDBOX_JOBS_H
#define REUNITE_SANDBOX_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct call;
struct json_t;

struct jobs;
struct jobs *jobs_new(void);
void jobs_free(struct jobs *j);
void jobs_reset(struct jobs *j); /* as if there had been none */
/* Those whose time has come. */
void jobs_run(struct account *a, int64_t now_ms);
/* How many are not over. */
size_t jobs_open(const struct jobs *j);
/* The ids of those, "id" each: *new*. */
struct json_t *jobs_open_ids(const struct jobs *j);
/* Of these rows ({"id":..} or {"external_id":..}, and fields), which it
 * *takes*; creates: who is not there is made. Its job_status: *new*. */
struct json_t *jobs_begin(struct account *a, struct json_t *rows, bool creates,
			  int64_t now_ms);
/* *new*, or NULL. */
struct json_t *jobs_status(const struct account *a, const char *id);

#endif
