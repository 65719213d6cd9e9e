/*
 * The scripted server's script.
 */
#include "api_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 4 * 1024 * 1024 };

static void reply_send(struct wire_conn *c, const struct reply *reply,
		       const char *url)
{
	const char *headers = reply->headers ? reply->headers : "";
	const char *mark = strstr(reply->body ? reply->body : "", "%s");
	char *body;

	if (reply->status == REPLY_SILENCE)
		return;
	if (reply->status == REPLY_CUT) {
		wire_close(c);
		return;
	}
	if (!mark) {
		wire_reply(c, reply->status, headers,
			   reply->body ? reply->body : "");
		return;
	}
	body = xcalloc(1, strlen(reply->body) + strlen(url) + 1);
	memcpy(body, reply->body, (size_t)(mark - reply->body));
	strcat(body, url);
	strcat(body, mark + 2);
	wire_reply(c, reply->status, headers, body);
	free(body);
}

static void on_request(const struct wire_request *r, void *arg)
{
	struct api_fixture *f = arg;

	if (f->request_count == FIXTURE_REQUESTS_MAX)
		abort();
	f->requests[f->request_count++] = xstrdup(r->text);
	if (f->request_count == f->stop_at)
		loop_stop(f->loop);
	for (size_t i = 0; i < f->reply_count; i++) {
		struct reply *reply = &f->replies[i];

		if (!strstr(r->line, reply->match) ||
		    (reply->used && !reply->always))
			continue;
		reply->used = true;
		reply_send(r->conn, reply, wire_server_url(f->server));
		return;
	}
	fprintf(stderr, "not in the script: %s\n", r->line);
	wire_reply(r->conn, 500, "", "{\"error\":\"NotInTheScript\"}");
}

void api_fixture_script(struct api_fixture *f, struct reply *replies,
			size_t count)
{
	f->replies = replies;
	f->reply_count = count;
}

void api_fixture_client(struct api_fixture *f)
{
	api_client_free(f->api);
	f->api = api_client_new(f->loop, f->http, &f->config);
}

struct api_fixture *api_fixture_new(void)
{
	struct api_fixture *f = xcalloc(1, sizeof(*f));

	f->loop = loop_new();
	f->http = http_client_new(f->loop, ANSWER_MAX, NULL);
	f->server = wire_server_new(f->loop, on_request, f);
	f->config = (struct api_config){
		.account = "acme",
		.zendesk_url = wire_server_url(f->server),
		.auth = ZENDESK_API_TOKEN,
		.client_id = "reunite",
		.client_secret = "client-secret",
		.email = "robot@acme.example",
		.token = "api-token",
		.sunco_url = wire_server_url(f->server),
		.sunco_app_id = "app/1",
		.sunco_key_id = "key",
		.sunco_key_secret = "key-secret",
		.timeout_ms = 10000,
		.writes_users = true,
	};
	api_fixture_client(f);
	return f;
}

void api_fixture_free(struct api_fixture *f)
{
	api_client_free(f->api);
	http_client_free(f->http);
	wire_server_free(f->server);
	loop_free(f->loop);
	for (int i = 0; i < f->request_count; i++)
		free(f->requests[i]);
	free(f);
}

int api_fixture_count(const struct api_fixture *f, const char *match)
{
	int n = 0;

	for (int i = 0; i < f->request_count; i++) {
		char *line = xstrndup(f->requests[i],
				      strcspn(f->requests[i], "\r\n"));

		n += strstr(line, match) != NULL;
		free(line);
	}
	return n;
}

bool api_fixture_has(const struct api_fixture *f, int number, const char *text)
{
	return number < f->request_count &&
	       strstr(f->requests[number], text) != NULL;
}
