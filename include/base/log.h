/*
 * One line per event with the same keys, as JSON or text, to one stream.
 *
 *	log_info("job_done", log_str("account", a), log_int("job", id));
 *
 * Values are escaped. Callers never pass secrets, e-mail addresses, names or
 * message bodies. Thread-safe; one write(2) a line, which waits for its
 * reader for a second at most.
 */
#ifndef REUNITE_BASE_LOG_H
#define REUNITE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_JSON, LOG_TEXT };

struct log_field {
	const char *key;
	enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_BOOL } type;
	const char *str; /* borrowed; NULL prints null */
	int64_t num;
};

static inline struct log_field log_str(const char *key, const char *value)
{
	return (struct log_field){key, LOG_FIELD_STR, value, 0};
}

static inline struct log_field log_int(const char *key, int64_t value)
{
	return (struct log_field){key, LOG_FIELD_INT, NULL, value};
}

static inline struct log_field log_bool(const char *key, bool value)
{
	return (struct log_field){key, LOG_FIELD_BOOL, NULL, value};
}

/* Until called: LOG_WARN, LOG_TEXT, descriptor 2. fd stays the caller's. */
void log_setup(enum log_level level, enum log_format format, int fd);
bool log_level_parse(const char *name, enum log_level *out);
bool log_format_parse(const char *name, enum log_format *out);
bool log_wants(enum log_level level);
void log_emit(enum log_level level, const char *event,
	      const struct log_field *fields, size_t count);

/* At least one field; the event is snake_case and never changes meaning. */
#define LOG_AT_(level, event, ...)                                             \
	log_emit((level), (event), (const struct log_field[]){__VA_ARGS__},    \
		 ARRAY_LEN(((const struct log_field[]){__VA_ARGS__})))
#define log_error(event, ...) LOG_AT_(LOG_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  LOG_AT_(LOG_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  LOG_AT_(LOG_INFO, event, __VA_ARGS__)
#define log_debug(event, ...) LOG_AT_(LOG_DEBUG, event, __VA_ARGS__)

/*
 * Lets one line through per interval and counts the rest, so that a repeated
 * error does not flood. Zero-initialised. Returns true when the caller shall
 * log, with the number held back since the last line in *suppressed.
 */
struct log_throttle {
	int64_t next_ms;
	uint64_t held_back;
};
bool log_throttle_pass(struct log_throttle *t, int64_t now_mono_ms,
		       int64_t interval_ms, uint64_t *suppressed);

#endif
