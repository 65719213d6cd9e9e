/*
 * What a listener needs to speak TLS: one certificate with those that lead to
 * its root, its key, and our rules.
 *
 * TLS 1.2 with forward secrecy, and 1.3; HTTP/1.1 is the only protocol offered
 * (ALPN: a client that speaks only others is refused); no renegotiation, no
 * early data, no client certificates, whatever name the client asks for.
 * Sessions are resumed by tickets, whose keys live for half a day at most and
 * never on disk.
 */
#ifndef REUNITE_NET_TLS_CONTEXT_H
#define REUNITE_NET_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct tls_context;

enum tls_file { TLS_CERTIFICATE, TLS_KEY };

/* Reads both PEM files. RESULT_INVALID: *wrong tells which of them is no good,
 * and err why, with its name. Never asks for a password. *out is *new*. */
MUST_CHECK enum result tls_context_new(struct tls_context **out,
				       const char *certificate, const char *key,
				       enum tls_file *wrong, struct error *err);
/* NULL is allowed. Connections keep what they need. */
void tls_context_free(struct tls_context *t);

/* Of the certificate itself, not of those behind it. */
int64_t tls_context_begins_ms(const struct tls_context *t);
int64_t tls_context_ends_ms(const struct tls_context *t);
/* Is it the certificate of a host (a name, or an address)? */
bool tls_context_is_for(const struct tls_context *t, const char *host);
/* How many certificates are sent. */
size_t tls_context_chain(const struct tls_context *t);

#endif
