/*
 * HMAC, hashes and encodings against published vectors.
 */
#include "unit.h"

#include "base/crypto.h"

static void fill(struct slice *s, char *bytes, char value, size_t len)
{
	memset(bytes, value, len);
	*s = (struct slice){bytes, len};
}

static void assert_mac(struct slice key, struct slice text, const char *hex)
{
	struct crypto_hmac *h = crypto_hmac_new(key.ptr, key.len);
	char got[2 * CRYPTO_SHA256_SIZE + 1];
	uint8_t mac[CRYPTO_SHA256_SIZE];

	/* twice: the key must survive the first use */
	for (int i = 0; i < 2; i++) {
		crypto_hmac_sign(h, &text, 1, mac);
		crypto_hex(mac, sizeof(mac), got);
		assert_memory_equal(got, hex, strlen(hex));
	}
	crypto_hmac_free(h);
}

static void hmac_rfc4231(void **state)
{
	char key_bytes[131], text_bytes[50];
	struct slice key, text;

	(void)state;
	fill(&key, key_bytes, 0x0b, 20);
	assert_mac(key, SLICE("Hi There"),
		   "b0344c61d8db38535ca8afceaf0bf12b"
		   "881dc200c9833da726e9376c2e32cff7");
	assert_mac(SLICE("Jefe"), SLICE("what do ya want for nothing?"),
		   "5bdcc146bf60754e6a042426089575c7"
		   "5a003f089d2739839dec58b964ec3843");
	fill(&key, key_bytes, (char)0xaa, 20);
	fill(&text, text_bytes, (char)0xdd, 50);
	assert_mac(key, text,
		   "773ea91e36800e46854db8ebd09181a7"
		   "2959098b3ef8c122d9635514ced565fe");
	for (char i = 0; i < 25; i++)
		key_bytes[(int)i] = (char)(i + 1);
	fill(&text, text_bytes, (char)0xcd, 50);
	assert_mac((struct slice){key_bytes, 25}, text,
		   "82558a389a443c0ea4cc819899f2083a"
		   "85f0faa3e578f8077a2e3ff46729665b");
	fill(&key, key_bytes, 0x0c, 20);
	assert_mac(key, SLICE("Test With Truncation"),
		   "a3b6167473100ee06e0c796c2955552b");
	fill(&key, key_bytes, (char)0xaa, 131);
	assert_mac(key,
		   SLICE("Test Using Larger Than Block-Size Key - Hash Key "
			 "First"),
		   "60e431591ee0b67f0d8a26aacbf5b77f"
		   "8e0bc6213728c5140546040f0ee37f54");
	assert_mac(key,
		   SLICE("This is a test using a larger than block-size key "
			 "and a larger than block-size data. The key needs to "
			 "be hashed before being used by the HMAC algorithm."),
		   "9b09ffa71b942fcb27635fbcd5b0e944"
		   "bfdc63644f0713938a7f51535c3a35e2");
}

/* Zendesk's fixed secret for webhooks that are tried before they are saved:
 * a public constant. It is used as it stands, never decoded. */
#define ZENDESK_SECRET "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
#define ZENDESK_TIME   "2021-03-25T05:09:27Z"

static void zendesk_signature(struct slice key, const char *body,
			      char out[CRYPTO_BASE64_SIZE(32)])
{
	struct slice parts[] = {SLICE(ZENDESK_TIME), slice_of(body)};
	struct crypto_hmac *h = crypto_hmac_new(key.ptr, key.len);
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sign(h, parts, ARRAY_LEN(parts), mac);
	assert_int_equal(crypto_base64(mac, sizeof(mac), out), 44);
	crypto_hmac_free(h);
}

