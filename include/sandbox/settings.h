/*
 * What the stand-in does where the platforms leave a choice, or where a test
 * wants another behaviour. One row per setting; the control endpoint
 * /_sandbox/settings reads and writes them by name.
 */
#ifndef REUNITE_SANDBOX_SETTINGS_H
#define REUNITE_SANDBOX_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct json_t;

/*
 * FLAG(name, default), COUNT(name, default), TEXT(name, default, choices);
 * choices are separated by '|', "" allows any text. README.md tells what
 * each one means.
 */
#define SETTINGS_TABLE(FLAG, COUNT, TEXT)                                      \
	/* the account */                                                      \
	TEXT(email_identities, "verified_only",                                \
	     "verified_only|verified_and_unverified|claim_verified")           \
	TEXT(oauth_client_id, "reunite", "")                                   \
	TEXT(oauth_client_secret, "sandbox-client-secret", "")                 \
	COUNT(oauth_expires_in, 1800)                                          \
	TEXT(oauth_scopes, "", "")                                             \
	FLAG(oauth_refuses_scopes, false)                                      \
	TEXT(bearer_token, "sandbox-bearer-token", "")                         \
	TEXT(bearer_scopes, "read write", "")                                  \
	TEXT(me_role, "admin", "admin|agent|end-user")                         \
	TEXT(api_token, "sandbox-api-token", "")                               \
	FLAG(api_tokens_accepted, true)                                        \
	TEXT(sunco_app_id, "6a1d3c5e7f9b2d4f6a8c0e12", "")                     \
	TEXT(sunco_key_id, "app_6a1d3c5e7f9b2d4f6a8c0e34", "")                 \
	TEXT(sunco_key_secret, "sandbox-sunco-key-secret", "")                 \
	TEXT(sunco_key_scope, "app", "app|integration")                        \
	TEXT(jwt_kid, "app_6a1d3c5e7f9b2d4f6a8c0e56", "")                      \
	TEXT(jwt_secret, "sandbox-messaging-secret-of-the-website", "")        \
	/* searches and answers */                                             \
	COUNT(index_lag_ms, 0)                                                 \
	FLAG(external_id_search_lags, true)                                    \
	FLAG(search_fuzzy, true)                                               \
	FLAG(search_decoy_first, true)                                         \
	FLAG(search_any_term, true)                                            \
	FLAG(side_load_show, true)                                             \
	FLAG(side_load_search, true)                                           \
	FLAG(side_load_organizations, true)                                    \
	FLAG(side_load_export, true)                                           \
	FLAG(verification_method, true)                                        \
	COUNT(latency_ms, 0)                                                   \
	COUNT(date_ahead_ms, 0)                                                \
	COUNT(incremental_lag_ms, 60000)                                       \
	/* limits */                                                           \
	COUNT(limit, 700)                                                      \
	COUNT(window_ms, 60000)                                                \
	COUNT(others_per_window, 0)                                            \
	FLAG(rate_headers, true)                                               \
	FLAG(retry_after, true)                                                \
	FLAG(user_update_limits, true)                                         \
	FLAG(ticket_update_limits, true)                                       \
	COUNT(incremental_limit, 10)                                           \
	COUNT(sunco_limit, 0)                                                  \
	/* background jobs */                                                  \
	COUNT(job_ms, 0)                                                       \
	COUNT(job_limit, 30)                                                   \
	TEXT(job_fails, "", "")                                                \
	TEXT(job_failure_id, "user", "user|place")                             \
	FLAG(job_forgotten, false)                                             \
	FLAG(bulk_imports, false)                                              \
	/* merging */                                                          \
	FLAG(merge_suspended, true)                                            \
	FLAG(merge_unverified_messaging, true)                                 \
	FLAG(merge_itself, false)                                              \
	TEXT(merge_again, "not_found", "not_found|invalid|accepted")           \
	TEXT(merge_refusal, "invalid", "invalid|forbidden")                    \
	FLAG(merge_keeps_external_id, true)                                    \
	FLAG(sso_external_id_refusal, false)                                   \
	COUNT(merge_max_tickets, 10000)                                        \
	FLAG(multiple_organizations, false)                                    \
	FLAG(messaging_identity_moves, true)                                   \
	COUNT(identity_move_lag_ms, 0)                                         \
	COUNT(external_id_release_lag_ms, 0)                                   \
	FLAG(show_merged, false)                                               \
	/* what Zendesk does by itself */                                      \
	TEXT(verified_email_owner, "take", "take|link|duplicate")              \
	FLAG(reject_conflicting_jwt, true)                                     \
	FLAG(multi_conversation, false)                                        \
	FLAG(jwt_name, true)                                                   \
	FLAG(typed_email_in_profile, true)                                     \
	FLAG(zendesk_id_on_hand_off, false)                                    \
	FLAG(zendesk_id_follows_merge, false)                                  \
	TEXT(api_hand_off, "pass_control", "pass_control|message|never")       \
	FLAG(delete_with_open_tickets, false)                                  \
	/* webhooks */                                                         \
	TEXT(webhook_sunco, "", "")                                            \
	TEXT(webhook_zendesk, "", "")                                          \
	TEXT(sunco_secret, "sandbox-sunco-webhook-secret", "")                 \
	TEXT(zendesk_secret, "sandbox-zendesk-webhook-secret", "")             \
	FLAG(include_full_user, true)                                          \
	TEXT(events, "", "")                                                   \
	TEXT(event_spelling, "colon", "colon|slash")                           \
	FLAG(messaging_identity_events, true)                                  \
	TEXT(merged_event_detail, "loser", "loser|survivor")                   \
	COUNT(webhooks_max, 0)                                                 \
	COUNT(webhook_repeat, 1)                                               \
	COUNT(webhook_retry_speed, 1)                                          \
	COUNT(webhook_timeout_ms, 0)

#define SETTINGS_FLAG(name, def)	  bool name;
#define SETTINGS_COUNT(name, def)	  int64_t name;
#define SETTINGS_TEXT(name, def, choices) char *name;
struct settings {
	SETTINGS_TABLE(SETTINGS_FLAG, SETTINGS_COUNT, SETTINGS_TEXT)
};
#undef SETTINGS_FLAG
#undef SETTINGS_COUNT
#undef SETTINGS_TEXT

void settings_init(struct settings *s);
void settings_release(struct settings *s);
/* Sets what the object names. All or nothing: RESULT_INVALID names the first
 * unknown key or wrong value. */
MUST_CHECK enum result
settings_apply(struct settings *s, const struct json_t *obj, struct error *err);
struct json_t *settings_encode(const struct settings *s); /* *new* */

#endif
