/*
 * For tests of TLS: certificates that nobody else has, and clients' rules.
 */
#ifndef REUNITE_TESTS_TLS_KIT_H
#define REUNITE_TESTS_TLS_KIT_H

#include <stdint.h>

#include <openssl/ssl.h>

#include "net/tls_context.h"

struct tls_kit {
	char folder[40];
	char certificate[60];
	char key[60];
	SSL_CTX *client; /* trusts the certificate alone */
};

struct tls_kit_plan {
	int64_t begins_s, ends_s; /* from now */
	int chain;		  /* how many more certificates behind it */
	const char *password;	  /* of the key; NULL: none */
};

/* For "localhost", a.example and 127.0.0.1; plan NULL: for a day. */
void tls_kit_make(struct tls_kit *k, const struct tls_kit_plan *plan);
void tls_kit_free(struct tls_kit *k);
struct tls_context *tls_kit_context(const struct tls_kit *k); /* *new* */

#endif
