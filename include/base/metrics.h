/*
 * Counters, gauges and histograms, one X-macro row each.
 *
 * Owned by the loop thread: no locks. A series is made at its first use and
 * lives until metrics_reset(); look it up once where it is hot. The number of
 * series per metric is bounded (METRICS_MAX_SERIES): past it, everything goes
 * into one series whose labels are "other".
 */
#ifndef REUNITE_BASE_METRICS_H
#define REUNITE_BASE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define METRICS_MAX_SERIES 4096
#define METRICS_MAX_LABELS 4

/* id, type, name without "reunite_", labels (space-separated), help */
#define METRICS_TABLE(X)                                                       \
	X(WEBHOOKS, COUNTER, "webhooks_total", "account source outcome",       \
	  "Webhook events by what became of them")                             \
	X(LATE_EVENTS, COUNTER, "late_events_total", "account source outcome", \
	  "Accepted events that came late, by what that meant")                \
	X(WEBHOOK_SECONDS, HISTOGRAM, "webhook_seconds", "",                   \
	  "From a webhook request read to its reply")                          \
	X(STORE_COMMIT_SECONDS, HISTOGRAM, "store_commit_seconds", "",         \
	  "One transaction of the store, sync included")                       \
	X(STORE_BATCH_SIZE, HISTOGRAM_COUNT, "store_batch_size", "",           \
	  "Operations in one transaction")                                     \
	X(STORE_LOG_BYTES, GAUGE, "store_log_bytes", "",                       \
	  "What is only in the store's log yet")                               \
	X(JOBS, GAUGE, "jobs", "account state", "Jobs by state")               \
	X(QUEUE_OLDEST_SECONDS, GAUGE, "queue_oldest_seconds", "account",      \
	  "Age of the oldest job that is due")                                 \
	X(DECISIONS, COUNTER, "decisions_total", "account action reason",      \
	  "Decisions of the link policy")                                      \
	X(API_REQUESTS, COUNTER, "api_requests_total",                         \
	  "account api call class", "Requests to Zendesk and SunCo")           \
	X(API_SECONDS, HISTOGRAM, "api_seconds", "api call",                   \
	  "Time of one request to Zendesk or SunCo")                           \
	X(API_BUDGET, GAUGE, "api_budget", "account",                          \
	  "Zendesk requests left this minute")                                 \
	X(API_LIMIT, GAUGE, "api_limit", "account",                            \
	  "Zendesk requests a minute, as last heard")                          \
	X(API_WAITING, GAUGE, "api_waiting", "account lane",                   \
	  "Requests that the limits hold back")                                \
	X(LINK_SECONDS, HISTOGRAM_SLOW, "link_seconds", "",                    \
	  "From the webhook to the end of its job")                            \
	X(LAST_WEBHOOK, GAUGE, "last_webhook_timestamp_seconds",               \
	  "account source", "When the last valid webhook came")                \
	X(ACCOUNT_HELD, GAUGE, "account_held", "account reason",               \
	  "1 while the account is held, with the reason")                      \
	X(BREAKER_OPEN, GAUGE, "breaker_open", "account",                      \
	  "1 while the merge breaker is open")                                 \
	X(MERGES_THIS_HOUR, GAUGE, "merges_this_hour", "account",              \
	  "Links that count for max_merges_per_hour")                          \
	X(PROFILES_AT_LIMIT, GAUGE, "profiles_at_limit", "account",            \
	  "Profiles that take no more conversations today without a person")   \
	X(REVIEW_OLDEST_SECONDS, GAUGE, "review_oldest_seconds", "account",    \
	  "Age of the oldest open review")                                     \
	X(NOTES, COUNTER, "notes_total", "account outcome",                    \
	  "Notes for tickets by what became of them")                          \
	X(SWEEP_TIMESTAMP, GAUGE, "sweep_timestamp_seconds", "account",        \
	  "When the last complete sweep ended")                                \
	X(SWEEP_SCANNED, COUNTER, "sweep_scanned_total", "account walk",       \
	  "Changed users and tickets that sweeps read")                        \
	X(SWEEP_FOUND, COUNTER, "sweep_found_total", "account walk",           \
	  "People of conversations among them")                                \
	X(SWEEP_WOKEN, COUNTER, "sweep_woken_total", "account walk",           \
	  "Jobs of people whom webhooks had missed")                           \
	X(SWEEP_FAILING, GAUGE, "sweep_failing", "account walk reason",        \
	  "1 while a sweep does not get on, with the reason")                  \
	X(HTTP_CONNECTIONS, GAUGE, "http_connections", "listener",             \
	  "Open connections")                                                  \
	X(HTTP_REJECTED, COUNTER, "http_rejected_total", "listener status",    \
	  "Requests answered by the server itself")                            \
	X(TLS_HANDSHAKES, COUNTER, "tls_handshakes_total", "listener outcome", \
	  "TLS handshakes by how they ended")                                  \
	X(TLS_EXPIRY, GAUGE, "tls_certificate_expiry_timestamp_seconds", "",   \
	  "When the certificate of the public listener ends; 0: no TLS")       \
	X(NODES, GAUGE, "nodes", "",                                           \
	  "Processes that serve the store, this one among them")               \
	X(BUILD_INFO, GAUGE, "build_info", "version", "Always 1")

enum metric {
#define METRIC_ENUM(id, type, name, labels, help) METRIC_##id,
	METRICS_TABLE(METRIC_ENUM)
#undef METRIC_ENUM
		METRIC_COUNT
};

struct metric_series;

/* labels: as many strings as the row names, borrowed; never NULL. */
struct metric_series *metric_at(enum metric m, const char *const labels[]);
/* The same with the labels as arguments: metric_get(METRIC_JOBS, a, "ready").
 * The caller passes exactly as many as the row names. */
struct metric_series *metric_get(enum metric m, ...);

void metric_add(struct metric_series *s, double n);	/* counter, gauge */
void metric_set(struct metric_series *s, double value); /* gauge */
void metric_observe(struct metric_series *s, double value);
/* Gauges of an account that is not there any more are not shown: what they
 * last said is no news. Until it is told otherwise. */
void metrics_hide_account(const char *account, bool hidden);
double metric_value(const struct metric_series *s); /* histogram: count */

/* Sets every series of a gauge to 0 (before it is filled anew). */
void metric_zero_all(enum metric m);
/* Prometheus text format 0.0.4, in the order of the table. */
void metrics_render(struct buf *out);
void metrics_reset(void); /* frees every series; for tests and exit */

#endif
