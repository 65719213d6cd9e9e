/*
 * `reunite health`: does the daemon of this configuration answer?
 *
 * Asks both listeners for /healthz, with --ready the admin one for /readyz;
 * made for a container's health check, where there is no shell and no curl.
 * Reads nothing but the configuration, and never the store. A certificate that
 * has ended is not the daemon's illness, which a restart would cure.
 */
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "net/http_client.h"
#include "own_url.h"

#define HEALTH_TIMEOUT_MS	5000 /* the daemon's own patience is 2000 */
#define HEALTH_MAX_ANSWER_BYTES 65536

struct health {
	struct cli *cli;
	struct loop *loop;
	struct http_client *client;
	size_t open;
	bool bad;
};

struct question {
	struct health *health;
	char url[OWN_URL_SIZE];
};

static void print_ok(struct cli *c, const char *url,
		     const struct http_answer *a)
{
	struct json_t *v;

	if (!c->json) {
		fprintf(c->out, "%s: %d\n", url, a->status);
		return;
	}
	v = json_new_obj();
	json_set_str(v, "url", url);
	json_set_int(v, "status", a->status);
	cli_json(c, v);
}

static void on_answer(const struct http_answer *a, void *arg)
{
	struct question *q = arg;
	struct health *h = q->health;

	if (a->result == RESULT_OK && a->status == 200) {
		print_ok(h->cli, q->url, a);
	} else {
		h->bad = true;
		if (a->result == RESULT_OK)
			(void)cli_error(h->cli, "%s answers %d", q->url,
					a->status);
		else
			(void)cli_error(h->cli, "%s: %s", q->url,
					a->error.text);
	}
	if (--h->open == 0)
		loop_stop(h->loop);
}

static void ask(struct health *h, struct question *q, const char *scheme,
		const char *address, const char *path)
{
	struct http_call call = {.method = "GET",
				 .url = q->url,
				 .own = true,
				 .timeout_ms = HEALTH_TIMEOUT_MS};

	q->health = h;
	own_url(q->url, scheme, address, path);
	h->open++;
	http_client_send(h->client, &call, on_answer, q);
}

static int run(struct cli *c)
{
	struct health h = {.cli = c};
	struct question questions[2];
	struct config *config;
	int code = cli_config(c, &config);

	if (code != CLI_DONE)
		return code;
	h.loop = loop_new();
	h.client = http_client_new(h.loop, HEALTH_MAX_ANSWER_BYTES, NULL);
	ask(&h, &questions[0],
	    str_is_empty(config->tls_certificate) ? "http" : "https",
	    config->listen, "/healthz");
	ask(&h, &questions[1], "http", config->admin_listen,
	    cli_given(c, "ready") ? "/readyz" : "/healthz");
	loop_run(h.loop);
	http_client_free(h.client);
	loop_free(h.loop);
	config_free(config);
	return h.bad ? CLI_FAILED : CLI_DONE;
}

static const struct cli_option options[] = {
	{"ready", CLI_FLAG, NULL,
	 "also: does its store answer, and is it not about to end"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_health = {
	.name = "health",
	.summary = "does the daemon answer; for a container's health check",
	.example = "health --ready -c /etc/reunite/reunite.conf",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
