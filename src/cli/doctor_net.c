/*
 * `reunite doctor`: asking, all at the same time. See doctor_net.h.
 *
 *	ask -> every request under way -> the last one ended, or time is up
 *
 * A host is asked once, however many accounts live there, with a request that
 * says nothing of us: it shows the name, the certificate and the clock. The
 * calls of an account go through a client of their own, which keeps no token.
 */
#include "doctor_net.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "doctor_hooks.h"

enum { ANSWER_MAX_BYTES = 4 << 20, URL_MAX_BYTES = 4096 };

struct doctor_net {
	struct loop *loop;
	struct http_client *http;
	struct loop_timer *deadline;
	int open; /* requests */
	struct doctor_host **hosts;
	size_t host_count;
	struct doctor_host *public; /* or NULL */
	struct doctor_upstream *upstreams;
	size_t upstream_count;
};

static void ended(struct doctor_net *n)
{
	if (--n->open == 0)
		loop_stop(n->loop);
}

/* ---- hosts ---- */

static void on_host(const struct http_answer *a, void *arg)
{
	struct doctor_host *h = arg;
	const char *date =
		a->result == RESULT_OK ? http_answer_header(a, "date") : NULL;
	int64_t said_ms;

	h->ended = true;
	h->result = a->result;
	h->status = a->status;
	h->error = a->error;
	h->sight = a->sight;
	/* a Date leaves its fraction out */
	if (date && clock_parse_http_date(slice_of(date), &said_ms))
		remote_clock_learn(&h->clock, h->asked_ms, clock_wall_ms(),
				   said_ms + 500);
	ended(h->net);
}

static size_t origin_len(const char *url)
{
	const char *host = strstr(url, "://");

	host = host ? host + 3 : url;
	return (size_t)(host - url) + strcspn(host, "/?#");
}

static struct doctor_host *host_find(const struct doctor_net *n,
				     const char *url)
{
	size_t len = origin_len(url);

	for (size_t i = 0; i < n->host_count; i++) {
		const char *origin = n->hosts[i]->origin;

		if (strlen(origin) == len && !strncmp(origin, url, len))
			return n->hosts[i];
	}
	return NULL;
}

static void host_send(struct doctor_net *n, struct doctor_host *h,
		      const char *url)
{
	struct http_call call = {
		.method = "GET",
		.url = url,
		.timeout_ms = DOCTOR_REQUEST_MS,
		.look = true,
	};

	h->net = n;
	h->asked_ms = clock_wall_ms();
	n->open++;
	http_client_send(n->http, &call, on_host, h);
}

/* behind: a path that is answered there. */
static struct doctor_host *host_ask(struct doctor_net *n, const char *base,
				    const char *behind)
{
	struct doctor_host *h = xcalloc(1, sizeof(*h));
	struct buf url;

	h->origin = xstrndup(base, origin_len(base));
	n->hosts = xrealloc(n->hosts, (n->host_count + 1) * sizeof(*n->hosts));
	n->hosts[n->host_count++] = h;
	buf_init(&url, URL_MAX_BYTES);
	buf_printf(&url, "%s%s", base, behind);
	host_send(n, h, url.data);
	buf_release(&url);
	return h;
}

/* ---- calls ---- */

void doctor_call_begin(struct doctor_net *n, struct doctor_call *c)
{
	c->asked = true;
	c->ended = false;
	c->open++;
	n->open++;
}

void doctor_call_end(struct doctor_net *n, struct doctor_call *c,
		     const struct api_result *r)
{
	if (r && c->result.result == RESULT_OK)
		c->result = *r;
	c->open--;
	c->ended = c->open == 0;
	ended(n);
}

static void on_user(const struct api_result *r, const char *role, void *arg)
{
	struct doctor_upstream *u = arg;

	if (role)
		str_copy(u->role, sizeof(u->role), role);
	doctor_call_end(u->net, &u->user, r);
}

