/*
 * Is this body from whom it says? Every live secret is tried on every check,
 * and every comparison is of digests of one length, so that time tells
 * neither which secret matched nor how near a wrong one came.
 *
 * A SunCo key is compared as HMAC-SHA256 under a random key that this
 * process made: the digests cannot be steered from outside, and a secret's
 * length does not show. An account without secrets refuses everything.
 */
#include "core/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"

struct signature_keys {
	struct crypto_hmac *blind; /* random; for the digests below */
	size_t count;
	struct live_secret {
		struct crypto_hmac *hmac;
		uint8_t digest[CRYPTO_SHA256_SIZE];
	} secrets[];
};

static struct crypto_hmac *random_hmac(void)
{
	uint8_t key[CRYPTO_SHA256_SIZE];
	struct crypto_hmac *h;

	crypto_random(key, sizeof(key));
	h = crypto_hmac_new(key, sizeof(key));
	crypto_wipe(key, sizeof(key));
	return h;
}

struct signature_keys *signature_keys_new(const char *const *secrets,
					  size_t count)
{
	struct signature_keys *k;

	k = xcalloc(1, sizeof(*k) + count * sizeof(k->secrets[0]));
	k->blind = random_hmac();
	k->count = count;
	for (size_t i = 0; i < count; i++) {
		struct live_secret *s = &k->secrets[i];
		struct slice text = slice_of(secrets[i]);

		if (text.len == 0)
			abort();
		s->hmac = crypto_hmac_new(text.ptr, text.len);
		crypto_hmac_sign(k->blind, &text, 1, s->digest);
	}
	return k;
}

void signature_keys_free(struct signature_keys *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->count; i++)
		crypto_hmac_free(k->secrets[i].hmac);
	crypto_hmac_free(k->blind);
	crypto_wipe(k, sizeof(*k) + k->count * sizeof(k->secrets[0]));
	free(k);
}

const char *signature_verdict_name(enum signature_verdict v)
{
	switch (v) {
	case SIGNATURE_OK:
		return "ok";
	case SIGNATURE_MISSING:
		return "missing";
	case SIGNATURE_WRONG:
		return "wrong";
	case SIGNATURE_STALE:
		return "stale";
	}
	return "unknown";
}

/* The header's 44 characters as the 32 bytes of a MAC. */
static bool signature_decode(struct slice text, uint8_t mac[CRYPTO_SHA256_SIZE])
{
	uint8_t bytes[CRYPTO_BASE64_SIZE(CRYPTO_SHA256_SIZE)];
	size_t len;

	if (text.len != CRYPTO_BASE64_SIZE(CRYPTO_SHA256_SIZE) - 1 ||
	    !crypto_base64_decode(text, bytes, &len) ||
	    len != CRYPTO_SHA256_SIZE)
		return false;
	memcpy(mac, bytes, CRYPTO_SHA256_SIZE);
	return true;
}

static bool signed_by_any(struct signature_keys *k, struct slice timestamp,
			  struct slice body,
			  const uint8_t mac[CRYPTO_SHA256_SIZE])
{
	const struct slice parts[] = {timestamp, body};
	uint8_t ours[CRYPTO_SHA256_SIZE];
	unsigned int matches = 0;

	for (size_t i = 0; i < k->count; i++) {
		crypto_hmac_sign(k->secrets[i].hmac, parts, ARRAY_LEN(parts),
				 ours);
		matches |= crypto_equal(ours, mac, sizeof(ours));
	}
	return matches;
}

enum signature_verdict signature_zendesk(struct signature_keys *k,
					 struct slice signature,
					 struct slice timestamp,
					 struct slice body, int64_t now_ms,
					 int64_t tolerance_ms)
{
	uint8_t mac[CRYPTO_SHA256_SIZE];
	int64_t sent_ms, apart_ms;

	if (!signature_decode(signature, mac) ||
	    !clock_parse_iso8601(timestamp, &sent_ms))
		return SIGNATURE_MISSING;
	if (!signed_by_any(k, timestamp, body, mac))
		return SIGNATURE_WRONG;
	apart_ms = now_ms > sent_ms ? now_ms - sent_ms : sent_ms - now_ms;
	if (tolerance_ms > 0 && apart_ms > tolerance_ms)
		return SIGNATURE_STALE;
	return SIGNATURE_OK;
}

enum signature_verdict signature_sunco(struct signature_keys *k,
				       struct slice api_key)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	unsigned int matches = 0;

	if (api_key.len == 0)
		return SIGNATURE_MISSING;
	crypto_hmac_sign(k->blind, &api_key, 1, digest);
	for (size_t i = 0; i < k->count; i++)
		matches |= crypto_equal(k->secrets[i].digest, digest,
					sizeof(digest));
	return matches ? SIGNATURE_OK : SIGNATURE_WRONG;
}
