/*
 * What one setting's text means.
 *
 * Refused: control characters anywhere, empty items in lists, words that are
 * not offered, numbers out of range, URLs with anything but a host, a port
 * and a path, http to any other machine, and masked secrets (the output of
 * `check` taken for a configuration). Errors never show the value.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "config_value.h"
#include "store/store.h"

_Static_assert(sizeof(enum apply) == sizeof(int), "KIND_WORD stores an int");

static void *field_of(void *base, const struct config_row *row)
{
	return (char *)base + row->offset;
}

static enum result value_fail(const struct config_raw *raw, struct error *err,
			      const char *fmt, ...) PRINTF_LIKE(3, 4);

static enum result value_fail(const struct config_raw *raw, struct error *err,
			      const char *fmt, ...)
{
	char text[192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(err, RESULT_INVALID, "%s: %s%s %s", raw->where,
			 raw->row->setting->name, raw->is_file ? "_file" : "",
			 text);
}

/* "host", "127.0.0.1", "[::1]" up to a port or a path; 0 if none. */
static size_t host_length(const char *s)
{
	size_t len = 0;

	if (*s == '[') {
		len = strcspn(s, "]/");
		return s[len] == ']' ? len + 1 : 0;
	}
	while (isalnum((unsigned char)s[len]) || s[len] == '-' || s[len] == '.')
		len++;
	return len;
}

static bool host_ok(struct slice host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (host.len == 0)
		return false;
	if (host.ptr[0] != '[')
		return host.ptr[0] != '.' && host.ptr[0] != '-';
	host = (struct slice){host.ptr + 1, host.len - 2};
	return str_copy_slice(text, sizeof(text), host) &&
	       inet_pton(AF_INET6, text, &v6) == 1;
}

static bool host_is_loopback(struct slice host)
{
	char text[64];
	struct in_addr v4;

	if (!str_copy_slice(text, sizeof(text), host))
		return false;
	if (str_eq_nocase(text, "localhost") || str_eq(text, "[::1]"))
		return true;
	return inet_pton(AF_INET, text, &v4) == 1 &&
	       ntohl(v4.s_addr) >> 24 == 127;
}

/* ":8080", up to the end or a path. */
static bool port_ok(const char *s, uint64_t min, size_t *len)
{
	uint64_t port;

	*len = strcspn(s, "/");
	return *s == ':' &&
	       str_parse_u64((struct slice){s + 1, *len - 1}, &port) &&
	       port >= min && port <= 65535;
}

static const char *after_scheme(const char *url)
{
	if (str_starts(url, "https://"))
		return url + 8;
	return str_starts(url, "http://") ? url + 7 : NULL;
}

bool config_url_is_loopback(const char *url)
{
	const char *host = after_scheme(url);

	return host &&
	       host_is_loopback((struct slice){host, host_length(host)});
}

static const char *url_problem(const char *url)
{
	const char *host = after_scheme(url);
	size_t len, port_len = 0;

	if (!host)
		return "must begin with https://";
	len = host_length(host);
	if (!host_ok((struct slice){host, len}))
		return "has no proper host";
	if (host[len] == ':' && !port_ok(host + len, 1, &port_len))
		return "has no proper port";
	if (host[len + port_len] && host[len + port_len] != '/')
		return "has no proper host";
	for (const char *p = host + len + port_len; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("/-._~%", *p))
			return "must end with its path";
	if (str_starts(url, "http://") && !config_url_is_loopback(url))
		return "must begin with https:// (http only for loopback)";
	return NULL;
}

const char *config_origin_problem(const char *url)
{
	const char *problem = url_problem(url);
	const char *path = problem ? NULL : strchr(after_scheme(url), '/');

	if (path && path[1])
		return "must end with its host or port, without a path";
	return problem;
}

static const char *address_problem(const char *s)
{
	size_t len = host_length(s), port_len;

	if ((len > 0 && !host_ok((struct slice){s, len})) ||
	    !port_ok(s + len, 0, &port_len) || s[len + port_len])
		return "must be HOST:PORT";
	return NULL;
}

static const char *store_problem(const char *s)
{
	if (strstr(s, ":" CONFIG_MASK "@") || strstr(s, "=" CONFIG_MASK))
		return "is masked; put the password itself in its place";
	return store_url_ok(s) ? NULL
			       : "must be sqlite:/PATH or a URL as libpq takes "
				 "it, like postgresql://HOST/DATABASE";
}

static const char *text_problem(const struct config_row *row, const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < ' ' || *p == '\177')
			return "holds a control character";
	switch (row->kind) {
	case KIND_URL:
		return url_problem(s);
	case KIND_ORIGIN:
		return *s ? config_origin_problem(s) : NULL;
	case KIND_ADDRESS:
		return address_problem(s);
	case KIND_STORE:
		return store_problem(s);
	case KIND_SECRET:
	case KIND_SECRETS:
		return str_eq(s, CONFIG_MASK) ? "is masked; put the secret "
						"itself in its place"
					      : NULL;
	default:
		return NULL;
	}
}

static void free_text(char *s)
{
	if (s)
		crypto_wipe(s, strlen(s));
	free(s);
}

