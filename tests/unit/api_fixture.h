/*
 * An account's API client against a scripted server.
 */
#ifndef TEST_API_FIXTURE_H
#define TEST_API_FIXTURE_H

#include "api/api_client.h"
#include "wire_server.h"

#define FIXTURE_REQUESTS_MAX 64

enum { REPLY_CUT = -1, REPLY_SILENCE = -2 };

/* Answers the first request whose first line has `match` and that no earlier
 * reply took; each is used once unless `always`. */
struct reply {
	const char *match;
	int status;	     /* or one of the above */
	const char *headers; /* NULL: none */
	const char *body;    /* "%s" stands for the server's URL */
	bool always;
	bool used;
};

struct api_fixture {
	struct loop *loop;
	struct http_client *http;
	struct wire_server *server;
	struct api_config config;
	struct api_client *api;
	struct reply *replies;
	size_t reply_count;
	char *requests[FIXTURE_REQUESTS_MAX]; /* as they came */
	int request_count;
	int stop_at; /* the loop stops when so many requests came; 0: not */
};

/* Zendesk by API token; change config and call api_fixture_client(). */
struct api_fixture *api_fixture_new(void);
void api_fixture_free(struct api_fixture *f);
void api_fixture_client(struct api_fixture *f);
void api_fixture_script(struct api_fixture *f, struct reply *replies,
			size_t count);
#define REPLY(m, s, h, b)                                                      \
	{                                                                      \
		.match = (m), .status = (s), .headers = (h), .body = (b)       \
	}
#define ALWAYS(m, s, h, b)                                                     \
	{                                                                      \
		.match = (m), .status = (s), .headers = (h), .body = (b),      \
		.always = true                                                 \
	}
#define SCRIPT(f, ...)                                                         \
	struct reply replies_[] = {__VA_ARGS__};                               \
	api_fixture_script((f), replies_, ARRAY_LEN(replies_))
/* How many requests had `match` in their first line. */
int api_fixture_count(const struct api_fixture *f, const char *match);
/* True if the numbered request has the text. */
bool api_fixture_has(const struct api_fixture *f, int number, const char *text);

#endif
