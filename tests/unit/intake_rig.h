/*
 * Intake as the daemon has it: HTTP server, store queue and SQLite, on a loop
 * in a thread of its own, behind a store that can be made to wait or fail.
 */
#ifndef REUNITE_TESTS_INTAKE_RIG_H
#define REUNITE_TESTS_INTAKE_RIG_H

#include "app/intake.h"
#include "core/job.h"
#include "http_fixture.h"
#include "store_gate.h"

#define RIG_SUNCO_KEY	   "sunco-key-of-acme"
#define RIG_ZENDESK_SECRET "zendesk-secret-of-acme"

struct rig {
	struct http_fixture http; /* only its loop, server and port */
	struct intake *in;
	struct storeq *q;
	struct store_gate store;
	int woken; /* touched on the loop */
};

void rig_start(struct rig *r);
void rig_stop(struct rig *r);
/* An account with these secrets (NULL: none) and no other account. */
void rig_configure(struct rig *r, const char *name, const char *sunco_key,
		   const char *zendesk_secret);

/* One request on a connection of its own; headers end with \r\n. The answer
 * must have this status; its body is compared when expected is not NULL. */
void rig_post(struct rig *r, const char *path, const char *headers,
	      const char *body, int status, const char *expected);
void rig_post_sunco(struct rig *r, const char *body, int status,
		    const char *expected);
/* Signed with the secret at this time. */
void rig_post_zendesk(struct rig *r, const char *body, int64_t time_ms,
		      int status, const char *expected);
/* "X-Zendesk-Webhook-Signature..." of a body, *new*. */
char *rig_sign(const char *secret, const char *body, int64_t time_ms);
/* Sends a request and does not wait for its answer. */
void rig_send(struct rig *r, struct http_client_raw *c, const char *path,
	      const char *headers, const char *body);

/* Value of reunite_webhooks_total{acme,source,outcome}. */
int rig_counted(struct rig *r, const char *source, const char *outcome);
/* The same of reunite_late_events_total. */
int rig_late(struct rig *r, const char *source, const char *outcome);
int rig_woken(struct rig *r);
void rig_watch(struct rig *r, const char *sunco_id, bool waits);
/* How many jobs the store has; of them in a lane. */
size_t rig_jobs(struct rig *r);
size_t rig_jobs_in(struct rig *r, enum job_lane lane);

#endif
