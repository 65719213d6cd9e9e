/*
 * JSON from outside: parsed, walked with every getter, written and read back.
 * What was written must parse, and be written the same again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "fuzz.h"

#define WRITTEN_MAX (64 << 20) /* every byte may be escaped */

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void get_all(const struct json_t *v)
{
	char *text = json_get_text(v, "id");

	if (text)
		require(str_is_utf8(slice_of(text)));
	free(text);
	require(json_get_id(v, "id") == 0 || json_is_obj(v));
	require(json_get_int(v, "n", 7) == 7 || json_is_obj(v));
	require(json_get_bool(v, "b", true) || json_is_obj(v));
	require(!json_get_str(v, "s") || json_is_obj(v));
	require(json_is_null(v) + json_is_bool(v) + json_is_num(v) +
			json_is_str(v) + json_is_arr(v) + json_is_obj(v) ==
		1);
	if (json_is_str(v))
		require(str_is_utf8(slice_of(json_str(v))));
}

static void walk(const struct json_t *v)
{
	struct json_t *value;
	size_t count = 0;
	const char *key;
	void *iter = NULL;

	get_all(v);
	while (json_next(v, &iter, &key, &value)) {
		require(str_is_utf8(slice_of(key)));
		require(json_get(v, key) == value);
		walk(value);
		count++;
	}
	for (size_t i = 0; json_is_arr(v) && i < json_len(v); i++) {
		walk(json_at(v, i));
		count++;
	}
	require(json_len(v) == count);
}

static void write_and_read_back(const struct json_t *v)
{
	struct json_t *back, *clone = json_clone(v);
	struct error err;
	struct buf first;
	char *second;

	buf_init(&first, WRITTEN_MAX);
	json_write(v, &first);
	require(!first.overflow && !strpbrk(first.data, "\r\n"));
	back = json_parse(first.data, first.len, &err);
	require(back != NULL);
	second = json_text(back);
	require(!strcmp(first.data, second));
	free(second);
	second = json_text(clone);
	require(!strcmp(first.data, second));
	free(second);
	json_free(back);
	json_free(clone);
	buf_release(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {.text = ""};
	struct json_t *v = json_parse((const char *)data, size, &err);

	if (!v) {
		require(err.text[0] != '\0');
		return 0;
	}
	walk(v);
	write_and_read_back(v);
	json_free(v);
	return 0;
}
