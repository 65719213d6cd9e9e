/*
 * Wiring of store, APIs and scheduler: see engine.h.
 *
 * An account is given to the scheduler only after its OAuth token of an
 * earlier life has been read, so that no restart asks for a new one.
 */
#include "app/engine.h"

#include <stdlib.h>
#include <string.h>

#include "app/holds.h"
#include "app/token_turn.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"

#define ANSWER_MAX_BYTES (4u << 20) /* of one answer of an API */

struct engine_account {
	struct engine *e;
	char name[ACCOUNT_SIZE];
	struct api_client *api;
	struct token_turn *turn; /* NULL: there are no other nodes */
	struct store_op op;	 /* one at a time; then the next wish */
	bool storing;
	bool save_token;     /* wished while storing */
	char *token;	     /* to be stored; NULL: none any more */
	char *storing_token; /* the store's thread reads it */
	char *storing_over;  /* likewise: what it replaces; NULL: any */
	int64_t token_expires_ms;
};

struct engine {
	struct loop *loop;
	struct config *config;
	struct config **retired; /* some run still looks at them */
	size_t retired_count;
	struct http_client *http;
	struct storeq *q;
	struct remote_clock clock; /* the store's own, if it has one */
	struct crypto_hmac *hmac;
	struct lease_keeper *leases;
	struct scheduler *scheduler;
	struct teller *teller; /* beside the scheduler */
	struct holds *holds;   /* likewise */
	struct node *node;     /* while serving */
	struct engine_account **accounts;
	size_t account_count;
	bool serving; /* holds the store's lock */
};

static struct engine_account *find(const struct engine *e, const char *name)
{
	for (size_t i = 0; i < e->account_count; i++)
		if (str_eq(e->accounts[i]->name, name))
			return e->accounts[i];
	return NULL;
}

/* --- OAuth tokens outlive the process --- */

static void account_free(struct engine_account *a)
{
	free(a->token);
	free(a->storing_token);
	free(a->storing_over);
	free(a);
}

static void save_token(struct engine_account *a);

static void on_token_saved(struct store_op *op, void *arg)
{
	struct engine_account *a = arg;

	a->storing = false;
	store_op_release(op);
	if (!a->e)
		account_free(a);
	else if (a->save_token)
		save_token(a);
	else if (a->storing_token)
		token_turn_saved(a->turn);
}

static void save_token(struct engine_account *a)
{
	struct store_account *u = &a->op.u.account;

	a->save_token = a->storing;
	if (a->storing)
		return;
	a->storing = true;
	store_op_init(&a->op, STORE_ACCOUNT);
	u->account = a->name;
	u->set_token = true;
	free(a->storing_token);
	a->storing_token = a->token;
	a->token = NULL;
	u->oauth_token = a->storing_token;
	free(a->storing_over);
	a->storing_over = NULL;
	if (!a->storing_token) /* not over another node's */
		a->storing_over = xstrdup(api_client_refused_token(a->api));
	u->instead_of = a->storing_over;
	u->oauth_expires_ms = a->token_expires_ms;
	storeq_submit(a->e->q, &a->op, on_token_saved, a);
}

static void on_new_token(const char *token, int64_t expires_ms, void *arg)
{
	struct engine_account *a = arg;

	free(a->token);
	a->token = xstrdup(token);
	a->token_expires_ms = expires_ms;
	save_token(a);
	if (token && a->e->teller)
		teller_wake(a->e->teller, a->name); /* it may allow more */
}

static void set_account(struct engine *e, const struct account_config *config,
			struct api_client *api)
{
	if (!e->scheduler)
		return;
	holds_set_account(e->holds, config->name, api);
	scheduler_set_account(e->scheduler, config, api);
	teller_set_account(e->teller, config, api);
}

/* As if it had not been another life: silence shows from the start. */
static void show_webhooks(const struct store_account *u)
{
	static const enum event_source sources[] = {EVENT_FROM_SUNCO,
						    EVENT_FROM_ZENDESK};

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		double s = (double)u->last_webhook_ms[sources[i]] / 1000;
		struct metric_series *gauge;

		if (s <= 0)
			continue;
		gauge = metric_get(METRIC_LAST_WEBHOOK, u->account,
				   event_source_name(sources[i]));
		if (metric_value(gauge) < s)
			metric_set(gauge, s);
	}
}

static void on_account_read(struct store_op *op, void *arg)
{
	struct engine_account *a = arg;
	const struct store_account *u = &op->u.account;
	const struct account_config *config;

	a->storing = false;
	if (!a->e) {
		store_op_release(op);
		account_free(a);
		return;
	}
	if (op->result == RESULT_OK)
		show_webhooks(u);
	if (op->result == RESULT_OK && u->token)
		api_client_set_token(a->api, u->token, u->token_expires_ms);
	store_op_release(op);
	config = config_account(a->e->config, a->name);
	if (config)
		set_account(a->e, config, a->api);
}

