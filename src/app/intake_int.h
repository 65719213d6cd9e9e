/*
 * Intake's accounts: what a request is verified with and counted under.
 */
#ifndef REUNITE_SRC_APP_INTAKE_INT_H
#define REUNITE_SRC_APP_INTAKE_INT_H

#include "app/config.h"
#include "app/storeq.h"
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

/* What was late, of what was accepted. */
enum late { LATE_OUTDATED, LATE_BEHIND, LATE_COUNT };

/* So many late events an hour are treated like any other: they come on bad
 * days of the senders. More is a stream that is replayed. */
#define LATE_LIVE_MAX  20
#define LATE_WINDOW_MS 3600000

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
	struct metric_series *late[EVENT_SOURCES][LATE_COUNT];
	int64_t late_since_ms; /* the window's start, by the steady clock */
	int late_count;
	struct metric_series *last_webhook[EVENT_SOURCES];
	int64_t seen_ms[EVENT_SOURCES];	  /* the last valid webhook, 0: none */
	int64_t stored_ms[EVENT_SOURCES]; /* as the store knows it from us */
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
void intake_account_count_late(struct intake_account *a,
			       enum event_source source, enum late what,
			       size_t n);
/* One more late event; true: too many, it goes behind. */
bool intake_account_late(struct intake_account *a, int64_t now_ms);
/* A webhook that was verified and understood. */
void intake_account_seen(struct intake_account *a, enum event_source source,
			 int64_t wall_ms);

/*
 * Keeps in the store when the last valid webhook of each source came: soon
 * after the first one, and then at most once a minute. An operation of its
 * own, so that no webhook's answer waits for it.
 */
struct intake_seen {
	struct intake_accounts *accounts;
	struct storeq *q;
	struct loop_timer *timer;
	bool waiting; /* the timer is set, or an operation is under way */
	size_t next;  /* whose turn it is, account by account and source */
	struct store_op op;
	struct intake_account *account; /* the op's; NULL: none */
	int64_t storing_ms;
	size_t *under_way; /* intake's count of operations */
};

void intake_seen_init(struct intake_seen *s, struct loop *loop,
		      struct storeq *q, struct intake_accounts *accounts,
		      size_t *under_way);
void intake_seen_release(struct intake_seen *s);
/* Something new is in the accounts. */
void intake_seen_soon(struct intake_seen *s);
/* Stores what is not stored yet at once. */
void intake_seen_flush(struct intake_seen *s);

#endif
