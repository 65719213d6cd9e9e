/*
 * Signing and opening a messaging JWT: see jwt.h.
 */
#include "core/jwt.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "core/address.h"

/* Characters of UTF-8 text; 0 when it is none. */
static size_t count_characters(const char *text)
{
	struct slice rest = slice_of(text);
	size_t count = 0, len;

	while (rest.len > 0) {
		len = str_utf8_next(rest);
		if (len == 0)
			return 0;
		rest.ptr += len;
		rest.len -= len;
		count++;
	}
	return count;
}

enum result jwt_claims_check(const struct jwt_claims *c, struct error *err)
{
	size_t length = count_characters(c->external_id);
	char address[ADDRESS_SIZE];

	if (length == 0 || length > JWT_EXTERNAL_ID_MAX)
		return error_set(err, RESULT_INVALID,
				 "an external id has 1 to %d characters",
				 JWT_EXTERNAL_ID_MAX);
	if (c->name && !str_is_utf8(slice_of(c->name)))
		return error_set(err, RESULT_INVALID, "the name is not UTF-8");
	if (c->email && !address_normalise(c->email, address))
		return error_set(err, RESULT_INVALID,
				 "that is no e-mail address");
	if (c->email_verified && !c->email)
		return error_set(err, RESULT_INVALID,
				 "there is no address that could be verified");
	return RESULT_OK;
}

struct json_t *jwt_header(const char *kid)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "alg", "HS256");
	json_set_str(v, "kid", kid);
	json_set_str(v, "typ", "JWT");
	return v;
}

struct json_t *jwt_payload(const struct jwt_claims *c)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "scope", "user");
	json_set_str(v, "external_id", c->external_id);
	json_set_int(v, "exp", c->expires_s);
	if (c->name)
		json_set_str(v, "name", c->name);
	if (c->email) {
		json_set_str(v, "email", c->email);
		json_set_bool(v, "email_verified", c->email_verified);
	}
	return v;
}

static void add_part(struct buf *out, const void *data, size_t len)
{
	char *text = xcalloc(CRYPTO_BASE64_SIZE(len), 1);
	size_t n = crypto_base64url(data, len, text);

	buf_append(out, text, n);
	free(text);
}

static void mac_of(struct slice signed_part, struct slice key,
		   uint8_t mac[CRYPTO_SHA256_SIZE])
{
	struct crypto_hmac *h = crypto_hmac_new(key.ptr, key.len);

	crypto_hmac_sign(h, &signed_part, 1, mac);
	crypto_hmac_free(h);
}

char *jwt_sign(struct slice header, struct slice payload, struct slice key)
{
	uint8_t mac[CRYPTO_SHA256_SIZE];
	struct buf token;

	/* two thirds of it are text, and the caller chose how much */
	buf_init(&token, 2 * (header.len + payload.len) + 100);
	add_part(&token, header.ptr, header.len);
	buf_putc(&token, '.');
	add_part(&token, payload.ptr, payload.len);
	mac_of((struct slice){token.data, token.len}, key, mac);
	buf_putc(&token, '.');
	add_part(&token, mac, sizeof(mac));
	return buf_detach(&token);
}

/* Up to the next dot, which goes as well; false at the end. */
static bool next_part(struct slice *rest, struct slice *part)
{
	const char *dot = memchr(rest->ptr, '.', rest->len);

	if (!dot)
		return false;
	*part = (struct slice){rest->ptr, (size_t)(dot - rest->ptr)};
	rest->len -= part->len + 1;
	rest->ptr = dot + 1;
	return true;
}

static struct json_t *decode_part(struct slice part)
{
	char *text = xcalloc(part.len + 1, 1);
	struct json_t *v = NULL;
	size_t len;

	if (crypto_base64url_decode(part, text, &len))
		v = json_parse(text, len, NULL);
	free(text);
	if (v && !json_is_obj(v)) {
		json_free(v);
		v = NULL;
	}
	return v;
}

static bool signature_ok(struct slice signed_part, struct slice signature,
			 struct slice key)
{
	uint8_t want[CRYPTO_SHA256_SIZE], got[CRYPTO_SHA256_SIZE + 3];
	size_t len;

	if (signature.len != 43) /* so that it fits */
		return false;
	if (!crypto_base64url_decode(signature, got, &len) ||
	    len != sizeof(want))
		return false;
	mac_of(signed_part, key, want);
	return crypto_equal(want, got, sizeof(want));
}

static enum result no_token(struct error *err)
{
	return error_set(err, RESULT_INVALID, "this is no HS256 token");
}

enum result jwt_open(struct slice token, struct slice key,
		     struct json_t **header, struct json_t **payload,
		     struct error *err)
{
	struct slice rest = token, first, second;
	struct json_t *head, *body;

	if (token.len > JWT_MAX_BYTES || !next_part(&rest, &first) ||
	    !next_part(&rest, &second))
		return no_token(err);
	head = decode_part(first);
	if (!head || !str_eq(json_get_str(head, "alg"), "HS256")) {
		json_free(head);
		return no_token(err);
	}
	if (!signature_ok((struct slice){token.ptr, first.len + 1 + second.len},
			  rest, key)) {
		json_free(head);
		return error_set(err, RESULT_AUTH, "the signature is wrong");
	}
	body = decode_part(second);
	if (!body) {
		json_free(head);
		return no_token(err);
	}
	*header = head;
	*payload = body;
	return RESULT_OK;
}