static void hmac_zendesk(void **state)
{
	static const struct {
		const char *body, *signature;
	} rows[] = {
		{"{\"event\":\"ticket.updated\",\"id\":123}",
		 "S/RDdU2ERmj7LHDDoWJ2onPYH+t7/f2+LTM4dL7UiLM="},
		{"", "wCdBvXaHttn0wRVIYctzZ9O6O0bnqWakJMEKZ9VoRWw="},
		{"{}", "OhyuASlMysBOYZdC/6lrc3gA+Lv49zMKyTnxzdRguy4="},
		{"{\"ticket_id\":\"35436\"}",
		 "X8nsXp/jF8yFWoalWJ8YhSJP6eT1KcsUKqPjccAYIZo="},
	};
	char got[CRYPTO_BASE64_SIZE(32)];
	uint8_t decoded[64];
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		zendesk_signature(SLICE(ZENDESK_SECRET), rows[i].body, got);
		assert_string_equal(got, rows[i].signature);
	}
	/* the wrong key: the secret base64-decoded */
	assert_true(crypto_base64_decode(SLICE(ZENDESK_SECRET), decoded, &len));
	zendesk_signature((struct slice){(char *)decoded, len}, rows[0].body,
			  got);
	assert_string_equal(got,
			    "ElGlCykjczJm8dAh5YJyfzGb6ttTqrYPkC81bFc/ZSk=");
}

static void hmac_over_parts_is_over_their_text(void **state)
{
	const struct slice parts[] = {SLICE("what do "),
				      {NULL, 0},
				      SLICE("ya want for"),
				      SLICE(""),
				      SLICE(" nothing?")};
	struct crypto_hmac *h = crypto_hmac_new("Jefe", 4);
	uint8_t whole[CRYPTO_SHA256_SIZE], joined[CRYPTO_SHA256_SIZE];
	struct slice one = SLICE("what do ya want for nothing?");

	(void)state;
	crypto_hmac_sign(h, &one, 1, whole);
	crypto_hmac_sign(h, parts, ARRAY_LEN(parts), joined);
	assert_memory_equal(whole, joined, sizeof(whole));
	crypto_hmac_free(h);
}

static void hmac_of_nothing(void **state)
{
	(void)state;
	assert_mac(SLICE(""), SLICE(""),
		   "b613679a0814d9ec772f95d778c35fc5"
		   "ff1697c493715653c6c712144292c5ad");
	assert_mac((struct slice){NULL, 0}, (struct slice){NULL, 0},
		   "b613679a0814d9ec772f95d778c35fc5"
		   "ff1697c493715653c6c712144292c5ad");
	crypto_hmac_free(NULL);
}

static void keys_do_not_mix(void **state)
{
	struct crypto_hmac *a = crypto_hmac_new("Jefe", 4);
	struct crypto_hmac *b = crypto_hmac_new("other", 5);
	struct slice text = SLICE("what do ya want for nothing?");
	uint8_t first[CRYPTO_SHA256_SIZE], second[CRYPTO_SHA256_SIZE];

	(void)state;
	crypto_hmac_sign(a, &text, 1, first);
	crypto_hmac_sign(b, &text, 1, second);
	assert_memory_not_equal(first, second, sizeof(first));
	crypto_hmac_sign(a, &text, 1, second);
	assert_memory_equal(first, second, sizeof(first));
	crypto_hmac_free(a);
	crypto_hmac_free(b);
}

static void sha256(void **state)
{
	uint8_t hash[CRYPTO_SHA256_SIZE], piecewise[CRYPTO_SHA256_SIZE];
	struct crypto_sha256 *h;
	char hex[2 * CRYPTO_SHA256_SIZE + 1];

	(void)state;
	crypto_sha256("abc", 3, hash);
	crypto_hex(hash, sizeof(hash), hex);
	assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223"
				 "b00361a396177a9cb410ff61f20015ad");
	h = crypto_sha256_new();
	crypto_sha256_add(h, "a", 1);
	crypto_sha256_add(h, NULL, 0);
	crypto_sha256_add(h, "bc", 2);
	crypto_sha256_end(h, piecewise);
	assert_memory_equal(piecewise, hash, sizeof(hash));
	crypto_sha256(NULL, 0, hash);
	crypto_hex(hash, sizeof(hash), hex);
	assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb924"
				 "27ae41e4649b934ca495991b7852b855");
}

