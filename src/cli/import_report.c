/*
 * Report files: see import_report.h.
 *
 * The lines come first, then the word how far they go. What is found behind
 * that word belongs to rows that are done again, and is cut off.
 */
#include "import_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crashpoint.h"
#include "base/json.h"
#include "base/str.h"

#define NAME_MAX_BYTES	 4096
#define RESUME_MAX_BYTES (64 * 1024)
#define RESUME_VERSION	 1

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

static struct json_t *counts_encode(const struct import_report *r)
{
	struct json_t *v = json_new_obj();

	for (int i = 0; i < IMPORT_COUNT; i++)
		json_set_int(v,
			     import_outcome_name((enum import_outcome)i, true),
			     r->counts[i]);
	return v;
}

static struct json_t *resume_encode(const struct import_report *r, off_t bytes)
{
	struct json_t *v = json_new_obj();
	struct json_t *intended = json_new_arr();

	json_set_int(v, "version", RESUME_VERSION);
	json_set_str(v, "account", r->key.account);
	json_set_str(v, "digest", r->key.digest);
	json_set_bool(v, "applied", r->key.applied);
	json_set_bool(v, "personal", r->key.personal);
	json_set_int(v, "bytes", (int64_t)bytes);
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

static struct json_t *resume_read(const struct import_report *r)
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
	if (json_get_int(v, "version", 0) == RESUME_VERSION)
		return v;
	json_free(v);
	return NULL;
}

static bool same_key(const struct import_key *key, const struct json_t *v)
{
	return str_eq(key->account, json_get_str(v, "account")) &&
	       str_eq(key->digest, json_get_str(v, "digest")) &&
	       key->applied == json_get_bool(v, "applied", !key->applied) &&
	       key->personal == json_get_bool(v, "personal", !key->personal);
}

static void resume_take(struct import_report *r, const struct json_t *v)
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

static bool write_whole(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool ok;

	if (!out)
		return false;
	ok = fputs(text, out) >= 0 && fflush(out) == 0 &&
	     fsync(fileno(out)) == 0;
	return fclose(out) == 0 && ok;
}

/* A word that is half written must not be read. */
static bool resume_write(const struct import_report *r, off_t bytes)
{
	struct json_t *v = resume_encode(r, bytes);
	char *name = name_with(r->resume, ".new");
	char *text = json_text(v);
	bool ok = write_whole(name, text) && rename(name, r->resume) == 0;

	free(text);
	free(name);
	json_free(v);
	return ok;
}

/* --- opening --- */

static enum result part_open(struct import_report *r, struct error *err)
{
	int fd = open(r->part, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed("write", r->part, err);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		return error_set(err, RESULT_CONFLICT,
				 "another command is writing %s", r->part);
	}
	(void)fchmod(fd, 0600); /* it may be from another program */
	r->out = fdopen(fd, "r+");
	return RESULT_OK;
}

static void write_headings(struct import_report *r)
{
	r->broken = fprintf(r->out,
			    "line,outcome,user_id,other_user_id,"
			    "other_line,note%s\r\n",
			    r->key.personal ? ",email,external_id" : "") < 0;
}

static enum result cut(struct import_report *r, off_t bytes, struct error *err)
{
	if (ftruncate(fileno(r->out), bytes) != 0 ||
	    fseeko(r->out, bytes, SEEK_SET) != 0)
		return failed("cut", r->part, err);
	return RESULT_OK;
}

/* What is there, if it is ours to go on with. */
static enum result take_up(struct import_report *r, bool anew,
			   struct error *err)
{
	struct json_t *v = resume_read(r);
	off_t size = lseek(fileno(r->out), 0, SEEK_END);
	off_t bytes = (off_t)json_get_int(v, "bytes", 0);
	enum result result;

	r->owner = json_get_int(v, "owner", 0); /* its locks are ours */
	if (v && !anew && !same_key(&r->key, v)) {
		result = error_set(err, RESULT_CONFLICT,
				   "%s is an unfinished report of another "
				   "file, account or way; --restart begins "
				   "anew, --report writes another one",
				   r->part);
	} else if (v && !anew && size >= bytes) {
		resume_take(r, v);
		result = cut(r, bytes, err);
	} else {
		result = cut(r, 0, err);
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
	r->path = xstrdup(path);
	r->part = name_with(path, ".part");
	r->resume = name_with(path, ".resume");
	result = part_open(r, err);
	if (result == RESULT_OK)
		result = take_up(r, anew, err);
	if (result != RESULT_OK)
		import_report_close(r);
	return result;
}

/* --- lines --- */

static void put_quoted(struct import_report *r, const char *text)
{
	fputs(",\"", r->out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', r->out);
		fputc(*text, r->out);
	}
	fputc('"', r->out);
}

static void put_number(struct import_report *r, uint64_t n)
{
	if (n != 0)
		fprintf(r->out, ",%" PRIu64, n);
	else
		fputc(',', r->out);
}

void import_report_add(struct import_report *r, const struct import_row *row,
		       const char *note)
{
	r->counts[row->outcome]++;
	r->rows++;
	fprintf(r->out, "%" PRId64 ",%s", row->line,
		import_outcome_name(row->outcome, r->key.applied));
	put_number(r, row->user);
	put_number(r, row->other_user);
	put_number(r, (uint64_t)row->other_line);
	fprintf(r->out, ",%s", note);
	if (r->key.personal) {
		put_quoted(r, row->address);
		put_quoted(r, row->external_id);
	}
	fputs("\r\n", r->out);
	r->broken = r->broken || ferror(r->out);
}

bool import_report_intend(struct import_report *r, const uint64_t *users,
			  size_t count)
{
	off_t bytes = ftello(r->out);
	bool ok;

	r->intended = xrealloc(r->intended, (r->intended_count + count + 1) *
						    sizeof(*r->intended));
	for (size_t i = 0; i < count; i++)
		if (!import_report_intended(r, users[i]))
			r->intended[r->intended_count++] = users[i];
	ok = bytes >= 0 && fflush(r->out) == 0 && resume_write(r, bytes);
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
	return !r->broken && fflush(r->out) == 0 &&
	       fsync(fileno(r->out)) == 0 && resume_write(r, ftello(r->out));
}

bool import_report_finish(struct import_report *r)
{
	bool ok = !r->broken && fflush(r->out) == 0 &&
		  fsync(fileno(r->out)) == 0 && rename(r->part, r->path) == 0;

	CRASH_POINT("import_finished");
	if (ok)
		(void)unlink(r->resume);
	return ok;
}

void import_report_close(struct import_report *r)
{
	if (r->out)
		fclose(r->out);
	free(r->path);
	free(r->part);
	free(r->resume);
	free(r->intended);
	*r = (struct import_report){.out = NULL};
}
