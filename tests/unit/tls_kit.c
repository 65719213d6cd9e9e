/*
 * A key and a certificate that it signs for itself, in a folder of their own.
 */
#include "tls_kit.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY_S	 ((int64_t)24 * 3600)
#define MAX_LIST (1024 * 1024)

static void name_it(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	X509_EXTENSION *alt =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
				    "DNS:localhost,DNS:a.example,IP:127.0.0.1");

	assert_non_null(alt);
	assert_int_equal(X509_NAME_add_entry_by_txt(
				 name, "CN", MBSTRING_ASC,
				 (const unsigned char *)"localhost", -1, -1, 0),
			 1);
	assert_int_equal(X509_set_issuer_name(x, name), 1);
	assert_int_equal(X509_add_ext(x, alt, -1), 1);
	X509_EXTENSION_free(alt);
}

static X509 *certify(EVP_PKEY *key, int64_t begins_s, int64_t ends_s)
{
	X509 *x = X509_new();

	assert_non_null(x);
	assert_int_equal(X509_set_version(x, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), begins_s);
	X509_gmtime_adj(X509_getm_notAfter(x), ends_s);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	name_it(x);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void write_key(const char *path, EVP_PKEY *key, const char *password)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(
				 f, key, password ? EVP_aes_128_cbc() : NULL,
				 NULL, 0, NULL, (void *)(uintptr_t)password),
			 1);
	fclose(f);
}

void tls_kit_make(struct tls_kit *k, const struct tls_kit_plan *plan)
{
	static const struct tls_kit_plan a_day = {.ends_s = DAY_S};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f;
	X509 *x;

	if (!plan)
		plan = &a_day;
	assert_non_null(key);
	snprintf(k->folder, sizeof(k->folder), "/tmp/reunite-tls-XXXXXX");
	assert_non_null(mkdtemp(k->folder));
	snprintf(k->certificate, sizeof(k->certificate), "%s/c.pem", k->folder);
	snprintf(k->key, sizeof(k->key), "%s/k.pem", k->folder);
	write_key(k->key, key, plan->password);
	x = certify(key, plan->begins_s, plan->ends_s);
	f = fopen(k->certificate, "w");
	assert_non_null(f);
	for (int i = 0; i <= plan->chain; i++)
		assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	k->client = SSL_CTX_new(TLS_client_method());
	assert_non_null(k->client);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(k->client), x);
	SSL_CTX_set_verify(k->client, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_cert_list(k->client, MAX_LIST);
	SSL_CTX_set_mode(k->client,
			 SSL_MODE_ENABLE_PARTIAL_WRITE |
				 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	X509_free(x);
	EVP_PKEY_free(key);
}

void tls_kit_free(struct tls_kit *k)
{
	SSL_CTX_free(k->client);
	unlink(k->certificate);
	unlink(k->key);
	assert_int_equal(rmdir(k->folder), 0);
}

struct tls_context *tls_kit_context(const struct tls_kit *k)
{
	struct tls_context *t;
	enum tls_file wrong;
	struct error err;

	if (tls_context_new(&t, k->certificate, k->key, &wrong, &err) !=
	    RESULT_OK)
		fail_msg("%s", err.text);
	return t;
}
