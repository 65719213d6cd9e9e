/*
 * Raw requests and what the server of http_fixture.h answers.
 */
#ifndef REUNITE_TESTS_HTTP_CASES_H
#define REUNITE_TESTS_HTTP_CASES_H

#include <stdbool.h>
#include <stddef.h>

struct http_case {
	const char *name;
	const char *bytes;
	size_t len;
	int status;
	bool kept; /* the connection stays open */
};

extern const struct http_case http_cases[];
extern const size_t http_case_count;

#endif
