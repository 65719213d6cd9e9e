/*
 * The stand-in as a whole: one account behind a listener, with faults, a log
 * of requests, webhooks out and the control endpoints.
 */
#ifndef REUNITE_SANDBOX_SANDBOX_H
#define REUNITE_SANDBOX_SANDBOX_H

#include <stdint.h>

#include "base/error.h"
#include "net/loop.h"
#include "sandbox/account.h"

struct sandbox {
	struct loop *loop;
	struct http_client *http;
	struct http_server *server;
	struct account account;
	struct faults *faults;
	struct reqlog *log;
	struct webhooks *webhooks;
	struct exchange *exchanges; /* under way: gateway.c */
	struct act *acts;	    /* under way: acts.c */
	bool seeded;		    /* reset brings the people back */
};

/* With the people of seed.h unless seeded is false. ca_file: whom webhooks that
 * go out over https trust; NULL: whom the system trusts. */
struct sandbox *sandbox_new(struct loop *loop, bool seeded,
			    const char *ca_file);
void sandbox_free(struct sandbox *sb);
/* As http_server_listen(); sets the account's base URL. */
MUST_CHECK enum result sandbox_listen(struct sandbox *sb, const char *address,
				      struct error *err);
/* Empties and seeds again; settings stay. */
void sandbox_reset(struct sandbox *sb);

#endif
