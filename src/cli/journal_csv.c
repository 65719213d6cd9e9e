/*
 * A line an entry: what has no value is empty, lists have blanks between their
 * words, the before-image is JSON. Lines end with CRLF; quotes are around
 * what has a comma, a quote or a line end in it, and there they are doubled.
 */
#include "journal_csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

#define BEFORE_IMAGE "before_image"

static const char *const columns[] = {
	"id",
	"at",
	"account",
	"action",
	"reason",
	"applied",
	"status",
	"evidence",
	"messaging_user_id",
	"profile_id",
	"sunco_user_id",
	"ticket_id",
	"source",
	"job_id",
	"api_calls",
	"reasons",
	"linked_under",
	"outcome",
	"outcome_at",
	"outcome_user_id",
	"note",
	"review_id",
	"decided_by",
};

static void print_field(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_words(FILE *out, const struct json_t *list)
{
	for (size_t i = 0; i < json_len(list); i++)
		fprintf(out, "%s%s", i > 0 ? " " : "",
			json_str(json_at(list, i)));
}

static void print_value(FILE *out, const struct json_t *v)
{
	char *text;

	if (json_is_null(v))
		return;
	if (json_is_arr(v)) {
		print_words(out, v);
		return;
	}
	text = json_is_str(v) ? xstrdup(json_str(v)) : json_text(v);
	print_field(out, text);
	free(text);
}

void journal_csv_head(FILE *out, bool personal)
{
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", columns[i]);
	fputs(personal ? "," BEFORE_IMAGE "\r\n" : "\r\n", out);
}

void journal_csv_entry(FILE *out, const struct journal_entry *e, bool personal)
{
	struct json_t *v = journal_entry_encode(e, personal);

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		fputs(i > 0 ? "," : "", out);
		print_value(out, json_get(v, columns[i]));
	}
	if (personal) {
		fputc(',', out);
		print_value(out, json_get(v, BEFORE_IMAGE));
	}
	fputs("\r\n", out);
	json_free(v);
}
