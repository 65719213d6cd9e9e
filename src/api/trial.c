/*
 * The probe's calls, each a row of trial.h's table.
 */
#include "api/trial.h"

#include <inttypes.h>
#include <string.h>

#include "api_int.h"
#include "base/buf.h"
#include "base/str.h"

enum { PATH_MAX_BYTES = 4096 };

static const struct trial_row {
	enum api api;
	const char *name, *method, *path;
	enum endpoint endpoint;
	bool once;
} rows[] = {
#define TRIAL_ROW(id, api, name, method, path, endpoint, once)                 \
	{api, name, method, path, endpoint, once},
	TRIAL_TABLE(TRIAL_ROW)
#undef TRIAL_ROW
};

bool trial_reads(enum trial what)
{
	return str_eq(rows[what].method, "GET");
}

enum api trial_api(enum trial what)
{
	return rows[what].api;
}

const char *trial_method(enum trial what)
{
	return rows[what].method;
}

const char *trial_path(enum trial what)
{
	return rows[what].path;
}

/* One placeholder, at p, is written out; how long it is there. */
static size_t fill_in(struct buf *out, const char *p,
		      const struct api_config *config,
		      const struct trial_call *call)
{
	if (str_starts(p, "{id}"))
		buf_printf(out, "%" PRIu64, call->id);
	else if (str_starts(p, "{text}"))
		http_escape(out, slice_of(call->text));
	else
		http_escape(out, slice_of(config->sunco_app_id));
	return strcspn(p, "}") + 1;
}

static void path_write(struct buf *out, const struct api_config *config,
		       const struct trial_call *call)
{
	const char *p = rows[call->what].path;

	while (*p) {
		size_t plain = strcspn(p, "{");

		buf_append(out, p, plain);
		p += plain;
		if (*p)
			p += fill_in(out, p, config, call);
	}
}

struct api_request *trial_send(struct api_client *c,
			       const struct trial_call *call, api_done *done,
			       void *arg)
{
	const struct trial_row *row = &rows[call->what];
	struct api_call request = {
		.api = row->api,
		.name = row->name,
		.method = row->method,
		.user = row->api == API_ZENDESK ? call->id : 0,
		.body = call->body,
		.lane = LANE_REVIEW,
		.once = row->once,
		.endpoint = row->endpoint,
		.object = call->id,
	};
	struct api_request *q;
	struct buf path;

	buf_init(&path, PATH_MAX_BYTES);
	path_write(&path, api_client_config(c), call);
	request.path = path.overflow ? NULL : path.data;
	q = api_send(c, &request, done, arg);
	buf_release(&path);
	return q;
}
