/*
 * Bodies of both sources: every documented type, odd ones, and what is no
 * envelope.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/event.h"
#include "fixture.h"

#define PETER	     "65fa10c27be4d90034c1a2b3"
#define GWEN	     "65fa11d37be4d90034c1a2c4"
#define CONVERSATION "71d20a4be8c94f6a1b3c5d7e"

typedef enum result decode_fn(struct slice body, struct event_list *out,
			      struct error *err);

static struct event_list decode_fixture(const char *name)
{
	struct slice text = fixture_read(name);
	decode_fn *decode =
		str_starts(name, "sunco/") ? decode_sunco : decode_zendesk;
	struct event_list list;
	struct error err = {""};

	event_list_init(&list);
	if (decode(text, &list, &err))
		fail_msg("%s: %s", name, err.text);
	free((char *)text.ptr);
	return list;
}

/* What a body with at most one event of ours comes to. */
struct expected {
	const char *name;
	enum event_kind kind; /* EVENT_OTHER: ignored */
	const char *sunco_id;
	const char *conversation_id;
	uint64_t zendesk_user_id;
	uint64_t other_zendesk_user_id;
	uint64_t ticket_id;
	const char *other_sunco_id;
	bool messaging_identity;
	bool print_known;
	const char *gained;
	const char *lost;
	const char *told;
	int64_t at_ms; /* 0: the time of most; -1: none */
};

/* 14 March 2026, 09:26:53 */
#define ZENDESK_MS INT64_C(1773480413000)
#define SUNCO_MS   (ZENDESK_MS + 589)

static const struct expected sunco_bodies[] = {
	{.name = "client_add"},
	{.name = "client_remove"},
	{.name = "client_update"},
	{"conversation_create", EVENT_CONVERSATION_CREATE, .sunco_id = PETER,
	 .conversation_id = CONVERSATION},
	{.name = "conversation_join"},
	{.name = "conversation_leave"},
	{"conversation_message", EVENT_CONVERSATION_MESSAGE, .sunco_id = PETER,
	 .conversation_id = CONVERSATION},
	{.name = "conversation_message_delivery_channel"},
	{.name = "conversation_message_delivery_failure"},
	{.name = "conversation_message_delivery_user"},
	{.name = "conversation_postback"},
	{.name = "conversation_read"},
	{"conversation_referral", EVENT_CONVERSATION_REFERRAL,
	 .sunco_id = PETER, .conversation_id = CONVERSATION, .at_ms = -1},
	{.name = "conversation_remove"},
	{.name = "conversation_typing"},
	{"cut_emoji", EVENT_USER_AUTHENTICATED, .sunco_id = GWEN,
	 .print_known = true, .told = "gwen@web.example", .at_ms = -1},
	{"escaped_names", EVENT_SUNCO_REMOVE, .sunco_id = PETER, .at_ms = -1},
	{"full_user", EVENT_USER_AUTHENTICATED, .sunco_id = PETER,
	 .zendesk_user_id = 11109600149778, .print_known = true,
	 .told = "peter@web.example"},
	{"full_user_claimed", EVENT_CONVERSATION_CREATE, .sunco_id = PETER,
	 .conversation_id = CONVERSATION, .print_known = true,
	 .told = "someone@web.example"},
	{"full_user_odd", EVENT_USER_AUTHENTICATED, .sunco_id = PETER},
	{.name = "group_without_user"},
	{"message_author_only_inside", EVENT_CONVERSATION_MESSAGE,
	 .sunco_id = GWEN, .conversation_id = CONVERSATION},
	{.name = "message_by_business"},
	{"pass_control_with_user", EVENT_PASS_CONTROL, .sunco_id = PETER,
	 .conversation_id = CONVERSATION},
	{"repeated_names", EVENT_SUNCO_REMOVE, .sunco_id = PETER, .at_ms = -1},
	{.name = "switchboard_acceptControl"},
	{.name = "switchboard_acceptControl_failure"},
	{.name = "switchboard_offerControl"},
	{.name = "switchboard_offerControl_failure"},
	{"switchboard_passControl", EVENT_PASS_CONTROL, .sunco_id = "",
	 .conversation_id = CONVERSATION},
	{.name = "switchboard_passControl_failure"},
	{.name = "switchboard_releaseControl"},
	{"user_merge", EVENT_SUNCO_MERGE, .sunco_id = PETER,
	 .other_sunco_id = GWEN},
	{"user_remove", EVENT_SUNCO_REMOVE, .sunco_id = PETER},
	{"user_update", EVENT_USER_AUTHENTICATED, .sunco_id = PETER},
	{.name = "user_update_locale"},
};

