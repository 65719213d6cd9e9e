/*
 * Signatures: published and recomputed vectors, rotation, what is missing,
 * wrong or stale, and in which order that is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "core/signature.h"

/* Zendesk's published secret for webhooks that are not saved yet. */
#define TEST_SECRET    "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
#define TEST_TIME      "2021-03-25T05:09:27Z"
#define TEST_BODY      "{\"event\":\"ticket.updated\",\"id\":123}"
#define TEST_SIGNATURE "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM="

#define OWN_BODY                                                               \
	"{\n\t\"type\": \"zen:event-type:user.deleted\",\n"                    \
	"\t\"detail\": { \"id\": \"8800123\" }\n}\n"

#define TOLERANCE_MS (5 * 60 * 1000)

static struct signature_keys *keys(const char *a, const char *b)
{
	const char *const secrets[] = {a, b};

	return signature_keys_new(secrets, !!a + !!b);
}

static enum signature_verdict verdict(const char *secret, const char *signature,
				      const char *timestamp, const char *body,
				      int64_t now_ms, int64_t tolerance_ms)
{
	struct signature_keys *k = keys(secret, NULL);
	enum signature_verdict v =
		signature_zendesk(k, slice_of(signature), slice_of(timestamp),
				  slice_of(body), now_ms, tolerance_ms);

	signature_keys_free(k);
	return v;
}

static int64_t wall(const char *text)
{
	int64_t ms;

	assert_true(clock_parse_iso8601(slice_of(text), &ms));
	return ms;
}

static void test_vectors(void **state)
{
	static const struct {
		const char *secret, *time, *body, *signature;
		enum signature_verdict expected;
	} cases[] = {
		{TEST_SECRET, TEST_TIME, TEST_BODY, TEST_SIGNATURE,
		 SIGNATURE_OK},
		{TEST_SECRET, TEST_TIME, "",
		 "wCdBvXaHttn0wRVIYctzZ9O6O0bnqWakJMEKZ9VoRWw=", SIGNATURE_OK},
		{TEST_SECRET, TEST_TIME, "{}",
		 "OhyuASlMysBOYZdC/6lrc3gA+Lv49zMKyTnxzdRguy4=", SIGNATURE_OK},
		{TEST_SECRET, TEST_TIME, "{\"ticket_id\":\"35436\"}",
		 "X8nsXp/jF8yFWoalWJ8YhSJP6eT1KcsUKqPjccAYIZo=", SIGNATURE_OK},
		/* Signed with the secret base64-decoded. */
		{TEST_SECRET, TEST_TIME, TEST_BODY,
		 "ElGlCykjczJm8dAh5YJyfzGb6ttTqrYPkC81bFc/ZSk=",
		 SIGNATURE_WRONG},
		/* The newline at the end is signed. */
		{"own secret", TEST_TIME, OWN_BODY,
		 "lyr2Dy3aDDK1MqbQo/C5347EijwUxWLmx9MeJw3xLYI=", SIGNATURE_OK},
		{"own secret", TEST_TIME, OWN_BODY,
		 "/qP0wAEJgfhy5OgMWXtxx8hARIyGOY8951fnAgi+Pcc=",
		 SIGNATURE_WRONG},
		/* Signed, but over what is no time. */
		{"own secret", "1234", OWN_BODY,
		 "5eePNqiIBRdgQe4kCOo/+8eTK5ePbtTfJkjiNgZFfiM=",
		 SIGNATURE_MISSING},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(verdict(cases[i].secret, cases[i].signature,
					 cases[i].time, cases[i].body, 0, 0),
				 cases[i].expected);
}

static void test_missing_and_malformed(void **state)
{
	static const char *const signatures[] = {
		NULL,
		"",
		"S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiL",
		"S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM",
		"S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM==",
		"S_RDdU2ERmj7LHDDoWJ2onPYH-t7_f2-LTM4dL7UiLM=",
		"S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiA==",
		"4bf443754d844668fb2c70c3a16276a273d81feb7bfdfdbe",
		" " TEST_SIGNATURE,
	};
	static const char *const times[] = {NULL, "", "yesterday", "1616648967",
					    "2021-03-25"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signatures); i++)
		assert_int_equal(verdict(TEST_SECRET, signatures[i], TEST_TIME,
					 TEST_BODY, 0, 0),
				 SIGNATURE_MISSING);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		assert_int_equal(verdict(TEST_SECRET, TEST_SIGNATURE, times[i],
					 TEST_BODY, 0, 0),
				 SIGNATURE_MISSING);
}

