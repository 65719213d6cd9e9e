/*
 * Requests from outside: read whole and read in pieces, which must be the
 * same; then paths, routes and queries. The first two bytes seed the pieces.
 */
#include "fuzz.h"

#include "../../src/net/http_route.h"
#include "../unit/http_transcript.h"

#define MAX_HEADER 512
#define MAX_BODY   256

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t whole(void *arg)
{
	(void)arg;
	return SIZE_MAX;
}

/* Mostly small pieces, from a linear congruential generator. */
static size_t pieces(void *arg)
{
	uint32_t *seed = arg;

	*seed = *seed * 1664525u + 1013904223u;
	return 1 + (*seed >> 24) % ((*seed & 0x10000) ? 4 : 64);
}

static void handler(struct http_request *r, void *arg)
{
	(void)r;
	(void)arg;
}

static const struct http_route routes[] = {
	{"GET", "/healthz", handler, false},
	{"POST", "/webhooks/{account}/zendesk", handler, true},
	{"GET", "/api/{rest...}", handler, false},
};

static void find_route(const struct http_message *m)
{
	struct http_path path;
	struct http_match match;
	struct buf allow;
	char value[32];

	http_path_init(&path, MAX_HEADER);
	buf_init(&allow, MAX_HEADER);
	require(m->target.path.ptr[0] == '/');
	if (http_path_decode(&path, m->target.path) == 0) {
		for (size_t i = 0; i < path.count; i++)
			require(str_is_utf8(path.segments[i]));
		http_route_find(routes, ARRAY_LEN(routes), m->method, &path,
				&match, &allow);
		for (size_t i = 0; i < match.param_count; i++)
			require(match.params[i].value.len > 0);
	}
	if (http_query_get(m->target.query, "a", value, sizeof(value)))
		require(strlen(value) < sizeof(value));
	http_path_release(&path);
	buf_release(&allow);
}

static void first_request(struct http_message *m, struct slice bytes)
{
	http_message_reset(m);
	while (bytes.len > 0 && m->state < HTTP_MESSAGE_DONE) {
		size_t n = http_message_feed(m, bytes.ptr, bytes.len);

		bytes.ptr += n;
		bytes.len -= n;
	}
	require(m->body.len <= MAX_BODY);
	if (m->state == HTTP_MESSAGE_DONE)
		find_route(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_message m;
	struct buf a, b;
	struct slice bytes;
	uint32_t seed;

	if (size < 2)
		return 0;
	seed = (uint32_t)data[0] << 8 | data[1];
	bytes = (struct slice){(const char *)data + 2, size - 2};
	http_message_init(&m, MAX_HEADER, MAX_BODY);
	buf_init(&a, TRANSCRIPT_MAX_BYTES);
	buf_init(&b, TRANSCRIPT_MAX_BYTES);
	transcript_write(&a, &m, bytes, whole, NULL);
	transcript_write(&b, &m, bytes, pieces, &seed);
	require(a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
	first_request(&m, bytes);
	buf_release(&a);
	buf_release(&b);
	http_message_release(&m);
	return 0;
}
