/*
 * Intake's accounts: what a request is verified with and counted under.
 */
#ifndef REUNITE_SRC_APP_INTAKE_INT_H
#define REUNITE_SRC_APP_INTAKE_INT_H

#include "app/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/event.h"
#include "core/signature.h"
#include "watch_set.h"

#define EVENT_SOURCES 2

enum outcome {
	OUTCOME_ACCEPTED,
	OUTCOME_DUPLICATE,
	OUTCOME_IGNORED,
	OUTCOME_UNAUTHORIZED,
	OUTCOME_MALFORMED,
	OUTCOME_UNAVAILABLE,
	OUTCOME_COUNT
};

/* Stays until the table goes, so that requests under way may hold it. */
struct intake_account {
	char name[ACCOUNT_SIZE];
	bool gone; /* not in the configuration any more */
	struct signature_keys *keys[EVENT_SOURCES];
	int64_t tolerance_ms;
	int64_t wait_ms;
	int64_t recheck_ms;
	struct watch_set watched;
	struct metric_series *outcomes[EVENT_SOURCES][OUTCOME_COUNT];
	struct metric_series *last_webhook[EVENT_SOURCES];
	struct log_throttle rejected;
};

struct intake_accounts {
	struct intake_account **items; /* by name */
	size_t count;
};

void intake_accounts_release(struct intake_accounts *t);
void intake_accounts_set(struct intake_accounts *t,
			 const struct account_config *configs, size_t count);
/* Configured now or ever; NULL if never. */
struct intake_account *intake_account_known(const struct intake_accounts *t,
					    struct slice name);
/* NULL if there is none, or not any more. */
struct intake_account *intake_account_find(const struct intake_accounts *t,
					   struct slice name);

void intake_account_count(struct intake_account *a, enum event_source source,
			  enum outcome outcome, size_t n);
/* A webhook that was verified and understood. */
void intake_account_seen(struct intake_account *a, enum event_source source,
			 int64_t wall_ms);

#endif
