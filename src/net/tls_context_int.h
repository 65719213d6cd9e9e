/*
 * Private to the TLS side of the HTTP server.
 */
#ifndef REUNITE_NET_TLS_CONTEXT_INT_H
#define REUNITE_NET_TLS_CONTEXT_INT_H

#include <openssl/types.h>

#include "net/tls_context.h"

/* The server's end of a new connection, by these rules: *new*. now_ms is
 * monotonic. */
SSL *tls_context_connection(struct tls_context *t, int64_t now_ms);

#endif
