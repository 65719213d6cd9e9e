/*
 * Certificate, key and rules of a TLS listener: see tls_context.h.
 *
 * Refuses: a key that is encrypted (nobody is there to type a password), a key
 * of another certificate, keys too short for OpenSSL's security level.
 *
 * Tickets carry the session itself, so that nothing is kept for clients that
 * never come back. Nodes do not share their keys: a client that meets another
 * node makes a full handshake.
 */
#include "net/tls_context.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/crypto.h"
#include "base/str.h"
#include "tls_context_int.h"

#define TICKET_S	  3600
#define TICKET_KEYS_MS	  ((int64_t)12 * 3600 * 1000)
#define TICKET_KEYS_BYTES 80

struct tls_context {
	SSL_CTX *ssl;
	int64_t keys_since_ms; /* of the tickets; 0: never used */
};

static int choose_protocol(SSL *ssl, const unsigned char **out,
			   unsigned char *out_len, const unsigned char *in,
			   unsigned int in_len, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";

	(void)ssl;
	(void)arg;
	return SSL_select_next_proto((unsigned char **)out, out_len, ours,
				     sizeof(ours) - 1, in,
				     in_len) == OPENSSL_NPN_NEGOTIATED
		       ? SSL_TLSEXT_ERR_OK
		       : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int have_no_password(char *buf, int size, int writes, void *asked)
{
	(void)buf;
	(void)size;
	(void)writes;
	if (asked)
		*(bool *)asked = true;
	return -1;
}

/* A request says itself where it ends, so a connection that is cut is no
 * danger (RFC 9112, 9.8), and its answer may still arrive. */
static SSL_CTX *new_rules(void)
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

	if (!ssl || !SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) ||
	    !SSL_CTX_set_cipher_list(ssl, "ECDHE+AESGCM:ECDHE+CHACHA20") ||
	    !SSL_CTX_set_num_tickets(ssl, 1))
		abort(); /* memory, or not the library we were built with */
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION |
					 SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ssl, TICKET_S);
	SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
	SSL_CTX_set_default_passwd_cb(ssl, have_no_password);
	return ssl;
}

/* The library's own words for what went wrong, and forgets it. */
static const char *take_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return reason ? reason : "unknown";
}

static enum result open_file(FILE **out, const char *path, struct error *err)
{
	*out = fopen(path, "re");
	if (!*out)
		return error_set(err, RESULT_INVALID, "cannot open %s: %s",
				 path, strerror(errno));
	return RESULT_OK;
}

static enum result load_certificate(SSL_CTX *ssl, const char *path,
				    struct error *err)
{
	FILE *f;
	enum result r = open_file(&f, path, err);

	if (r != RESULT_OK)
		return r;
	fclose(f);
	ERR_clear_error();
	if (SSL_CTX_use_certificate_chain_file(ssl, path) == 1)
		return RESULT_OK;
	return error_set(err, RESULT_INVALID,
			 "%s holds no usable certificate in PEM form (%s)",
			 path, take_reason());
}

static enum result read_key(EVP_PKEY **out, const char *path, struct error *err)
{
	bool asked = false;
	FILE *f;
	enum result r = open_file(&f, path, err);

	if (r != RESULT_OK)
		return r;
	ERR_clear_error();
	*out = PEM_read_PrivateKey(f, NULL, have_no_password, &asked);
	fclose(f);
	if (*out)
		return RESULT_OK;
	if (asked)
		error_set(err, RESULT_INVALID,
			  "%s is encrypted, and there is nobody to ask for its "
			  "password; openssl pkey -in FILE -out NEW writes it "
			  "without one",
			  path);
	else
		error_set(err, RESULT_INVALID,
			  "%s holds no private key in PEM form (%s)", path,
			  take_reason());
	ERR_clear_error();
	return RESULT_INVALID;
}

static enum result load_key(SSL_CTX *ssl, const char *path,
			    const char *certificate, struct error *err)
{
	EVP_PKEY *key;
	enum result r = read_key(&key, path, err);

	if (r != RESULT_OK)
		return r;
	if (X509_check_private_key(SSL_CTX_get0_certificate(ssl), key) != 1)
		r = error_set(err, RESULT_INVALID,
			      "%s is not the key of the first certificate in "
			      "%s",
			      path, certificate);
	else if (SSL_CTX_use_PrivateKey(ssl, key) != 1)
		r = error_set(err, RESULT_INVALID, "%s cannot be used (%s)",
			      path, take_reason());
	EVP_PKEY_free(key);
	ERR_clear_error();
	return r;
}

enum result tls_context_new(struct tls_context **out, const char *certificate,
			    const char *key, enum tls_file *wrong,
			    struct error *err)
{
	SSL_CTX *ssl = new_rules();
	enum result r;

	*wrong = TLS_CERTIFICATE;
	r = load_certificate(ssl, certificate, err);
	if (r == RESULT_OK) {
		*wrong = TLS_KEY;
		r = load_key(ssl, key, certificate, err);
	}
	if (r != RESULT_OK) {
		SSL_CTX_free(ssl);
		return r;
	}
	*out = xcalloc(1, sizeof(**out));
	(*out)->ssl = ssl;
	return RESULT_OK;
}

void tls_context_free(struct tls_context *t)
{
	if (!t)
		return;
	SSL_CTX_free(t->ssl);
	free(t);
}

static int64_t to_ms(const ASN1_TIME *at)
{
	struct tm tm;

	return ASN1_TIME_to_tm(at, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

int64_t tls_context_begins_ms(const struct tls_context *t)
{
	return to_ms(X509_get0_notBefore(SSL_CTX_get0_certificate(t->ssl)));
}

int64_t tls_context_ends_ms(const struct tls_context *t)
{
	return to_ms(X509_get0_notAfter(SSL_CTX_get0_certificate(t->ssl)));
}

bool tls_context_is_for(const struct tls_context *t, const char *host)
{
	X509 *certificate = SSL_CTX_get0_certificate(t->ssl);

	return X509_check_ip_asc(certificate, host, 0) == 1 ||
	       X509_check_host(certificate, host, strlen(host), 0, NULL) == 1;
}

size_t tls_context_chain(const struct tls_context *t)
{
	STACK_OF(X509) *behind = NULL;

	(void)SSL_CTX_get0_chain_certs(t->ssl, &behind);
	return 1 + (behind ? (size_t)sk_X509_num(behind) : 0);
}

static void renew_ticket_keys(struct tls_context *t, int64_t now_ms)
{
	uint8_t keys[TICKET_KEYS_BYTES];

	if (t->keys_since_ms && now_ms - t->keys_since_ms < TICKET_KEYS_MS)
		return;
	crypto_random(keys, sizeof(keys));
	if (SSL_CTX_set_tlsext_ticket_keys(t->ssl, keys, sizeof(keys)) != 1)
		abort();
	crypto_wipe(keys, sizeof(keys));
	t->keys_since_ms = now_ms;
}

SSL *tls_context_connection(struct tls_context *t, int64_t now_ms)
{
	SSL *ssl;

	renew_ticket_keys(t, now_ms);
	ssl = SSL_new(t->ssl);
	if (!ssl)
		abort(); /* memory */
	SSL_set_accept_state(ssl);
	return ssl;
}