static const struct expected zendesk_bodies[] = {
	{.name = "group_membership_created"},
	{.name = "messaging_ticket_message_added"},
	{.name = "ticket_comment_added"},
	{.name = "ticket_status_changed"},
	{"trigger", EVENT_TICKET, .zendesk_user_id = 8800123, .ticket_id = 501},
	{"trigger_numbers", EVENT_TICKET, .zendesk_user_id = 8800123,
	 .ticket_id = 501},
	{.name = "trigger_requester_zero"},
	{.name = "trigger_without_requester"},
	{"trigger_without_version", EVENT_TICKET, .zendesk_user_id = 8800123,
	 .ticket_id = 501, .at_ms = -1},
	{.name = "user_active_changed"},
	{"user_created", EVENT_ZD_USER_CREATED, .zendesk_user_id = 8800123},
	{.name = "user_created_agent"},
	{"user_created_nanoseconds_ulid", EVENT_ZD_USER_CREATED,
	 .zendesk_user_id = 8800123, .at_ms = ZENDESK_MS + 999},
	{"user_deleted", EVENT_ZD_USER_DELETED, .zendesk_user_id = 8800123},
	{.name = "user_external_id_changed"},
	{"user_identity_changed_slash", EVENT_ZD_IDENTITY,
	 .zendesk_user_id = 8800123},
	{"user_identity_changed_odd", EVENT_ZD_IDENTITY,
	 .zendesk_user_id = 8800123, .at_ms = -1},
	{"user_identity_changed_value", EVENT_ZD_IDENTITY,
	 .zendesk_user_id = 8800123, .gained = "gwen.new@web.example",
	 .lost = "gwen@web.example"},
	{"user_identity_created_colon", EVENT_ZD_IDENTITY,
	 .zendesk_user_id = 8800123, .gained = "gwen@web.example"},
	{"user_identity_created_slash", EVENT_ZD_IDENTITY,
	 .zendesk_user_id = 8800123, .gained = "gwen@web.example"},
	{"user_identity_created_messaging", EVENT_ZD_IDENTITY, .sunco_id = GWEN,
	 .zendesk_user_id = 8800123, .messaging_identity = true},
	{.name = "user_identity_created_messaging_odd"},
	{.name = "user_identity_created_phone"},
	{"user_identity_deleted", EVENT_ZD_IDENTITY, .zendesk_user_id = 8800123,
	 .lost = "gwen@web.example"},
	{"user_merged_alone", EVENT_ZD_USER_MERGED, .zendesk_user_id = 8800123},
	{"user_merged_colon", EVENT_ZD_USER_MERGED, .zendesk_user_id = 8800123,
	 .other_zendesk_user_id = 8800124},
	{"user_merged_slash", EVENT_ZD_USER_MERGED, .zendesk_user_id = 8800123,
	 .other_zendesk_user_id = 8800124},
	{.name = "user_zero"},
};

static void assert_text(const char *actual, const char *expected)
{
	assert_string_equal(actual, expected ? expected : "");
}

static void assert_event(const struct event *e, const struct expected *x,
			 enum event_source source)
{
	assert_int_equal(e->source, source);
	assert_int_equal(e->kind, x->kind);
	assert_text(e->sunco_id, x->sunco_id);
	assert_text(e->other_sunco_id, x->other_sunco_id);
	assert_text(e->conversation_id, x->conversation_id);
	assert_int_equal(e->zendesk_user_id, x->zendesk_user_id);
	assert_int_equal(e->other_zendesk_user_id, x->other_zendesk_user_id);
	assert_int_equal(e->ticket_id, x->ticket_id);
	assert_int_equal(e->messaging_identity, x->messaging_identity);
	assert_int_equal(e->print.known, x->print_known);
	assert_text(e->gained ? e->gained : "", x->gained);
	assert_text(e->lost ? e->lost : "", x->lost);
	assert_text(e->told ? e->told : "", x->told);
	if (x->at_ms)
		assert_int_equal(e->at_ms, x->at_ms < 0 ? 0 : x->at_ms);
	else
		assert_int_equal(e->at_ms, source == EVENT_FROM_SUNCO
						   ? SUNCO_MS
						   : ZENDESK_MS);
	assert_true(e->key.len > 0);
}

