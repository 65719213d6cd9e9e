/*
 * What the probe found out, as a table or as JSON: fit to be sent to others.
 * No account, no id, no name, no address; of a refusal, what
 * core/refusal.h leaves of it.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "core/refusal.h"
#include "probe.h"

static const struct {
	const char *name, *question;
} rows[] = {
#define PROBE_ROW(id, name, question) {name, question},
	PROBE_ROWS(PROBE_ROW)
#undef PROBE_ROW
};

static struct probe_row *say(struct probe *p, enum probe_row_id id,
			     const char *answer, int64_t after_ms)
{
	struct probe_row *r = &p->rows[id];

	free(r->body);
	*r = (struct probe_row){.answer = answer, .after_ms = after_ms};
	return r;
}

void probe_say(struct probe *p, enum probe_row_id id, const char *answer,
	       int64_t after_ms, const char *fmt, ...)
{
	char note[PROBE_NOTE_SIZE] = "";
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(note, sizeof(note), fmt, ap);
		va_end(ap);
	}
	str_copy(say(p, id, answer, after_ms)->note, sizeof(note), note);
}

void probe_say_soon(struct probe *p, enum probe_row_id id, const char *answer,
		    int64_t since_ms)
{
	probe_say(p, id, answer, clock_mono_ms() - since_ms, "%s",
		  p->limited ? "at most: the rate limit held it up" : "");
}

void probe_say_refusal(struct probe *p, enum probe_row_id id,
		       const char *answer, const struct probe_answer *a)
{
	const char *const names[] = {p->messaging.name};
	struct probe_row *r = say(p, id, answer, -1);
	struct json_t *shown;

	r->status = a->r.status;
	if (!a->json)
		return;
	shown = refusal_show(a->json, names, p->given ? 1 : 0);
	r->body = json_text(shown);
	json_free(shown);
}

void probe_report_release(struct probe *p)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		free(p->rows[i].body);
}

/* --- JSON --- */

static void day_of(const struct probe *p, char out[CLOCK_TEXT_SIZE])
{
	clock_format(p->cli->now_ms, out);
	out[strlen("2026-11-22")] = '\0';
}

static void print_json(struct probe *p)
{
	struct json_t *head = json_new_obj();
	char day[CLOCK_TEXT_SIZE];

	day_of(p, day);
	json_set_str(head, "program", "reunite");
	json_set_str(head, "version", REUNITE_VERSION);
	json_set_str(head, "date", day);
	if (cli_given(p->cli, "show-account"))
		json_set_str(head, "account", p->account->name);
	cli_json(p->cli, head);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct probe_row *r = &p->rows[i];
		struct json_t *v = json_new_obj();

		json_set_str(v, "behaviour", rows[i].name);
		json_set_str(v, "question", rows[i].question);
		json_set_str(v, "answer",
			     r->answer ? r->answer : PROBE_NOT_SEEN);
		json_set(v, "after_ms",
			 r->answer && r->after_ms >= 0
				 ? json_new_int(r->after_ms)
				 : json_new_null());
		json_set_id(v, "status", (uint64_t)r->status);
		json_set(v, "body",
			 r->body ? json_parse(r->body, strlen(r->body), NULL)
				 : json_new_null());
		json_set_str(v, "note", *r->note ? r->note : NULL);
		cli_json(p->cli, v);
	}
}

/* --- text --- */

static void soon_text(const struct probe_row *r, char *out, size_t size)
{
	if (!r->answer || r->after_ms < 0)
		str_copy(out, size, "");
	else
		snprintf(out, size, "%lld.%lld s",
			 (long long)(r->after_ms / 1000),
			 (long long)(r->after_ms % 1000 / 100));
}

static void row_cells(struct cli_table *t, size_t i, const struct probe_row *r)
{
	char soon[32], status[32] = "";

	soon_text(r, soon, sizeof(soon));
	if (r->status)
		snprintf(status, sizeof(status), "HTTP %d", r->status);
	cli_table_cell(t, "%s", rows[i].name);
	cli_table_cell(t, "%s", r->answer ? r->answer : PROBE_NOT_SEEN);
	cli_table_cell(t, "%s", soon);
	cli_table_cell(t, "%s%s%s%s%s", status, *status && r->body ? " " : "",
		       r->body ? r->body : "",
		       (*status || r->body) && *r->note ? "; " : "", r->note);
}

static void print_text(struct probe *p)
{
	static const char *const headings[] = {"BEHAVIOUR", "ANSWER", "AFTER",
					       "DETAIL"};
	char day[CLOCK_TEXT_SIZE];
	struct cli_table t;

	day_of(p, day);
	fprintf(p->cli->out, "reunite %s probe, %s%s%s\n\n", REUNITE_VERSION,
		day, cli_given(p->cli, "show-account") ? ", account " : "",
		cli_given(p->cli, "show-account") ? p->account->name : "");
	cli_table_init(&t, p->cli, headings, ARRAY_LEN(headings));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		row_cells(&t, i, &p->rows[i]);
	cli_table_flush(&t);
	cli_table_release(&t);
}

void probe_report(struct probe *p)
{
	if (p->cli->json)
		print_json(p);
	else
		print_text(p);
}
