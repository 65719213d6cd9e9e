/*
 * What should be registered, what is ours among what is there, and what
 * differs; what would be sent to mend it.
 */
#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "core/registration.h"
#include "fixture.h"

static const struct registration ours = {"acme", "https://in.acme.example"};

#define SUNCO_TARGET   "https://in.acme.example/webhooks/acme/sunco"
#define ZENDESK_TARGET "https://in.acme.example/webhooks/acme/zendesk"
#define SUNCO_EVENTS                                                           \
	"'conversation:create','conversation:referral','conversation:message'" \
	","                                                                    \
	"'switchboard:passControl','user:update','user:merge','user:remove'"
#define USER_EVENTS(sep)                                                       \
	"'zen:event-type" sep "user.created','zen:event-type" sep              \
	"user.identity_created','zen:event-type" sep                           \
	"user.identity_changed','zen:event-type" sep                           \
	"user.identity_deleted','zen:event-type" sep                           \
	"user.merged','zen:event-type" sep "user.deleted'"

/* ' stands for ". */
static struct json_t *quoted(const char *text)
{
	char *copy = xstrdup(text);
	struct json_t *v;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	v = json_parse(copy, strlen(copy), NULL);
	assert_non_null(v);
	free(copy);
	return v;
}

static void assert_body(struct json_t *body, const char *expected)
{
	struct json_t *v = quoted(expected);
	char *is = json_text(body), *wanted = json_text(v);

	assert_string_equal(is, wanted);
	free(is);
	free(wanted);
	json_free(v);
	json_free(body);
}

static struct registered_webhook webhook(const char *text)
{
	struct json_t *v = quoted(text);
	struct registered_webhook w;

	assert_int_equal(registered_webhook_decode(&w, v, NULL), RESULT_OK);
	json_free(v);
	return w;
}

static unsigned drift(enum registration_part part, const char *text)
{
	struct registered_webhook w = webhook(text);
	unsigned d = registration_webhook_drift(&ours, part, &w);

	registered_webhook_release(&w);
	return d;
}

static bool owns(enum registration_part part, const char *text)
{
	struct registered_webhook w = webhook(text);
	bool is = registration_owns_webhook(&ours, part, &w);

	registered_webhook_release(&w);
	return is;
}

static void new_ones(void **state)
{
	(void)state;
	assert_body(registration_webhook_body(&ours, REGISTERED_SUNCO, NULL),
		    "{'target':'" SUNCO_TARGET "','triggers':[" SUNCO_EVENTS
		    "],'includeFullUser':true}");
	assert_body(registration_integration_body(&ours),
		    "{'type':'custom','displayName':'reunite acme',"
		    "'webhooks':[{'target':'" SUNCO_TARGET
		    "','triggers':[" SUNCO_EVENTS
		    "],'includeFullUser':true}]}");
	assert_body(registration_webhook_body(&ours, REGISTERED_TICKET, NULL),
		    "{'webhook':{'endpoint':'" ZENDESK_TARGET
		    "','subscriptions':['conditional_ticket_events'],"
		    "'status':'active','http_method':'POST',"
		    "'request_format':'json','name':'reunite acme'}}");
	assert_body(registration_webhook_body(&ours, REGISTERED_EVENTS, NULL),
		    "{'webhook':{'endpoint':'" ZENDESK_TARGET
		    "','subscriptions':[" USER_EVENTS(
			    ":") "],"
				 "'status':'active','http_method':'POST',"
				 "'request_format':'json','name':'reunite "
				 "acme: users'}}");
}

