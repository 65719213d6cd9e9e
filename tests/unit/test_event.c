/*
 * Events as values: keys that tell a redelivery from news, and prints that
 * agree with the API's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "core/event.h"

typedef enum result decode_fn(struct slice body, struct event_list *out,
			      struct error *err);

#define EVENT(text) "{\"events\":[" text "]}"

/* A body of each kind, around its id. */
static const struct shape {
	decode_fn *decode;
	const char *before, *after;
} sunco = {decode_sunco, "{\"events\":[{\"id\":\"",
	   "\",\"type\":\"user:remove\","
	   "\"payload\":{\"user\":{\"id\":\"x\"}}}]}"},
  zendesk = {decode_zendesk,
	     "{\"type\":\"zen:event-type:user.deleted\",\"id\":\"",
	     "\",\"detail\":{\"id\":\"7\"}}"},
  trigger = {decode_zendesk, "{\"ticket_id\":\"", "\",\"requester_id\":\"7\"}"};

static struct event_key key_of(const struct shape *s, const char *id)
{
	struct event_list list;
	struct event_key key;
	char body[512];

	snprintf(body, sizeof(body), "%s%s%s", s->before, id, s->after);
	event_list_init(&list);
	assert_int_equal(s->decode(slice_of(body), &list, NULL), RESULT_OK);
	assert_int_equal(list.count, 1);
	key = list.items[0].key;
	event_list_release(&list);
	return key;
}

static bool same_key(struct event_key a, struct event_key b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void test_keys_are_narrow(void **state)
{
	static const uint8_t object_id[] = {'o',  0x66, 0xc0, 0xff, 0xee,
					    0,	  0x11, 0x22, 0x33, 0x44,
					    0x55, 0x66, 0x77};
	struct event_key k = key_of(&sunco, "66c0ffee0011223344556677");

	(void)state;
	assert_int_equal(k.len, sizeof(object_id));
	assert_memory_equal(k.bytes, object_id, sizeof(object_id));
	k = key_of(&zendesk, "0f8fad5b-d9cb-469f-a165-70867728950e");
	assert_int_equal(k.len, 17);
	assert_memory_equal(k.bytes, "U\x0f\x8f\xad\x5b\xd9", 6);
	k = key_of(&zendesk, "01J9ZK3V7Q8W5T2R4Y6M1N0PAB");
	assert_int_equal(k.len, 17);
	assert_int_equal(k.bytes[0], 'H');
}

static void test_keys_differ(void **state)
{
	static const char *const ids[] = {
		"66c0ffee0011223344556677",
		"66c0ffee0011223344556678",
		"66c0ffee001122334455667",
		"66c0ffee00112233445566zz",
		"0f8fad5b-d9cb-469f-a165-70867728950e",
		"0f8fad5b-d9cb-469f-a165-70867728950f",
		"0f8fad5bd9cb469fa16570867728950e",
		"0f8fad5b-d9cb-469f-a165-7086772895-e",
		"0f8fad5b-d9cb-469f-a1654-0867728950e",
		"01J9ZK3V7Q8W5T2R4Y6M1N0PAB",
		"a",
	};
	struct event_key keys[3 * ARRAY_LEN(ids)];
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		keys[count++] = key_of(&sunco, ids[i]);
		keys[count++] = key_of(&zendesk, ids[i]);
		keys[count++] = key_of(&trigger, ids[i]);
		assert_true(
			same_key(keys[count - 1], key_of(&trigger, ids[i])));
		assert_true(same_key(keys[count - 3], key_of(&sunco, ids[i])));
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_false(same_key(keys[i], keys[j]));
	}
}

/* The print of a webhook's user, and of the same text read as the API's. */
static struct event_print webhook_print(const char *user)
{
	struct event_list list;
	struct event_print print;
	char body[4096];

