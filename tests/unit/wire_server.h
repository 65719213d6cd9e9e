/*
 * A scripted HTTP server on the loop: it hands every whole request to a
 * handler, which answers, answers badly, cuts the connection or says nothing.
 */
#ifndef TEST_WIRE_SERVER_H
#define TEST_WIRE_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"

struct wire_server;
struct wire_conn;

struct wire_request {
	struct wire_conn *conn;
	int number;	  /* of the request, from 0 */
	int connection;	  /* of the connection, from 0 */
	const char *text; /* the whole, NUL-terminated */
	const char *line; /* the first line, without its end */
	const char *body;
};
typedef void wire_handler(const struct wire_request *r, void *arg);

struct wire_server *wire_server_new(struct loop *loop, wire_handler *fn,
				    void *arg);
void wire_server_free(struct wire_server *s);
uint16_t wire_server_port(const struct wire_server *s);
const char *wire_server_url(const struct wire_server *s);
int wire_server_requests(const struct wire_server *s);
int wire_server_connections(const struct wire_server *s);

/* Exactly these bytes. */
void wire_send(struct wire_conn *c, const char *data, size_t len);
/* A whole answer; headers are more lines with their ends, or "". */
void wire_reply(struct wire_conn *c, int status, const char *headers,
		const char *body);
void wire_close(struct wire_conn *c);
/* The value of the request's header, or NULL: *new*. */
char *wire_header(const struct wire_request *r, const char *name);

/* Runs the loop until loop_stop(); aborts the test after 30 s. */
void wire_run(struct loop *loop);

#endif
