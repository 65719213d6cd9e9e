/*
 * Report files: see backfill_report.h.
 *
 * The lines come first, then the word that a page is done: what is found
 * behind that word is read again, so that its people are known.
 */
#include "backfill_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

/* --- how far it came --- */

static struct json_t *word_encode(const struct report *r)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", r->key.account);
	json_set_str(v, "since", r->key.since);
	json_set_int(v, "limit", r->key.limit);
	json_set_int(v, "since_ms", r->place.since_ms);
	json_set_str(v, "cursor", r->place.cursor);
	json_set_int(v, "bytes", (int64_t)ftello(r->file.out));
	json_set_int(v, "scanned", r->place.scanned);
	json_set_int(v, "pages", r->place.pages);
	json_set_int(v, "found", r->place.found);
	json_set_int(v, "known", r->place.known);
	return v;
}

static bool same_key(const struct report_key *key, const struct json_t *v)
{
	return str_eq(key->account, json_get_str(v, "account")) &&
	       str_eq(key->since, json_get_str(v, "since")) &&
	       key->limit == json_get_int(v, "limit", 0);
}

static void place_read(struct report_place *p, const struct json_t *v)
{
	p->cursor = xstrdup(json_get_str(v, "cursor"));
	p->since_ms = json_get_int(v, "since_ms", 0);
	p->scanned = json_get_int(v, "scanned", 0);
	p->pages = json_get_int(v, "pages", 0);
	p->found = json_get_int(v, "found", 0);
	p->known = json_get_int(v, "known", 0);
}

/* --- lines --- */

static bool line_read(struct report *r, const char *text, size_t len,
		      struct tally *tally)
{
	struct json_t *v = json_parse(text, len, NULL);
	const char *person = json_get_str(v, "sunco_user_id");
	bool ok = tally_add_line(tally, v);

	if (ok && person)
		(void)idset_add(&r->seen, person);
	json_free(v);
	return ok;
}

/* Reads the whole lines and drops what is behind them. */
static enum result lines_read(struct report *r, struct tally *tally,
			      struct error *err)
{
	char *line = NULL;
	size_t cap = 0;
	off_t good = 0;
	ssize_t len;

	while ((len = getline(&line, &cap, r->file.out)) > 0) {
		if (line[len - 1] != '\n' ||
		    !line_read(r, line, (size_t)len, tally))
			break;
		good += len;
		if (r->echo)
			fputs(line, r->echo);
	}
	free(line);
	return part_file_cut(&r->file, good, err);
}

/* What is there, if it is ours to go on with. */
static enum result take_up(struct report *r, bool anew, struct tally *tally,
			   struct error *err)
{
	struct json_t *v = anew ? NULL : part_file_word(&r->file);
	enum result result;

	if (v && !same_key(&r->key, v)) {
		result = error_set(err, RESULT_CONFLICT,
				   "%s is an unfinished report of another "
				   "account, --since or --limit; --restart "
				   "begins anew",
				   r->file.part);
	} else if (v && part_file_has(&r->file, json_get_int(v, "bytes", 0))) {
		r->resumed = true;
		place_read(&r->place, v);
		result = lines_read(r, tally, err);
	} else {
		result = part_file_cut(&r->file, 0, err);
	}
	json_free(v);
	return result;
}

enum result report_open(struct report *r, const char *path,
			const struct report_key *key, bool anew, FILE *echo,
			struct tally *tally, struct error *err)
{
	enum result result;

	*r = (struct report){.key = *key, .echo = echo};
	result = part_file_open(&r->file, path, err);
	if (result == RESULT_OK)
		result = take_up(r, anew, tally, err);
	if (result != RESULT_OK)
		report_close(r);
	return result;
}

void report_add(struct report *r, const char *sunco_id, struct json_t *line)
{
	char *text = json_text(line);

	(void)idset_add(&r->seen, sunco_id);
	fprintf(r->file.out, "%s\n", text);
	(void)fflush(r->file.out); /* whoever waits may read along */
	if (r->echo)
		fprintf(r->echo, "%s\n", text);
	free(text);
	json_free(line);
}

bool report_keep(struct report *r)
{
	return part_file_keep(&r->file, word_encode(r));
}

bool report_finish(struct report *r)
{
	return part_file_finish(&r->file);
}

void report_close(struct report *r)
{
	part_file_close(&r->file);
	free(r->place.cursor);
	idset_release(&r->seen);
	*r = (struct report){.echo = NULL};
}