	snprintf(body, sizeof(body),
		 EVENT("{\"id\":\"a\",\"type\":\"user:update\",\"payload\":{"
		       "\"reason\":\"authentication\",\"user\":{\"id\":\"u\","
		       "%s}}}"),
		 user);
	event_list_init(&list);
	assert_int_equal(decode_sunco(slice_of(body), &list, NULL), RESULT_OK);
	assert_int_equal(list.count, 1);
	print = list.items[0].print;
	event_list_release(&list);
	return print;
}

static struct event_print api_print(const char *user)
{
	struct event_print print;
	struct sunco_user u;
	struct json_t *v;
	char text[4096];

	snprintf(text, sizeof(text), "{\"id\":\"u\",%s}", user);
	v = json_parse(text, strlen(text), NULL);
	assert_int_equal(sunco_user_decode(v, &u, NULL), RESULT_OK);
	event_print_of(&u, &print);
	sunco_user_release(&u);
	json_free(v);
	return print;
}

static bool same_print(struct event_print a, struct event_print b)
{
	return a.known && b.known &&
	       memcmp(a.hash, b.hash, sizeof(a.hash)) == 0;
}

#define MAIL(value, how)                                                       \
	"{\"type\":\"email\",\"value\":\"" value "\",\"verification\":\"" how  \
	"\"}"

/* Each says something else. */
static const char *const statements[] = {
	"\"identities\":[]",
	"\"authenticated\":true,\"identities\":[]",
	"\"authenticated\":true,\"externalId\":\"u1\",\"identities\":[]",
	"\"authenticated\":true,\"externalId\":\"u2\",\"identities\":[]",
	"\"authenticated\":true,\"externalId\":4711,\"identities\":[]",
	"\"authenticated\":true,\"identities\":[" MAIL("a@b.example",
						       "embed") "]",
	"\"authenticated\":true,\"identities\":[" MAIL("a@b.example",
						       "typed") "]",
	"\"authenticated\":false,\"identities\":[" MAIL("a@b.example",
							"embed") "]",
	"\"authenticated\":true,\"identities\":[" MAIL("c@b.example",
						       "embed") "]",
	"\"authenticated\":true,\"profile\":{\"email\":\"a@b.example\"}",
	"\"authenticated\":true,\"externalId\":\"u1\\u0000\\ud83d\","
	"\"identities\":[{\"type\":\"phoneNumber\",\"value\":\"+1\"}," MAIL(
		"\\u0061@b.example", "sso") "]",
};

static void test_prints_agree_with_the_api(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		struct event_print p = webhook_print(statements[i]);

		assert_true(same_print(p, api_print(statements[i])));
		for (size_t j = 0; j < i; j++)
			assert_false(same_print(p, api_print(statements[j])));
	}
}

static void test_prints_see_the_same_statement(void **state)
{
	struct event_print p = webhook_print(
		"\"authenticated\":true,\"externalId\":\"4711\",\"identities\":"
		"[" MAIL("a@b.example", "embed") "]");

	(void)state;
	assert_true(same_print(
		p, webhook_print("\"identities\":[" MAIL(
			   "A@B.example",
			   "sso") "],\"profile\":{\"email\":\"x@y.example\"},"
				  "\"externalId\":4711,\"authenticated\":"
				  "true,\"zendeskId\":\"7\"")));
	assert_true(same_print(
		webhook_print("\"externalId\":\"\",\"profile\":{}"),
		webhook_print("\"externalId\":null,\"identities\":null,"
			      "\"authenticated\":false,\"profile\":{}")));
}

static void test_prints_that_are_not_known(void **state)
{
	static const char *const users[] = {
		"\"authenticated\":true",
		"\"authenticated\":true,\"externalId\":\"u1\"",
		"\"profile\":null,\"identities\":null",
		"\"authenticated\":1,\"identities\":[]",
		"\"externalId\":true,\"identities\":[]",
		"\"externalId\":1.5,\"identities\":[]",
		"\"identities\":{},\"profile\":{}",
		"\"identities\":[null]",
		"\"identities\":[{\"type\":\"email\"}]",
		"\"identities\":[{\"value\":\"a@b.example\"}]",
		"\"identities\":[{\"type\":1,\"value\":\"a@b.example\"}]",
		"\"identities\":[{\"type\":\"email\",\"value\":1}]",
		"\"identities\":[{\"type\":\"email\",\"value\":\"a@b.example\","
		"\"verification\":1}]",
		"\"identities\":[],\"profile\":[]",
		"\"profile\":{\"email\":1}",
		/* Several addresses say nothing. */
		"\"identities\":[" MAIL("a@b.example", "sso") "," MAIL(
			"c@b.example", "sso") "]",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		if (webhook_print(users[i]).known)
			fail_msg("known: %s", users[i]);
	}
}

