/*
 * Private to config: the settings table, one row per key.
 *
 * name, field, kind, words, min, max, fallback, reload, help
 *
 * words: "a|b" for KIND_WORD (the first has the value min) and KIND_SWITCH
 * (false, then true). min and max: milliseconds of a duration, or the bounds
 * of an integer.
 */
#ifndef REUNITE_APP_CONFIG_TABLE_H
#define REUNITE_APP_CONFIG_TABLE_H

#include "app/config.h"

#define CONFIG_SECOND ((int64_t)1000)
#define CONFIG_MINUTE (60 * CONFIG_SECOND)
#define CONFIG_HOUR   (60 * CONFIG_MINUTE)
#define CONFIG_DAY    (24 * CONFIG_HOUR)

enum config_kind {
	KIND_TEXT,
	KIND_ADDRESS,
	KIND_FILE,
	KIND_STORE,
	KIND_URL,
	KIND_ORIGIN, /* a URL that ends with its host or port */
	KIND_SECRET,
	KIND_SECRETS,
	KIND_PATTERNS,
	KIND_DURATION,
	KIND_INTEGER,
	KIND_WORD,
	KIND_SWITCH,
};

/* clang-format off */
#define CONFIG_GLOBALS(X)                                                      \
	X(listen, listen, KIND_ADDRESS, NULL, 0, 0, "127.0.0.1:8080", false,   \
	  "where the webhooks arrive")                                         \
	X(public_url, public_url, KIND_ORIGIN, NULL, 0, 0, "", true,           \
	  "where the providers reach reunite: https://HOST; for setup and "    \
	  "doctor")                                                            \
	X(tls_certificate, tls_certificate, KIND_FILE, NULL, 0, 0, "", true,   \
	  "PEM file, the chain behind it: `listen` speaks HTTPS; empty: "      \
	  "plain HTTP")                                                        \
	X(tls_key, tls_key, KIND_FILE, NULL, 0, 0, "", true,                   \
	  "PEM file with the certificate's key, not encrypted")                \
	X(admin_listen, admin_listen, KIND_ADDRESS, NULL, 0, 0,                \
	  "127.0.0.1:9090", false, "health, metrics, admin API, console")      \
	X(admin_token, admin_token, KIND_SECRET, NULL, 0, 0, "", true,         \
	  "bearer token of the admin API and console; empty closes them")      \
	X(store, store, KIND_STORE, NULL, 0, 0,                                \
	  "sqlite:/var/lib/reunite/reunite.db", false,                         \
	  "where everything accepted is kept")                                 \
	X(log_level, log_level, KIND_WORD, "error|warn|info|debug", 0, 0,      \
	  "info", true, "the least important lines to log")                    \
	X(log_format, log_format, KIND_WORD, "json|text", 0, 0, "json", true,  \
	  "how a log line looks")                                              \
	X(max_connections, max_connections, KIND_INTEGER, NULL, 1, 100000,     \
	  "1024", false, "open at the same time, per listener")                \
	X(request_timeout, request_timeout_ms, KIND_DURATION, NULL, 100,       \
	  10 * CONFIG_MINUTE, "10s", false,                                    \
	  "to read one whole request, however it drips")                       \
	X(drain_timeout, drain_timeout_ms, KIND_DURATION, NULL, 0,             \
	  10 * CONFIG_MINUTE, "10s", true,                                     \
	  "how long a stop waits for what is under way")                       \
	X(retention_events, retention_events_ms, KIND_DURATION, NULL,          \
	  CONFIG_MINUTE, 3650 * CONFIG_DAY, "7d", true,                        \
	  "how long a repeated webhook event is recognised")                   \
	X(retention_jobs, retention_jobs_ms, KIND_DURATION, NULL,              \
	  CONFIG_MINUTE, 3650 * CONFIG_DAY, "30d", true,                       \
	  "how long finished jobs are kept")                                   \
	X(retention_journal, retention_journal_ms, KIND_DURATION, NULL,        \
	  CONFIG_MINUTE, 3650 * CONFIG_DAY, "400d", true,                      \
	  "how long decisions are kept")                                       \
	X(retention_before_images, retention_before_images_ms, KIND_DURATION,  \
	  NULL, CONFIG_MINUTE, 3650 * CONFIG_DAY, "90d", true,                 \
	  "how long the users as they were before a merge are kept")

