/*
 * The parts of the stand-in and their routes, made and ended together.
 */
#include "sandbox/jobs.h"
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/str.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sandbox/acts.h"
#include "sandbox/control.h"
#include "sandbox/faults.h"
#include "sandbox/gateway.h"
#include "sandbox/people.h"
#include "sandbox/reqlog.h"
#include "sandbox/webhooks_out.h"

#define BODY_MAX   (128 * 1024 * 1024) /* a load of people */
#define ANSWER_MAX (64 * 1024)	       /* to a webhook */
#define EPOCH_MS   INT64_C(1700000000000)
#define FIRST_ID   UINT64_C(30000000000000)

static const struct http_route routes[] = {
	{"POST", "/_sandbox/people", control_people, false},
	{"GET", "/_sandbox/state", control_state, false},
	{"GET", "/_sandbox/requests", control_requests, false},
	{"GET", "/_sandbox/deliveries", control_deliveries, false},
	{"GET", "/_sandbox/settings", control_settings_show, false},
	{"POST", "/_sandbox/settings", control_settings_set, false},
	{"GET", "/_sandbox/faults", control_faults_show, false},
	{"POST", "/_sandbox/faults", control_faults_add, false},
	{"DELETE", "/_sandbox/faults", control_faults_clear, false},
	{"POST", "/_sandbox/merges", control_merge, false},
	{"DELETE", "/_sandbox/tokens", control_tokens_revoke, false},
	{"POST", "/_sandbox/others", control_others, false},
	{"POST", "/_sandbox/reset", control_reset, false},
	{"POST", "/_sandbox/conversations", acts_conversation, false},
	{"POST", "/_sandbox/hand-offs", acts_hand_off, false},
	{"POST", "/_sandbox/logins", acts_login, false},
	{"POST", "/_sandbox/messages", acts_message, false},
	{"POST", "/_sandbox/removals", acts_removal, false},
	{"POST", "/_sandbox/webhooks", acts_webhook, false},
	{"GET", "/{path...}", gateway_handle, false},
	{"POST", "/{path...}", gateway_handle, false},
	{"PUT", "/{path...}", gateway_handle, false},
	{"PATCH", "/{path...}", gateway_handle, false},
	{"DELETE", "/{path...}", gateway_handle, false},
};

/* New ids differ from those of an earlier run. */
static uint64_t first_id(int64_t now_ms)
{
	return FIRST_ID + (uint64_t)(now_ms > EPOCH_MS ? now_ms - EPOCH_MS : 0);
}

struct sandbox *sandbox_new(struct loop *loop, bool seeded, const char *ca_file)
{
	struct sandbox *sb = xcalloc(1, sizeof(*sb));
	struct http_server_config config;
	uint32_t run;

	crypto_random(&run, sizeof(run));
	sb->loop = loop;
	sb->seeded = seeded;
	account_init(&sb->account, first_id(loop_wall_ms(loop)), run);
	sb->faults = faults_new();
	sb->log = reqlog_new();
	sb->http = http_client_new(loop, ANSWER_MAX, ca_file);
	sb->webhooks = webhooks_new(loop, sb->http, &sb->account);
	http_server_config_default(&config);
	config.name = "sandbox";
	config.max_body_bytes = BODY_MAX;
	sb->server =
		http_server_new(loop, &config, routes, ARRAY_LEN(routes), sb);
	if (seeded)
		people_seed(&sb->account, loop_wall_ms(loop));
	return sb;
}

void sandbox_free(struct sandbox *sb)
{
	if (!sb)
		return;
	acts_free(sb, false);
	gateway_free(sb);
	webhooks_free(sb->webhooks);
	http_server_free(sb->server);
	http_client_free(sb->http);
	reqlog_free(sb->log);
	faults_free(sb->faults);
	account_release(&sb->account);
	free(sb);
}

enum result sandbox_listen(struct sandbox *sb, const char *address,
			   struct error *err)
{
	enum result r = http_server_listen(sb->server, address, err);

	if (r == RESULT_OK)
		snprintf(sb->account.base_url, sizeof(sb->account.base_url),
			 "http://127.0.0.1:%u", http_server_port(sb->server));
	return r;
}

void sandbox_reset(struct sandbox *sb)
{
	acts_free(sb, true);
	webhooks_forget(sb->webhooks);
	faults_clear(sb->faults);
	reqlog_clear(sb->log);
	tokens_revoke_all(sb->account.tokens);
	sb->account.limits = (struct limits){.zendesk = {0}};
	state_reset(sb->account.state);
	jobs_reset(sb->account.jobs);
	registry_reset(&sb->account.registry, sb->account.state);
	if (sb->seeded)
		people_seed(&sb->account, loop_wall_ms(sb->loop));
}
