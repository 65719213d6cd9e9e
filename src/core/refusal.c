/*
 * Refusals without what is personal: see refusal.h.
 *
 * Word by word, so that what is not understood is hidden rather than shown.
 */
#include "core/refusal.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"

enum { DIGITS_MAX = 3, NUMBER_MAX = 9999, OUT_MAX = 4 * REFUSAL_TEXT_MAX };

struct names {
	const char *const *items;
	size_t count;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t word_len(struct slice text)
{
	size_t n = 0;

	while (n < text.len && !is_space(text.ptr[n]))
		n++;
	return n;
}

static size_t digits_in(struct slice word)
{
	size_t n = 0;

	for (size_t i = 0; i < word.len; i++)
		n += word.ptr[i] >= '0' && word.ptr[i] <= '9';
	return n;
}

static bool is_mark(char c)
{
	return c != '\0' && strchr(".,:;!?()[]{}<>\"'", c) != NULL;
}

/* Without the marks around it. */
static struct slice bare(struct slice word)
{
	while (word.len > 0 && is_mark(word.ptr[0])) {
		word.ptr++;
		word.len--;
	}
	while (word.len > 0 && is_mark(word.ptr[word.len - 1]))
		word.len--;
	return word;
}

/* Is it a word of this name? */
static bool names_word(const char *name, struct slice word)
{
	struct slice rest = slice_of(name);

	while (rest.len > 0) {
		struct slice next = {rest.ptr, word_len(rest)};

		if (next.len > 0 && slice_eq_nocase(bare(next), word))
			return true;
		rest.ptr += next.len + (next.len < rest.len);
		rest.len -= next.len + (next.len < rest.len);
	}
	return false;
}

static bool is_name(const struct names *names, struct slice word)
{
	for (size_t i = 0; i < names->count; i++)
		if (word.len > 0 && names->items[i] &&
		    names_word(names->items[i], word))
			return true;
	return false;
}

static void word_show(struct buf *out, struct slice word,
		      const struct names *names)
{
	struct slice core = bare(word);

	if (memchr(word.ptr, '@', word.len))
		buf_puts(out, "<address>");
	else if (digits_in(word) > DIGITS_MAX)
		buf_puts(out, "<number>");
	else if (is_name(names, core))
		buf_printf(out, "%.*s<name>%.*s", (int)(core.ptr - word.ptr),
			   word.ptr,
			   (int)(word.ptr + word.len - core.ptr - core.len),
			   core.ptr + core.len);
	else
		buf_append(out, word.ptr, word.len);
}

/* As much as fits, whole words only. */
static struct json_t *text_show(const char *text, const struct names *names)
{
	struct slice rest = slice_of(text);
	struct json_t *v;
	struct buf out;

	buf_init(&out, OUT_MAX);
	while (rest.len > 0) {
		struct slice word = {rest.ptr, word_len(rest)};

		if (out.len + word.len > REFUSAL_TEXT_MAX) {
			buf_puts(&out, "...");
			break;
		}
		word_show(&out, word, names);
		rest.ptr += word.len;
		rest.len -= word.len;
		if (rest.len > 0) {
			buf_putc(&out, ' ');
			rest.ptr++;
			rest.len--;
		}
	}
	v = json_new_str(out.data);
	buf_release(&out);
	return v;
}

static struct json_t *show(const struct json_t *v, const struct names *names,
			   int depth);

static struct json_t *array_show(const struct json_t *v,
				 const struct names *names, int depth)
{
	struct json_t *out = json_new_arr();

	for (size_t i = 0; i < json_len(v) && i < REFUSAL_ITEMS_MAX; i++)
		json_push(out, show(json_at(v, i), names, depth));
	return out;
}

static struct json_t *object_show(const struct json_t *v,
				  const struct names *names, int depth)
{
	struct json_t *out = json_new_obj();
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	int n = 0;

	while (n++ < REFUSAL_ITEMS_MAX && json_next(v, &iter, &key, &value))
		json_set(out, key, show(value, names, depth));
	return out;
}

static struct json_t *show(const struct json_t *v, const struct names *names,
			   int depth)
{
	int64_t n = json_int(v, 0);

	if (depth >= REFUSAL_DEPTH_MAX)
		return json_new_null();
	if (json_is_obj(v))
		return object_show(v, names, depth + 1);
	if (json_is_arr(v))
		return array_show(v, names, depth + 1);
	if (json_is_str(v))
		return text_show(json_str(v), names);
	if (json_is_bool(v))
		return json_new_bool(json_bool(v, false));
	if (json_is_num(v))
		return json_new_int(n > NUMBER_MAX || n < -NUMBER_MAX ? 0 : n);
	return json_new_null();
}

struct json_t *refusal_show(const struct json_t *v, const char *const *names,
			    size_t name_count)
{
	const struct names all = {names, name_count};

	return show(v, &all, 0);
}
