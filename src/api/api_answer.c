/*
 * What an answer means: its class, the codes worth telling, its limits.
 *
 * Refuses to take anything for an answer of the API that is not JSON: fronts
 * and proxies answer with pages, and a page says nothing about the request.
 * Out of a refusal only code words are kept; its sentences hold addresses and
 * names.
 */
#include "api_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

enum {
	CODE_MAX = 64,
	CODES_MAX_BYTES = 160,
	WALK_MAX_DEPTH = 8,
};

/* ---- codes ---- */

static bool code_valid(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	return len > 0 && len <= CODE_MAX &&
	       strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static void code_add(struct buf *out, const char *code)
{
	if (code_valid(code) && !strstr(out->data, code))
		buf_printf(out, " %s", code);
}

/* {"key":[{"error":"Code"}]}, as Zendesk's details are. */
static void codes_of_details(struct buf *out, const struct json_t *details)
{
	const char *key;
	struct json_t *list;
	void *iter = NULL;

	while (json_is_obj(details) && json_next(details, &iter, &key, &list))
		for (size_t i = 0; i < json_len(list); i++)
			code_add(out, json_get_str(json_at(list, i), "error"));
}

static void codes_of(struct buf *out, const struct json_t *v)
{
	const struct json_t *error = json_get(v, "error");
	const struct json_t *errors = json_get(v, "errors");

	code_add(out, json_str(error));
	code_add(out, json_get_str(error, "code"));
	code_add(out, json_get_str(error, "title"));
	code_add(out, json_get_str(v, "code"));
	for (size_t i = 0; json_is_arr(errors) && i < json_len(errors); i++)
		code_add(out, json_get_str(json_at(errors, i), "code"));
	codes_of_details(out, json_get(v, "details"));
}

/* ---- flags ---- */

static bool text_has(const char *s, const char *const *words, size_t count)
{
	for (size_t i = 0; s && i < count; i++)
		if (strcasestr(s, words[i]))
			return true;
	return false;
}

/* Whether a text in the tree, or a key, has one of the words. */
static bool tree_has(const struct json_t *v, const char *const *words,
		     size_t count, int depth)
{
	const char *key;
	struct json_t *value;
	void *iter = NULL;

	if (text_has(json_str(v), words, count))
		return true;
	if (depth == WALK_MAX_DEPTH)
		return false;
	for (size_t i = 0; json_is_arr(v) && i < json_len(v); i++)
		if (tree_has(json_at(v, i), words, count, depth + 1))
			return true;
	while (json_is_obj(v) && json_next(v, &iter, &key, &value))
		if (text_has(key, words, count) ||
		    tree_has(value, words, count, depth + 1))
			return true;
	return false;
}

static void flags_set(struct api_result *r, const struct json_t *v)
{
	static const char *const taken[] = {
		"DuplicateValue",
		"already being used",
		"already been taken",
	};
	static const char *const external[] = {
		"external id",
		"external_id",
		"externalid",
	};

	if (r->status != 400 && r->status != 409 && r->status != 422)
		return;
	r->duplicate = tree_has(v, taken, ARRAY_LEN(taken), 0);
	r->mentions_external_id = tree_has(v, external, ARRAY_LEN(external), 0);
}

/* ---- class ---- */

enum body { BODY_EMPTY, BODY_JSON, BODY_FOREIGN };

static enum result class_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return RESULT_AUTH;
	case 404:
		return RESULT_NOTFOUND;
	case 408:
		return RESULT_TEMP;
	case 409:
		return RESULT_CONFLICT;
	case 429:
		return RESULT_RATE;
	}
	if (status >= 200 && status < 300)
		return RESULT_OK;
	return status >= 400 && status < 500 ? RESULT_PERM : RESULT_TEMP;
}

static bool endpoint_unknown(const struct json_t *json)
{
	const struct json_t *error = json_get(json, "error");

	return str_eq(json_str(error), "InvalidEndpoint") ||
	       str_eq(json_get_str(error, "title"), "InvalidEndpoint");
}

static enum result class_of(int status, enum body body,
			    const struct json_t *json)
{
	enum result r = class_of_status(status);

	if (r == RESULT_RATE)
		return r;
	if (body == BODY_FOREIGN)
		return RESULT_TEMP;
	if (body == BODY_EMPTY && r == RESULT_OK && status != 204)
		return RESULT_TEMP;
	if (r == RESULT_NOTFOUND && body == BODY_EMPTY)
		return RESULT_TEMP;
	if (r == RESULT_NOTFOUND && endpoint_unknown(json))
		return RESULT_AUTH;
	return r;
}

/* A refusal in the API's own words was not carried out. */
static bool may_have_effect(int status, enum body body)
{
	if (status == 429)
		return false;
	return status < 400 || status >= 500 || status == 408 ||
	       body == BODY_FOREIGN;
}

static void error_describe(struct api_result *r, enum body body,
			   const struct json_t *json)
{
	struct buf codes;

	if (r->result == RESULT_OK)
		return;
	buf_init(&codes, CODES_MAX_BYTES);
	if (json)
		codes_of(&codes, json);
	error_set(&r->error, r->result, "HTTP %d%s%s", r->status, codes.data,
		  body == BODY_FOREIGN ? ", not an answer of the API" : "");
	buf_release(&codes);
}