static void assert_body(const char *folder, const struct expected *x,
			enum event_source source)
{
	struct event_list list;
	char name[128];

	snprintf(name, sizeof(name), "%s/%s.json", folder, x->name);
	list = decode_fixture(name);
	print_message("%s\n", name);
	assert_int_equal(list.count, x->kind != EVENT_OTHER);
	assert_int_equal(list.ignored, x->kind == EVENT_OTHER);
	if (list.count)
		assert_event(&list.items[0], x, source);
	event_list_release(&list);
}

static void test_sunco_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sunco_bodies); i++)
		assert_body("sunco", &sunco_bodies[i], EVENT_FROM_SUNCO);
}

static void test_zendesk_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zendesk_bodies); i++)
		assert_body("zendesk", &zendesk_bodies[i], EVENT_FROM_ZENDESK);
}

/* Every body of ours, around its sender's time. */
static const struct timed_body {
	decode_fn *decode;
	const char *before, *after;
} timed_bodies[] = {
	{decode_sunco,
	 "{\"events\":[{\"id\":\"a\",\"type\":\"user:remove\",\"createdAt\":",
	 ",\"payload\":{\"user\":{\"id\":\"65fa10c27be4d90034c1a2b3\"}}}]}"},
	{decode_zendesk,
	 "{\"type\":\"zen:event-type:user.merged\",\"id\":\"a\",\"time\":",
	 ",\"detail\":{\"id\":7}}"},
	{decode_zendesk,
	 "{\"type\":\"zen:event-type:user.identity_deleted\",\"id\":\"a\","
	 "\"time\":",
	 ",\"detail\":{\"id\":7},\"event\":{\"identity\":{\"type\":\"email\","
	 "\"value\":\"a@x.example\"}}}"},
	{decode_zendesk,
	 "{\"ticket_id\":5,\"requester_id\":7,\"updated_at\":", "}"},
};

static int64_t time_in(const struct timed_body *b, const char *time)
{
	struct event_list list;
	char body[512];
	int64_t at_ms;

	event_list_init(&list);
	snprintf(body, sizeof(body), "%s%s%s", b->before, time, b->after);
	assert_int_equal(b->decode(slice_of(body), &list, NULL), RESULT_OK);
	assert_int_equal(list.count, 1);
	at_ms = list.items[0].at_ms;
	event_list_release(&list);
	return at_ms;
}

/* Fractions are cut, the seconds may be missing; what is no time is not
 * said. */