#define CONFIG_ACCOUNT(X)                                                      \
	X(zendesk_url, zendesk_url, KIND_URL, NULL, 0, 0, "", true,            \
	  "https://SUBDOMAIN.zendesk.com")                                     \
	X(zendesk_auth, zendesk_auth, KIND_WORD, "oauth|bearer|api_token", 0,  \
	  0, "oauth", true,                                                    \
	  "oauth: client credentials; bearer: a token; api_token: with "       \
	  "zendesk_email")                                                     \
	X(zendesk_client_id, zendesk_client_id, KIND_TEXT, NULL, 0, 0, "",     \
	  true, "of the OAuth client")                                         \
	X(zendesk_client_secret, zendesk_client_secret, KIND_SECRET, NULL, 0,  \
	  0, "", true, "of the OAuth client")                                  \
	X(zendesk_token, zendesk_token, KIND_SECRET, NULL, 0, 0, "", true,     \
	  "for bearer and api_token")                                          \
	X(zendesk_email, zendesk_email, KIND_TEXT, NULL, 0, 0, "", true,       \
	  "whose API token it is")                                             \
	X(zendesk_webhook_secrets, zendesk_webhook_secrets, KIND_SECRETS,      \
	  NULL, 0, 0, "", true, "signing secrets; any of them verifies")       \
	X(sunco_url, sunco_url, KIND_URL, NULL, 0, 0, "", true,                \
	  "https://SUBDOMAIN.zendesk.com/sc")                                  \
	X(sunco_app_id, sunco_app_id, KIND_TEXT, NULL, 0, 0, "", true,         \
	  "the app's id in Sunshine Conversations")                            \
	X(sunco_key_id, sunco_key_id, KIND_TEXT, NULL, 0, 0, "", true,         \
	  "the API key's id")                                                  \
	X(sunco_key_secret, sunco_key_secret, KIND_SECRET, NULL, 0, 0, "",     \
	  true, "the API key's secret")                                        \
	X(sunco_webhook_secrets, sunco_webhook_secrets, KIND_SECRETS, NULL, 0, \
	  0, "", true, "shared secrets of the webhook; any of them verifies")  \
	X(email_identities, rules.email_identities, KIND_WORD,                 \
	  "verified_only|verified_and_unverified|claim_verified", 0, 0,        \
	  "verified_only", true, "as set in Zendesk's Admin Center")           \
	X(link_evidence, rules.link_evidence, KIND_WORD,                       \
	  "claimed|authenticated|verified", EVIDENCE_CLAIMED, 0, "verified",   \
	  true, "the weakest evidence on which to act without a person")       \
	X(apply, rules.apply, KIND_WORD, "observe|review|auto", 0, 0,          \
	  "observe", true,                                                     \
	  "observe: change nothing; review: ask a person; auto: do it")        \
	X(deny_emails, deny_emails, KIND_PATTERNS, NULL, 0, 0, "", true,       \
	  "patterns such as *@mailinator.com: a person has to look; the "      \
	  "usual role addresses are built in")                                 \
	X(max_merges_per_hour, rules.max_merges_per_hour, KIND_INTEGER, NULL,  \
	  0, 1000000, "200", true, "more wait for a person")                   \
	X(max_merges_per_profile, rules.max_merges_per_profile, KIND_INTEGER,  \
	  NULL, 0, 1000000, "3", true, "per day; more wait for a person")      \
	X(recover_displaced, rules.recover_displaced, KIND_SWITCH,             \
	  "false|true", 0, 0, "false", true,                                   \
	  "merge a displaced profile without a person")                        \
	X(release_external_id, rules.release_external_id, KIND_SWITCH,         \
	  "review|auto", 0, 0, "review", true,                                 \
	  "when Zendesk refuses a merge because of external ids")              \
	X(verify_profile_email, rules.verify_profile_email, KIND_SWITCH,       \
	  "false|true", 0, 0, "false", true,                                   \
	  "mark the profile's address verified after a merge on verified "     \
	  "evidence")                                                          \
	X(complete_name, rules.complete_name, KIND_SWITCH, "false|true", 0, 0, \
	  "true", true, "replace a generated name by the real one")            \
	X(settle_after, settle_after_ms, KIND_DURATION, NULL, 0, CONFIG_HOUR,  \
	  "3m", true, "between two fruitless searches; the index lags")        \
	X(review_expires, review_expires_ms, KIND_DURATION, NULL,              \
	  CONFIG_MINUTE, 365 * CONFIG_DAY, "14d", true,                        \
	  "an open review is closed undecided after this")                     \
	X(ticket_note, ticket_note, KIND_WORD, "off|merged|review|all", 0, 0,  \
	  "off", true, "what agents are told by a note on the ticket")         \
	X(requests_per_minute, requests_per_minute, KIND_INTEGER, NULL, 0,     \
	  100000, "0", true, "0: learn from the rate-limit headers")           \
	X(reserve_percent, reserve_percent, KIND_INTEGER, NULL, 0, 90, "25",   \
	  true, "of the rate limit, left to other integrations")               \
	X(wait_for_user, wait_for_user_ms, KIND_DURATION, NULL, CONFIG_SECOND, \
	  30 * CONFIG_DAY, "30m", true,                                        \
	  "how long a conversation may wait for its Zendesk user")             \
	X(sweep_every, sweep_every_ms, KIND_DURATION, NULL, 0,                 \
	  7 * CONFIG_DAY, "15m", true,                                         \
	  "how often to look for what webhooks missed; 0: off")                \
	X(timestamp_tolerance, timestamp_tolerance_ms, KIND_DURATION, NULL, 0, \
	  CONFIG_HOUR, "5m", true, "of signed webhooks; 0: off")               \
	X(recheck_after, recheck_after_ms, KIND_DURATION, NULL, 0,             \
	  365 * CONFIG_DAY, "7d", true,                                        \
	  "people known to be linked cost no call until then")                 \
	X(sunco_sync, sunco_sync, KIND_SWITCH, "off|on", 0, 0, "off", true,    \
	  "tell Sunshine Conversations about a merge")
/* clang-format on */

struct config_row {
	const struct config_setting *setting;
	enum config_kind kind;
	const char *words;
	int64_t min, max;
	size_t offset; /* in struct config or struct account_config */
};
/* In the order of config_settings(). */
extern const struct config_row config_rows[];
extern const size_t config_row_count;

/* By the key as written: *is_file when it is the row's x_file. NULL: none. */
const struct config_row *config_row_find(const char *key, bool account,
					 bool *is_file);
bool config_row_takes_file(const struct config_row *row);
bool config_row_is_list(const struct config_row *row);

#endif
