/*
 * The handlers of /api/v2: each answers one call (call.h).
 */
#ifndef REUNITE_SANDBOX_ZENDESK_H
#define REUNITE_SANDBOX_ZENDESK_H

#include <stdint.h>

#include "sandbox/call.h"

struct account;
struct zen_user;

call_handler zendesk_user_me;
call_handler zendesk_user_show;
call_handler zendesk_user_related;
call_handler zendesk_user_create;
call_handler zendesk_user_update;
call_handler zendesk_user_delete;
call_handler zendesk_users_show_many;
call_handler zendesk_users_update_many;
call_handler zendesk_users_create_or_update_many;
call_handler zendesk_job_show;
call_handler zendesk_jobs_show_many;
call_handler zendesk_users_search;
call_handler zendesk_search_count;
call_handler zendesk_users_export;
call_handler zendesk_tickets_export;
call_handler zendesk_deleted_user_show;
call_handler zendesk_deleted_user_delete;
call_handler zendesk_user_merge;
call_handler zendesk_identities_list;
call_handler zendesk_identity_show;
call_handler zendesk_identity_create;
call_handler zendesk_identity_update;
call_handler zendesk_identity_verify;
call_handler zendesk_identity_make_primary;
call_handler zendesk_identity_delete;
call_handler zendesk_memberships_list;
call_handler zendesk_membership_create;
call_handler zendesk_membership_delete;
call_handler zendesk_tickets_requested;
call_handler zendesk_ticket_show;
call_handler zendesk_ticket_update;
call_handler zendesk_ticket_delete;
call_handler zendesk_ticket_tags;
call_handler zendesk_tags_remove;
call_handler zendesk_comments_list;
call_handler zendesk_webhooks_list;
call_handler zendesk_webhook_show;
call_handler zendesk_webhook_create;
call_handler zendesk_webhook_update;
call_handler zendesk_webhook_delete;
call_handler zendesk_signing_secret_show;
call_handler zendesk_signing_secret_reset;
call_handler zendesk_triggers_list;
call_handler zendesk_trigger_show;
call_handler zendesk_trigger_create;
call_handler zendesk_trigger_update;
call_handler zendesk_trigger_delete;

/* As an agent does it in Zendesk: why not, or NULL and it is done. */
const char *zendesk_merge_by_hand(const struct account *a, uint64_t from_id,
				  uint64_t into_id, int64_t now_ms);
/* For the handlers: the active user that the path names, or NULL and a 404. */
struct zen_user *zendesk_user_of(const struct call *c, struct answer *out);
/* What an update of u does, or why not; false: out says so. */
bool zendesk_user_change(const struct call *c, struct zen_user *u,
			 const struct json_t *fields, struct answer *out);
/* A user as create has it, or NULL and out says why not. */
struct zen_user *zendesk_user_make(const struct call *c,
				   const struct json_t *fields,
				   struct answer *out);
/* True when the address may become u's (NULL: a new user's); else a 422. */
bool zendesk_address_free(const struct call *c, const struct zen_user *u,
			  const char *address, struct answer *out);
/* {"users":[...]} of a page; identities and organizations are side-loaded if
 * the call asks for them and the settings allow. */
void zendesk_users_answer(const struct call *c, struct zen_user *const *users,
			  size_t count, struct json_t *body);
/* The same where another setting allows it. */
void zendesk_users_list(const struct call *c, struct zen_user *const *users,
			size_t count, bool side_loads, struct json_t *body);

#endif
