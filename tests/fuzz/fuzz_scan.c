/*
 * The scanner against the JSON library: both accept, or both refuse, but for
 * depth and NUL. In what is accepted every value lies inside its container, every
 * text is UTF-8, and the library sees the same tree.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "core/scan.h"
#include "fuzz.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_inside(struct slice outer, struct slice inner)
{
	require(inner.ptr >= outer.ptr && inner.len <= outer.len &&
		(size_t)(inner.ptr - outer.ptr) <= outer.len - inner.len);
}

static void check_text(struct scan_value v, const struct json_t *j)
{
	size_t size = v.raw.len + 1;
	char *text = xcalloc(1, size);

	if (scan_text(v, text, size)) {
		size_t len = strlen(text);

		require(str_is_utf8(slice_of(text)));
		require(scan_text(v, text, len + 1));
		require(!scan_text(v, text, len));
	}
	if (v.type == SCAN_STRING) {
		require(scan_text(v, text, size));
		require(scan_equals(v, slice_of(text)));
		require(str_eq(json_str(j), text));
	}
	free(text);
	(void)scan_id(v);
}

static void walk(struct scan_value v, const struct json_t *j);

static void walk_member(struct scan_value obj, const struct json_t *j,
			struct scan_value name)
{
	char *text = xcalloc(1, name.raw.len);

	require(name.type == SCAN_STRING);
	require_inside(obj.raw, name.raw);
	require(scan_text(name, text, name.raw.len));
	require(scan_get(obj, text).type != SCAN_ABSENT);
	walk(scan_get(obj, text), json_get(j, text));
	free(text);
}

static void walk(struct scan_value v, const struct json_t *j)
{
	struct scan_value name, child;
	size_t pos = 0, i = 0;

	require(json_is_obj(j) == (v.type == SCAN_OBJECT));
	require(json_is_arr(j) == (v.type == SCAN_ARRAY));
	check_text(v, j);
	while (scan_next(v, &pos, &name, &child)) {
		require_inside(v.raw, child.raw);
		if (v.type == SCAN_OBJECT)
			walk_member(v, j, name);
		else
			walk(child, json_at(j, i++));
	}
	require(v.type != SCAN_ARRAY || i == json_len(j));
}

/* Repeated names make the walk above quadratic per level. */
#define WALKED_MAX_BYTES 4096

/* The library swallows a NUL behind a number, and nests deeper. */
static bool may_differ(struct slice text, const struct error *refusal)
{
	return str_starts(refusal->text, "nested too deep") ||
	       (refusal->text[0] && memchr(text.ptr, '\0', text.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = {(const char *)data, size};
	struct error err = {.text = ""};
	struct scan scan;
	enum result r = scan_read(&scan, text, &err);
	struct json_t *j = json_parse(text.ptr, text.len, NULL);

	require(r == RESULT_OK || (r == RESULT_INVALID && err.text[0]));
	require((r == RESULT_OK) == (j != NULL) || may_differ(text, &err));
	if (r == RESULT_OK) {
		require_inside(text, scan_top(&scan).raw);
		if (size <= WALKED_MAX_BYTES)
			walk(scan_top(&scan), j);
		scan_release(&scan);
	}
	json_free(j);
	return 0;
}
