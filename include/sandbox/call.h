/*
 * One API request, parsed, and its answer; the envelopes of errors; paging.
 *
 * A handler is a function of the call and the account: it sends nothing and
 * knows no connection, so that faults, delays and tests can stand around it.
 */
#ifndef REUNITE_SANDBOX_CALL_H
#define REUNITE_SANDBOX_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CALL_PARAMS_MAX	 3
#define CALL_QUERIES_MAX 20
#define CALL_HEADERS_MAX 1024

struct account;
struct json_t;

enum call_api { CALL_ZENDESK, CALL_SUNCO };
const char *call_api_name(enum call_api api); /* "zendesk", "sunco" */

struct call;
struct answer;
typedef void call_handler(const struct call *c, struct answer *out);

struct route {
	enum call_api api;
	const char *method;
	const char *pattern;  /* "{}" is one segment; README.md lists them */
	const char *name;     /* of the call: for faults and the log */
	const char *resource; /* for scopes; NULL: no credentials needed, "":
				 any will do */
	call_handler *handler;
};

struct call_query {
	const char *name; /* static */
	char *value;
};

struct call {
	struct account *account;
	const struct route *route;
	char *path;
	char *params[CALL_PARAMS_MAX];
	struct call_query queries[CALL_QUERIES_MAX];
	size_t query_count;
	struct json_t *body; /* NULL: none, or not JSON */
	char *authorization; /* or NULL */
	int64_t now_ms;
};

struct answer {
	int status;
	struct json_t *body; /* NULL: none */
	bool applied;	     /* something changed */
	struct buf headers;  /* more lines "Name: value\r\n" */
};

void answer_init(struct answer *a);
void answer_release(struct answer *a);
void call_release(struct call *c);
/* For tests and the gateway: the value is copied. */
void call_add_query(struct call *c, const char *name, const char *value);
const char *call_query(const struct call *c, const char *name); /* or NULL */
int64_t call_query_int(const struct call *c, const char *name, int64_t def);
/* True when the comma-separated parameter holds the word. */
bool call_query_has(const struct call *c, const char *name, const char *word);
uint64_t call_param_id(const struct call *c, size_t i); /* 0: not a number */

/* Answers: each fills out and takes body. */
void call_ok(struct answer *out, int status, struct json_t *body);
void call_not_found(struct answer *out);
void call_forbidden(struct answer *out);
/* 422 RecordInvalid; code (such as "DuplicateValue") may be NULL. */
void call_invalid(struct answer *out, const char *field,
		  const char *description, const char *code);
void call_bad_request(struct answer *out, const char *code, const char *title);
/* 429; Retry-After as the settings say. */
void call_too_many(const struct call *c, struct answer *out, int64_t reset_s);
void call_sunco_error(struct answer *out, int status, const char *code,
		      const char *title);

/* Offset paging, at most 100 a page: which of total are on this one. */
struct page {
	size_t number; /* from 1 */
	size_t size;
	size_t first;
	size_t end;
	size_t total;
};
#define PAGE_SIZE_MAX 100
struct page call_page(const struct call *c, size_t total);
/* Adds next_page, previous_page and count. */
void call_page_links(const struct call *c, const struct page *p,
		     struct json_t *body);
/* Cursor paging: page[size], page[after]; false: the call does not ask for
 * it. A cursor is opaque; one that is not ours starts again. */
bool call_cursor_page(const struct call *c, size_t total, struct page *p);
void call_cursor_links(const struct call *c, const struct page *p,
		       struct json_t *body);
/* Opaque text with characters that need escaping in a URL: *new*. */
char *call_cursor_encode(const char *plain);
char *call_cursor_decode(const char *cursor); /* *new*, or NULL */
/* The call's URL with the parameter set to another value: *new*. */
char *call_url_with(const struct call *c, const char *name, const char *value);

#endif
