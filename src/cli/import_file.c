/*
 * Reading the file: see import_file.h.
 */
#include "import_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crypto.h"

static enum result failed(const struct import_file *f, const char *what,
			  struct error *err)
{
	return error_set(err, RESULT_TEMP, "cannot %s %s: %s", what, f->name,
			 strerror(errno));
}

static enum result at_line(const struct import_file *f, int64_t line,
			   const char *why, struct error *err)
{
	return error_set(err, RESULT_INVALID, "%s:%" PRId64 ": %s", f->name,
			 line, why);
}

/* Of CSV_BROKEN. */
static enum result refusal(const struct import_file *f)
{
	return ferror(f->in) ? RESULT_TEMP : RESULT_INVALID;
}

/* ---- bytes ---- */

/* Until a record, or its end; the digest, if any, is of all that is read. */
static enum csv_got next_record(struct import_file *f,
				struct crypto_sha256 *digest, struct error *err)
{
	struct error why = {.text = ""};
	enum csv_got got;

	while ((got = csv_next(&f->csv, &f->input, f->last, &why)) ==
	       CSV_MORE) {
		size_t n = fread(f->piece, 1, sizeof(f->piece), f->in);

		if (ferror(f->in)) {
			(void)failed(f, "read", err);
			return CSV_BROKEN;
		}
		f->last = n == 0;
		f->input = (struct slice){f->piece, n};
		if (digest)
			crypto_sha256_add(digest, f->piece, n);
	}
	if (got == CSV_BROKEN)
		(void)at_line(f, csv_error_line(&f->csv), why.text, err);
	return got;
}

static void begin(struct import_file *f, size_t width,
		  const struct import_place *at)
{
	csv_release(&f->csv);
	if (at)
		csv_resume(&f->csv, width, at->offset, at->line);
	else
		csv_init(&f->csv);
	f->input = (struct slice){f->piece, 0};
	f->last = false;
}

struct import_place import_file_place(const struct import_file *f)
{
	return (struct import_place){f->csv.offset, f->csv.here};
}

enum result import_file_seek(struct import_file *f,
			     const struct import_place *at, struct error *err)
{
	if (fseeko(f->in, (off_t)at->offset, SEEK_SET) != 0)
		return failed(f, "read", err);
	begin(f, f->csv.width, at);
	return RESULT_OK;
}

/* ---- columns ---- */

static size_t find_column(const struct csv *c, const char *name, size_t *times)
{
	size_t found = 0;

	*times = 0;
	for (size_t i = 0; i < c->count; i++)
		if (slice_eq_nocase(slice_trim(csv_field(c, i)),
				    slice_of(name))) {
			found = i;
			(*times)++;
		}
	return found;
}

static bool has_byte(struct slice s, char byte)
{
	return memchr(s.ptr, byte, s.len) != NULL;
}

static enum result find_columns(struct import_file *f, struct error *err)
{
	const struct csv *c = &f->csv;
	size_t emails, ids;

	f->email = find_column(c, "email", &emails);
	f->external_id = find_column(c, "external_id", &ids);
	if (emails == 1 && ids == 1)
		return RESULT_OK;
	if (emails > 1 || ids > 1)
		return at_line(f, c->line,
			       "a column is there twice, email or external_id",
			       err);
	if (c->count == 1 && has_byte(csv_field(c, 0), ';'))
		return at_line(f, c->line,
			       "semicolons between the columns; commas are "
			       "needed",
			       err);
	if (c->count == 1 && has_byte(csv_field(c, 0), '\t'))
		return at_line(f, c->line,
			       "tabs between the columns; commas are needed",
			       err);
	return at_line(f, c->line,
		       "the first line must name the columns email and "
		       "external_id",
		       err);
}

static enum result read_headings(struct import_file *f,
				 struct crypto_sha256 *digest,
				 struct error *err)
{
	enum csv_got got = next_record(f, digest, err);

	if (got == CSV_END)
		return at_line(f, 1,
			       "it is empty; the first line must name the "
			       "columns email and external_id",
			       err);
	if (got == CSV_BROKEN)
		return refusal(f);
	f->first = import_file_place(f);
	return find_columns(f, err);
}

/* ---- rows ---- */

static uint64_t hash_of(char kind, const char *text)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];
	char folded[IMPORT_ID_SIZE + 1];
	uint64_t hash;

	folded[0] = kind;
	str_copy(folded + 1, sizeof(folded) - 1, text);
	str_lower(folded);
	crypto_sha256(folded, strlen(folded), digest);
	memcpy(&hash, digest, sizeof(hash));
	return hash;
}

uint64_t import_file_hash_id(const char *external_id)
{
	return hash_of('i', external_id);
}

static bool read_row(const struct import_file *f, struct import_row *row)
{
	row->line = f->csv.line;
	return import_row_read(row, csv_field(&f->csv, f->email),
			       csv_field(&f->csv, f->external_id));
}

