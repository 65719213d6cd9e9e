/*
 * The sandbox's webhooks, triggers and integrations: what is taken, refused
 * and shown, and whom a webhook then goes to.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox/payloads.h"
#include "sandbox_kit.h"

#define W   "/api/v2/webhooks"
#define T   "/api/v2/triggers"
#define APP "/sc/v2/apps/6a1d3c5e7f9b2d4f6a8c0e12"

#define HOOK(name, events)                                                     \
	"{'webhook':{'name':'" name "','endpoint':'https://in.example/z',"     \
	"'http_method':'POST','request_format':'json','status':'active',"      \
	"'subscriptions':[" events "]}}"
#define BY_TRIGGER "'conditional_ticket_events'"

static char *text_of(const struct kit *k, const char *path)
{
	return xstrdup(kit_str(k, path));
}

static char *make_hook(struct kit *k, const char *body)
{
	assert_int_equal(kit_call(k, "POST", W, body), 201);
	return text_of(k, "webhook.id");
}

static int call_id(struct kit *k, const char *method, const char *before,
		   const char *id, const char *behind, const char *body)
{
	char target[512];

	snprintf(target, sizeof(target), "%s%s%s", before, id, behind);
	return kit_call(k, method, target, body);
}

static void webhooks(void **state)
{
	struct kit *k = *state;
	char *id = make_hook(k, HOOK("one", BY_TRIGGER)), *secret;

	assert_int_equal(kit_call(k, "GET", W "?page[size]=100", NULL), 200);
	assert_string_equal(kit_str(k, "webhooks.0.id"), id);
	assert_null(kit_at(k, "webhooks.0.secret"));
	assert_false(json_bool(kit_at(k, "meta.has_more"), true));
	assert_int_equal(call_id(k, "GET", W "/", id, "/signing_secret", NULL),
			 200);
	secret = text_of(k, "signing_secret.secret");
	assert_int_equal(strlen(secret), 44);
	assert_int_equal(call_id(k, "PATCH", W "/", id, "",
				 "{'webhook':{'status':'inactive'}}"),
			 204);
	assert_int_equal(call_id(k, "GET", W "/", id, "", NULL), 200);
	assert_string_equal(kit_str(k, "webhook.status"), "inactive");
	assert_string_equal(kit_str(k, "webhook.name"), "one");
	call_id(k, "POST", W "/", id, "/signing_secret", NULL);
	assert_string_not_equal(kit_str(k, "signing_secret.secret"), secret);
	assert_int_equal(call_id(k, "DELETE", W "/", id, "", NULL), 204);
	assert_int_equal(call_id(k, "GET", W "/", id, "", NULL), 404);
	free(secret);
	free(id);
}

static void webhooks_that_are_refused(void **state)
{
	struct kit *k = *state;
	char *id = make_hook(k, HOOK("one", BY_TRIGGER));

	assert_int_equal(kit_call(k, "POST", W, "{'webhook':{'name':'x'}}"),
			 400);
	assert_int_equal(kit_call(k, "POST", W, HOOK("", BY_TRIGGER)), 400);
	assert_int_equal(kit_call(k, "POST", W,
				  HOOK("two", BY_TRIGGER
				       ",'zen:event-type:user.created'")),
			 400);
	/* not from one way to the other */
	assert_int_equal(call_id(k, "PATCH", W "/", id, "",
				 "{'webhook':{'subscriptions':"
				 "['zen:event-type:user.created']}}"),
			 400);
	kit_set(k, "{'webhooks_max':1}");
	assert_int_equal(kit_call(k, "POST", W, HOOK("two", BY_TRIGGER)), 400);
	assert_string_equal(kit_str(k, "errors.0.code"),
			    "WebhookLimitExceeded");
	free(id);
}

