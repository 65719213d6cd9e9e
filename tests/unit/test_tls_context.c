/*
 * Certificates and keys as they lie on disks: what is taken, and what is said
 * about what is not.
 */
#include "unit.h"

#include "base/clock.h"
#include "base/str.h"
#include "tls_kit.h"

#include "../../src/net/tls_context_int.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

static void refuses(const char *certificate, const char *key,
		    enum tls_file expected, const char *words)
{
	struct tls_context *t = NULL;
	enum tls_file wrong;
	struct error err;

	assert_int_equal(tls_context_new(&t, certificate, key, &wrong, &err),
			 RESULT_INVALID);
	assert_null(t);
	assert_int_equal(wrong, expected);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
	assert_non_null(strstr(err.text, wrong == TLS_KEY ? key : certificate));
}

static void a_pair_is_taken(void **state)
{
	struct tls_context *t;
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, NULL);
	t = tls_kit_context(&k);
	assert_true(tls_context_ends_ms(t) - clock_wall_ms() <= DAY_MS);
	assert_true(tls_context_ends_ms(t) - clock_wall_ms() > DAY_MS / 2);
	assert_int_equal(tls_context_ends_ms(t) - tls_context_begins_ms(t),
			 DAY_MS);
	assert_int_equal(tls_context_chain(t), 1);
	tls_context_free(t);
	tls_kit_free(&k);
	tls_context_free(NULL);
}

static void a_chain_is_taken_whole(void **state)
{
	const struct tls_kit_plan plan = {.ends_s = 1000, .chain = 2};
	struct tls_context *t;
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, &plan);
	t = tls_kit_context(&k);
	assert_int_equal(tls_context_chain(t), 3);
	tls_context_free(t);
	tls_kit_free(&k);
}

static void it_is_told_whose_it_is(void **state)
{
	struct tls_context *t;
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, NULL);
	t = tls_kit_context(&k);
	assert_true(tls_context_is_for(t, "localhost"));
	assert_true(tls_context_is_for(t, "A.example"));
	assert_true(tls_context_is_for(t, "127.0.0.1"));
	assert_false(tls_context_is_for(t, "b.example"));
	assert_false(tls_context_is_for(t, "127.0.0.2"));
	assert_false(tls_context_is_for(t, ""));
	tls_context_free(t);
	tls_kit_free(&k);
}

/* It is the daemon that tells of it: everything else works. */
static void one_that_has_ended_is_taken(void **state)
{
	const struct tls_kit_plan plan = {.begins_s = -1000, .ends_s = -10};
	struct tls_context *t;
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, &plan);
	t = tls_kit_context(&k);
	assert_true(tls_context_ends_ms(t) < clock_wall_ms());
	tls_context_free(t);
	tls_kit_free(&k);
}

static void files_that_cannot_be_read(void **state)
{
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, NULL);
	refuses("/no/such.pem", k.key, TLS_CERTIFICATE,
		"cannot open /no/such.pem: No such file");
	refuses(k.certificate, "/no/such.pem", TLS_KEY,
		"cannot open /no/such.pem: No such file");
	refuses(k.folder, k.key, TLS_CERTIFICATE, "holds no usable");
	refuses(k.certificate, k.folder, TLS_KEY, "holds no private key");
	tls_kit_free(&k);
}

static void files_that_hold_something_else(void **state)
{
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, NULL);
	refuses("/dev/null", k.key, TLS_CERTIFICATE, "in PEM form");
	refuses(k.certificate, "/dev/null", TLS_KEY, "in PEM form");
	refuses(k.key, k.key, TLS_CERTIFICATE, "holds no usable certificate");
	refuses(k.certificate, k.certificate, TLS_KEY, "holds no private key");
	tls_kit_free(&k);
}

static void a_key_of_another_certificate(void **state)
{
	struct tls_kit k, other;

	(void)state;
	tls_kit_make(&k, NULL);
	tls_kit_make(&other, NULL);
	refuses(k.certificate, other.key, TLS_KEY,
		"is not the key of the first certificate in ");
	tls_kit_free(&k);
	tls_kit_free(&other);
}

/* Without a question on a terminal that would hang a start at boot. */
static void an_encrypted_key_is_refused_without_a_question(void **state)
{
	const struct tls_kit_plan plan = {.ends_s = 1000,
					  .password = "hunter2"};
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, &plan);
	refuses(k.certificate, k.key, TLS_KEY, "is encrypted");
	refuses(k.key, k.key, TLS_CERTIFICATE, "holds no usable certificate");
	tls_kit_free(&k);
}

static void ticket_keys_at(struct tls_context *t, int64_t now_ms,
			   uint8_t out[80])
{
	SSL *ssl = tls_context_connection(t, now_ms);

	assert_int_equal(
		SSL_CTX_get_tlsext_ticket_keys(SSL_get_SSL_CTX(ssl), out, 80),
		1);
	SSL_free(ssl);
}

/* Whoever finds them later reads no more than half a day of TLS 1.2. */
static void keys_of_tickets_live_for_half_a_day(void **state)
{
	uint8_t first[80], later[80], other[80];
	struct tls_context *t;
	struct tls_kit k;

	(void)state;
	tls_kit_make(&k, NULL);
	t = tls_kit_context(&k);
	ticket_keys_at(t, 1000, first);
	ticket_keys_at(t, 1000 + DAY_MS / 2 - 1, later);
	ticket_keys_at(t, 1000 + DAY_MS / 2, other);
	assert_memory_equal(first, later, sizeof(first));
	assert_memory_not_equal(first, other, sizeof(first));
	tls_context_free(t);
	tls_kit_free(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_is_taken),
		cmocka_unit_test(a_chain_is_taken_whole),
		cmocka_unit_test(it_is_told_whose_it_is),
		cmocka_unit_test(one_that_has_ended_is_taken),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(files_that_hold_something_else),
		cmocka_unit_test(a_key_of_another_certificate),
		cmocka_unit_test(keys_of_tickets_live_for_half_a_day),
		cmocka_unit_test(
			an_encrypted_key_is_refused_without_a_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
