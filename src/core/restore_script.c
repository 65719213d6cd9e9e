/*
 * A restore plan as a shell script, and as JSON.
 *
 * Whatever came from a person is in single quotes, and holds no character
 * that a terminal would obey: JSON text escapes them. Only variables that the
 * script itself sets stand outside of them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "restore_int.h"

#define LINE_WIDTH 76

static void wrapped_comment(struct buf *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column == 0 || column + 1 + word > LINE_WIDTH) {
			buf_puts(out, column ? "\n#" : "#");
			column = 1;
		}
		buf_putc(out, ' ');
		buf_append(out, text, word);
		column += 1 + word;
		text += word;
		text += strspn(text, " ");
	}
	buf_putc(out, '\n');
}

/* Characters that steer terminals, where JSON leaves them as they are. */
static void escaped(struct buf *out, const char *json)
{
	for (const unsigned char *p = (const unsigned char *)json; *p; p++) {
		if (*p == '\'')
			buf_puts(out, "'\\''");
		else if (*p == 0x7f)
			buf_puts(out, "\\u007f");
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
			buf_printf(out, "\\u%04x", *++p);
		else
			buf_putc(out, (char)*p);
	}
}

/* "$NAME" leaves the quotes, and becomes the number that it holds. */
static void with_variables(struct buf *out, const char *json)
{
	const char *at = json, *start;

	while ((start = strstr(at, "\"$"))) {
		const char *end = strchr(start + 1, '"');

		buf_append(out, at, (size_t)(start - at));
		buf_puts(out, "'\"");
		buf_append(out, start + 1, (size_t)(end - start - 1));
		buf_puts(out, "\"'");
		at = end + 1;
	}
	buf_puts(out, at);
}

static void call_line(struct buf *out, const struct restore_step *s)
{
	char *json = s->body ? json_text(s->body) : NULL;

	buf_printf(out, "zendesk %s \"%s\"", s->method, s->path);
	if (json) {
		buf_puts(out, " '");
		if (s->variables)
			with_variables(out, json);
		else
			escaped(out, json);
		buf_putc(out, '\'');
	}
	free(json);
}

static void change_lines(struct buf *out, const struct restore_step *s)
{
	if (s->each) {
		buf_printf(out, "for ID in $(printf '%%s' \"$%s\"); do\n\t",
			   s->each);
		call_line(out, s);
		buf_puts(out, " || echo \"$ID was left out\" >&2\ndone\n");
		return;
	}
	if (s->only_if)
		buf_printf(out, "[ -z \"$%s\" ] || ", s->only_if);
	call_line(out, s);
	buf_putc(out, '\n');
}

static void pick_line(struct buf *out, const struct restore_step *s)
{
	buf_printf(out, "%s=$(pick '", s->sets);
	escaped(out, s->pick);
	buf_puts(out, "')\n");
	if (s->kind == RESTORE_CHANGE)
		buf_printf(out, ": \"${%s:?}\"\n", s->sets);
}

static void code_lines(struct buf *out, const struct restore_step *s)
{
	switch (s->kind) {
	case RESTORE_COMMAND:
		buf_printf(out,
			   "reunite %s ${REUNITE_CONFIG:+-c "
			   "\"$REUNITE_CONFIG\"}\n",
			   s->command);
		break;
	case RESTORE_LOOK:
		call_line(out, s);
		buf_puts(out, "\npick .\n");
		break;
	case RESTORE_READ:
		call_line(out, s);
		buf_putc(out, '\n');
		break;
	case RESTORE_CHANGE:
		change_lines(out, s);
		break;
	case RESTORE_CANNOT:
		break;
	}
	if (s->sets)
		pick_line(out, s);
}

/* What is left to the admin is printed, but not run. */
static void commented_out(struct buf *out, const char *code)
{
	while (*code) {
		size_t len = strcspn(code, "\n");

		buf_puts(out, "#	");
		buf_append(out, code, len);
		buf_putc(out, '\n');
		code += len + (code[len] == '\n');
	}
}

