/*
 * The little cryptography that is needed, over OpenSSL.
 */
#ifndef REUNITE_BASE_CRYPTO_H
#define REUNITE_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define CRYPTO_SHA256_SIZE 32

/* HMAC-SHA256 with the key prepared once; used from one thread at a time. */
struct crypto_hmac;
struct crypto_hmac *crypto_hmac_new(const void *key, size_t len);
void crypto_hmac_free(struct crypto_hmac *h); /* wipes the key */
/* MAC over the concatenation of the parts. */
void crypto_hmac_sign(struct crypto_hmac *h, const struct slice *parts,
		      size_t count, uint8_t out[CRYPTO_SHA256_SIZE]);

void crypto_sha256(const void *data, size_t len,
		   uint8_t out[CRYPTO_SHA256_SIZE]);
/* The same piece by piece. */
struct crypto_sha256;
struct crypto_sha256 *crypto_sha256_new(void);
void crypto_sha256_add(struct crypto_sha256 *h, const void *data, size_t len);
/* The digest so far; frees h. */
void crypto_sha256_end(struct crypto_sha256 *h,
		       uint8_t out[CRYPTO_SHA256_SIZE]);
/* Time depends on len only. */
bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_random(void *out, size_t len); /* aborts when there is none */
void crypto_wipe(void *p, size_t len);

/* RFC 4648. out gets 4*ceil(len/3) characters and a NUL. */
#define CRYPTO_BASE64_SIZE(len) (4 * (((len) + 2) / 3) + 1)
size_t crypto_base64(const void *data, size_t len, char *out);
/* Strict, padded; false on anything else. *out_len <= 3*len/4. */
bool crypto_base64_decode(struct slice text, void *out, size_t *out_len);
/* Without padding, as JWTs want it. */
size_t crypto_base64url(const void *data, size_t len, char *out);
bool crypto_base64url_decode(struct slice text, void *out, size_t *out_len);
void crypto_hex(const void *data, size_t len, char *out); /* 2*len+1 bytes */
bool crypto_unhex(struct slice text, void *out);	  /* text.len/2 bytes */

/* Until when the (first) certificate of the text is good. False: there is
 * none. */
bool crypto_certificate_end(struct slice pem, int64_t *out_wall_ms);

#endif