static void read_account(struct engine_account *a)
{
	a->storing = true;
	store_op_init(&a->op, STORE_ACCOUNT);
	a->op.u.account.account = a->name;
	storeq_submit(a->e->q, &a->op, on_account_read, a);
}

/* --- accounts --- */

/* What waits for the end of a hold need not wait for its next look. */
static void on_hold(void *arg)
{
	struct engine_account *a = arg;

	if (!a->e->scheduler)
		return;
	holds_look(a->e->holds, a->name);
	scheduler_wake(a->e->scheduler, a->name);
	teller_wake(a->e->teller, a->name);
}

static void add_account(struct engine *e, const struct account_config *config)
{
	struct engine_account *a = xcalloc(1, sizeof(*a));
	struct api_config api;

	config_api(config, &api);
	a->e = e;
	str_copy(a->name, sizeof(a->name), config->name);
	a->api = api_client_new(e->loop, e->http, &api);
	e->accounts = xrealloc(e->accounts, (e->account_count + 1) * sizeof(a));
	e->accounts[e->account_count++] = a;
	if (!e->serving)
		return;
	api_client_on_token(a->api, on_new_token, a);
	api_client_on_hold(a->api, on_hold, a);
	node_set_account(e->node, a->name, a->api);
	if (node_is_shared(e->node))
		a->turn = token_turn_new(e->loop, e->q, node_id(e->node),
					 a->name, a->api);
	read_account(a);
}

static void apply_account(struct engine *e, const struct account_config *config)
{
	struct engine_account *a = find(e, config->name);
	struct api_config api;

	if (!a) {
		add_account(e, config);
		return;
	}
	config_api(config, &api);
	api_client_reconfigure(a->api, &api);
	set_account(e, config, a->api);
}

static void stop_account(struct engine *e, const char *name)
{
	if (!e->scheduler)
		return;
	holds_stop_account(e->holds, name);
	scheduler_stop_account(e->scheduler, name);
	teller_stop_account(e->teller, name);
}

static bool is_borrowed(const struct engine *e, const struct config *config)
{
	return e->scheduler && scheduler_borrows(e->scheduler, config->accounts,
						 config->account_count);
}

void engine_tidy(struct engine *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->retired_count; i++) {
		if (is_borrowed(e, e->retired[i]))
			e->retired[kept++] = e->retired[i];
		else
			config_free(e->retired[i]);
	}
	e->retired_count = kept;
}

static void retire(struct engine *e, struct config *config)
{
	e->retired = xrealloc(e->retired,
			      (e->retired_count + 1) * sizeof(*e->retired));
	e->retired[e->retired_count++] = config;
	engine_tidy(e);
}

/* Its jobs stay in the store, for the day on which it comes back. */
static void check_removed(struct engine *e, const struct config *old)
{
	for (size_t i = 0; i < old->account_count; i++) {
		const char *name = old->accounts[i].name;

		if (config_account(e->config, name))
			continue;
		stop_account(e, name);
		metrics_hide_account(name, true);
		log_info("account_removed", log_str("account", name));
	}
}

void engine_reload(struct engine *e, struct config *config)
{
	struct config *old = e->config;

	e->config = config;
	for (size_t i = 0; i < config->account_count; i++) {
		metrics_hide_account(config->accounts[i].name, false);
		apply_account(e, &config->accounts[i]);
	}
	check_removed(e, old);
	node_set_config(e->node, config);
	retire(e, old);
}

/* --- life --- */

/* Before anything is done by the time that it is here. */
static enum result ask_clock(struct engine *e, struct store *s,
			     struct error *err)
{
	int64_t asked_ms = clock_boot_ms();
	struct store_op op;

	store_op_init(&op, STORE_CLOCK);
	if (store_do(s, &op) != RESULT_OK) {
		*err = op.error;
		return op.result;
	}
	if (op.u.clock.store_ms == 0)
		return RESULT_OK;
	remote_clock_learn(&e->clock, asked_ms, clock_boot_ms(),
			   op.u.clock.store_ms);
	loop_set_wall(e->loop, remote_clock_ahead_ms(&e->clock));
	return RESULT_OK;
}

static enum result open_store(struct engine *e, enum store_mode mode,
			      struct error *err)
{
	const char *url = e->config->store;
	int64_t now_ms = clock_wall_ms();
	struct store *writer;
	struct store *reader = NULL;
	enum result r = store_open(&writer, url, mode, now_ms, err);