static bool is_url(const struct config_row *row)
{
	return row->kind == KIND_URL || row->kind == KIND_ORIGIN;
}

static enum result set_text(char **field, const struct config_raw *raw,
			    struct error *err)
{
	const char *problem = text_problem(raw->row, raw->items[0]);
	char *s;

	if (problem)
		return value_fail(raw, err, "%s", problem);
	free_text(*field);
	*field = s = xstrdup(raw->items[0]);
	for (size_t len = strlen(s);
	     is_url(raw->row) && len > 0 && s[len - 1] == '/'; len--)
		s[len - 1] = '\0';
	return RESULT_OK;
}

static void free_list(struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free_text(list->items[i]);
	free(list->items);
	*list = (struct config_list){0};
}

static enum result set_list(struct config_list *field,
			    const struct config_raw *raw, struct error *err)
{
	free_list(field);
	field->items = xcalloc(raw->count + 1, sizeof(char *));
	for (size_t i = 0; i < raw->count; i++) {
		const char *problem = text_problem(raw->row, raw->items[i]);

		if (raw->items[i][0] == '\0')
			problem = "holds an empty value";
		if (problem)
			return value_fail(raw, err, "%s", problem);
		field->items[field->count++] = xstrdup(raw->items[i]);
	}
	return RESULT_OK;
}

static void print_duration(char *out, size_t size, int64_t ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = {{"d", CONFIG_DAY},
		     {"h", CONFIG_HOUR},
		     {"m", CONFIG_MINUTE},
		     {"s", CONFIG_SECOND},
		     {"ms", 1}};
	size_t i = 0;

	while (ms % units[i].ms)
		i++;
	snprintf(out, size, "%lld%s", (long long)(ms / units[i].ms),
		 ms ? units[i].unit : "");
}

void config_number_print(char *out, size_t size, const struct config_row *row,
			 int64_t number)
{
	if (row->kind == KIND_DURATION)
		print_duration(out, size, number);
	else
		snprintf(out, size, "%lld", (long long)number);
}

static enum result set_number(int64_t *field, const struct config_raw *raw,
			      struct error *err)
{
	const struct config_row *row = raw->row;
	struct slice text = slice_of(raw->items[0]);
	bool duration = row->kind == KIND_DURATION;
	char min[32], max[32];
	int64_t number;

	if (!(duration ? str_parse_duration(text, &number)
		       : str_parse_i64(text, &number)))
		return value_fail(raw, err, "must be %s",
				  duration ? "a time such as 250ms, 10s, 3m, "
					     "2h or 14d"
					   : "a whole number");
	if (number < row->min || number > row->max) {
		config_number_print(min, sizeof(min), row, row->min);
		config_number_print(max, sizeof(max), row, row->max);
		return value_fail(raw, err, "must be from %s to %s", min, max);
	}
	*field = number;
	return RESULT_OK;
}

struct slice config_word(const struct config_row *row, size_t i)
{
	const char *at = row->words;

	while (i-- > 0) {
		at = strchr(at, '|');
		if (!at)
			return (struct slice){NULL, 0};
		at++;
	}
	return (struct slice){at, strcspn(at, "|")};
}

static enum result set_word(void *field, const struct config_raw *raw,
			    struct error *err)
{
	const struct config_row *row = raw->row;
	struct slice word;

	for (size_t i = 0; (word = config_word(row, i)).len > 0; i++) {
		if (!slice_eq(word, slice_of(raw->items[0])))
			continue;
		if (row->kind == KIND_SWITCH)
			*(bool *)field = i == 1;
		else
			*(int *)field = (int)i + (int)row->min;
		return RESULT_OK;
	}
	return value_fail(raw, err, "must be one of %s", row->words);
}

enum result config_value_set(void *base, const struct config_raw *raw,
			     struct error *err)
{
	void *field = field_of(base, raw->row);

	switch (raw->row->kind) {
	case KIND_SECRETS:
	case KIND_PATTERNS:
		return set_list(field, raw, err);
	case KIND_DURATION:
	case KIND_INTEGER:
		return set_number(field, raw, err);
	case KIND_WORD:
	case KIND_SWITCH:
		return set_word(field, raw, err);
	default:
		return set_text(field, raw, err);
	}
}

void config_value_default(void *base, const struct config_row *row)
{
	char *fallback = xstrdup(row->setting->fallback);
	struct config_raw raw = {.row = row, .items = &fallback};

	raw.count = *fallback ? 1 : 0;
	if (raw.count > 0 && config_value_set(base, &raw, NULL) != RESULT_OK)
		abort();
	if (raw.count == 0 && !config_row_is_list(row))
		*(char **)field_of(base, row) = xstrdup("");
	free(fallback);
}

void config_value_release(void *base, const struct config_row *row)
{
	void *field = field_of(base, row);

	switch (row->kind) {
	case KIND_SECRETS:
	case KIND_PATTERNS:
		free_list(field);
		break;
	case KIND_DURATION:
	case KIND_INTEGER:
	case KIND_WORD:
	case KIND_SWITCH:
		break;
	default:
		free_text(*(char **)field);
		*(char **)field = NULL;
		break;
	}
}
