/*
 * What was asked, and counters of it. The newest REQLOG_MAX entries are kept;
 * the counters forget nothing. No entry holds personal data.
 */
#ifndef REUNITE_SANDBOX_REQLOG_H
#define REUNITE_SANDBOX_REQLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REQLOG_MAX 65536

struct json_t;
struct reqlog;

struct reqlog_entry {
	uint64_t seq; /* set by reqlog_add(), from 1 */
	int64_t at_ms;
	const char *api, *call, *method, *path; /* static; path: the pattern */
	const char *fault;			/* static, or NULL */
	uint64_t id;				/* in the path, or 0 */
	int status;				/* 0: no answer was sent */
	bool applied;
};

struct reqlog *reqlog_new(void);
void reqlog_free(struct reqlog *l);
void reqlog_clear(struct reqlog *l);
void reqlog_add(struct reqlog *l, const struct reqlog_entry *e);
/* *new* {"total":..,"counts":{"zendesk merge":{"200":1}},"requests":[..]},
 * the entries with a seq above after. */
struct json_t *reqlog_encode(const struct reqlog *l, uint64_t after);

#endif