static void test_times_of_events(void **state)
{
	static const struct {
		const char *time;
		int64_t at_ms;
	} rows[] = {
		{"\"2026-03-14T09:26:53.987654321Z\"", ZENDESK_MS + 987},
		{"\"2026-03-14T10:26:53+01:00\"", ZENDESK_MS},
		{"\"2026-03-14T09:26:53\\u005A\"", ZENDESK_MS},
		{"\"2026-03-14T09:26Z\"", ZENDESK_MS - 53000},
		{"\"2026-03-14T10:26+0100\"", ZENDESK_MS - 53000},
		{"\"2099-03-14T09:26:53Z\"", INT64_C(4077163613000)},
		{"\"2026-03-14T09:26\"", 0},
		{"\"2026-03-14\"", 0},
		{"\"2026-03-14T09:26:53.000000000000000000000000000000000000"
		 "00000000000000Z\"",
		 0},
		{"\"yesterday\"", 0},
		{"\"\"", 0},
		{"1773480413", 0},
		{"1773480413.5", 0},
		{"null", 0},
		{"{\"at\":\"2026-03-14T09:26:53Z\"}", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t b = 0; b < ARRAY_LEN(timed_bodies); b++) {
			print_message("%s\n", rows[i].time);
			assert_int_equal(
				time_in(&timed_bodies[b], rows[i].time),
				rows[i].at_ms);
		}
}

/* The hashes are the caller's. */
static void test_addresses_are_forgotten(void **state)
{
	struct slice body =
		SLICE("{\"type\":\"zen:event-type:user.identity_deleted\","
		      "\"id\":\"a\",\"detail\":{\"id\":7},"
		      "\"event\":{\"identity\":{\"type\":\"email\","
		      "\"value\":\"a@x.example\"}}}");
	static const uint8_t none[16];
	struct event_list list;

	(void)state;
	event_list_init(&list);
	assert_int_equal(decode_zendesk(body, &list, NULL), RESULT_OK);
	assert_memory_equal(list.items[0].lost_hash, none, 16);
	assert_non_null(list.items[0].lost);
	event_forget_addresses(&list.items[0]);
	assert_null(list.items[0].lost);
	event_list_release(&list);
}

static void test_several_people_in_one_body(void **state)
{
	struct event_list list = decode_fixture("sunco/several_people.json");

	(void)state;
	assert_int_equal(list.count, 3);
	assert_int_equal(list.ignored, 2);
	assert_int_equal(list.items[0].kind, EVENT_CONVERSATION_CREATE);
	assert_string_equal(list.items[0].sunco_id, PETER);
	assert_int_equal(list.items[1].kind, EVENT_USER_AUTHENTICATED);
	assert_string_equal(list.items[1].sunco_id, GWEN);
	assert_int_equal(list.items[2].kind, EVENT_PASS_CONTROL);
	assert_string_equal(list.items[2].sunco_id, "");
	event_list_release(&list);
}

static void test_odd_ids_are_ignored(void **state)
{
	struct event_list list = decode_fixture("sunco/odd_user_ids.json");

	(void)state;
	assert_int_equal(list.count, 1);
	assert_int_equal(list.ignored, 6);
	assert_int_equal(strlen(list.items[0].sunco_id), 64);
	event_list_release(&list);
}

static void test_no_events(void **state)
{
	struct event_list list = decode_fixture("sunco/no_events.json");

	(void)state;
	assert_int_equal(list.count + list.ignored, 0);
	event_list_release(&list);
}

static void assert_refused(decode_fn *decode, const char *body)
{
	struct event_list list;
	struct error err = {""};

	event_list_init(&list);
	if (decode(slice_of(body), &list, &err) != RESULT_INVALID)
		fail_msg("accepted: %s", body);
	assert_true(err.text[0]);
	assert_null(strstr(err.text, "canary"));
	event_list_release(&list);
}

#define EVENT(text) "{\"events\":[" text "]}"

static void test_no_sunco_envelope(void **state)
{
	static const char *const bodies[] = {
		"",
		"canary",
		"[]",
		"null",
		"\"canary\"",
		"{}",
		"{\"events\":null}",
		"{\"events\":{}}",
		"{\"events\":\"canary\"}",
		EVENT("null"),
		EVENT("[]"),
		EVENT("\"canary\""),
		EVENT("{}"),
		EVENT("{\"type\":\"canary\",\"payload\":{}}"),
		EVENT("{\"id\":\"canary\",\"payload\":{}}"),
		EVENT("{\"id\":\"canary\",\"type\":\"user:remove\"}"),
		EVENT("{\"id\":1,\"type\":\"x\",\"payload\":{}}"),
		EVENT("{\"id\":\"a\",\"type\":null,\"payload\":{}}"),
		EVENT("{\"id\":\"a\",\"type\":\"x\",\"payload\":[]}"),
		EVENT("{\"id\":\"a\",\"type\":\"x\",\"payload\":{}},1"),
		EVENT("{\"id\":\"a\",\"type\":\"x\",\"payload\":{}}") "x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_refused(decode_sunco, bodies[i]);
}

static void test_no_zendesk_envelope(void **state)
{
	static const char *const bodies[] = {
		"",
		"canary",
		"[]",
		"1",
		"{}",
		"{\"canary\":\"canary\"}",
		"{\"type\":\"zen:event-type:user.created\"}",
		"{\"type\":7,\"id\":\"a\",\"detail\":{}}",
		"{\"type\":\"zen:event-type:user.created\",\"id\":7}",
		"{\"v\":1,\"requester_id\":\"8800123\"}",
		"{\"v\":2,\"ticket_id\":\"501\",\"requester_id\":\"8800123\"}",
		"{\"v\":1,\"ticket_id\":null,\"requester_id\":\"8800123\"}",
		"{\"v\":1,\"ticket_id\":{},\"requester_id\":\"8800123\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_refused(decode_zendesk, bodies[i]);
}

/* Whatever a payload holds, an envelope that is right is never refused. */
static void test_odd_payloads_are_ignored(void **state)
{
	static const char *const odd[] = {"null", "1",	  "\"x\"", "[]",
					  "{}",	  "[{}]", "true"};
	static const char *const types[] = {"conversation:create",
					    "conversation:message",
					    "switchboard:passControl",
					    "user:update",
					    "user:merge",
					    "user:remove"};
	char body[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(odd) * ARRAY_LEN(types); i++) {
		const char *part = odd[i % ARRAY_LEN(odd)];
		struct event_list list;

		event_list_init(&list);
		snprintf(body, sizeof(body),
			 EVENT("{\"id\":\"a\",\"type\":\"%s\",\"payload\":{"
			       "\"reason\":\"authentication\",\"user\":%s,"
			       "\"message\":{\"author\":%s},"
			       "\"mergedUsers\":%s,\"conversation\":%s}}"),
			 types[i / ARRAY_LEN(odd)], part, part, part, part);
		assert_int_equal(decode_sunco(slice_of(body), &list, NULL),
				 RESULT_OK);
		assert_int_equal(list.count, 0);
		assert_int_equal(list.ignored, 1);
		event_list_release(&list);
	}
}

static void test_odd_details_are_ignored(void **state)
{
	static const char *const bodies[] = {
		"{\"type\":\"zen:event-type:user.deleted\",\"id\":\"a\"}",
		"{\"type\":\"zen:event-type:user.deleted\",\"id\":\"a\","
		"\"detail\":[]}",
		"{\"type\":\"zen:event-type:user.deleted\",\"id\":\"\","
		"\"detail\":{\"id\":\"7\"}}",
		"{\"type\":\"zen:event-type:user.deleted\",\"id\":\"a\","
		"\"detail\":{\"id\":\"-7\"}}",
		"{\"type\":\"zen:event-type.user.deleted\",\"id\":\"a\","
		"\"detail\":{\"id\":\"7\"}}",
		"{\"type\":\"user.deleted\",\"id\":\"a\","
		"\"detail\":{\"id\":\"7\"}}",
		"{\"type\":\"zen:event-type:\",\"id\":\"a\","
		"\"detail\":{\"id\":\"7\"}}",
		"{\"type\":\"zen:event-type\",\"id\":\"a\","
		"\"detail\":{\"id\":\"7\"}}",
		"{\"type\":\"\",\"id\":\"a\",\"detail\":{\"id\":\"7\"}}",
		"{\"type\":\"zen:event-type:user.identity_created\","
		"\"id\":\"a\",\"detail\":{\"id\":\"7\"},\"event\":[]}",
		"{\"type\":\"zen:event-type:user.created\",\"id\":\"a\","
		"\"detail\":{\"id\":\"7\"}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct event_list list;

		event_list_init(&list);
		assert_int_equal(
			decode_zendesk(slice_of(bodies[i]), &list, NULL),
			RESULT_OK);
		if (list.count || list.ignored != 1)
			fail_msg("not ignored: %s", bodies[i]);
		event_list_release(&list);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sunco_bodies),
		cmocka_unit_test(test_zendesk_bodies),
		cmocka_unit_test(test_times_of_events),
		cmocka_unit_test(test_addresses_are_forgotten),
		cmocka_unit_test(test_several_people_in_one_body),
		cmocka_unit_test(test_odd_ids_are_ignored),
		cmocka_unit_test(test_no_events),
		cmocka_unit_test(test_no_sunco_envelope),
		cmocka_unit_test(test_no_zendesk_envelope),
		cmocka_unit_test(test_odd_payloads_are_ignored),
		cmocka_unit_test(test_odd_details_are_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
