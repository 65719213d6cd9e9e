/*
 * `explain --facts FILE`: one object, in as many lines as it likes, or one
 * object a line. Answers come in the same order; a line that is wrong is
 * named on the error output, and the others are answered all the same.
 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "explain.h"

#define FACTS_MAX_BYTES (64U << 20)

struct facts_file {
	struct cli *cli;
	const char *name;
	size_t answered;
	bool wrong;
};

/* The parser counts lines from the start of what it was given. */
static void complain(struct facts_file *file, size_t first_line,
		     struct error *err)
{
	char *place = strstr(err->text, " (line ");
	size_t line = 1;

	if (place && sscanf(place, " (line %zu", &line) == 1)
		*place = '\0';
	fprintf(file->cli->err, "%s:%zu: %s\n", file->name,
		first_line + line - 1, err->text);
	file->wrong = true;
}

static void answer(struct facts_file *file, const struct json_t *v, size_t line)
{
	struct error err = {""};
	struct policy_rules r;
	struct facts f;

	if (facts_decode(v, &f, &r, &err) != RESULT_OK) {
		complain(file, line, &err);
		return;
	}
	if (file->answered++ > 0 && !file->cli->json)
		fputc('\n', file->cli->out);
	explain_answer(file->cli, &f, &r);
	facts_release(&f);
}

/* The next line without its end; false behind the last one. */
static bool next_line(struct slice *rest, struct slice *line)
{
	const char *end;

	if (rest->len == 0)
		return false;
	end = memchr(rest->ptr, '\n', rest->len);
	*line = *rest;
	line->len = end ? (size_t)(end - rest->ptr) : rest->len;
	rest->ptr += line->len + (end ? 1 : 0);
	rest->len -= line->len + (end ? 1 : 0);
	return true;
}

static bool is_object_alone(struct slice line)
{
	struct json_t *v = json_parse(line.ptr, line.len, NULL);
	bool is_obj = json_is_obj(v);

	json_free(v);
	return is_obj;
}

/* Of text that is not one value: are its lines meant one by one? An object
 * over several lines has its other braces further in. */
static bool is_lines(struct slice text)
{
	struct slice line;
	size_t starts = 0;

	while (next_line(&text, &line)) {
		if (line.len == 0 || line.ptr[0] != '{')
			continue;
		if (++starts > 1 || is_object_alone(line))
			return true;
	}
	return false;
}

static void answer_lines(struct facts_file *file, struct slice text)
{
	struct slice line;
	size_t number = 0;

	while (next_line(&text, &line) && cli_out_ok(file->cli)) {
		struct error err = {""};
		struct json_t *v;

		number++;
		if (slice_trim(line).len == 0)
			continue;
		v = json_parse(line.ptr, line.len, &err);
		if (v)
			answer(file, v, number);
		else
			complain(file, number, &err);
		json_free(v);
	}
}

static size_t blank_lines_before(struct slice text)
{
	struct slice line;
	size_t count = 0;

	while (next_line(&text, &line) && slice_trim(line).len == 0)
		count++;
	return count;
}

static void answer_text(struct facts_file *file, struct slice text)
{
	struct error err = {""};
	struct json_t *v;

	if (slice_trim(text).len == 0) {
		error_set(&err, RESULT_INVALID, "no facts");
		complain(file, 1, &err);
		return;
	}
	v = json_parse(text.ptr, text.len, &err);
	if (v)
		answer(file, v, blank_lines_before(text) + 1);
	else if (is_lines(text))
		answer_lines(file, text);
	else
		complain(file, 1, &err);
	json_free(v);
}

/* False: it could not be read, or is too long; an error has been printed. */
static bool read_all(struct cli *c, FILE *in, const char *name, struct buf *b)
{
	static char chunk[64 * 1024];
	size_t len;

	while ((len = fread(chunk, 1, sizeof(chunk), in)) > 0) {
		if (buf_append(b, chunk, len) == RESULT_OK)
			continue;
		cli_error(c, "%s: longer than %u MiB", name,
			  FACTS_MAX_BYTES >> 20);
		return false;
	}
	if (!ferror(in))
		return true;
	cli_error(c, "%s: %s", name, strerror(errno));
	return false;
}

int explain_facts(struct cli *c, const char *name)
{
	struct facts_file file = {.cli = c, .name = name};
	bool is_input = str_eq(name, "-");
	FILE *in = is_input ? c->in : fopen(name, "rb");
	struct buf text;
	bool ok;

	if (!in) {
		cli_error(c, "%s: %s", name, strerror(errno));
		return CLI_USAGE;
	}
	buf_init(&text, FACTS_MAX_BYTES);
	ok = read_all(c, in, name, &text);
	if (ok)
		answer_text(&file, (struct slice){text.data, text.len});
	buf_release(&text);
	if (!is_input)
		fclose(in);
	return ok && !file.wrong ? CLI_DONE : CLI_USAGE;
}
