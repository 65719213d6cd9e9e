/*
 * The webhooks that the load generator sends: SunCo's and Zendesk's bodies,
 * every one of them unique and rightly signed. What is the same in all of
 * them is written once; the next request only gets new ids and a signature.
 *
 * Ids are as the providers give them: SunCo's begin with the second and are
 * random behind it, Zendesk's events are random UUIDs, its tickets are counted.
 * Every person is a new one, which is the dearest case.
 */
#ifndef REUNITE_BENCH_LOAD_REQUEST_H
#define REUNITE_BENCH_LOAD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"

#define LOAD_REQUEST_SIZE 4096
#define LOAD_IDS	  12

/* One id in a request: where it is, and of what kind. */
struct load_id {
	size_t at;
	char kind;
};

struct load_request {
	char text[LOAD_REQUEST_SIZE];
	size_t len, body, signature; /* signature: where, 0 for none */
	char stamp[24];
	struct load_id ids[LOAD_IDS];
	size_t id_count;
};

/* Of the kind of this name, to this path of a server on loopback; false if
 * there is no such kind. The key goes into SunCo's header. */
bool load_request_init(struct load_request *r, const char *kind,
		       const char *path, const char *key);
/* The names of all kinds, for a help text. */
const char *load_request_kinds(void);
/* Makes it the n-th of the run that the seed tells from others. */
void load_request_next(struct load_request *r, struct crypto_hmac *secret,
		       uint64_t seed, uint64_t n);

#endif
