/*
 * Report files: see import_report.h.
 *
 * The lines come first, then the word how far they go. What is found behind
 * that word belongs to rows that are done again, and is cut off.
 */
#include "import_report.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/json.h"
#include "base/str.h"

/* --- how far it came --- */

static struct json_t *counts_encode(const struct import_report *r)
{
	struct json_t *v = json_new_obj();

	for (int i = 0; i < IMPORT_COUNT; i++)
		json_set_int(v,
			     import_outcome_name((enum import_outcome)i, true),
			     r->counts[i]);
	return v;
}

static struct json_t *word_encode(const struct import_report *r)
{
	struct json_t *v = json_new_obj();
	struct json_t *intended = json_new_arr();

	json_set_str(v, "account", r->key.account);
	json_set_str(v, "digest", r->key.digest);
	json_set_bool(v, "applied", r->key.applied);
	json_set_bool(v, "personal", r->key.personal);
	json_set_int(v, "bytes", (int64_t)ftello(r->file.out));
	json_set_int(v, "offset", (int64_t)r->place.offset);
	json_set_int(v, "line", r->place.line);
	json_set_int(v, "rows", r->rows);
	json_set_int(v, "owner", r->owner);
	json_set(v, "counts", counts_encode(r));
	for (size_t i = 0; i < r->intended_count; i++)
		json_push(intended, json_new_int((int64_t)r->intended[i]));
	json_set(v, "intended", intended);
	return v;
}

static bool same_key(const struct import_key *key, const struct json_t *v)
{
	return str_eq(key->account, json_get_str(v, "account")) &&
	       str_eq(key->digest, json_get_str(v, "digest")) &&
	       key->applied == json_get_bool(v, "applied", !key->applied) &&
	       key->personal == json_get_bool(v, "personal", !key->personal);
}

static void word_take(struct import_report *r, const struct json_t *v)
{
	const struct json_t *counts = json_get(v, "counts");
	const struct json_t *intended = json_get(v, "intended");

	r->resumed = true;
	r->place.offset = (uint64_t)json_get_int(v, "offset", 0);
	r->place.line = json_get_int(v, "line", 1);
	r->rows = json_get_int(v, "rows", 0);
	for (int i = 0; i < IMPORT_COUNT; i++)
		r->counts[i] = json_get_int(
			counts,
			import_outcome_name((enum import_outcome)i, true), 0);
	r->intended_count = json_len(intended);
	r->intended = xcalloc(r->intended_count + 1, sizeof(*r->intended));
	for (size_t i = 0; i < r->intended_count; i++)
		r->intended[i] = (uint64_t)json_int(json_at(intended, i), 0);
}

/* --- opening --- */

static void write_headings(struct import_report *r)
{
	fprintf(r->file.out,
		"line,outcome,user_id,other_user_id,other_line,note%s\r\n",
		r->key.personal ? ",email,external_id" : "");
}

/* What is there, if it is ours to go on with. */
static enum result take_up(struct import_report *r, bool anew,
			   struct error *err)
{
	struct json_t *v = part_file_word(&r->file);
	int64_t bytes = json_get_int(v, "bytes", 0);
	enum result result;

	r->owner = json_get_int(v, "owner", 0); /* its locks are ours */
	if (v && !anew && !same_key(&r->key, v)) {
		result = error_set(err, RESULT_CONFLICT,
				   "%s is an unfinished report of another "
				   "file, account or way; --restart begins "
				   "anew, --report writes another one",
				   r->file.part);
	} else if (v && !anew && part_file_has(&r->file, bytes)) {
		word_take(r, v);
		result = part_file_cut(&r->file, bytes, err);
	} else {
		result = part_file_cut(&r->file, 0, err);
		if (result == RESULT_OK)
			write_headings(r);
	}
	json_free(v);
	return result;
}

enum result import_report_open(struct import_report *r, const char *path,
			       const struct import_key *key, bool anew,
			       struct error *err)
{
	enum result result;

	*r = (struct import_report){.key = *key};
	result = part_file_open(&r->file, path, err);
	if (result == RESULT_OK)
		result = take_up(r, anew, err);
	if (result != RESULT_OK)
		import_report_close(r);
	return result;
}

/* --- lines --- */

static void put_quoted(struct import_report *r, const char *text)
{
	fputs(",\"", r->file.out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', r->file.out);
		fputc(*text, r->file.out);
	}
	fputc('"', r->file.out);
}

static void put_number(struct import_report *r, uint64_t n)
{
	if (n != 0)
		fprintf(r->file.out, ",%" PRIu64, n);
	else
		fputc(',', r->file.out);
}

void import_report_add(struct import_report *r, const struct import_row *row,
		       const char *note)
{
	r->counts[row->outcome]++;
	r->rows++;
	fprintf(r->file.out, "%" PRId64 ",%s", row->line,
		import_outcome_name(row->outcome, r->key.applied));
	put_number(r, row->user);
	put_number(r, row->other_user);
	put_number(r, (uint64_t)row->other_line);
	fprintf(r->file.out, ",%s", note);
	if (r->key.personal) {
		put_quoted(r, row->address);
		put_quoted(r, row->external_id);
	}
	fputs("\r\n", r->file.out);
}

bool import_report_intend(struct import_report *r, const uint64_t *users,
			  size_t count)
{
	bool ok;

	r->intended = xrealloc(r->intended, (r->intended_count + count + 1) *
						    sizeof(*r->intended));
	for (size_t i = 0; i < count; i++)
		if (!import_report_intended(r, users[i]))
			r->intended[r->intended_count++] = users[i];
	ok = part_file_keep(&r->file, word_encode(r));
	CRASH_POINT("import_intended");
	return ok;
}

bool import_report_intended(const struct import_report *r, uint64_t user)
{
	for (size_t i = 0; i < r->intended_count; i++)
		if (r->intended[i] == user)
			return true;
	return false;
}

bool import_report_keep(struct import_report *r,
			const struct import_place *place)
{
	CRASH_POINT("import_before_keep");
	r->place = *place;
	r->intended_count = 0;
	return part_file_keep(&r->file, word_encode(r));
}

bool import_report_finish(struct import_report *r)
{
	return part_file_finish(&r->file);
}

void import_report_close(struct import_report *r)
{
	part_file_close(&r->file);
	free(r->intended);
	*r = (struct import_report){.intended = NULL};
}
