/*
 * `reunite forget`: erase a person.
 *
 * Looks first, without a lock, then erases by id, then empties the
 * write-ahead log, so that no file keeps the bytes. What Zendesk and Sunshine
 * Conversations hold is not touched: erase there first, or the person's next
 * webhook makes a job again.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "backups.h"
#include "commands.h"
#include "core/address.h"
#include "list.h"

#define LOG_TRIES    20
#define LOG_PAUSE_MS 100

/* Whom the options name; the address is the caller's. */
struct wish {
	struct store_find who;
	char address[ADDRESS_SIZE];
};

static int read_wish(struct cli *c, struct wish *w)
{
	const char *email = cli_text(c, "email");
	const char *sunco = cli_text(c, "sunco-user");
	int named = cli_given(c, "email") + cli_given(c, "user") +
		    cli_given(c, "sunco-user");

	memset(w, 0, sizeof(*w));
	if (named != 1)
		return cli_usage_error(
			c, "give one of --email, --user and --sunco-user");
	if (email && !address_normalise(email, w->address))
		return cli_usage_error(c, "--email is no e-mail address");
	if (sunco && !sunco_id_valid(sunco, strlen(sunco)))
		return cli_usage_error(c, "--sunco-user is no id");
	w->who.sunco_id = sunco;
	w->who.zendesk_user_id = (uint64_t)cli_number(c, "user");
	w->who.address = email ? w->address : NULL;
	return CLI_DONE;
}

static void print_erased(struct cli *c, const struct store_erase *e)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", e->account);
	json_set_int(v, "jobs", e->jobs);
	json_set_int(v, "jobs_when_they_end", e->busy);
	json_set_int(v, "reviews", e->reviews);
	json_set_int(v, "links", e->links);
	json_set_int(v, "rejected_pairs", e->pairs);
	json_set_int(v, "addresses", e->addresses);
	json_set_int(v, "journal_entries", e->entries);
	cli_object(c, v);
}

static void print_found(struct cli *c, const struct store_find *f)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", f->account);
	json_set_int(v, "zendesk_users", (int64_t)f->user_count);
	json_set_int(v, "sunco_users", (int64_t)f->sunco_count);
	json_set_int(v, "reviews", (int64_t)f->review_count);
	json_set_int(v, "journal_entries", (int64_t)f->entry_count);
	cli_object(c, v);
}

static int erase(struct cli *c, struct store *store,
		 const struct store_find *who)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_ERASE);
	op.u.erase.account = who->account;
	op.u.erase.who = who;
	op.u.erase.now_ms = c->now_ms;
	if (store_do(store, &op) == RESULT_OK)
		print_erased(c, &op.u.erase);
	else
		code = cli_store_failed(c, &op);
	store_op_release(&op);
	return code;
}

static int forget(struct cli *c, struct store *store, const char *account,
		  const struct wish *w)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_FIND);
	op.u.find = w->who;
	op.u.find.account = account;
	if (store_do(store, &op) != RESULT_OK)
		code = cli_store_failed(c, &op);
	else if (cli_given(c, "dry-run"))
		print_found(c, &op.u.find);
	else
		code = erase(c, store, &op.u.find);
	store_op_release(&op);
	return code;
}

static void print_copy(void *arg, const char *name, const char *host,
		       int64_t made_ms)
{
	char made[CLOCK_TEXT_SIZE];
	struct cli *c = arg;
	struct json_t *v;

	fprintf(c->err,
		"reunite forget: %s%s%s is an older copy of the store and may "
		"hold the person still: delete it\n",
		name, host ? " on " : "", host ? host : "");
	if (!c->json)
		return;
	v = json_new_obj();
	json_set_str(v, "copy", name);
	if (host)
		json_set_str(v, "host", host);
	clock_format(made_ms, made);
	json_set_str(v, "made", made);
	cli_object(c, v);
}

/* They hold what the store held then, and are not written any more. */
static int tell_of_copies(struct cli *c, const struct config *config,
			  struct store *store)
{
	struct store_copy *copies;
	size_t count = store_copies(config->store, &copies);
	struct error err;

	for (size_t i = 0; i < count; i++) {
		print_copy(c, copies[i].name, NULL, copies[i].made_ms);
		free(copies[i].name);
	}
	free(copies);
	if (backups_each(store, config->store, print_copy, c, &err) ==
	    RESULT_OK)
		return CLI_DONE;
	return cli_error(c, "erased, but its backups cannot be told: %s",
			 err.text);
}

/* While somebody reads it cannot be; what they do is short. */
static bool empty_log(struct store *store)
{
	const struct timespec pause = {0, LOG_PAUSE_MS * 1000000L};

	for (int i = 0; i < LOG_TRIES; i++) {
		if (store_empty_log(store))
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static int forget_all(struct cli *c, const struct config *config,
		      struct store *store, const struct wish *w)
{
	const char *only = cli_text(c, "account");
	int code = cli_check_account(c, config, only);

	for (size_t i = 0; i < config->account_count && code == CLI_DONE; i++)
		if (!only || str_eq(only, config->accounts[i].name))
			code = forget(c, store, config->accounts[i].name, w);
	if (code != CLI_DONE || cli_given(c, "dry-run"))
		return code;
	code = tell_of_copies(c, config, store);
	if (!empty_log(store))
		return cli_error(c, "erased, but the write-ahead log could not "
				    "be emptied while somebody reads the "
				    "store: a daemon does it afterwards; "
				    "without one, say it again");
	return code;
}

static int run(struct cli *c)
{
	struct config *config;
	struct store *store;
	struct wish w;
	int code = read_wish(c, &w);

	if (code == CLI_DONE)
		code = cli_store(c, STORE_WRITE, &config, &store);
	if (code != CLI_DONE)
		return code;
	code = forget_all(c, config, store, &w);
	store_close(store);
	config_free(config);
	return code;
}

static const struct cli_option options[] = {
	{"email", CLI_TEXT, "ADDRESS", "whoever has or had this address"},
	{"user", CLI_NUMBER, "ID",
	 "a Zendesk user, and who was merged into it"},
	{"sunco-user", CLI_TEXT, "ID", "a Sunshine Conversations user"},
	{"account", CLI_TEXT, "NAME", "only in this account"},
	{"dry-run", CLI_FLAG, NULL, "tell what there is, erase nothing"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_forget = {
	.name = "forget",
	.summary = "erase a person from the store",
	.example = "forget --user 11109600149778",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
