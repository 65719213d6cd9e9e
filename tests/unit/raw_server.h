/*
 * A scripted HTTP server on the loop: it hands every whole request to a
 * handler, which answers, answers badly, cuts the connection or says nothing.
 */
#ifndef TEST_RAW_SERVER_H
#define TEST_RAW_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

struct raw_server;
struct raw_conn;

struct raw_request {
	struct raw_conn *conn;
	int number;	  /* of the request, from 0 */
	int connection;	  /* of the connection, from 0 */
	const char *text; /* the whole, NUL-terminated */
	const char *line; /* the first line, without its end */
	const char *body;
};
typedef void raw_handler(const struct raw_request *r, void *arg);

struct raw_server *raw_server_new(struct loop *loop, raw_handler *fn,
				  void *arg);
void raw_server_free(struct raw_server *s);
uint16_t raw_server_port(const struct raw_server *s);
const char *raw_server_url(const struct raw_server *s);
int raw_server_requests(const struct raw_server *s);
int raw_server_connections(const struct raw_server *s);

/* Exactly these bytes. */
void raw_send(struct raw_conn *c, const char *data, size_t len);
/* A whole answer; headers are more lines with their ends, or "". */
void raw_reply(struct raw_conn *c, int status, const char *headers,
	       const char *body);
void raw_close(struct raw_conn *c);
/* The value of the request's header, or NULL: *new*. */
char *raw_header(const struct raw_request *r, const char *name);

/* Runs the loop until loop_stop(); aborts the test after 30 s. */
void raw_run(struct loop *loop);

#endif