static void step_lines(struct buf *out, const struct restore_step *s,
		       size_t number)
{
	char *title = restore_text(
		"%zu. %s%s%s%s%s", number,
		s->optional ? "(For you to decide; take the # away.) " : "",
		s->kind == RESTORE_CANNOT ? "Cannot be restored: " : "", s->why,
		s->check ? " Then: " : "", s->check ? s->check : "");
	struct buf code;

	buf_putc(out, '\n');
	wrapped_comment(out, title);
	buf_init(&code, RESTORE_SCRIPT_MAX);
	code_lines(&code, s);
	if (s->optional)
		commented_out(out, code.data);
	else
		buf_append(out, code.data, code.len);
	out->overflow = out->overflow || code.overflow;
	buf_release(&code);
	free(title);
}

/* A POST is not repeated: it may have made somebody. */
static const char functions[] =
	"zendesk() { # METHOD PATH [BODY]; the answer is kept for pick\n"
	"\t[ \"$1\" = GET ] || sleep \"${PAUSE:-2}\"\n"
	"\tANSWER=$({ [ -z \"${ZENDESK_TOKEN:-}\" ] ||\n"
	"\t\tprintf 'header = \"Authorization: Bearer %s\"\\n' "
	"\"$ZENDESK_TOKEN\"\n"
	"\t\t[ \"$1\" = POST ] || echo 'retry = 5'; } |\n"
	"\t\tcurl --config - --netrc-optional -sS --fail-with-body -X \"$1\" "
	"\\\n"
	"\t\t-H 'Content-Type: application/json' ${3:+--data-binary \"$3\"} "
	"\\\n"
	"\t\t\"$ZENDESK_URL$2\") || {\n"
	"\t\tprintf '%s\\n' \"$ANSWER\" >&2\n"
	"\t\treturn 1\n"
	"\t}\n"
	"}\n"
	"pick() { # FILTER\n"
	"\tprintf '%s' \"$ANSWER\" | jq -r \"$1\"\n"
	"}\n";

static void head(struct buf *out, const struct restore_plan *p,
		 const char *zendesk_url)
{
	buf_printf(out,
		   "# Restore plan of journal entry %" PRId64 ", account %s.\n",
		   p->journal_id, p->account);
	wrapped_comment(out, p->summary);
	if (p->count == 0)
		return;
	buf_puts(out, "#\n# Run it with `sh -eu FILE`, or paste it step by "
		      "step. It needs curl, jq and\n# the token of an admin in "
		      "ZENDESK_TOKEN, or a line in ~/.netrc. Zendesk takes "
		      "one\n# update of users a second: hence the pauses.\n");
	buf_printf(out, ": \"${ZENDESK_URL:=%s}\"\n", zendesk_url);
	if (!p->personal)
		buf_puts(out, ": \"${PLACEHOLDERS_FILLED_IN:?values in <> are "
			      "left out; --show-personal-data has them}\"\n");
	if (p->verdict == RESTORE_UNSURE)
		buf_puts(out, ": \"${IT_HAPPENED:?look first whether it did, "
			      "then set this}\"\n");
	buf_puts(out, functions);
}

void restore_plan_script(const struct restore_plan *p, const char *zendesk_url,
			 struct buf *out)
{
	head(out, p, zendesk_url);
	for (size_t i = 0; i < p->count; i++)
		step_lines(out, &p->steps[i], i + 1);
}

struct json_t *restore_step_encode(const struct restore_step *s, size_t number)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, "step", (int64_t)number);
	json_set_str(v, "kind", restore_kind_name(s->kind));
	json_set_bool(v, "optional", s->optional);
	json_set_str(v, "why", s->why);
	json_set_str(v, "command", s->command);
	json_set_str(v, "method", s->method);
	json_set_str(v, "path", s->path);
	json_set(v, "body", s->body ? json_clone(s->body) : json_new_null());
	json_set_str(v, "sets", s->sets);
	json_set_str(v, "pick", s->pick);
	json_set_str(v, "only_if", s->only_if);
	json_set_str(v, "each", s->each);
	json_set_str(v, "check", s->check);
	return v;
}

struct json_t *restore_plan_encode(const struct restore_plan *p)
{
	struct json_t *v = json_new_obj();
	struct json_t *steps = json_new_arr();

	json_set_id(v, "journal_id", (uint64_t)p->journal_id);
	json_set_str(v, "account", p->account);
	json_set_str(v, "verdict", restore_verdict_name(p->verdict));
	json_set_str(v, "summary", p->summary);
	json_set_bool(v, "personal", p->personal);
	for (size_t i = 0; i < p->count; i++)
		json_push(steps, restore_step_encode(&p->steps[i], i + 1));
	json_set(v, "steps", steps);
	return v;
}