static void test_every_bit_counts(void **state)
{
	char body[] = TEST_BODY;
	char signature[] = TEST_SIGNATURE;

	(void)state;
	for (size_t i = 0; i < strlen(body); i++) {
		body[i] ^= 1;
		assert_int_equal(verdict(TEST_SECRET, TEST_SIGNATURE, TEST_TIME,
					 body, 0, 0),
				 SIGNATURE_WRONG);
		body[i] ^= 1;
	}
	for (size_t i = 0; i < strlen(signature) - 2; i++) {
		char was = signature[i];

		signature[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(verdict(TEST_SECRET, signature, TEST_TIME,
					 TEST_BODY, 0, 0),
				 SIGNATURE_WRONG);
		signature[i] = was;
	}
	/* What moves between timestamp and body is another time. */
	assert_int_equal(verdict(TEST_SECRET, TEST_SIGNATURE,
				 "2021-03-25T05:09:2", "7Z" TEST_BODY, 0, 0),
			 SIGNATURE_MISSING);
}

static void test_tolerance(void **state)
{
	static const struct {
		const char *now;
		enum signature_verdict expected;
	} cases[] = {
		{TEST_TIME, SIGNATURE_OK},
		{"2021-03-25T05:14:27Z", SIGNATURE_OK},
		{"2021-03-25T05:14:27.001Z", SIGNATURE_STALE},
		{"2021-03-25T05:04:27Z", SIGNATURE_OK},
		{"2021-03-25T05:04:26.999Z", SIGNATURE_STALE},
		{"2026-01-01T00:00:00Z", SIGNATURE_STALE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(verdict(TEST_SECRET, TEST_SIGNATURE, TEST_TIME,
					 TEST_BODY, wall(cases[i].now),
					 TOLERANCE_MS),
				 cases[i].expected);
		assert_int_equal(verdict(TEST_SECRET, TEST_SIGNATURE, TEST_TIME,
					 TEST_BODY, wall(cases[i].now), 0),
				 SIGNATURE_OK);
	}
}

/* Whoever cannot sign learns nothing about the clock. */
static void test_wrong_comes_before_stale(void **state)
{
	(void)state;
	assert_int_equal(verdict("another secret", TEST_SIGNATURE, TEST_TIME,
				 TEST_BODY, wall("2026-01-01T00:00:00Z"),
				 TOLERANCE_MS),
			 SIGNATURE_WRONG);
	assert_int_equal(verdict("another secret", TEST_SIGNATURE, "",
				 TEST_BODY, wall("2026-01-01T00:00:00Z"),
				 TOLERANCE_MS),
			 SIGNATURE_MISSING);
}

static void test_rotation(void **state)
{
	struct signature_keys *orders[] = {keys(TEST_SECRET, "own secret"),
					   keys("own secret", TEST_SECRET)};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		assert_int_equal(signature_zendesk(orders[i],
						   SLICE(TEST_SIGNATURE),
						   SLICE(TEST_TIME),
						   SLICE(TEST_BODY), 0, 0),
				 SIGNATURE_OK);
		assert_int_equal(signature_sunco(orders[i], SLICE(TEST_SECRET)),
				 SIGNATURE_OK);
		assert_int_equal(
			signature_sunco(orders[i], SLICE("own secret")),
			SIGNATURE_OK);
		assert_int_equal(
			signature_sunco(orders[i], SLICE("old secret")),
			SIGNATURE_WRONG);
		signature_keys_free(orders[i]);
	}
}

static void test_sunco_key(void **state)
{
	struct signature_keys *k = keys("0123456789abcdef", NULL);

	(void)state;
	assert_int_equal(signature_sunco(k, SLICE("0123456789abcdef")),
			 SIGNATURE_OK);
	assert_int_equal(signature_sunco(k, SLICE("0123456789abcdeF")),
			 SIGNATURE_WRONG);
	assert_int_equal(signature_sunco(k, SLICE("0123456789abcde")),
			 SIGNATURE_WRONG);
	assert_int_equal(signature_sunco(k, SLICE("0123456789abcdef0")),
			 SIGNATURE_WRONG);
	assert_int_equal(signature_sunco(k, SLICE("0123456789abcdef\0")),
			 SIGNATURE_WRONG);
	assert_int_equal(signature_sunco(k, slice_of(NULL)), SIGNATURE_MISSING);
	assert_int_equal(signature_sunco(k, SLICE("")), SIGNATURE_MISSING);
	signature_keys_free(k);
}

static void test_no_secrets_refuse_everything(void **state)
{
	struct signature_keys *k = keys(NULL, NULL);

	(void)state;
	assert_int_equal(signature_sunco(k, SLICE("anything")),
			 SIGNATURE_WRONG);
	assert_int_equal(signature_zendesk(k, SLICE(TEST_SIGNATURE),
					   SLICE(TEST_TIME), SLICE(TEST_BODY),
					   0, 0),
			 SIGNATURE_WRONG);
	signature_keys_free(k);
	signature_keys_free(NULL);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(signature_verdict_name(SIGNATURE_OK), "ok");
	assert_string_equal(signature_verdict_name(SIGNATURE_MISSING),
			    "missing");
	assert_string_equal(signature_verdict_name(SIGNATURE_WRONG), "wrong");
	assert_string_equal(signature_verdict_name(SIGNATURE_STALE), "stale");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_missing_and_malformed),
		cmocka_unit_test(test_every_bit_counts),
		cmocka_unit_test(test_tolerance),
		cmocka_unit_test(test_wrong_comes_before_stale),
		cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_sunco_key),
		cmocka_unit_test(test_no_secrets_refuse_everything),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
