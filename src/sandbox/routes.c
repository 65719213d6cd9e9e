/*
 * The table of endpoints. Rows with literal segments come before those that
 * leave the same place open.
 */
#include "sandbox/routes.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "sandbox/oauth.h"
#include "sandbox/sunco.h"
#include "sandbox/zendesk.h"

#define USERS		   "/api/v2/users"
#define IDENTITIES	   USERS "/{}/identities"
#define MEMBERSHIPS	   "/api/v2/organization_memberships"
#define WEBHOOKS	   "/api/v2/webhooks"
#define TRIGGERS	   "/api/v2/triggers"
#define SUNCO_APP	   "/sc/v2/apps/{}"
#define SUNCO_USERS	   SUNCO_APP "/users"
#define SUNCO_INTEGRATIONS SUNCO_APP "/integrations"
#define SUNCO_WEBHOOKS	   SUNCO_INTEGRATIONS "/{}/webhooks"
#define SUNCO_TALKS	   SUNCO_APP "/conversations"
#define JOBS		   "/api/v2/job_statuses"

static const struct route routes[] = {
	{CALL_ZENDESK, "POST", "/oauth/tokens", "oauth", NULL,
	 oauth_token_create},
	{CALL_ZENDESK, "GET", "/api/v2/oauth/tokens/current", "token_get", "",
	 oauth_token_show},
	{CALL_ZENDESK, "GET", USERS "/me", "user_me", NULL, zendesk_user_me},
	{CALL_ZENDESK, "GET", USERS "/search", "search", "users",
	 zendesk_users_search},
	{CALL_ZENDESK, "GET", USERS "/show_many", "show_many", "users",
	 zendesk_users_show_many},
	{CALL_ZENDESK, "PUT", USERS "/update_many", "update_many", "users",
	 zendesk_users_update_many},
	{CALL_ZENDESK, "POST", USERS "/create_or_update_many",
	 "create_or_update_many", "users", zendesk_users_create_or_update_many},
	{CALL_ZENDESK, "GET", JOBS "/show_many", "jobs_show_many", "users",
	 zendesk_jobs_show_many},
	{CALL_ZENDESK, "GET", JOBS "/{}", "job_get", "users", zendesk_job_show},
	{CALL_ZENDESK, "GET", USERS "/{}", "user_get", "users",
	 zendesk_user_show},
	{CALL_ZENDESK, "POST", USERS, "user_create", "users",
	 zendesk_user_create},
	{CALL_ZENDESK, "PUT", USERS "/{}", "user_update", "users",
	 zendesk_user_update},
	{CALL_ZENDESK, "DELETE", USERS "/{}", "user_delete", "users",
	 zendesk_user_delete},
	{CALL_ZENDESK, "GET", USERS "/{}/related", "user_related", "users",
	 zendesk_user_related},
	{CALL_ZENDESK, "PUT", USERS "/{}/merge", "merge", "users",
	 zendesk_user_merge},
	{CALL_ZENDESK, "GET", "/api/v2/deleted_users/{}", "deleted_user_get",
	 "users", zendesk_deleted_user_show},
	{CALL_ZENDESK, "DELETE", "/api/v2/deleted_users/{}",
	 "deleted_user_delete", "users", zendesk_deleted_user_delete},
	{CALL_ZENDESK, "GET", "/api/v2/search/count", "search_count", "users",
	 zendesk_search_count},
	{CALL_ZENDESK, "GET", "/api/v2/incremental/users/cursor",
	 "users_export", "users", zendesk_users_export},
	{CALL_ZENDESK, "GET", "/api/v2/incremental/tickets/cursor",
	 "tickets_export", "tickets", zendesk_tickets_export},
	{CALL_ZENDESK, "GET", IDENTITIES, "identity_list", "users",
	 zendesk_identities_list},
	{CALL_ZENDESK, "POST", IDENTITIES, "identity_create", "users",
	 zendesk_identity_create},
	{CALL_ZENDESK, "GET", IDENTITIES "/{}", "identity_get", "users",
	 zendesk_identity_show},
	{CALL_ZENDESK, "PUT", IDENTITIES "/{}", "identity_update", "users",
	 zendesk_identity_update},
	{CALL_ZENDESK, "DELETE", IDENTITIES "/{}", "identity_delete", "users",
	 zendesk_identity_delete},
	{CALL_ZENDESK, "PUT", IDENTITIES "/{}/verify", "identity_verify",
	 "users", zendesk_identity_verify},
	{CALL_ZENDESK, "PUT", IDENTITIES "/{}/make_primary",
	 "identity_make_primary", "users", zendesk_identity_make_primary},
	{CALL_ZENDESK, "GET", USERS "/{}/organization_memberships",
	 "membership_list", "organizations", zendesk_memberships_list},
	{CALL_ZENDESK, "POST", MEMBERSHIPS, "membership_create",
	 "organizations", zendesk_membership_create},
	{CALL_ZENDESK, "DELETE", MEMBERSHIPS "/{}", "membership_delete",
	 "organizations", zendesk_membership_delete},
	{CALL_ZENDESK, "GET", USERS "/{}/tickets/requested",
	 "tickets_requested", "tickets", zendesk_tickets_requested},
	{CALL_ZENDESK, "GET", "/api/v2/tickets/{}", "ticket_get", "tickets",
	 zendesk_ticket_show},
	{CALL_ZENDESK, "PUT", "/api/v2/tickets/{}", "ticket_update", "tickets",
	 zendesk_ticket_update},
	{CALL_ZENDESK, "DELETE", "/api/v2/tickets/{}", "ticket_delete",
	 "tickets", zendesk_ticket_delete},
	{CALL_ZENDESK, "PUT", "/api/v2/tickets/{}/tags", "ticket_tags",
	 "tickets", zendesk_ticket_tags},
	{CALL_ZENDESK, "DELETE", "/api/v2/tickets/{}/tags", "ticket_untag",
	 "tickets", zendesk_tags_remove},
	{CALL_ZENDESK, "GET", "/api/v2/tickets/{}/comments", "ticket_comments",
	 "tickets", zendesk_comments_list},
	{CALL_ZENDESK, "GET", WEBHOOKS, "webhook_list", "webhooks",
	 zendesk_webhooks_list},
	{CALL_ZENDESK, "POST", WEBHOOKS, "webhook_create", "webhooks",
	 zendesk_webhook_create},
	{CALL_ZENDESK, "GET", WEBHOOKS "/{}", "webhook_get", "webhooks",
	 zendesk_webhook_show},
	{CALL_ZENDESK, "PUT", WEBHOOKS "/{}", "webhook_update", "webhooks",
	 zendesk_webhook_update},
	{CALL_ZENDESK, "PATCH", WEBHOOKS "/{}", "webhook_update", "webhooks",
	 zendesk_webhook_update},
	{CALL_ZENDESK, "DELETE", WEBHOOKS "/{}", "webhook_delete", "webhooks",
	 zendesk_webhook_delete},
	{CALL_ZENDESK, "GET", WEBHOOKS "/{}/signing_secret", "signing_secret",
	 "webhooks", zendesk_signing_secret_show},
	{CALL_ZENDESK, "POST", WEBHOOKS "/{}/signing_secret",
	 "signing_secret_reset", "webhooks", zendesk_signing_secret_reset},
	{CALL_ZENDESK, "GET", TRIGGERS, "trigger_list", "triggers",
	 zendesk_triggers_list},
	{CALL_ZENDESK, "POST", TRIGGERS, "trigger_create", "triggers",
	 zendesk_trigger_create},
	{CALL_ZENDESK, "GET", TRIGGERS "/{}", "trigger_get", "triggers",
	 zendesk_trigger_show},
	{CALL_ZENDESK, "PUT", TRIGGERS "/{}", "trigger_update", "triggers",
	 zendesk_trigger_update},
	{CALL_ZENDESK, "DELETE", TRIGGERS "/{}", "trigger_delete", "triggers",
	 zendesk_trigger_delete},
	{CALL_SUNCO, "GET", SUNCO_APP, "app_get", "apps", sunco_app_show},
	{CALL_SUNCO, "GET", SUNCO_INTEGRATIONS, "integration_list",
	 "integrations", sunco_integrations_list},
	{CALL_SUNCO, "POST", SUNCO_INTEGRATIONS, "integration_create",
	 "integrations", sunco_integration_create},
	{CALL_SUNCO, "GET", SUNCO_INTEGRATIONS "/{}", "integration_get",
	 "integrations", sunco_integration_show},
	{CALL_SUNCO, "DELETE", SUNCO_INTEGRATIONS "/{}", "integration_delete",
	 "integrations", sunco_integration_delete},
	{CALL_SUNCO, "GET", SUNCO_WEBHOOKS, "webhook_list", "webhooks",
	 sunco_webhooks_list},
	{CALL_SUNCO, "POST", SUNCO_WEBHOOKS, "webhook_create", "webhooks",
	 sunco_webhook_create},
	{CALL_SUNCO, "GET", SUNCO_WEBHOOKS "/{}", "webhook_get", "webhooks",
	 sunco_webhook_show},
	{CALL_SUNCO, "PATCH", SUNCO_WEBHOOKS "/{}", "webhook_update",
	 "webhooks", sunco_webhook_update},
	{CALL_SUNCO, "DELETE", SUNCO_WEBHOOKS "/{}", "webhook_delete",
	 "webhooks", sunco_webhook_delete},
	{CALL_SUNCO, "GET", SUNCO_USERS, "user_list", "users",
	 sunco_users_list},
	{CALL_SUNCO, "POST", SUNCO_USERS, "user_create", "users",
	 sunco_user_create},
	{CALL_SUNCO, "GET", SUNCO_USERS "/{}", "user_get", "users",
	 sunco_user_show},
	{CALL_SUNCO, "PATCH", SUNCO_USERS "/{}", "user_update", "users",
	 sunco_user_update},
	{CALL_SUNCO, "DELETE", SUNCO_USERS "/{}", "user_delete", "users",
	 sunco_user_delete},
	{CALL_SUNCO, "POST", SUNCO_USERS "/{}/sync", "sync", "users",
	 sunco_user_sync},
	{CALL_SUNCO, "POST", SUNCO_TALKS, "conversation_create", "users",
	 sunco_conversation_create},
	{CALL_SUNCO, "POST", SUNCO_TALKS "/{}/messages", "message_create",
	 "users", sunco_message_create},
	{CALL_SUNCO, "POST", SUNCO_TALKS "/{}/passControl", "pass_control",
	 "users", sunco_control_pass},
};

