/*
 * The little cryptography that is needed, over OpenSSL 3.
 *
 * Algorithms are fetched once, since a fetch costs more than a short MAC.
 * What cannot fail unless memory is out or OpenSSL is broken aborts: a MAC
 * that was not computed must never be compared.
 */
#include "base/crypto.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

struct crypto_hmac {
	EVP_MAC *mac;
	EVP_MAC_CTX *ctx; /* holds the key */
};

struct crypto_sha256 {
	EVP_MD_CTX *ctx;
};

static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256_md;

static void must(bool ok)
{
	if (ok)
		return;
	fputs("crypto: OpenSSL failed\n", stderr);
	abort();
}

struct crypto_hmac *crypto_hmac_new(const void *key, size_t len)
{
	struct crypto_hmac *h = xcalloc(1, sizeof(*h));
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_end(),
	};
	const void *bytes = len ? key : "";

	h->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(h->mac);
	h->ctx = EVP_MAC_CTX_new(h->mac);
	must(h->ctx && EVP_MAC_init(h->ctx, bytes, len, params));
	return h;
}

void crypto_hmac_free(struct crypto_hmac *h)
{
	if (!h)
		return;
	/* OpenSSL cleanses the key when the context goes */
	EVP_MAC_CTX_free(h->ctx);
	EVP_MAC_free(h->mac);
	free(h);
}

void crypto_hmac_sign(struct crypto_hmac *h, const struct slice *parts,
		      size_t count, uint8_t out[CRYPTO_SHA256_SIZE])
{
	size_t len = 0;

	/* without a key: the one it has */
	must(EVP_MAC_init(h->ctx, NULL, 0, NULL));
	for (size_t i = 0; i < count; i++)
		must(!parts[i].len ||
		     EVP_MAC_update(h->ctx, (const unsigned char *)parts[i].ptr,
				    parts[i].len));
	must(EVP_MAC_final(h->ctx, out, &len, CRYPTO_SHA256_SIZE) &&
	     len == CRYPTO_SHA256_SIZE);
}

static void sha256_fetch(void)
{
	sha256_md = EVP_MD_fetch(NULL, "SHA256", NULL);
	must(sha256_md);
}

void crypto_sha256(const void *data, size_t len,
		   uint8_t out[CRYPTO_SHA256_SIZE])
{
	pthread_once(&sha256_once, sha256_fetch);
	must(EVP_Digest(len ? data : "", len, out, NULL, sha256_md, NULL));
}

struct crypto_sha256 *crypto_sha256_new(void)
{
	struct crypto_sha256 *h = xcalloc(1, sizeof(*h));

	pthread_once(&sha256_once, sha256_fetch);
	h->ctx = EVP_MD_CTX_new();
	must(h->ctx && EVP_DigestInit_ex2(h->ctx, sha256_md, NULL));
	return h;
}

void crypto_sha256_add(struct crypto_sha256 *h, const void *data, size_t len)
{
	must(EVP_DigestUpdate(h->ctx, len ? data : "", len));
}

void crypto_sha256_end(struct crypto_sha256 *h, uint8_t out[CRYPTO_SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL));
	EVP_MD_CTX_free(h->ctx);
	free(h);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
	return !len || !CRYPTO_memcmp(a, b, len);
}

void crypto_random(void *out, size_t len)
{
	must(len <= INT_MAX && RAND_bytes(out, (int)len) == 1);
}

void crypto_wipe(void *p, size_t len)
{
	if (len)
		OPENSSL_cleanse(p, len);
}

size_t crypto_base64(const void *data, size_t len, char *out)
{
	must(len <= INT_MAX / 2);
	return (size_t)EVP_EncodeBlock((unsigned char *)out, data, (int)len);
}

/* 0..63, or -1. */
static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* One group of four characters, of which the last pad are '='. */
static bool base64_group(const char *in, size_t pad, uint8_t *out)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4 - pad; i++) {
		int value = base64_value(in[i]);

		if (value < 0)
			return false;
		bits |= (uint32_t)value << (18 - 6 * i);
	}
	/* bits that no byte takes must be 0: one text per value */
	if (bits & ((1u << (8 * pad)) - 1))
		return false;
	for (size_t i = 0; i < 3 - pad; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	return true;
}

bool crypto_base64_decode(struct slice text, void *out, size_t *out_len)
{
	uint8_t *to = out;

	if (text.len % 4)
		return false;
	while (text.len) {
		size_t pad = 0;

		if (text.len == 4 && text.ptr[3] == '=')
			pad = text.ptr[2] == '=' ? 2 : 1;
		if (!base64_group(text.ptr, pad, to))
			return false;
		to += 3 - pad;
		text.ptr += 4;
		text.len -= 4;
	}
	*out_len = (size_t)(to - (uint8_t *)out);
	return true;
}

size_t crypto_base64url(const void *data, size_t len, char *out)
{
	size_t count = crypto_base64(data, len, out);

	while (count && out[count - 1] == '=')
		count--;
	out[count] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (out[i] == '+')
			out[i] = '-';
		else if (out[i] == '/')
			out[i] = '_';
	}
	return count;
}

/* The same text in the other alphabet, padded; NULL when it is none. */
static char *base64_of_url(struct slice text)
{
	size_t padded = (text.len + 3) / 4 * 4;
	char *out = xcalloc(padded + 1, 1);

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '+' || c == '/' || c == '=') {
			free(out);
			return NULL;
		}
		out[i] = (char)(c == '-' ? '+' : c == '_' ? '/' : c);
	}
	memset(out + text.len, '=', padded - text.len);
	return out;
}

bool crypto_base64url_decode(struct slice text, void *out, size_t *out_len)
{
	char *plain = text.len % 4 == 1 ? NULL : base64_of_url(text);
	bool ok =
		plain && crypto_base64_decode(
				 (struct slice){plain, (text.len + 3) / 4 * 4},
				 out, out_len);

	free(plain);
	return ok;
}

void crypto_hex(const void *data, size_t len, char *out)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool crypto_unhex(struct slice text, void *out)
{
	uint8_t *bytes = out;

	if (text.len % 2)
		return false;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_value(text.ptr[i]);
		int low = hex_value(text.ptr[i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* Its end is a day and a time of UTC; the seconds since another such day are
 * what OpenSSL tells. */
static bool seconds_until(const X509 *cert, int64_t *out)
{
	ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int days, seconds;
	bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch,
					  X509_get0_notAfter(cert)) == 1;

	ASN1_TIME_free(epoch);
	if (ok)
		*out = (int64_t)days * 24 * 3600 + seconds;
	return ok;
}

bool crypto_certificate_end(struct slice pem, int64_t *out_wall_ms)
{
	BIO *in;
	X509 *cert = NULL;
	int64_t s;
	bool ok;

	if (pem.len > INT_MAX)
		return false;
	in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
	must(in != NULL);
	cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	ok = cert && seconds_until(cert, &s);
	if (ok)
		*out_wall_ms = s * 1000;
	X509_free(cert);
	BIO_free(in);
	ERR_clear_error();
	return ok;
}
