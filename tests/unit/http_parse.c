/*
 * Adapter over http-parser and llhttp: see http_parse.h.
 *
 * Both call back with the same meaning; they differ in how a callback stops
 * the feeding and in how the number of bytes taken is learnt. A parser is
 * reset before each message, so it never sees what follows one.
 */
#include "http_parse.h"

#include <stdlib.h>

#ifdef REUNITE_LLHTTP
#include <llhttp.h>
typedef llhttp_t parse_lib;
typedef llhttp_settings_t parse_lib_settings;
#else
#include <http_parser.h>
typedef http_parser parse_lib;
typedef http_parser_settings parse_lib_settings;
#endif

#include "base/str.h"

struct http_parse {
	parse_lib lib;
	parse_lib_settings settings;
	const struct http_parse_events *events;
	void *arg;
};

static int lib_stop(parse_lib *lib)
{
#ifdef REUNITE_LLHTTP
	(void)lib;
	return HPE_PAUSED;
#else
	http_parser_pause(lib, 1);
	return 0;
#endif
}

static int on_field(parse_lib *lib, const char *at, size_t len)
{
	struct http_parse *p = lib->data;

	p->events->field(p->arg, at, len);
	return 0;
}

static int on_value(parse_lib *lib, const char *at, size_t len)
{
	struct http_parse *p = lib->data;

	p->events->value(p->arg, at, len);
	return 0;
}

static int on_body(parse_lib *lib, const char *at, size_t len)
{
	struct http_parse *p = lib->data;

	p->events->body(p->arg, at, len);
	return 0;
}

static int on_chunk(parse_lib *lib)
{
	struct http_parse *p = lib->data;

	return p->events->chunk(p->arg, lib->content_length) ? lib_stop(lib)
							     : 0;
}

static int on_done(parse_lib *lib)
{
	struct http_parse *p = lib->data;

	p->events->done(p->arg);
	return lib_stop(lib);
}

struct http_parse *http_parse_new(const struct http_parse_events *events,
				  void *arg)
{
	struct http_parse *p = xcalloc(1, sizeof(*p));

	p->events = events;
	p->arg = arg;
	p->settings.on_header_field = on_field;
	p->settings.on_header_value = on_value;
	p->settings.on_body = on_body;
	p->settings.on_chunk_header = on_chunk;
	p->settings.on_message_complete = on_done;
	http_parse_reset(p);
	return p;
}

void http_parse_free(struct http_parse *p)
{
	free(p);
}

#ifdef REUNITE_LLHTTP

void http_parse_reset(struct http_parse *p)
{
	llhttp_init(&p->lib, HTTP_REQUEST, &p->settings);
	p->lib.data = p;
}

bool http_parse_feed(struct http_parse *p, const char *data, size_t len,
		     size_t *used)
{
	llhttp_errno_t err = llhttp_execute(&p->lib, data, len);

	*used = len;
	if (err == HPE_OK)
		return true;
	*used = (size_t)(llhttp_get_error_pos(&p->lib) - data);
	if (err != HPE_PAUSED)
		return false;
	llhttp_resume(&p->lib);
	return true;
}

bool http_parse_keep_alive(const struct http_parse *p)
{
	return llhttp_should_keep_alive(&p->lib);
}

#else

void http_parse_reset(struct http_parse *p)
{
	http_parser_init(&p->lib, HTTP_REQUEST);
	p->lib.data = p;
}

bool http_parse_feed(struct http_parse *p, const char *data, size_t len,
		     size_t *used)
{
	enum http_errno err;

	*used = http_parser_execute(&p->lib, &p->settings, data, len);
	err = HTTP_PARSER_ERRNO(&p->lib);
	if (err == HPE_PAUSED) {
		http_parser_pause(&p->lib, 0);
		return true;
	}
	return err == HPE_OK;
}

bool http_parse_keep_alive(const struct http_parse *p)
{
	return http_should_keep_alive(&p->lib);
}

#endif