static void on_scopes(const struct api_result *r, const char *scopes, void *arg)
{
	struct doctor_upstream *u = arg;

	u->granted = xstrdup(scopes);
	doctor_call_end(u->net, &u->scopes, r);
}

static void on_app(const struct api_result *r, void *arg)
{
	struct doctor_upstream *u = arg;

	doctor_call_end(u->net, &u->app, r);
}

static void calls_ask(struct doctor_upstream *u)
{
	struct api_config config;

	config_api(u->account, &config);
	config.any_scope = true;
	config.requests_per_minute = 0; /* what Zendesk says of it */
	config.timeout_ms = DOCTOR_REQUEST_MS;
	u->api = api_client_new(u->net->loop, u->net->http, &config);
	doctor_call_begin(u->net, &u->user);
	access_user(u->api, LANE_LIVE, on_user, u);
	if (config.auth != ZENDESK_API_TOKEN) {
		doctor_call_begin(u->net, &u->scopes);
		access_scopes(u->api, LANE_LIVE, on_scopes, u);
	}
	doctor_call_begin(u->net, &u->app);
	access_app(u->api, LANE_LIVE, on_app, u);
}

/* ---- all of it ---- */

static void upstream_host(struct doctor_upstream *u, const char *base,
			  const char *behind)
{
	struct doctor_host *h = host_find(u->net, base);

	if (!h)
		h = host_ask(u->net, base, behind);
	if (u->host_count == 0 || u->hosts[0] != h)
		u->hosts[u->host_count++] = h;
}

static void upstream_ask(struct doctor_upstream *u, const struct config *config)
{
	const struct account_config *a = u->account;

	upstream_host(u, a->zendesk_url, "/api/v2/users/me");
	upstream_host(u, a->sunco_url, "/v2/apps");
	calls_ask(u);
	u->hooks =
		doctor_hooks_ask(u->net, u->net->loop, u->net->http, config, a);
}

static void time_up(void *arg)
{
	struct doctor_net *n = arg;

	loop_stop(n->loop);
}

struct doctor_net *doctor_net_ask(const struct config *config, const char *only)
{
	struct doctor_net *n = xcalloc(1, sizeof(*n));

	n->loop = loop_new();
	n->http = http_client_new(n->loop, ANSWER_MAX_BYTES, NULL);
	n->deadline = loop_timer_new(n->loop, time_up, n);
	n->upstreams = xcalloc(config->account_count, sizeof(*n->upstreams));
	for (size_t i = 0; i < config->account_count; i++) {
		struct doctor_upstream *u = &n->upstreams[n->upstream_count];

		if (only && !str_eq(only, config->accounts[i].name))
			continue;
		n->upstream_count++;
		u->net = n;
		u->account = &config->accounts[i];
		upstream_ask(u, config);
	}
	if (*config->public_url)
		n->public = host_ask(n, config->public_url, "/healthz");
	loop_timer_set(n->deadline, DOCTOR_WAIT_MS);
	if (n->open > 0)
		loop_run(n->loop);
	return n;
}

void doctor_net_free(struct doctor_net *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->upstream_count; i++) {
		doctor_hooks_free(n->upstreams[i].hooks);
		api_client_free(n->upstreams[i].api);
		free(n->upstreams[i].granted);
	}
	http_client_free(n->http);
	loop_timer_free(n->deadline);
	loop_free(n->loop);
	for (size_t i = 0; i < n->host_count; i++) {
		free(n->hosts[i]->origin);
		free(n->hosts[i]);
	}
	free(n->hosts);
	free(n->upstreams);
	free(n);
}

const struct doctor_upstream *doctor_net_account(const struct doctor_net *n,
						 const char *account)
{
	for (size_t i = 0; i < n->upstream_count; i++)
		if (str_eq(n->upstreams[i].account->name, account))
			return &n->upstreams[i];
	return NULL;
}

const struct doctor_host *doctor_net_public(const struct doctor_net *n)
{
	return n->public;
}
