/*
 * The messaging JWT against the example of RFC 7515, appendix A.1, and
 * against tokens that must not open.
 */
#include "unit.h"

#include "base/crypto.h"
#include "base/json.h"
#include "core/jwt.h"

/* appendix A.1.1, octet by octet: line ends are CR LF */
#define RFC_HEADER "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"
#define RFC_PAYLOAD                                                            \
	"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "                       \
	"\"http://example.com/is_root\":true}"
#define RFC_KEY                                                                \
	"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4"  \
	"hcgUuTwjAzZr1Z9CAow"
#define RFC_TOKEN                                                              \
	"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."                            \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl" \
	"LmNvbS9pc19yb290Ijp0cnVlfQ."                                          \
	"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

static struct slice rfc_key(uint8_t out[100])
{
	size_t len;

	assert_true(crypto_base64url_decode(SLICE(RFC_KEY), out, &len));
	assert_int_equal(len, 64);
	return (struct slice){(const char *)out, len};
}

static void the_example_of_rfc_7515(void **state)
{
	uint8_t bytes[100];
	struct slice key = rfc_key(bytes);
	struct json_t *header, *payload;
	char *token = jwt_sign(SLICE(RFC_HEADER), SLICE(RFC_PAYLOAD), key);
	struct error err;

	(void)state;
	assert_string_equal(token, RFC_TOKEN);
	assert_int_equal(
		jwt_open(slice_of(token), key, &header, &payload, &err),
		RESULT_OK);
	assert_string_equal(json_get_str(header, "typ"), "JWT");
	assert_string_equal(json_get_str(payload, "iss"), "joe");
	assert_int_equal(json_get_int(payload, "exp", 0), 1300819380);
	json_free(header);
	json_free(payload);
	free(token);
}

static enum result opens(const char *token, struct slice key)
{
	struct json_t *header, *payload;
	struct error err;
	enum result r = jwt_open(slice_of(token), key, &header, &payload, &err);

	if (r == RESULT_OK) {
		json_free(header);
		json_free(payload);
	}
	return r;
}

static void every_changed_character_is_noticed(void **state)
{
	uint8_t bytes[100];
	struct slice key = rfc_key(bytes);
	char token[] = RFC_TOKEN;

	(void)state;
	for (size_t i = 0; token[i]; i++) {
		char was = token[i];

		token[i] = was == 'A' ? 'B' : 'A';
		if (opens(token, key) == RESULT_OK)
			fail_msg("character %zu may be anything", i);
		token[i] = was;
	}
	assert_int_equal(opens(token, key), RESULT_OK);
	assert_int_equal(opens(token, SLICE("another key")), RESULT_AUTH);
}

/* Signed with the right key, but not what it says. */
static void other_algorithms_are_none(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"none\"}",
		"{\"alg\":\"hs256\"}",
		"{\"alg\":\"HS512\"}",
		"{\"alg\":null}",
		"{}",
		"[\"HS256\"]",
		"\"HS256\"",
		"",
	};
	struct slice key = SLICE("key");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
		char *token = jwt_sign(slice_of(headers[i]), SLICE("{}"), key);

		assert_int_equal(opens(token, key), RESULT_INVALID);
		free(token);
	}
}

static void what_is_no_token(void **state)
{
	static const char *const texts[] = {
		"",
		".",
		"..",
		"...",
		"a.b",
		"a.b.c",
		"eyJhbGciOiJub25lIn0.e30.",
		"eyJhbGciOiJub25lIn0.e30",
		RFC_TOKEN ".",
		"." RFC_TOKEN,
		RFC_TOKEN "=",
	};
	uint8_t bytes[100];
	struct slice key = rfc_key(bytes);
	char *large = xcalloc(JWT_MAX_BYTES + 2, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (opens(texts[i], key) == RESULT_OK)
			fail_msg("taken: %s", texts[i]);
	memset(large, 'A', JWT_MAX_BYTES + 1);
	assert_int_equal(opens(large, key), RESULT_INVALID);
	free(large);
}

static void a_payload_must_be_an_object(void **state)
{
	struct slice key = SLICE("key");
	char *token = jwt_sign(SLICE("{\"alg\":\"HS256\"}"), SLICE("[1]"), key);

	(void)state;
	assert_int_equal(opens(token, key), RESULT_INVALID);
	free(token);
}

static void assert_json(struct json_t *v, const char *want)
{
	char *text = json_text(v);

	assert_string_equal(text, want);
	free(text);
	json_free(v);
}

static void claims_as_the_platform_wants_them(void **state)
{
	struct jwt_claims c = {.external_id = "u1", .expires_s = 1795341600};

	(void)state;
	assert_json(jwt_header("app_1"),
		    "{\"alg\":\"HS256\",\"kid\":\"app_1\",\"typ\":\"JWT\"}");
	assert_json(jwt_payload(&c), "{\"scope\":\"user\","
				     "\"external_id\":\"u1\","
				     "\"exp\":1795341600}");
	c.name = "Zo\xc3\xab \"Z\" Example";
	c.email = "zoe@people.example";
	assert_json(jwt_payload(&c),
		    "{\"scope\":\"user\",\"external_id\":\"u1\","
		    "\"exp\":1795341600,"
		    "\"name\":\"Zo\xc3\xab \\\"Z\\\" Example\","
		    "\"email\":\"zoe@people.example\","
		    "\"email_verified\":false}");
}

static enum result checks(const char *id, const char *email, bool verified)
{
	struct jwt_claims c = {
		.external_id = id, .email = email, .email_verified = verified};
	struct error err;

	return jwt_claims_check(&c, &err);
}

static void claims_are_checked(void **state)
{
	char id[2 * JWT_EXTERNAL_ID_MAX + 3] = "";

	(void)state;
	assert_int_equal(checks("u1", NULL, false), RESULT_OK);
	assert_int_equal(checks("u1", "Zoe@People.example", true), RESULT_OK);
	assert_int_equal(checks("", NULL, false), RESULT_INVALID);
	assert_int_equal(checks("a\xff", NULL, false), RESULT_INVALID);
	assert_int_equal(checks("u1", "zoe", false), RESULT_INVALID);
	assert_int_equal(checks("u1", NULL, true), RESULT_INVALID);
	/* characters, not bytes */
	for (int i = 0; i < JWT_EXTERNAL_ID_MAX; i++)
		strcat(id, "\xc3\xab");
	assert_int_equal(checks(id, NULL, false), RESULT_OK);
	strcat(id, "x");
	assert_int_equal(checks(id, NULL, false), RESULT_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_rfc_7515),
		cmocka_unit_test(every_changed_character_is_noticed),
		cmocka_unit_test(other_algorithms_are_none),
		cmocka_unit_test(what_is_no_token),
		cmocka_unit_test(a_payload_must_be_an_object),
		cmocka_unit_test(claims_as_the_platform_wants_them),
		cmocka_unit_test(claims_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