/* The body is the one that the decoder is tested with. */
static void the_trigger(void **state)
{
	struct json_t *body = registration_trigger_body(&ours, "01HOOK", NULL);
	const struct json_t *t = json_get(body, "trigger");
	const struct json_t *action = json_at(json_get(t, "actions"), 0);
	struct registered_trigger decoded;
	struct json_t *shown = json_clone(t);

	(void)state;
	assert_string_equal(json_get_str(t, "title"),
			    "reunite acme: new messaging tickets");
	assert_string_equal(json_get_str(action, "field"),
			    "notification_webhook");
	assert_string_equal(
		json_str(json_at(json_get(action, "value"), 1)),
		"{\"v\":1,\"ticket_id\":\"{{ticket.id}}\",\"requester_id\":"
		"\"{{ticket.requester.id}}\",\"updated_at\":"
		"\"{{ticket.updated_at_with_timestamp}}\"}");
	json_set_int(shown, "id", 7);
	assert_int_equal(registered_trigger_decode(&decoded, shown, NULL),
			 RESULT_OK);
	assert_int_equal(registration_trigger_drift("01HOOK", &decoded), 0);
	assert_int_equal(registration_trigger_drift("01OTHER", &decoded),
			 DRIFT_WEBHOOK);
	assert_true(registration_owns_trigger(&ours, NULL, &decoded));
	registered_trigger_release(&decoded);
	json_free(shown);
	json_free(body);
}

static unsigned trigger_drift(const char *text, bool *is_ours)
{
	struct json_t *v = quoted(text);
	struct registered_trigger t;
	unsigned d;

	assert_int_equal(registered_trigger_decode(&t, v, NULL), RESULT_OK);
	d = registration_trigger_drift("01HOOK", &t);
	*is_ours = registration_owns_trigger(&ours, "01HOOK", &t);
	registered_trigger_release(&t);
	json_free(v);
	return d;
}

#define CHANNEL "{'field':'via_id','operator':'is','value':'75'}"
#define CREATED "{'field':'update_type','operator':'is','value':'Create'}"
#define CALLS(id, body)                                                        \
	"'actions':[{'field':'notification_webhook','value':['" id "','" body  \
	"']}]"
#define TRIGGER(title, all, any, actions)                                      \
	"{'id':9,'title':'" title "','active':true,'conditions':{'all':[" all  \
	"],'any':[" any "]}," actions "}"

static void changed_triggers(void **state)
{
	static const struct {
		const char *text;
		unsigned drift;
		bool ours;
	} cases[] = {
		/* a number is the same channel */
		{TRIGGER("mine",
			 "{'field':'via_id','operator':'is',"
			 "'value':75}," CREATED,
			 "", CALLS("01HOOK", "x")),
		 DRIFT_BODY, true},
		{TRIGGER("x", CREATED "," CHANNEL, "", CALLS("01ELSE", "x")),
		 DRIFT_BODY | DRIFT_WEBHOOK, false},
		{TRIGGER("x", CREATED, "", CALLS("01HOOK", "x")),
		 DRIFT_BODY | DRIFT_CONDITIONS, true},
		{TRIGGER("x", CREATED "," CHANNEL "," CHANNEL, "",
			 CALLS("01HOOK", "x")),
		 DRIFT_BODY | DRIFT_CONDITIONS, true},
		{TRIGGER("x", CREATED "," CHANNEL, CHANNEL,
			 CALLS("01HOOK", "x")),
		 DRIFT_BODY | DRIFT_CONDITIONS, true},
		{TRIGGER("reunite acme: new messaging tickets",
			 CREATED "," CHANNEL, "", "'actions':[]"),
		 DRIFT_BODY | DRIFT_WEBHOOK, true},
		{"{'id':9}",
		 DRIFT_INACTIVE | DRIFT_CONDITIONS | DRIFT_WEBHOOK | DRIFT_BODY,
		 false},
	};
	bool is_ours;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(trigger_drift(cases[i].text, &is_ours),
				 cases[i].drift);
		assert_int_equal(is_ours, cases[i].ours);
	}
}

#define SUNCO(target, events, more)                                            \
	"{'id':'a1','target':'" target "','triggers':[" events "],"            \
	"'secret':'s'" more "}"
