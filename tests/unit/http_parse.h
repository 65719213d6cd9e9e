/*
 * A parser library (http-parser or llhttp), to compare our reading of a
 * request with. The only file that knows which of the two it is.
 *
 * It splits a head into its parts, tells whether the connection lives on, and
 * takes the chunked coding off a body. It is lenient, and http-parser as
 * Debian builds it is very lenient: whatever we accept it accepts.
 */
#ifndef REUNITE_TESTS_HTTP_PARSE_H
#define REUNITE_TESTS_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_parse;

/* field and value come once each for a head that is fed in one piece;
 * value may be left out when it is empty. */
struct http_parse_events {
	void (*field)(void *arg, const char *at, size_t len);
	void (*value)(void *arg, const char *at, size_t len);
	void (*body)(void *arg, const char *at, size_t len);
	/* A chunk of that size begins; true stops the feeding behind its size
	 * line. The last chunk has size 0. */
	bool (*chunk)(void *arg, uint64_t size);
	void (*done)(void *arg); /* the feeding stops behind the message */
};

/* events: borrowed, must outlive the parser. */
struct http_parse *http_parse_new(const struct http_parse_events *events,
				  void *arg);
void http_parse_free(struct http_parse *p);
void http_parse_reset(struct http_parse *p); /* for the next message */
/* False when the grammar is broken. *used bytes were taken: all of them unless
 * the feeding stopped or broke. */
bool http_parse_feed(struct http_parse *p, const char *data, size_t len,
		     size_t *used);
bool http_parse_keep_alive(const struct http_parse *p); /* head is read */

#endif