/* Seconds or an HTTP date; -1 if absent or neither. */
static int64_t retry_after_ms(const struct http_answer *a, int64_t wall_ms)
{
	struct slice v =
		slice_trim(slice_of(http_answer_header(a, "retry-after")));
	int64_t date_ms;
	uint64_t seconds;

	if (str_parse_u64(v, &seconds))
		return seconds > INT32_MAX ? INT32_MAX
					   : (int64_t)seconds * 1000;
	if (!clock_parse_http_date(v, &date_ms))
		return -1;
	return date_ms > wall_ms ? date_ms - wall_ms : 0;
}

/* *json is *new* for BODY_JSON, else NULL. */
static enum body body_read(struct slice text, struct json_t **json)
{
	text = slice_trim(text);
	*json = NULL;
	if (text.len == 0)
		return BODY_EMPTY;
	*json = json_parse(text.ptr, text.len, NULL);
	if (json_is_obj(*json) || json_is_arr(*json))
		return BODY_JSON;
	json_free(*json);
	*json = NULL;
	return BODY_FOREIGN;
}

struct json_t *api_answer_read(const struct http_answer *a, int64_t wall_ms,
			       struct api_result *r)
{
	struct json_t *json;
	enum body body;

	r->retry_after_ms = -1;
	if (a->result != RESULT_OK) {
		r->result = RESULT_TEMP;
		r->sent = a->sent;
		r->late = a->late;
		r->status = 0;
		r->error = a->error;
		return NULL;
	}
	body = body_read(a->body, &json);
	r->status = a->status;
	r->result = class_of(a->status, body, json);
	r->sent = may_have_effect(a->status, body);
	r->forbidden = r->result == RESULT_AUTH && a->status != 401;
	if (r->result == RESULT_RATE)
		r->retry_after_ms = retry_after_ms(a, wall_ms);
	flags_set(r, json);
	error_describe(r, body, json);
	return json;
}

bool api_answer_is_anonymous(const struct json_t *json, struct api_result *r)
{
	const struct json_t *user = json_get(json, "user");

	if (r->result != RESULT_OK || !json_is_obj(user) ||
	    !json_is_null(json_get(user, "id")))
		return false;
	r->result = error_set(&r->error, RESULT_AUTH,
			      "HTTP %d as to an anonymous user", r->status);
	return true;
}

/* ---- limits ---- */

/* The number at the start of a header ("700", "700, 700;w=60"); -1. */
static int64_t leading_number(const char *s)
{
	struct slice digits = slice_trim(slice_of(s));
	uint64_t n;

	if (digits.len > 0)
		digits.len = strspn(digits.ptr, "0123456789");
	return str_parse_u64(digits, &n) && n <= INT32_MAX ? (int64_t)n : -1;
}

static int64_t header_number(const struct http_answer *a, const char *name,
			     const char *other)
{
	int64_t n = leading_number(http_answer_header(a, name));

	if (n < 0 && other)
		n = leading_number(http_answer_header(a, other));
	return n;
}

static int64_t field(const char *list, const char *name)
{
	const char *p = strcasestr(list, name);

	return p ? leading_number(p + strlen(name)) : -1;
}

/* "total=5; remaining=0; resets=30"; of several, the one with the least. */
static void own_limit(const struct http_answer *a, struct endpoint_headers *out)
{
	void *iter = NULL;
	const char *v;

	while ((v = http_answer_header_next(a, "zendesk-ratelimit-", &iter))) {
		int64_t remaining = field(v, "remaining=");
		int64_t resets = field(v, "resets=");

		if (remaining < 0 ||
		    (out->remaining >= 0 && out->remaining <= remaining))
			continue;
		out->named = true;
		out->total = field(v, "total=");
		out->remaining = remaining;
		out->reset_ms = resets < 0 ? -1 : resets * 1000;
	}
}

static void general_limit(const struct http_answer *a,
			  struct endpoint_headers *out)
{
	int64_t reset_s = header_number(a, "ratelimit-reset", NULL);

	out->total = header_number(a, "x-rate-limit", "ratelimit-limit");
	out->remaining = header_number(a, "x-rate-limit-remaining",
				       "ratelimit-remaining");
	out->reset_ms = reset_s < 0 ? -1 : reset_s * 1000;
}

void api_answer_told(const struct http_answer *a, enum endpoint e,
		     struct api_told *out)
{
	struct endpoint_headers general = ENDPOINT_UNTOLD;

	*out = (struct api_told){BUDGET_UNTOLD, ENDPOINT_UNTOLD};
	if (a->result != RESULT_OK)
		return;
	general_limit(a, &general);
	own_limit(a, &out->own);
	if (!endpoint_speaks_for_itself(e))
		out->account = (struct budget_headers){
			general.total, general.remaining, general.reset_ms};
	else if (!out->own.named)
		out->own = general;
}