#define FULL ",'includeFullUser':true"

/* What else it does, it goes on doing. */
static void further_actions_stay(void **state)
{
	struct json_t *v = quoted(
		TRIGGER("mine", CREATED "," CHANNEL, "",
			"'actions':[{'field':'set_tags','value':'chat'},"
			"{'field':'notification_webhook','value':['01HOOK',"
			"'old']}]"));
	struct registered_trigger t;
	struct json_t *body, *trigger, *actions;

	(void)state;
	assert_int_equal(registered_trigger_decode(&t, v, NULL), RESULT_OK);
	assert_int_equal(registration_trigger_drift("01HOOK", &t), DRIFT_BODY);
	body = registration_trigger_body(&ours, "01HOOK", &t);
	trigger = json_get(body, "trigger");
	actions = json_get(trigger, "actions");
	assert_string_equal(json_get_str(trigger, "title"), "mine");
	assert_int_equal(json_len(actions), 2);
	assert_string_equal(json_get_str(json_at(actions, 0), "field"),
			    "set_tags");
	assert_string_equal(
		json_str(json_at(json_get(json_at(actions, 1), "value"), 1)),
		REGISTRATION_TRIGGER_BODY);
	registered_trigger_release(&t);
	json_free(body);
	json_free(v);
}

static void sunco_drift(void **state)
{
	(void)state;
	assert_int_equal(drift(REGISTERED_SUNCO,
			       SUNCO(SUNCO_TARGET, SUNCO_EVENTS, FULL)),
			 0);
	assert_int_equal(
		drift(REGISTERED_SUNCO,
		      SUNCO(SUNCO_TARGET, SUNCO_EVENTS ",'client:add'", FULL)),
		0);
	assert_int_equal(drift(REGISTERED_SUNCO,
			       SUNCO("https://old.example/webhooks/acme/sunco",
				     "'user:merge'", "")),
			 DRIFT_TARGET | DRIFT_EVENTS | DRIFT_FULL_USER);
}

static void zendesk_drift(void **state)
{
#define HOOK(endpoint, events, status, method)                                 \
	"{'id':'01A','name':'n','endpoint':'" endpoint "','status':'" status   \
	"','http_method':'" method "','request_format':'json',"                \
	"'subscriptions':[" events "]}"
	(void)state;
	assert_int_equal(
		drift(REGISTERED_TICKET,
		      HOOK(ZENDESK_TARGET, "'conditional_ticket_events'",
			   "active", "POST")),
		0);
	assert_int_equal(
		drift(REGISTERED_TICKET,
		      HOOK("https://x.example/", "'conditional_ticket_events'",
			   "inactive", "GET")),
		DRIFT_TARGET | DRIFT_INACTIVE | DRIFT_METHOD);
	/* both spellings */
	assert_int_equal(
		drift(REGISTERED_EVENTS,
		      HOOK(ZENDESK_TARGET, USER_EVENTS("/"), "active", "POST")),
		0);
	assert_int_equal(
		drift(REGISTERED_EVENTS,
		      HOOK(ZENDESK_TARGET, "'zen:event-type:user.created'",
			   "active", "POST")),
		DRIFT_EVENTS);
}

/* Without a URL of our own it is not compared. */
static void unknown_url(void **state)
{
	static const struct registration nowhere = {"acme", ""};
	struct registered_webhook w = webhook(SUNCO(
		"https://any.example/webhooks/acme/sunco", SUNCO_EVENTS, FULL));

	(void)state;
	assert_int_equal(
		registration_webhook_drift(&nowhere, REGISTERED_SUNCO, &w), 0);
	registered_webhook_release(&w);
}

