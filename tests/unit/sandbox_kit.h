/*
 * A stood-in account without a server, for the sandbox's unit tests.
 */
#ifndef REUNITE_TESTS_SANDBOX_KIT_H
#define REUNITE_TESTS_SANDBOX_KIT_H

#include <stdint.h>

#include "base/json.h"
#include "sandbox/account.h"
#include "sandbox/call.h"

struct kit {
	struct account account;
	int64_t now_ms;
	struct answer answer; /* of the last call */
};

int kit_setup(void **state); /* cmocka fixtures: *state is a struct kit */
int kit_teardown(void **state);

/* Settings, people and bodies are JSON with ' in place of ". */
void kit_set(struct kit *k, const char *settings);
void kit_load(struct kit *k, const char *people);
/* target: path and query, not escaped; body may be NULL. The status. */
int kit_call(struct kit *k, const char *method, const char *target,
	     const char *body);
/* "a.0.b": keys and positions in the last answer's body. */
const struct json_t *kit_at(const struct kit *k, const char *path);
const char *kit_str(const struct kit *k, const char *path);
int64_t kit_int(const struct kit *k, const char *path);

struct zen_user *kit_user(const struct kit *k, uint64_t id);
/* How many users there are, inactive ones too. */
size_t kit_user_count(const struct kit *k);

#endif