static const char *const queries[] = {"query",
				      "external_id",
				      "include",
				      "page",
				      "per_page",
				      "page[size]",
				      "page[after]",
				      "ids",
				      "external_ids",
				      "cursor",
				      "include_deleted",
				      "start_time",
				      "sort",
				      "sort_order",
				      "tags",
				      "brandId",
				      "filter[identities.email]",
				      NULL};

const char *const *route_queries(void)
{
	return queries;
}

/* Percent-decoded: *new*. What is not an escape stays as it is. */
static char *decode(struct slice s)
{
	char *out = xcalloc(s.len + 1, 1);
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		struct slice hex = {s.ptr + i + 1, 2};

		if (s.ptr[i] == '%' && i + 2 < s.len &&
		    crypto_unhex(hex, &out[len])) {
			len++;
			i += 2;
		} else {
			out[len++] = s.ptr[i];
		}
	}
	out[len] = '\0';
	return out;
}

static struct slice segment_at(const char *path)
{
	return (struct slice){path + 1, strcspn(path + 1, "/")};
}

static void drop(char *params[CALL_PARAMS_MAX])
{
	for (size_t i = 0; i < CALL_PARAMS_MAX; i++) {
		free(params[i]);
		params[i] = NULL;
	}
}

static bool route_fits(const struct route *r, const char *path,
		       char *params[CALL_PARAMS_MAX])
{
	const char *pattern = r->pattern;
	size_t count = 0;

	while (*pattern && *path) {
		struct slice want = segment_at(pattern);
		struct slice have = segment_at(path);

		if (slice_eq(want, SLICE("{}")) && have.len > 0)
			params[count++] = decode(have);
		else if (!slice_eq(want, have))
			return false;
		pattern = want.ptr + want.len;
		path = have.ptr + have.len;
	}
	return !*pattern && !*path;
}

bool route_exists(const char *api, const char *call)
{
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if ((!api || str_eq(api, call_api_name(routes[i].api))) &&
		    (!call || str_eq(call, routes[i].name)))
			return true;
	return false;
}

const struct route *route_find(const char *method, const char *path,
			       char *params[CALL_PARAMS_MAX])
{
	size_t len = strlen(path);
	const struct route *found = NULL;
	char *plain;

	if (str_starts(path, "/api/") && len > 5 &&
	    str_eq(path + len - 5, ".json"))
		len -= 5;
	plain = xstrndup(path, len);
	for (size_t i = 0; i < ARRAY_LEN(routes) && !found; i++) {
		if (str_eq(routes[i].method, method) &&
		    route_fits(&routes[i], plain, params))
			found = &routes[i];
		else
			drop(params);
	}
	free(plain);
	return found;
}
