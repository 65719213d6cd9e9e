/*
 * An account with its store behind a gate and its APIs behind a script, on
 * the test's own loop, and clocks that leap: for runs and their scheduler.
 */
#ifndef REUNITE_TESTS_FLOW_RIG_H
#define REUNITE_TESTS_FLOW_RIG_H

#include "api_fixture.h"
#include "app/runner.h"
#include "store_gate.h"

#define FLOW_PATIENCE_MS 3600000 /* with a silent API */
#define FLOW_SUNCO	 "5aa1"	 /* whose messaging user is 11 */

struct flow {
	struct api_fixture *api;
	struct loop *loop; /* the fixture's */
	struct store_gate store;
	struct storeq *q;
	struct lease_keeper *leases;
	int64_t claimed_ms;
	struct crypto_hmac *hmac;
	struct account_config account;
};

void flow_start(struct flow *f);
void flow_stop(struct flow *f);
struct run_env flow_env(struct flow *f);

/* Runs the loop until the operation is done; its result. */
enum result flow_do(struct flow *f, struct store_op *op);
/* A job of FLOW_SUNCO, made ready; and claimed: *new*. */
int64_t flow_enqueue(struct flow *f);
struct job flow_claim(struct flow *f, int64_t id);
struct job flow_running(struct flow *f);
struct job flow_job(struct flow *f, int64_t id); /* *new* */

/* Runs the loop until it says true; aborts after a while. */
typedef bool flow_test(struct flow *f, void *arg);
void flow_until(struct flow *f, flow_test *test, void *arg);
/* Until the API was asked so many times in all. */
void flow_until_asked(struct flow *f, int requests);
/* Until the store had so many operations of this kind. */
void flow_until_stored(struct flow *f, enum store_op_kind kind, int count);
/* A few turns of the loop. */
void flow_settle(struct flow *f);

/* Moves the clocks of the whole process on. */
void flow_leap(int64_t wall_ms, int64_t mono_ms);

/* Answers: a person of whom nothing is known yet; one whose address the
 * profile 22 owns, to be merged with the same external id; both. */
#define FLOW_STRANGER                                                          \
	ALWAYS("GET /v2/apps/", 200, NULL, "{\"user\":{\"id\":\"5aa1\"}}")
#define FLOW_PERSON                                                            \
	ALWAYS("GET /v2/apps/", 200, NULL,                                     \
	       "{\"user\":{\"id\":\"5aa1\",\"authenticated\":true,"            \
	       "\"externalId\":\"c1\",\"zendeskId\":\"11\",\"identities\":["   \
	       "{\"type\":\"email\",\"value\":\"pat@x.example\","              \
	       "\"verification\":\"embed\"}]}}")
#define FLOW_USER(notes)                                                       \
	ALWAYS("GET /api/v2/users/11?", 200, NULL,                             \
	       "{\"user\":{\"id\":11,\"name\":\"Pat\",\"role\":\"end-user\","  \
	       "\"active\":true,\"external_id\":\"c1\"" notes                  \
	       "},\"identities\":[{\"id\":1,\"user_id\":11,"                   \
	       "\"type\":\"messaging\",\"value\":\"5aa1\"}]}")
#define FLOW_PROFILE                                                           \
	"{\"id\":22,\"name\":\"Pat\",\"role\":\"end-user\","                   \
	"\"active\":true,\"external_id\":\"c1\",\"identities\":["              \
	"{\"id\":2,\"type\":\"email\",\"value\":\"pat@x.example\","            \
	"\"verified\":true,\"verification_method\":\"full\"},"                 \
	"{\"id\":3,\"type\":\"messaging\",\"value\":\"5aa1\"}]}"
#define FLOW_OWNER                                                             \
	ALWAYS("GET /api/v2/users/search?", 200, NULL,                         \
	       "{\"users\":[" FLOW_PROFILE "],\"next_page\":null}")
#define FLOW_SURVIVOR                                                          \
	ALWAYS("GET /api/v2/users/22?", 200, NULL,                             \
	       "{\"user\":" FLOW_PROFILE "}")
#define FLOW_MERGED                                                            \
	REPLY("PUT /api/v2/users/11/merge", 200, NULL,                         \
	      "{\"user\":" FLOW_PROFILE "}")

#endif