static int make_trigger(struct kit *k, const char *hook)
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{'trigger':{'title':'tell','conditions':{'all':["
		 "{'field':'via_id','operator':'is','value':'75'},"
		 "{'field':'update_type','operator':'is','value':'Create'}]},"
		 "'actions':[{'field':'notification_webhook','value':['%s',"
		 "'t {{ticket.id}} r {{ticket.requester.id}} at "
		 "{{ticket.updated_at_with_timestamp}} {{else}}']}]}}",
		 hook);
	return kit_call(k, "POST", T, body);
}

static void triggers(void **state)
{
	struct kit *k = *state;
	char *hook = make_hook(k, HOOK("one", BY_TRIGGER));
	char id[32];

	assert_int_equal(make_trigger(k, hook), 201);
	snprintf(id, sizeof(id), "%lld", (long long)kit_int(k, "trigger.id"));
	assert_true(json_bool(kit_at(k, "trigger.active"), false));
	assert_int_equal(kit_call(k, "GET", T "?page[size]=100", NULL), 200);
	assert_string_equal(kit_str(k, "triggers.0.title"), "tell");
	assert_int_equal(call_id(k, "PUT", T "/", id, "",
				 "{'trigger':{'active':false}}"),
			 200);
	assert_false(json_bool(kit_at(k, "trigger.active"), true));
	assert_int_equal(call_id(k, "DELETE", T "/", id, "", NULL), 204);
	assert_int_equal(call_id(k, "GET", T "/", id, "", NULL), 404);
	free(hook);
}

static void triggers_that_are_refused(void **state)
{
	struct kit *k = *state;
	char *events =
		make_hook(k, HOOK("two", "'zen:event-type:user.created'"));

	assert_int_equal(kit_call(k, "POST", T, "{'trigger':{'title':'x'}}"),
			 422);
	assert_int_equal(make_trigger(k, "01NOBODY"), 422);
	assert_int_equal(make_trigger(k, events), 422);
	free(events);
}

/* ---- whom it goes to ---- */

static struct {
	size_t count;
	char text[512];
	bool full_user;
} heard;

static void on_subscriber(const struct subscriber *s, void *arg)
{
	const char *secret = arg;

	heard.count++;
	heard.full_user = s->full_user;
	str_copy(heard.text, sizeof(heard.text), s->body ? s->body : s->url);
	if (secret)
		assert_string_equal(s->key, secret);
}

static size_t fire(struct kit *k, const char *channel)
{
	struct zen_ticket *t = state_ticket(k->account.state, 9);

	free(t->channel);
	t->channel = xstrdup(channel);
	heard.count = 0;
	registry_each_trigger(&k->account, t, on_subscriber, NULL);
	return heard.count;
}

static void a_trigger_fires(void **state)
{
	struct kit *k = *state;
	char *hook = make_hook(k, HOOK("one", BY_TRIGGER));

	kit_load(k, "{'users':[{'id':7,'name':'Ann'}],'tickets':["
		    "{'id':9,'requester_id':7}]}");
	make_trigger(k, hook);
	assert_int_equal(fire(k, "native_messaging"), 1);
	assert_true(str_starts(heard.text, "t 9 r 7 at 20"));
	assert_non_null(strstr(heard.text, "Z {{else}}"));
	assert_int_equal(fire(k, "email"), 0);
	call_id(k, "PATCH", W "/", hook, "",
		"{'webhook':{'status':'inactive'}}");
	assert_int_equal(fire(k, "native_messaging"), 0);
	free(hook);
}

static void subscribers_of_events(void **state)
{
	struct kit *k = *state;

	free(make_hook(k, HOOK("one", "'zen:event-type:user.created'")));
	free(make_hook(k, HOOK("two", "'zen:event-type/user.created',"
				      "'zen:event-type:user.merged'")));
	heard.count = 0;
	registry_each_event(&k->account, "user.created", on_subscriber, NULL);
	assert_int_equal(heard.count, 2);
	registry_each_event(&k->account, "user.merged", on_subscriber, NULL);
	assert_int_equal(heard.count, 3);
	registry_each_event(&k->account, "user.deleted", on_subscriber, NULL);
	assert_int_equal(heard.count, 3);
}

/* ---- SunCo ---- */

#define NEW_INTEGRATION                                                        \
	"{'type':'custom','displayName':'ours','webhooks':[{'target':"         \
	"'https://in.example/s','triggers':['user:merge'],"                    \
	"'includeFullUser':true}]}"

static void integrations(void **state)
{
	struct kit *k = *state;
	char *id, *hook, *secret;
	char target[256];

	assert_int_equal(kit_call(k, "GET", APP, NULL), 200);
	assert_int_equal(
		kit_call(k, "GET", APP "/integrations?page[size]=2", NULL),
		200);
	assert_string_equal(kit_str(k, "integrations.0.type"), "web");
	assert_true(json_bool(kit_at(k, "meta.hasMore"), false));
	assert_non_null(kit_str(k, "meta.afterCursor"));
	assert_int_equal(
		kit_call(k, "POST", APP "/integrations", NEW_INTEGRATION), 201);
	assert_null(kit_at(k, "integration.webhooks"));
	id = text_of(k, "integration.id");
	snprintf(target, sizeof(target), APP "/integrations/%s/webhooks", id);
	assert_int_equal(kit_call(k, "GET", target, NULL), 200);
	hook = text_of(k, "webhooks.0.id");
	secret = text_of(k, "webhooks.0.secret");
	heard.count = 0;
	registry_each_sunco(&k->account, "user:merge", on_subscriber, secret);
	assert_int_equal(heard.count, 1);
	assert_true(heard.full_user);
	registry_each_sunco(&k->account, "user:update", on_subscriber, secret);
	assert_int_equal(heard.count, 1);
	snprintf(target, sizeof(target), APP "/integrations/%s/webhooks/%s", id,
		 hook);
	assert_int_equal(
		kit_call(k, "PATCH", target, "{'includeFullUser':false}"), 200);
	assert_string_equal(kit_str(k, "webhook.secret"), secret);
	assert_int_equal(kit_call(k, "DELETE", target, NULL), 200);
	assert_int_equal(kit_call(k, "GET", target, NULL), 404);
	assert_int_equal(
		call_id(k, "DELETE", APP "/integrations/", id, "", NULL), 200);
	free(secret);
	free(hook);
	free(id);
}

static void integrations_that_are_refused(void **state)
{
	struct kit *k = *state;
	char *web;

	assert_int_equal(kit_call(k, "GET", "/sc/v2/apps/other", NULL), 404);
	assert_int_equal(kit_call(k, "POST", APP "/integrations",
				  "{'type':'custom','displayName':'x'}"),
			 400);
	kit_call(k, "GET", APP "/integrations", NULL);
	web = text_of(k, "integrations.0.id");
	assert_int_equal(
		call_id(k, "GET", APP "/integrations/", web, "/webhooks", NULL),
		403);
	for (int i = 0; i < SUNCO_WEBHOOKS_MAX; i++)
		assert_int_equal(kit_call(k, "POST", APP "/integrations",
					  NEW_INTEGRATION),
				 201);
	assert_int_equal(
		kit_call(k, "POST", APP "/integrations", NEW_INTEGRATION), 400);
	free(web);
}

static void the_key_of_an_integration(void **state)
{
	struct kit *k = *state;

	kit_set(k, "{'sunco_key_scope':'integration'}");
	assert_int_equal(kit_call(k, "GET", APP, NULL), 403);
	assert_int_equal(kit_call(k, "GET", APP "/integrations", NULL), 403);
	assert_int_equal(kit_call(k, "POST", APP "/integrations/me/webhooks",
				  "{'target':'https://in.example/',"
				  "'triggers':['user:merge']}"),
			 201);
	assert_int_equal(
		kit_call(k, "GET", APP "/integrations/me/webhooks", NULL), 200);
	assert_non_null(kit_at(k, "webhooks.0"));
	kit_set(k, "{'sunco_key_scope':'app'}");
	assert_int_equal(
		kit_call(k, "GET", APP "/integrations/me/webhooks", NULL), 404);
}

static void a_truncated_body(void **state)
{
	static const char text[] =
		"{\"events\":[{\"payload\":{\"user\":{\"id\":\"a\","
		"\"profile\":{\"email\":\"x\"}},\"reason\":\"r\"}}]}";
	struct json_t *v = json_parse(text, strlen(text), NULL);
	struct json_t *cut = payload_truncated(v);
	char *is = json_text(cut);

	(void)state;
	assert_string_equal(is, "{\"events\":[{\"payload\":{\"user\":"
				"{\"id\":\"a\"},\"reason\":\"r\"}}]}");
	free(is);
	json_free(cut);
	json_free(v);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
	const struct CMUnitTest tests[] = {
		CASE(webhooks),
		CASE(webhooks_that_are_refused),
		CASE(triggers),
		CASE(triggers_that_are_refused),
		CASE(a_trigger_fires),
		CASE(subscribers_of_events),
		CASE(integrations),
		CASE(integrations_that_are_refused),
		CASE(the_key_of_an_integration),
		CASE(a_truncated_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