static void whose_it_is(void **state)
{
#define NAMED(name, target, events)                                            \
	"{'id':'1','name':'" name "','endpoint':'" target                      \
	"','subscriptions':[" events "]}"
	(void)state;
	assert_true(owns(REGISTERED_SUNCO, SUNCO("https://old.example/a/"
						 "webhooks/acme/sunco",
						 "", "")));
	assert_false(
		owns(REGISTERED_SUNCO,
		     SUNCO("https://old.example/webhooks/acm/sunco", "", "")));
	assert_false(owns(REGISTERED_SUNCO, SUNCO("/sunco", "", "")));
	assert_true(owns(REGISTERED_TICKET,
			 NAMED("reunite acme", "https://x.example",
			       "'conditional_ticket_events'")));
	assert_true(owns(REGISTERED_TICKET, NAMED("mine", ZENDESK_TARGET, "")));
	assert_false(
		owns(REGISTERED_TICKET,
		     NAMED("reunite acme", ZENDESK_TARGET, USER_EVENTS(":"))));
	assert_true(owns(REGISTERED_EVENTS,
			 NAMED("mine", ZENDESK_TARGET, USER_EVENTS("/"))));
	assert_false(owns(REGISTERED_EVENTS,
			  NAMED("reunite acme2: users", "https://x.example",
				USER_EVENTS(":"))));
}

static void only_what_differs_is_sent(void **state)
{
	struct registered_webhook w =
		webhook(SUNCO(SUNCO_TARGET, "'client:add','user:merge'", FULL));

	(void)state;
	assert_body(registration_webhook_body(&ours, REGISTERED_SUNCO, &w),
		    "{'triggers':['client:add','user:merge',"
		    "'conversation:create','conversation:referral',"
		    "'conversation:message','switchboard:passControl',"
		    "'user:update','user:remove']}");
	registered_webhook_release(&w);
	w = webhook(HOOK("https://old.example/webhooks/acme/zendesk",
			 "'conditional_ticket_events'", "inactive", "POST"));
	assert_body(registration_webhook_body(&ours, REGISTERED_TICKET, &w),
		    "{'webhook':{'endpoint':'" ZENDESK_TARGET
		    "','status':'active'}}");
	registered_webhook_release(&w);
}

static void integrations(void **state)
{
	struct json_t *v = quoted("{'id':'i1','type':'custom','displayName':"
				  "'reunite acme'}");
	struct registered_integration i;
	struct error err;

	(void)state;
	assert_int_equal(registered_integration_decode(&i, v, &err), RESULT_OK);
	assert_true(registration_owns_integration(&ours, &i));
	registered_integration_release(&i);
	json_set_str(v, "type", "web");
	assert_int_equal(registered_integration_decode(&i, v, &err), RESULT_OK);
	assert_false(registration_owns_integration(&ours, &i));
	registered_integration_release(&i);
	json_free(v);
	assert_int_equal(registered_integration_decode(&i, NULL, &err),
			 RESULT_INVALID);
}

static void what_has_no_id_is_refused(void **state)
{
	struct json_t *v = quoted("{'target':'x'}");
	struct registered_webhook w;
	struct registered_trigger t;
	struct error err;

	(void)state;
	assert_int_equal(registered_webhook_decode(&w, v, &err),
			 RESULT_INVALID);
	assert_int_equal(registered_trigger_decode(&t, v, &err),
			 RESULT_INVALID);
	json_free(v);
}

static void drift_in_words(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 256);
	registration_drift_text(DRIFT_TARGET | DRIFT_FULL_USER, &text);
	assert_string_equal(text.data, "its URL, includeFullUser");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_ones),
		cmocka_unit_test(the_trigger),
		cmocka_unit_test(changed_triggers),
		cmocka_unit_test(further_actions_stay),
		cmocka_unit_test(sunco_drift),
		cmocka_unit_test(zendesk_drift),
		cmocka_unit_test(unknown_url),
		cmocka_unit_test(whose_it_is),
		cmocka_unit_test(only_what_differs_is_sent),
		cmocka_unit_test(integrations),
		cmocka_unit_test(what_has_no_id_is_refused),
		cmocka_unit_test(drift_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
