/*
 * Queries, answers and paging of one call.
 */
#include "sandbox/call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "net/http_client.h"
#include "sandbox/account.h"
#include "sandbox/words.h"

#define URL_MAX (16 * 1024)

const char *call_api_name(enum call_api api)
{
	return api == CALL_ZENDESK ? "zendesk" : "sunco";
}

void answer_init(struct answer *a)
{
	*a = (struct answer){.status = 0};
	buf_init(&a->headers, CALL_HEADERS_MAX);
}

void answer_release(struct answer *a)
{
	json_free(a->body);
	buf_release(&a->headers);
}

void call_release(struct call *c)
{
	for (size_t i = 0; i < CALL_PARAMS_MAX; i++)
		free(c->params[i]);
	for (size_t i = 0; i < c->query_count; i++)
		free(c->queries[i].value);
	json_free(c->body);
	free(c->path);
	free(c->authorization);
}

void call_add_query(struct call *c, const char *name, const char *value)
{
	struct call_query q = {name, xstrdup(value)};

	c->queries[c->query_count++] = q;
}

const char *call_query(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->query_count; i++) {
		if (str_eq(c->queries[i].name, name))
			return c->queries[i].value;
	}
	return NULL;
}

int64_t call_query_int(const struct call *c, const char *name, int64_t def)
{
	int64_t n = def;

	str_parse_i64(slice_of(call_query(c, name)), &n);
	return n;
}

bool call_query_has(const struct call *c, const char *name, const char *word)
{
	return words_have(call_query(c, name), ',', word);
}

uint64_t call_param_id(const struct call *c, size_t i)
{
	uint64_t id = 0;

	str_parse_u64(slice_of(c->params[i]), &id);
	return id;
}

void call_ok(struct answer *out, int status, struct json_t *body)
{
	json_free(out->body);
	out->status = status;
	out->body = body;
}

void call_not_found(struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set_str(body, "error", "RecordNotFound");
	json_set_str(body, "description", "Not found");
	call_ok(out, 404, body);
}

void call_forbidden(struct answer *out)
{
	struct json_t *body = json_new_obj();
	struct json_t *error = json_new_obj();

	json_set_str(error, "title", "Forbidden");
	json_set_str(error, "message", "You do not have access to this page.");
	json_set(body, "error", error);
	call_ok(out, 403, body);
}

void call_invalid(struct answer *out, const char *field,
		  const char *description, const char *code)
{
	struct json_t *body = json_new_obj();
	struct json_t *details = json_new_obj();
	struct json_t *list = json_new_arr();
	struct json_t *one = json_new_obj();

	json_set_str(one, "description", description);
	if (code)
		json_set_str(one, "error", code);
	json_push(list, one);
	json_set(details, field, list);
	json_set_str(body, "error", "RecordInvalid");
	json_set_str(body, "description", "Record validation errors");
	json_set(body, "details", details);
	call_ok(out, 422, body);
}

static struct json_t *error_list(const char *code, const char *title)
{
	struct json_t *body = json_new_obj();
	struct json_t *list = json_new_arr();
	struct json_t *one = json_new_obj();

	json_set_str(one, "code", code);
	json_set_str(one, "title", title);
	json_push(list, one);
	json_set(body, "errors", list);
	return body;
}

void call_bad_request(struct answer *out, const char *code, const char *title)
{
	struct json_t *body = error_list(code, title);

	json_set_str(json_at(json_get(body, "errors"), 0), "detail", title);
	call_ok(out, 400, body);
}

void call_too_many(const struct call *c, struct answer *out, int64_t reset_s)
{
	struct json_t *body = json_new_obj();

	json_set_str(body, "error", "APIRateLimitExceeded");
	json_set_str(body, "description",
		     "Number of allowed API requests per minute exceeded");
	call_ok(out, 429, body);
	if (c->account->settings.retry_after)
		buf_printf(&out->headers, "Retry-After: %" PRId64 "\r\n",
			   reset_s);
}

void call_sunco_error(struct answer *out, int status, const char *code,
		      const char *title)
{
	call_ok(out, status, error_list(code, title));
}