/* Too many identities or too long a text cost a call, and nothing else. */
static void test_prints_are_bounded(void **state)
{
	char user[3500];
	char *p =
		stpcpy(user, "\"identities\":[{\"type\":\"x\",\"value\":\"\"}");

	(void)state;
	for (int i = 1; i < 9; i++) {
		strcpy(p, "]");
		assert_true(webhook_print(user).known);
		p = stpcpy(p, ",{\"type\":\"x\",\"value\":\"\"}");
	}
	strcpy(p, "]");
	assert_false(webhook_print(user).known);
	p = stpcpy(user, "\"identities\":[],\"externalId\":\"");
	memset(p, 'x', 3000);
	strcpy(p + 3000, "\"");
	assert_false(webhook_print(user).known);
	strcpy(p + 1024, "\"");
	assert_true(webhook_print(user).known);
}

static void test_lists_grow(void **state)
{
	struct event_list list;

	(void)state;
	event_list_init(&list);
	for (size_t i = 0; i < 100; i++) {
		struct event *e = event_list_add(&list);

		assert_int_equal(e->ticket_id, 0);
		e->ticket_id = i + 1;
	}
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(list.items[i].ticket_id, i + 1);
	event_list_release(&list);
	assert_int_equal(list.count, 0);
}

/* What comes from the future says nothing, neither does what is not said. */
static void test_times_that_can_be_used(void **state)
{
	const int64_t now = INT64_C(1800000000000);
	static const struct {
		int64_t age_ms;
		bool used, late;
	} rows[] = {
		{0, true, false},
		{1000, true, false},
		{EVENT_LATE_MS, true, false},
		{EVENT_LATE_MS + 1, true, true},
		{INT64_C(1800000000000) - 1, true, true},
		{INT64_C(1800000000000), false, false}, /* not said */
		{INT64_C(1800000000000) + 5, false, false},
		{-1, false, false},
		{-INT64_C(1800000000000), false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct event e = {.at_ms = now - rows[i].age_ms};

		assert_int_equal(event_time_ms(&e, now),
				 rows[i].used ? e.at_ms : 0);
		assert_int_equal(event_is_late(&e, now), rows[i].late);
	}
}

static void test_names(void **state)
{
	enum event_source source;

	(void)state;
	assert_string_equal(event_source_name(EVENT_FROM_SUNCO), "sunco");
	assert_string_equal(event_source_name(EVENT_FROM_ZENDESK), "zendesk");
	assert_string_equal(event_source_name(EVENT_FROM_SWEEP), "sweep");
	assert_string_equal(event_source_name(EVENT_FROM_BACKFILL), "backfill");
	assert_true(event_source_parse("backfill", &source));
	assert_int_equal(source, EVENT_FROM_BACKFILL);
	assert_false(event_source_parse("nowhere", &source));
	assert_false(event_source_parse(NULL, &source));
	assert_string_equal(event_kind_name(EVENT_OTHER), "other");
	assert_string_equal(event_kind_name(EVENT_ZD_USER_DELETED),
			    "zendesk_user_deleted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_narrow),
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test(test_prints_agree_with_the_api),
		cmocka_unit_test(test_prints_see_the_same_statement),
		cmocka_unit_test(test_prints_that_are_not_known),
		cmocka_unit_test(test_prints_are_bounded),
		cmocka_unit_test(test_lists_grow),
		cmocka_unit_test(test_times_that_can_be_used),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
