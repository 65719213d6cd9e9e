/*
 * One line per event, as JSON or text, with one write(2).
 *
 * Values come from outside: quotes, control characters (C1 too, terminals
 * obey them) and bytes that are not UTF-8 never reach the stream as they are.
 * A line that would grow past LOG_LINE_MAX loses the fields that do not fit
 * and says so. A line that cannot be written is lost without a word, also one
 * that nobody reads for a second, and from then on each until somebody does: a
 * reader that hangs must not hang us.
 */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define LOG_LINE_MAX  8192
#define LOG_VALUE_MAX 1024 /* of the value before it is escaped */
#define LOG_TAIL_MAX  32   /* kept for what ends a line */
#define LOG_WAIT_MS   1000 /* for whoever reads the log */

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static _Atomic(enum log_level) log_level_now = LOG_WARN;
static _Atomic(enum log_format) log_format_now = LOG_TEXT;
static atomic_int log_fd = STDERR_FILENO;
/* a line longer than PIPE_BUF may be written in parts */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static bool log_is_stuck; /* under the lock */

void log_setup(enum log_level level, enum log_format format, int fd)
{
	atomic_store(&log_level_now, level);
	atomic_store(&log_format_now, format);
	atomic_store(&log_fd, fd);
}

bool log_level_parse(const char *name, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (!str_eq(name, level_names[i]))
			continue;
		*out = (enum log_level)i;
		return true;
	}
	return false;
}

bool log_format_parse(const char *name, enum log_format *out)
{
	if (str_eq(name, "json"))
		*out = LOG_JSON;
	else if (str_eq(name, "text"))
		*out = LOG_TEXT;
	else
		return false;
	return true;
}

bool log_wants(enum log_level level)
{
	return level <= atomic_load(&log_level_now);
}

/* The code of a character that must not be printed as it is; -1 if it may. */
static int escape_code(const char *s, size_t len)
{
	unsigned char first = (unsigned char)s[0];

	if (len == 1 && (first < 0x20 || first == 0x7f))
		return first;
	if (len == 2 && first == 0xc2 && (unsigned char)s[1] < 0xa0)
		return (unsigned char)s[1];
	return -1;
}

static void put_escaped(struct buf *b, struct slice s)
{
	while (s.len) {
		size_t len = str_utf8_next(s);
		int code = len ? escape_code(s.ptr, len) : -1;

		if (!len) {
			buf_puts(b, "\xef\xbf\xbd");
			len = 1;
		} else if (code == '\n') {
			buf_puts(b, "\\n");
		} else if (code >= 0) {
			buf_printf(b, "\\u%04x", (unsigned)code);
		} else {
			if (s.ptr[0] == '"' || s.ptr[0] == '\\')
				buf_putc(b, '\\');
			buf_append(b, s.ptr, len);
		}
		s.ptr += len;
		s.len -= len;
	}
}

/* Cuts between characters; a cut value ends in "...". */
static void put_quoted(struct buf *b, struct slice s)
{
	bool cut = s.len > LOG_VALUE_MAX;

	if (cut) {
		s.len = LOG_VALUE_MAX;
		while (s.len && ((unsigned char)s.ptr[s.len] & 0xc0) == 0x80)
			s.len--;
	}
	buf_putc(b, '"');
	put_escaped(b, s);
	buf_puts(b, cut ? "...\"" : "\"");
}

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' ||
		    strchr("\"\\=", s.ptr[i]))
			return false;
	return s.len && s.len <= LOG_VALUE_MAX;
}

static void put_value(struct buf *b, const struct log_field *f,
		      enum log_format format)
{
	struct slice s = slice_of(f->str);

	if (f->type == LOG_FIELD_INT)
		buf_printf(b, "%" PRId64, f->num);
	else if (f->type == LOG_FIELD_BOOL)
		buf_puts(b, f->num ? "true" : "false");
	else if (!f->str)
		buf_puts(b, "null");
	else if (format == LOG_TEXT && is_plain(s))
		buf_append(b, s.ptr, s.len);
	else
		put_quoted(b, s);
}

/* False, and nothing written, when it does not fit. */
static bool put_field(struct buf *b, const struct log_field *f,
		      enum log_format format)
{
	size_t before = b->len;

	if (format == LOG_JSON)
		buf_printf(b, ",\"%s\":", f->key);
	else
		buf_printf(b, " %s=", f->key);
	put_value(b, f, format);
	if (!b->overflow)
		return true;
	b->overflow = false;
	b->len = before;
	b->data[before] = '\0';
	return false;
}

static void put_head(struct buf *b, enum log_level level, const char *event,
		     enum log_format format)
{
	char at[CLOCK_TEXT_SIZE];

	clock_format(clock_wall_ms(), at);
	if (format == LOG_JSON)
		buf_printf(b,
			   "{\"at\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"",
			   at, level_names[level], event);
	else
		buf_printf(b, "%s %s %s", at, level_names[level], event);
}

/* Under the lock. A pipe that is ready takes PIPE_BUF. */
static bool is_ready(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int n;

	do
		n = poll(&p, 1, log_is_stuck ? 0 : LOG_WAIT_MS);
	while (n < 0 && errno == EINTR);
	log_is_stuck = n == 0;
	return n != 0;
}

static void write_line(const char *data, size_t len)
{
	int fd = atomic_load(&log_fd);

	pthread_mutex_lock(&log_lock);
	while (len && is_ready(fd)) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		data += n;
		len -= (size_t)n;
	}
	pthread_mutex_unlock(&log_lock);
}

void log_emit(enum log_level level, const char *event,
	      const struct log_field *fields, size_t count)
{
	const struct log_field cut = log_bool("cut", true);
	enum log_format format = atomic_load(&log_format_now);
	int saved_errno = errno;
	bool complete = true;
	struct buf b;

	if (!log_wants(level))
		return;
	buf_init(&b, LOG_LINE_MAX - LOG_TAIL_MAX);
	put_head(&b, level, event, format);
	for (size_t i = 0; i < count; i++)
		complete &= put_field(&b, &fields[i], format);
	b.max = LOG_LINE_MAX;
	if (!complete)
		put_field(&b, &cut, format);
	buf_puts(&b, format == LOG_JSON ? "}\n" : "\n");
	write_line(b.data, b.len);
	buf_release(&b);
	errno = saved_errno;
}

bool log_throttle_pass(struct log_throttle *t, int64_t now_mono_ms,
		       int64_t interval_ms, uint64_t *suppressed)
{
	if (now_mono_ms < t->next_ms) {
		t->held_back++;
		return false;
	}
	*suppressed = t->held_back;
	t->held_back = 0;
	t->next_ms = now_mono_ms + interval_ms;
	return true;
}