static struct page page_of(size_t number, size_t size, size_t first,
			   size_t total)
{
	struct page p = {number, size, first, first + size, total};

	if (p.first > total)
		p.first = total;
	if (p.end > total)
		p.end = total;
	return p;
}

static size_t page_size(const struct call *c, const char *name)
{
	int64_t size = call_query_int(c, name, PAGE_SIZE_MAX);

	return size >= 1 && size < PAGE_SIZE_MAX ? (size_t)size : PAGE_SIZE_MAX;
}

struct page call_page(const struct call *c, size_t total)
{
	size_t size = page_size(c, "per_page");
	int64_t number = call_query_int(c, "page", 1);

	if (number < 1 || number > INT32_MAX)
		number = 1;
	return page_of((size_t)number, size, ((size_t)number - 1) * size,
		       total);
}

char *call_url_with(const struct call *c, const char *name, const char *value)
{
	struct buf url;
	char *text;
	char mark = '?';

	buf_init(&url, URL_MAX);
	buf_puts(&url, c->account->base_url);
	buf_puts(&url, c->path);
	for (size_t i = 0; i < c->query_count; i++) {
		if (str_eq(c->queries[i].name, name))
			continue;
		buf_putc(&url, mark);
		http_escape(&url, slice_of(c->queries[i].name));
		buf_putc(&url, '=');
		http_escape(&url, slice_of(c->queries[i].value));
		mark = '&';
	}
	buf_putc(&url, mark);
	http_escape(&url, slice_of(name));
	buf_putc(&url, '=');
	http_escape(&url, slice_of(value));
	text = buf_detach(&url);
	buf_release(&url);
	return text;
}

static void set_link(const struct call *c, struct json_t *body, const char *key,
		     bool there, const char *name, const char *value)
{
	char *url = there ? call_url_with(c, name, value) : NULL;

	json_set_str(body, key, url);
	free(url);
}

void call_page_links(const struct call *c, const struct page *p,
		     struct json_t *body)
{
	char next[24];
	char previous[24];

	snprintf(next, sizeof(next), "%zu", p->number + 1);
	snprintf(previous, sizeof(previous), "%zu", p->number - 1);
	set_link(c, body, "next_page", p->end < p->total, "page", next);
	set_link(c, body, "previous_page", p->number > 1, "page", previous);
	json_set_int(body, "count", (int64_t)p->total);
}

char *call_cursor_encode(const char *plain)
{
	size_t len = strlen(plain);
	char *out = xcalloc(CRYPTO_BASE64_SIZE(len), 1);

	crypto_base64(plain, len, out);
	return out;
}

char *call_cursor_decode(const char *cursor)
{
	struct slice text = slice_of(cursor);
	char *out = xcalloc(text.len + 1, 1);
	size_t len = 0;

	if (!crypto_base64_decode(text, out, &len)) {
		free(out);
		return NULL;
	}
	out[len] = '\0';
	return out;
}

bool call_cursor_page(const struct call *c, size_t total, struct page *p)
{
	const char *after = call_query(c, "page[after]");
	char *plain = after ? call_cursor_decode(after) : NULL;
	size_t first = 0;

	if (!after && !call_query(c, "page[size]"))
		return false;
	if (plain)
		sscanf(plain, "at|%zu|", &first);
	free(plain);
	*p = page_of(0, page_size(c, "page[size]"), first, total);
	return true;
}

void call_cursor_links(const struct call *c, const struct page *p,
		       struct json_t *body)
{
	struct json_t *meta = json_new_obj();
	struct json_t *links = json_new_obj();
	bool more = p->end < p->total;
	char plain[40];
	char *cursor;

	snprintf(plain, sizeof(plain), "at|%zu|", p->end);
	cursor = call_cursor_encode(plain);
	json_set_bool(meta, "has_more", more);
	json_set_str(meta, "after_cursor", more ? cursor : NULL);
	json_set_str(meta, "before_cursor", NULL);
	set_link(c, links, "next", more, "page[after]", cursor);
	json_set_str(links, "prev", NULL);
	json_set(body, "meta", meta);
	json_set(body, "links", links);
	free(cursor);
}
