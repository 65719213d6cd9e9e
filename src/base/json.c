/*
 * Typed getters and builders over jansson.
 *
 * jansson fails for four reasons: out of memory, which aborts; text that is
 * not JSON, which json_parse() reports; strings that are not UTF-8, which
 * json_new_str() mends; and misuse (a key set on what is no object), which
 * aborts too, since a record with a hole in it must not reach the store.
 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "json_rewrite.h"

static json_t *must(json_t *v)
{
	if (v)
		return v;
	fputs("json: out of memory or misused\n", stderr);
	abort();
}

static void must_succeed(int rc)
{
	if (!rc)
		return;
	fputs("json: out of memory or misused\n", stderr);
	abort();
}

static const char *fault_name(const json_error_t *e)
{
	switch (json_error_code(e)) {
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_stack_overflow:
		return "nested too deep";
	case json_error_premature_end_of_input:
		return "ends too early";
	case json_error_end_of_input_expected:
		return "goes on behind its end";
	default:
		return "not JSON";
	}
}

struct json_t *json_parse(const char *text, size_t len, struct error *err)
{
	char *rewritten;
	json_error_t e;
	json_t *v;

	/* jansson skips a NUL behind a number */
	if (len && memchr(text, '\0', len)) {
		error_set(err, RESULT_INVALID, "NUL in the text");
		return NULL;
	}
	rewritten = json_rewrite(text, len);
	v = json_loadb(rewritten ? rewritten : text, len, JSON_DECODE_ANY, &e);
	free(rewritten);
	if (v)
		return v;
	if (json_error_code(&e) == json_error_out_of_memory)
		must(NULL);
	error_set(err, RESULT_INVALID, "%s (line %d, column %d)",
		  fault_name(&e), e.line, e.column);
	return NULL;
}

void json_free(struct json_t *v)
{
	json_decref(v);
}

struct json_t *json_clone(const struct json_t *v)
{
	return v ? must(json_deep_copy(v)) : NULL;
}

struct json_t *json_get(const struct json_t *obj, const char *key)
{
	return json_object_get(obj, key);
}

struct json_t *json_at(const struct json_t *arr, size_t i)
{
	return json_array_get(arr, i);
}

size_t json_len(const struct json_t *arr_or_obj)
{
	if (json_is_array(arr_or_obj))
		return json_array_size(arr_or_obj);
	return json_object_size(arr_or_obj);
}

bool json_is_obj(const struct json_t *v)
{
	return json_is_object(v);
}

bool json_is_arr(const struct json_t *v)
{
	return json_is_array(v);
}

bool json_is_str(const struct json_t *v)
{
	return json_is_string(v);
}

/* in parentheses: jansson has a macro of this name */
bool(json_is_null)(const struct json_t *v)
{
	return !v || json_typeof(v) == JSON_NULL;
}

bool json_is_bool(const struct json_t *v)
{
	return json_is_boolean(v);
}

bool json_is_num(const struct json_t *v)
{
	return json_is_number(v);
}

const char *json_str(const struct json_t *v)
{
	return json_string_value(v);
}

int64_t json_int(const struct json_t *v, int64_t def)
{
	return json_is_integer(v) ? json_integer_value(v) : def;
}

bool json_bool(const struct json_t *v, bool def)
{
	return json_is_boolean(v) ? json_is_true(v) : def;
}

const char *json_get_str(const struct json_t *obj, const char *key)
{
	return json_str(json_get(obj, key));
}

int64_t json_get_int(const struct json_t *obj, const char *key, int64_t def)
{
	return json_int(json_get(obj, key), def);
}

bool json_get_bool(const struct json_t *obj, const char *key, bool def)
{
	return json_bool(json_get(obj, key), def);
}

uint64_t json_get_id(const struct json_t *obj, const char *key)
{
	const json_t *v = json_get(obj, key);
	uint64_t id = 0;

	if (json_is_integer(v) && json_integer_value(v) > 0)
		return (uint64_t)json_integer_value(v);
	if (json_is_string(v))
		str_parse_u64(slice_of(json_string_value(v)), &id);
	return id;
}

static char *number_text(const json_t *v)
{
	char text[STR_DOUBLE_SIZE];

	if (json_is_integer(v))
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(v));
	else
		str_double(json_real_value(v), text);
	return xstrdup(text);
}

char *json_get_text(const struct json_t *obj, const char *key)
{
	const json_t *v = json_get(obj, key);

	return json_is_number(v) ? number_text(v) : xstrdup(json_str(v));
}

struct json_t *json_new_obj(void)
{
	return must(json_object());
}

struct json_t *json_new_arr(void)
{
	return must(json_array());
}

/* Bytes that are not UTF-8 become U+FFFD, one each. */
static json_t *new_mended(struct slice s)
{
	struct buf b;
	json_t *v;

	buf_init(&b, 3 * s.len);
	while (s.len) {
		size_t len = str_utf8_next(s);

		if (len)
			buf_append(&b, s.ptr, len);
		else
			buf_puts(&b, "\xef\xbf\xbd");
		s.ptr += len ? len : 1;
		s.len -= len ? len : 1;
	}
	v = must(json_stringn_nocheck(b.data, b.len));
	buf_release(&b);
	return v;
}

struct json_t *json_new_str(const char *s)
{
	struct slice text = slice_of(s);

	if (!s)
		return json_null();
	if (!str_is_utf8(text))
		return new_mended(text);
	return must(json_stringn_nocheck(text.ptr, text.len));
}

struct json_t *json_new_int(int64_t n)
{
	return must(json_integer(n));
}

struct json_t *json_new_bool(bool b)
{
	return json_boolean(b);
}

struct json_t *json_new_null(void)
{
	return json_null();
}

void json_set(struct json_t *obj, const char *key, struct json_t *value)
{
	must_succeed(
		json_object_set_new(obj, key, value ? value : json_null()));
}

void json_set_str(struct json_t *obj, const char *key, const char *value)
{
	json_set(obj, key, json_new_str(value));
}

void json_set_int(struct json_t *obj, const char *key, int64_t value)
{
	json_set(obj, key, json_new_int(value));
}

void json_set_bool(struct json_t *obj, const char *key, bool value)
{
	json_set(obj, key, json_new_bool(value));
}

void json_set_id(struct json_t *obj, const char *key, uint64_t id)
{
	if (id && id <= INT64_MAX)
		json_set_int(obj, key, (int64_t)id);
	else
		json_set(obj, key, NULL);
}

void json_push(struct json_t *arr, struct json_t *value)
{
	must_succeed(json_array_append_new(arr, value ? value : json_null()));
}

bool json_next(const struct json_t *obj, void **iter, const char **key,
	       struct json_t **value)
{
	/* jansson's iterators do not change the object */
	json_t *o = (json_t *)(uintptr_t)obj;

	*iter = *iter ? json_object_iter_next(o, *iter) : json_object_iter(o);
	if (!*iter)
		return false;
	*key = json_object_iter_key(*iter);
	*value = json_object_iter_value(*iter);
	return true;
}

static int write_part(const char *data, size_t len, void *out)
{
	return buf_append(out, data, len) == RESULT_OK ? 0 : -1;
}

void json_write(const struct json_t *v, struct buf *out)
{
	if (!v)
		buf_puts(out, "null");
	else if (json_dump_callback(v, write_part, out,
				    JSON_COMPACT | JSON_ENCODE_ANY))
		out->overflow = true;
}

char *json_text(const struct json_t *v)
{
	char *text = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY)
		       : xstrdup("null");

	if (!text)
		must(NULL);
	return text;
}
