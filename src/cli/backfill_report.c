/*
 * Report files: see backfill_report.h.
 *
 * The lines come first, then the word that a page is done: what is found
 * behind that word is read again, so that its people are known.
 */
#include "backfill_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"

#define NAME_MAX_BYTES	 4096
#define RESUME_MAX_BYTES 65536

static char *name_with(const char *path, const char *ending)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), "%s%s", path, ending);
	return xstrdup(name);
}

static enum result failed(const char *what, const char *name, struct error *err)
{
	return error_set(err, RESULT_TEMP, "cannot %s %s: %s", what, name,
			 strerror(errno));
}

/* --- how far it came --- */

static struct json_t *resume_encode(const struct report *r)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, "version", 1);
	json_set_str(v, "account", r->key.account);
	json_set_str(v, "since", r->key.since);
	json_set_int(v, "limit", r->key.limit);
	json_set_int(v, "since_ms", r->place.since_ms);
	json_set_str(v, "cursor", r->place.cursor);
	json_set_int(v, "bytes", (int64_t)ftello(r->out));
	json_set_int(v, "scanned", r->place.scanned);
	json_set_int(v, "pages", r->place.pages);
	json_set_int(v, "found", r->place.found);
	json_set_int(v, "known", r->place.known);
	return v;
}

static struct json_t *resume_read(const struct report *r)
{
	char text[RESUME_MAX_BYTES];
	FILE *in = fopen(r->resume, "re");
	struct json_t *v;
	size_t n;

	if (!in)
		return NULL;
	n = fread(text, 1, sizeof(text), in);
	fclose(in);
	v = json_parse(text, n, NULL);
	if (json_get_int(v, "version", 0) == 1)
		return v;
	json_free(v);
	return NULL;
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

static bool write_whole(const char *name, const char *text)
{
	FILE *out = fopen(name, "we");
	bool ok;

	if (!out)
		return false;
	ok = fputs(text, out) >= 0 && fflush(out) == 0 &&
	     fsync(fileno(out)) == 0;
	return fclose(out) == 0 && ok;
}

/* A word that is half written must not be read. */
static bool resume_write(struct report *r)
{
	struct json_t *v = resume_encode(r);
	char *name = name_with(r->resume, ".new");
	char *text = json_text(v);
	bool ok = write_whole(name, text) && rename(name, r->resume) == 0;

	free(text);
	free(name);
	json_free(v);
	return ok;
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

	while ((len = getline(&line, &cap, r->out)) > 0) {
		if (line[len - 1] != '\n' ||
		    !line_read(r, line, (size_t)len, tally))
			break;
		good += len;
		if (r->echo)
			fputs(line, r->echo);
	}
	free(line);
	if (ftruncate(fileno(r->out), good) != 0 ||
	    fseeko(r->out, good, SEEK_SET) != 0)
		return failed("cut", r->part, err);
	return RESULT_OK;
}

static enum result part_open(struct report *r, struct error *err)
{
	int fd = open(r->part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed("write", r->part, err);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return error_set(err, RESULT_CONFLICT,
				 "another command is writing %s", r->part);
	}
	r->out = fdopen(fd, "r+");
	return RESULT_OK;
}

/* What is there, if it is ours to go on with. */
static enum result take_up(struct report *r, bool anew, struct tally *tally,
			   struct error *err)
{
	struct json_t *v = anew ? NULL : resume_read(r);
	enum result result = RESULT_OK;
	off_t size = lseek(fileno(r->out), 0, SEEK_END);

	rewind(r->out);
	if (v && !same_key(&r->key, v)) {
		result = error_set(err, RESULT_CONFLICT,
				   "%s is an unfinished report of another "
				   "account, --since or --limit; --restart "
				   "begins anew",
				   r->part);
	} else if (v && size >= json_get_int(v, "bytes", 0)) {
		r->resumed = true;
		place_read(&r->place, v);
		result = lines_read(r, tally, err);
	} else if (ftruncate(fileno(r->out), 0) != 0) {
		result = failed("cut", r->part, err);
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
	r->path = xstrdup(path);
	r->part = name_with(path, ".part");
	r->resume = name_with(path, ".resume");
	result = part_open(r, err);
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
	if (fprintf(r->out, "%s\n", text) < 0 || fflush(r->out) != 0)
		r->broken = true;
	if (r->echo)
		fprintf(r->echo, "%s\n", text);
	free(text);
	json_free(line);
}

bool report_keep(struct report *r)
{
	return !r->broken && fsync(fileno(r->out)) == 0 && resume_write(r);
}

bool report_finish(struct report *r)
{
	bool ok = !r->broken && fsync(fileno(r->out)) == 0 &&
		  rename(r->part, r->path) == 0;

	if (ok)
		(void)unlink(r->resume);
	return ok;
}

void report_close(struct report *r)
{
	if (r->out)
		fclose(r->out);
	free(r->path);
	free(r->part);
	free(r->resume);
	free(r->place.cursor);
	idset_release(&r->seen);
	*r = (struct report){.out = NULL};
}
