/*
 * Fingerprints of settings: enough to see that two nodes differ, and in what;
 * not enough to see what either of them has. See node.h.
 */
#include <stdlib.h>
#include <string.h>

#include "app/node.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "config_value.h"
#include "store/store.h"

#define PRINT_SIZE 12 /* hexadecimal digits */
#define TEXT_BYTES (1u << 20)

struct prints {
	struct crypto_hmac *hmac;
	struct json_t *all;
	struct json_t *of; /* borrowed: of the account under way */
	const char *account;
	bool brief; /* each account as a whole */
	struct buf whole;
};

static void print_of(struct crypto_hmac *hmac, const struct buf *text,
		     char out[PRINT_SIZE + 1])
{
	struct slice part = {text->data, text->len};
	uint8_t mac[CRYPTO_SHA256_SIZE];

	crypto_hmac_sign(hmac, &part, 1, mac);
	for (size_t i = 0; i < PRINT_SIZE / 2; i++)
		snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of a list the order says nothing. */
static void put_value(struct buf *b, const struct config_setting *setting,
		      const struct config_list *value)
{
	size_t size = (value->count + 1) * sizeof(char *);
	char **sorted = xcalloc(1, size);

	if (value->count > 0)
		memcpy(sorted, value->items, value->count * sizeof(char *));
	qsort(sorted, value->count, sizeof(char *), by_text);
	buf_printf(b, "%s\n", setting->name);
	for (size_t i = 0; i < value->count; i++)
		buf_printf(b, "%zu\n%s\n", strlen(sorted[i]), sorted[i]);
	free(sorted);
}

static void end_account(struct prints *p)
{
	char print[PRINT_SIZE + 1];

	if (!p->brief || !p->account)
		return;
	print_of(p->hmac, &p->whole, print);
	json_set_str(p->of, "*", print);
	crypto_wipe(p->whole.data, p->whole.len);
	buf_clear(&p->whole);
}

static void begin_account(struct prints *p, const char *account)
{
	if (p->of && p->account == account)
		return;
	end_account(p);
	p->account = account;
	p->of = json_new_obj();
	json_set(p->all, account ? account : "", p->of);
}

static void visit(const char *account, const struct config_setting *setting,
		  const struct config_list *value, void *arg)
{
	struct prints *p = arg;
	char print[PRINT_SIZE + 1];
	struct buf text;

	begin_account(p, account);
	if (p->brief && account) {
		put_value(&p->whole, setting, value);
		return;
	}
	buf_init(&text, CONFIG_FILE_MAX);
	put_value(&text, setting, value);
	print_of(p->hmac, &text, print);
	json_set_str(p->of, setting->name, print);
	crypto_wipe(text.data, text.len);
	buf_release(&text);
}

char *node_settings(const struct config *config, const uint8_t *key)
{
	struct prints p = {
		.hmac = crypto_hmac_new(key, STORE_KEY_SIZE),
		.all = json_new_obj(),
		.brief = config->account_count > NODE_SETTINGS_ACCOUNTS,
	};
	char *text;

	buf_init(&p.whole, TEXT_BYTES);
	config_each_plain(config, visit, &p);
	end_account(&p);
	text = json_text(p.all);
	if (text && strlen(text) > STORE_TEXT_MAX) {
		free(text);
		text = NULL;
	}
	buf_release(&p.whole);
	json_free(p.all);
	crypto_hmac_free(p.hmac);
	return text;
}