static int64_t other_line(const struct twin *t, int64_t line)
{
	return line == t->first ? t->second : t->first;
}

static void look_for_twins(const struct import_file *f, struct import_row *row)
{
	const struct twin *address =
		twins_find(&f->twins, hash_of('a', row->address));
	const struct twin *id =
		twins_find(&f->twins, import_file_hash_id(row->external_id));

	if (address && address->differs) {
		row->outcome = IMPORT_ADDRESS_TWICE;
		row->other_line = other_line(address, row->line);
	} else if (id && id->differs) {
		row->outcome = IMPORT_ID_TWICE;
		row->other_line = other_line(id, row->line);
	} else if (address && address->first != row->line) {
		row->outcome = IMPORT_REPEATED;
		row->other_line = address->first;
	}
}

enum csv_got import_file_next(struct import_file *f, struct import_row *row,
			      struct error *err)
{
	enum csv_got got = next_record(f, NULL, err);

	if (got == CSV_RECORD && read_row(f, row))
		look_for_twins(f, row);
	return got;
}

/* ---- the first look ---- */

static bool add_to_twins(struct import_file *f, const struct import_row *row)
{
	uint64_t address = hash_of('a', row->address);
	uint64_t id = import_file_hash_id(row->external_id);

	return twins_add(&f->twins, address, id, row->line) &&
	       twins_add(&f->twins, id, address, row->line);
}

static enum result look_at_rows(struct import_file *f,
				struct crypto_sha256 *digest, struct error *err)
{
	struct import_row row;
	enum csv_got got;

	f->rows = 0;
	while ((got = next_record(f, digest, err)) == CSV_RECORD) {
		f->rows++;
		if (read_row(f, &row) && !add_to_twins(f, &row))
			return at_line(f, row.line,
				       "too many lines of the file are there "
				       "twice",
				       err);
	}
	return got == CSV_END ? RESULT_OK : refusal(f);
}

static enum result first_pass(struct import_file *f, struct error *err)
{
	struct crypto_sha256 *digest = crypto_sha256_new();
	uint8_t bytes[CRYPTO_SHA256_SIZE];
	enum result r;

	begin(f, 0, NULL);
	r = read_headings(f, digest, err);
	if (r == RESULT_OK)
		r = look_at_rows(f, digest, err);
	crypto_sha256_end(digest, bytes);
	crypto_hex(bytes, sizeof(bytes), f->digest);
	return r;
}

static enum result look_through(struct import_file *f, struct error *err)
{
	enum result r = first_pass(f, err);

	while (r == RESULT_OK && twins_again(&f->twins)) {
		r = import_file_seek(f, &f->first, err);
		if (r == RESULT_OK)
			r = look_at_rows(f, NULL, err);
	}
	return r == RESULT_OK ? import_file_seek(f, &f->first, err) : r;
}

/* ---- opening ---- */

/* What can be read only once, into a file that has no name. */
static enum result keep(struct import_file *f, FILE *from, struct error *err)
{
	size_t n;

	f->in = tmpfile();
	if (!f->in)
		return failed(f, "keep", err);
	while ((n = fread(f->piece, 1, sizeof(f->piece), from)) > 0)
		if (fwrite(f->piece, 1, n, f->in) != n)
			return failed(f, "keep", err);
	if (ferror(from))
		return failed(f, "read", err);
	if (fflush(f->in) != 0)
		return failed(f, "keep", err);
	rewind(f->in);
	return RESULT_OK;
}

static enum result open_named(struct import_file *f, struct error *err)
{
	FILE *in = fopen(f->name, "re");
	enum result r;

	if (!in)
		return failed(f, "open", err);
	if (fseeko(in, 0, SEEK_SET) == 0) {
		f->in = in;
		return RESULT_OK;
	}
	r = keep(f, in, err);
	fclose(in);
	return r;
}

enum result import_file_open(struct import_file *f, const char *name,
			     FILE *standard, struct error *err)
{
	bool dash = str_eq(name, "-");
	enum result r;

	*f = (struct import_file){.name = dash ? "standard input" : name};
	csv_init(&f->csv);
	twins_init(&f->twins);
	r = dash ? keep(f, standard, err) : open_named(f, err);
	if (r == RESULT_OK)
		r = look_through(f, err);
	if (r != RESULT_OK)
		import_file_close(f);
	return r;
}

bool import_file_is(const struct import_file *f, const char *path)
{
	struct stat ours, other;

	return fstat(fileno(f->in), &ours) == 0 && stat(path, &other) == 0 &&
	       ours.st_dev == other.st_dev && ours.st_ino == other.st_ino;
}

void import_file_close(struct import_file *f)
{
	if (f->in)
		fclose(f->in);
	f->in = NULL;
	csv_release(&f->csv);
	twins_release(&f->twins);
}