static void equality(void **state)
{
	char a[32], b[32];

	(void)state;
	memset(a, 'x', sizeof(a));
	memcpy(b, a, sizeof(b));
	assert_true(crypto_equal(a, b, sizeof(a)));
	assert_true(crypto_equal(a, "y", 0));
	assert_true(crypto_equal(NULL, NULL, 0));
	for (size_t i = 0; i < sizeof(b); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] = (char)(b[i] ^ (1 << bit));
			assert_false(crypto_equal(a, b, sizeof(a)));
			b[i] = (char)(b[i] ^ (1 << bit));
		}
	}
}

static void randomness_differs(void **state)
{
	uint8_t a[16] = {0}, b[16] = {0}, zero[16] = {0};

	(void)state;
	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, zero, sizeof(a));
	crypto_random(a, 0);
}

static void wiping(void **state)
{
	char secret[] = "hush", zero[sizeof(secret)] = {0};

	(void)state;
	crypto_wipe(secret, 0);
	assert_string_equal(secret, "hush");
	crypto_wipe(secret, sizeof(secret));
	assert_memory_equal(secret, zero, sizeof(secret));
	crypto_wipe(NULL, 0);
}

static void base64_rfc4648(void **state)
{
	static const struct {
		const char *plain, *text, *url;
	} rows[] = {
		{"", "", ""},
		{"f", "Zg==", "Zg"},
		{"fo", "Zm8=", "Zm8"},
		{"foo", "Zm9v", "Zm9v"},
		{"foob", "Zm9vYg==", "Zm9vYg"},
		{"fooba", "Zm9vYmE=", "Zm9vYmE"},
		{"foobar", "Zm9vYmFy", "Zm9vYmFy"},
		{"\xfb\xff\xbf", "+/+/", "-_-_"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t plain = strlen(rows[i].plain), len = 99;
		char text[CRYPTO_BASE64_SIZE(6)], back[6];

		assert_int_equal(crypto_base64(rows[i].plain, plain, text),
				 strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
		assert_true(crypto_base64_decode(slice_of(text), back, &len));
		assert_int_equal(len, plain);
		assert_memory_equal(back, rows[i].plain, plain);
		assert_int_equal(crypto_base64url(rows[i].plain, plain, text),
				 strlen(rows[i].url));
		assert_string_equal(text, rows[i].url);
		memset(back, 0, sizeof(back));
		assert_true(
			crypto_base64url_decode(slice_of(text), back, &len));
		assert_int_equal(len, plain);
		assert_memory_equal(back, rows[i].plain, len);
	}
}

static void base64url_is_strict(void **state)
{
	static const char *const bad[] = {"Z",	  "Zg==",  "Zm8=", "+__-",
					  "-_/_", "Zm9vZ", "Zh",   "Zm9",
					  "Zm 9", "Zg\n"};
	uint8_t out[64];
	size_t len = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (crypto_base64url_decode(slice_of(bad[i]), out, &len))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(len, 99);
	}
	assert_true(crypto_base64url_decode(SLICE(""), out, &len));
	assert_int_equal(len, 0);
}

static void base64_is_strict(void **state)
{
	static const char *const bad[] =
		{
			"Z",	    "Zg",	"Zg=",	  "Zg===",    "=",
			"==",	    "====",	"Z===",	  "=Zg=",     "Zg=g",
			"Zg==Zg==", "Zm8=Zm8=", "Zg==\n", " Zg==",    "Zm9v\n",
			"Zm 9v",    "Zm9\n",	"-_-_",	  "Zm9v====", "Zm9*",
			"Zm9\xc3",  "Zh==", /* bits behind the end: another text of "f" */
			"Zm9=",
		};
	uint8_t out[64];
	size_t len = 99;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (crypto_base64_decode(slice_of(bad[i]), out, &len))
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(len, 99);
	}
	assert_false(crypto_base64_decode(SLICE("Zm9\0"), out, &len));
}