	if (r == RESULT_NOTFOUND && mode == STORE_READ)
		return RESULT_OK;
	if (r != RESULT_OK)
		return r;
	r = ask_clock(e, writer, err);
	if (r == RESULT_OK && mode == STORE_SERVE)
		r = store_open(&reader, url, STORE_READ, now_ms, err);
	if (r != RESULT_OK) {
		store_close(writer);
		return r;
	}
	e->hmac = crypto_hmac_new(store_key(writer), STORE_KEY_SIZE);
	e->q = storeq_new(e->loop, writer, reader);
	e->leases = lease_keeper_new(e->loop, e->q);
	return RESULT_OK;
}

static void on_noted(const char *account, void *arg)
{
	struct engine *e = arg;

	teller_wake(e->teller, account);
}

static void on_row(const char *account, const struct store_account *row,
		   void *arg)
{
	struct engine *e = arg;

	holds_read(e->holds, account, row);
}

static void start_node(struct engine *e, const uint8_t *key)
{
	e->node =
		node_new(e->loop, e->q, store_is_shared(e->config->store), key);
	node_set_config(e->node, e->config);
}

static void start_work(struct engine *e, scheduler_watch_fn *watch, void *arg)
{
	e->scheduler =
		scheduler_new(e->loop, e->q, e->leases, e->hmac, watch, arg);
	e->holds = holds_new(e->loop, e->q, node_id(e->node));
	scheduler_on_row(e->scheduler, on_row, e);
	e->teller = teller_new(e->loop, e->q);
	scheduler_on_noted(e->scheduler, on_noted, e);
}

void engine_wake(struct engine *e, const char *account)
{
	if (!e->scheduler)
		return;
	scheduler_wake(e->scheduler, account);
	teller_wake(e->teller, account);
}

enum result engine_new(struct engine **out, struct loop *loop,
		       struct config *config, enum store_mode mode,
		       scheduler_watch_fn *watch, void *arg, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	enum result r;

	e->loop = loop;
	e->config = config;
	e->serving = mode == STORE_SERVE;
	r = open_store(e, mode, err);
	if (r != RESULT_OK) {
		free(e);
		return r;
	}
	e->http = http_client_new(loop, ANSWER_MAX_BYTES, NULL);
	if (mode == STORE_SERVE)
		start_node(e, storeq_key(e->q));
	if (mode == STORE_SERVE && watch)
		start_work(e, watch, arg);
	for (size_t i = 0; i < config->account_count; i++)
		add_account(e, &config->accounts[i]);
	*out = e;
	return RESULT_OK;
}

static void free_account(struct engine_account *a)
{
	token_turn_free(a->turn);
	a->turn = NULL;
	api_client_on_token(a->api, NULL, NULL);
	api_client_on_hold(a->api, NULL, NULL);
	api_client_free(a->api);
	a->api = NULL;
	a->e = NULL;
	if (!a->storing)
		account_free(a); /* else its completion does */
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	scheduler_free(e->scheduler);
	lease_keeper_free(e->leases);
	teller_free(e->teller);
	holds_free(e->holds);
	node_free(e->node); /* its last word */
	e->node = NULL;
	for (size_t i = 0; i < e->account_count; i++)
		free_account(e->accounts[i]);
	http_client_free(e->http);
	if (e->q)
		storeq_free(e->q);
	crypto_hmac_free(e->hmac);
	free(e->accounts);
	for (size_t i = 0; i < e->retired_count; i++)
		config_free(e->retired[i]);
	free(e->retired);
	config_free(e->config);
	free(e);
}

const struct config *engine_config(const struct engine *e)
{
	return e->config;
}

struct remote_clock *engine_clock(struct engine *e)
{
	return &e->clock;
}

struct storeq *engine_storeq(const struct engine *e)
{
	return e->q;
}

struct node *engine_node(const struct engine *e)
{
	return e->node;
}

struct scheduler *engine_scheduler(const struct engine *e)
{
	return e->scheduler;
}

struct teller *engine_teller(const struct engine *e)
{
	return e->teller;
}

struct api_client *engine_api(const struct engine *e, const char *account)
{
	const struct engine_account *a = find(e, account);

	return a ? a->api : NULL;
}

bool engine_date_ms(const struct engine *e, int64_t *out)
{
	int64_t youngest_ms = INT64_MAX, age_ms, date_ms;

	for (size_t i = 0; i < e->account_count; i++) {
		if (!api_client_date(e->accounts[i]->api, &date_ms, &age_ms) ||
		    age_ms >= youngest_ms)
			continue;
		youngest_ms = age_ms;
		*out = date_ms + age_ms;
	}
	return youngest_ms != INT64_MAX;
}

bool engine_env(const struct engine *e, const char *account,
		struct run_env *out)
{
	const struct account_config *config =
		config_account(e->config, account);

	if (!config)
		return false;
	*out = (struct run_env){
		.loop = e->loop,
		.q = e->q,
		.api = engine_api(e, account),
		.hmac = e->hmac,
		.account = config,
		.leases = e->leases,
	};
	return true;
}
