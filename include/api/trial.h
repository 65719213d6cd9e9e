/*
 * The calls that only `reunite probe` makes: people of its own are made,
 * merged and taken away again, and every answer is handed on as it came,
 * that of a refusal too.
 *
 * Sources: Zendesk Support API, Users, User Identities, Tickets; Sunshine
 * Conversations API v2, Users, Conversations, Messages, Switchboard Actions.
 */
#ifndef REUNITE_API_TRIAL_H
#define REUNITE_API_TRIAL_H

#include "api/api_client.h"

/*
 * X(name, api, metric's label, method, path, endpoint, once). In the path
 * {id} and {text} are the call's, {app} is SunCo's app. What is made at most
 * once is sent at most once.
 */
#define TRIAL_TABLE(X)                                                         \
	X(USER_CREATE, API_ZENDESK, "user_create", "POST", "/api/v2/users",    \
	  ENDPOINT_OTHER, true)                                                \
	X(USER_SHOW, API_ZENDESK, "user_get", "GET",                           \
	  "/api/v2/users/{id}?include=identities", ENDPOINT_OTHER, false)      \
	X(USER_UPDATE, API_ZENDESK, "user_update", "PUT",                      \
	  "/api/v2/users/{id}", ENDPOINT_USER_UPDATE, false)                   \
	X(USER_MERGE, API_ZENDESK, "user_merge", "PUT",                        \
	  "/api/v2/users/{id}/merge", ENDPOINT_MERGE, true)                    \
	X(USER_DELETE, API_ZENDESK, "user_delete", "DELETE",                   \
	  "/api/v2/users/{id}", ENDPOINT_OTHER, false)                         \
	X(USER_PURGE, API_ZENDESK, "user_purge", "DELETE",                     \
	  "/api/v2/deleted_users/{id}", ENDPOINT_OTHER, false)                 \
	X(IDENTITY_LIST, API_ZENDESK, "identities_list", "GET",                \
	  "/api/v2/users/{id}/identities?page%5Bsize%5D=100", ENDPOINT_OTHER,  \
	  false)                                                               \
	X(IDENTITY_ADD, API_ZENDESK, "identity_add", "POST",                   \
	  "/api/v2/users/{id}/identities", ENDPOINT_IDENTITY, true)            \
	X(SEARCH_ADDRESS, API_ZENDESK, "user_search", "GET",                   \
	  "/api/v2/users/search?query=email%3A%22{text}%22"                    \
	  "&include=identities",                                               \
	  ENDPOINT_SEARCH, false)                                              \
	X(SEARCH_EXTERNAL_ID, API_ZENDESK, "user_search", "GET",               \
	  "/api/v2/users/search?external_id={text}", ENDPOINT_SEARCH, false)   \
	X(SEARCH_WORD, API_ZENDESK, "user_search", "GET",                      \
	  "/api/v2/users/search?query={text}", ENDPOINT_SEARCH, false)         \
	X(TICKETS_OF, API_ZENDESK, "tickets_requested", "GET",                 \
	  "/api/v2/users/{id}/tickets/requested", ENDPOINT_OTHER, false)       \
	X(TICKET_DELETE, API_ZENDESK, "ticket_delete", "DELETE",               \
	  "/api/v2/tickets/{id}", ENDPOINT_OTHER, false)                       \
	X(PERSON_CREATE, API_SUNCO, "user_create", "POST",                     \
	  "/v2/apps/{app}/users", ENDPOINT_OTHER, true)                        \
	X(PERSON_SHOW, API_SUNCO, "user_get", "GET",                           \
	  "/v2/apps/{app}/users/{text}", ENDPOINT_OTHER, false)                \
	X(PERSON_DELETE, API_SUNCO, "user_delete", "DELETE",                   \
	  "/v2/apps/{app}/users/{text}", ENDPOINT_OTHER, false)                \
	X(TALK_CREATE, API_SUNCO, "conversation_create", "POST",               \
	  "/v2/apps/{app}/conversations", ENDPOINT_OTHER, true)                \
	X(TALK_MESSAGE, API_SUNCO, "message_create", "POST",                   \
	  "/v2/apps/{app}/conversations/{text}/messages", ENDPOINT_OTHER,      \
	  true)                                                                \
	X(TALK_PASS, API_SUNCO, "pass_control", "POST",                        \
	  "/v2/apps/{app}/conversations/{text}/passControl", ENDPOINT_OTHER,   \
	  true)

#define TRIAL_NAME(name, ...) TRIAL_##name,
enum trial { TRIAL_TABLE(TRIAL_NAME) TRIAL_COUNT };
#undef TRIAL_NAME

struct trial_call {
	enum trial what;
	uint64_t id;
	const char *text;    /* escaped by the call */
	struct json_t *body; /* *taken*, or NULL */
};
/* As for api_send(): exactly once, never from inside; api_cancel(). */
struct api_request *trial_send(struct api_client *c,
			       const struct trial_call *call, api_done *done,
			       void *arg);
/* Whether it changes nothing. */
bool trial_reads(enum trial what);
enum api trial_api(enum trial what);
const char *trial_method(enum trial what);
const char *trial_path(enum trial what); /* with {id}, {text} and {app} */

#endif
