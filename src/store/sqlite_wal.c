/*
 * What a write-ahead log has lost before it is opened.
 *
 * SQLite takes a log as far as its checksums hold and drops the rest without a
 * word. After a power failure the rest is the one commit under way, which
 * nobody was told of. More commits behind the first bad frame were synced, one
 * after the other: they are damaged, and what was accepted with them is gone.
 * Nothing can bring it back, so it is told. The format: sqlite.org/walformat.
 */
#include "sqlite_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/str.h"

#define NAME_MAX_BYTES 4096
#define HEADER_SIZE    32
#define FRAME_SIZE     24 /* and a page */
#define PAGE_MAX       65536
#define MAGIC	       0x377f0682u

struct wal {
	FILE *file;
	uint8_t frame[FRAME_SIZE + PAGE_MAX];
	size_t page_size;
	bool big_endian; /* the words that the checksums add up */
	uint32_t sum[2];
	uint8_t salt[8];
	bool sound;
	int64_t lost; /* commits behind the first bad frame */
};

static uint32_t word(const uint8_t *p, bool big_endian)
{
	if (big_endian)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		       (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[1] << 8 | p[0];
}

static void add_up(struct wal *w, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 8 <= len; i += 8) {
		w->sum[0] += word(p + i, w->big_endian) + w->sum[1];
		w->sum[1] += word(p + i + 4, w->big_endian) + w->sum[0];
	}
}

static bool sums_are(const struct wal *w, const uint8_t *p)
{
	return word(p, true) == w->sum[0] && word(p + 4, true) == w->sum[1];
}

/* False: there is nothing in it that could be lost. */
static bool read_header(struct wal *w)
{
	uint8_t h[HEADER_SIZE];
	uint32_t magic;

	if (fread(h, 1, sizeof(h), w->file) != sizeof(h))
		return false;
	magic = word(h, true);
	w->page_size = word(h + 8, true);
	if ((magic & ~1u) != MAGIC || w->page_size < 512 ||
	    w->page_size > PAGE_MAX)
		return false;
	w->big_endian = magic & 1;
	memcpy(w->salt, h + 16, sizeof(w->salt));
	add_up(w, h, 24);
	w->sound = sums_are(w, h + 24);
	return true;
}

static void read_frame(struct wal *w)
{
	const uint8_t *f = w->frame;

	if (memcmp(f + 8, w->salt, sizeof(w->salt)) != 0) {
		w->sound = false; /* of before the log started over */
		return;
	}
	if (w->sound) {
		add_up(w, f, 8);
		add_up(w, f + FRAME_SIZE, w->page_size);
		w->sound = sums_are(w, f + 16);
	}
	if (!w->sound && word(f + 4, true) != 0)
		w->lost++;
}

void sq_log_check(const char *path)
{
	struct wal *w = xcalloc(1, sizeof(*w));
	struct buf name;

	buf_init(&name, NAME_MAX_BYTES);
	(void)buf_printf(&name, "%s-wal", path);
	w->file = fopen(name.data, "re");
	if (w->file && read_header(w))
		while (fread(w->frame, 1, FRAME_SIZE + w->page_size, w->file) ==
		       FRAME_SIZE + w->page_size)
			read_frame(w);
	if (w->lost > 1)
		log_error("store_log_damaged", log_str("file", name.data),
			  log_int("lost_commits", w->lost));
	if (w->file)
		fclose(w->file);
	buf_release(&name);
	free(w);
}
