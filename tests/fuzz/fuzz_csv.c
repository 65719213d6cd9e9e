/*
 * The CSV parser: however the bytes are cut into pieces, it reads the same
 * records, and from every place where a record ended it can go on. All that
 * it hands out lies within its limits.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "core/csv.h"
#include "fuzz.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What a reading came to. */
struct reading {
	uint8_t digest[CRYPTO_SHA256_SIZE]; /* of records, fields and lines */
	enum csv_got end;
	int64_t error_line;
	size_t records;
};

static void add_record(struct crypto_sha256 *h, const struct csv *c)
{
	require(c->count > 0 && c->count <= CSV_FIELDS_MAX);
	require(c->count == c->width);
	require(c->line > 0 && c->line <= c->here);
	crypto_sha256_add(h, &c->line, sizeof(c->line));
	for (size_t i = 0; i < c->count; i++) {
		struct slice f = csv_field(c, i);

		require(f.len <= CSV_FIELD_MAX);
		crypto_sha256_add(h, &f.len, sizeof(f.len));
		crypto_sha256_add(h, f.ptr, f.len);
	}
}

/* Begins anew behind every record that is resumed. */
static void read_all(struct reading *r, const uint8_t *data, size_t size,
		     size_t piece, bool resume)
{
	struct crypto_sha256 *h = crypto_sha256_new();
	struct error err = {.text = ""};
	size_t at = 0;
	struct csv c;

	csv_init(&c);
	r->records = 0;
	do {
		size_t len = size - at < piece ? size - at : piece;
		struct slice input = {(const char *)data + at, len};

		r->end = csv_next(&c, &input, at + len == size, &err);
		at += len - input.len;
		require(c.offset == at);
		if (r->end == CSV_RECORD) {
			r->records++;
			add_record(h, &c);
		}
		if (r->end == CSV_RECORD && resume) {
			size_t width = c.width;
			int64_t line = c.here;

			csv_release(&c);
			csv_resume(&c, width, at, line);
		}
	} while (r->end == CSV_RECORD || r->end == CSV_MORE);
	require((r->end == CSV_BROKEN) == (err.text[0] != '\0'));
	require(r->end == CSV_BROKEN || at == size);
	r->error_line = r->end == CSV_BROKEN ? csv_error_line(&c) : 0;
	crypto_sha256_end(h, r->digest);
	csv_release(&c);
}

static void require_same(const struct reading *a, const struct reading *b)
{
	require(a->end == b->end && a->error_line == b->error_line);
	require(a->records == b->records);
	require(memcmp(a->digest, b->digest, sizeof(a->digest)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole, other;

	read_all(&whole, data, size, size + 1, false);
	for (size_t piece = 1; piece < 4; piece++) {
		read_all(&other, data, size, piece, false);
		require_same(&whole, &other);
	}
	read_all(&other, data, size, 7, true);
	require_same(&whole, &other);
	return 0;
}
