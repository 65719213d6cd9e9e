/*
 * A command's calls about registrations, one after the other, each waited for.
 */
#ifndef REUNITE_CLI_UPSTREAM_H
#define REUNITE_CLI_UPSTREAM_H

#include "api/registration.h"
#include "app/config.h"

struct upstream;
/* With a token of its own, which is not kept. a is borrowed. */
struct upstream *upstream_new(const struct account_config *a,
			      enum api_purpose purpose);
void upstream_free(struct upstream *u);
/* r's result; *answer is *new*, see registration_done; NULL unless OK. */
enum result upstream_ask(struct upstream *u, const struct registration_order *o,
			 struct api_result *r, struct json_t **answer);
struct api_client *upstream_client(struct upstream *u);

#endif
