/*
 * Faults on demand: rows that match calls and say what goes wrong, how often
 * and after how many. The first row that matches and is due decides.
 */
#ifndef REUNITE_SANDBOX_FAULTS_H
#define REUNITE_SANDBOX_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "sandbox/call.h"

enum fault_kind {
	FAULT_NONE,
	FAULT_STATUS,	  /* this status, headers and body */
	FAULT_CUT_BEFORE, /* connection closed; nothing happened */
	FAULT_CUT_AFTER,  /* connection closed; it happened */
	FAULT_HANG,	  /* no answer for ms, then closed */
	FAULT_DELAY,	  /* done and answered after ms */
	FAULT_HTML,	  /* a page of the front instead of JSON */
	FAULT_TRUNCATE,	  /* done; the connection dies in the answer's body */
};
const char *fault_kind_name(enum fault_kind k); /* "none", "status", ... */

/* One fault as it strikes; owns its strings. */
struct fault_strike {
	enum fault_kind kind;
	bool applies; /* the call takes effect */
	int64_t ms;
	int status;
	struct json_t *body; /* or NULL */
	char *headers;	     /* "Name: value\r\n"..., or NULL */
};
void fault_strike_release(struct fault_strike *s);

struct faults;
struct faults *faults_new(void);
void faults_free(struct faults *f);
void faults_clear(struct faults *f);
/* A row as POST /_sandbox/faults takes it. */
MUST_CHECK enum result faults_add(struct faults *f, const struct json_t *row,
				  struct error *err);
struct json_t *faults_encode(const struct faults *f); /* *new* array */
/* id: of the user or ticket in the path, 0 if none. out is filled anew. */
void faults_pick(struct faults *f, enum call_api api, const char *call,
		 uint64_t id, struct fault_strike *out);

#endif