static void base64_of_every_byte(void **state)
{
	uint8_t bytes[256], back[256 + 2];
	char text[CRYPTO_BASE64_SIZE(256)];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(255 - i);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		size_t text_len = crypto_base64(bytes, n, text);

		assert_int_equal(text_len + 1, CRYPTO_BASE64_SIZE(n));
		assert_true(crypto_base64_decode((struct slice){text, text_len},
						 back, &len));
		assert_int_equal(len, n);
		assert_memory_equal(back, bytes, n);
	}
}

static void hex(void **state)
{
	static const char *const bad[] = {"0",	"0g",  "g0",  " 0",
					  "0x", "00 ", "0\n", "\xc3\xa4",
					  "+1", "/:",  "@G",  "`0"};
	uint8_t bytes[3] = {0x00, 0x9a, 0xff}, back[3];
	char text[7];

	(void)state;
	crypto_hex(bytes, sizeof(bytes), text);
	assert_string_equal(text, "009aff");
	assert_true(crypto_unhex(slice_of(text), back));
	assert_memory_equal(back, bytes, sizeof(bytes));
	assert_true(crypto_unhex(SLICE("009AfF"), back));
	assert_memory_equal(back, bytes, sizeof(bytes));
	assert_true(crypto_unhex(SLICE(""), back));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(crypto_unhex(slice_of(bad[i]), back));
	crypto_hex(bytes, 0, text);
	assert_string_equal(text, "");
}

/* Good for a week. */
static const char certificate[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBfjCCASOgAwIBAgIUMR0OfShX+0BkmDuYxwnxeEDf/bQwCgYIKoZIzj0EAwIw\n"
	"FDESMBAGA1UEAwwJYS5leGFtcGxlMB4XDTI2MTEyMzAwMzY0MVoXDTI2MTEzMDAw\n"
	"MzY0MVowFDESMBAGA1UEAwwJYS5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0D\n"
	"AQcDQgAEI9ZgCj7Do108KY5+uF/yNfAgQm/sBtggQRORPinwjpGQO95o+kYPBJtH\n"
	"EY8YWGGdc7k5FQcZRo8mKH5GLlNUfqNTMFEwHQYDVR0OBBYEFLSD538Qbgeqv/SJ\n"
	"x5Q1dG3h1ah+MB8GA1UdIwQYMBaAFLSD538Qbgeqv/SJx5Q1dG3h1ah+MA8GA1Ud\n"
	"EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAJrELB3r6zv3y6sFAmTHhnQO\n"
	"Fta8rG/0uM8jJ0MuTXWtAiEAwXiXV8kniJw3PzGLED6z0VtCG2qjg0QK4rrcerBh\n"
	"hsc=\n"
	"-----END CERTIFICATE-----\n";

static void the_end_of_a_certificate(void **state)
{
	int64_t ends_ms = 0;

	(void)state;
	assert_true(crypto_certificate_end(slice_of(certificate), &ends_ms));
	assert_int_equal(ends_ms, INT64_C(1795999001000));
	for (size_t len = 0; len + 2 < sizeof(certificate); len += 50)
		assert_false(crypto_certificate_end(
			(struct slice){certificate, len}, &ends_ms));
	assert_int_equal(ends_ms, INT64_C(1795999001000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hmac_rfc4231),
		cmocka_unit_test(hmac_zendesk),
		cmocka_unit_test(hmac_over_parts_is_over_their_text),
		cmocka_unit_test(hmac_of_nothing),
		cmocka_unit_test(keys_do_not_mix),
		cmocka_unit_test(sha256),
		cmocka_unit_test(equality),
		cmocka_unit_test(randomness_differs),
		cmocka_unit_test(wiping),
		cmocka_unit_test(base64_rfc4648),
		cmocka_unit_test(base64_is_strict),
		cmocka_unit_test(base64url_is_strict),
		cmocka_unit_test(base64_of_every_byte),
		cmocka_unit_test(hex),
		cmocka_unit_test(the_end_of_a_certificate),
	};

	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
