/*
 * The configuration's own copy, and the credentials it gives a request.
 */
#include "api_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/str.h"

enum { CREDENTIALS_MAX = 8 * 1024 };

#define CONFIG_STRINGS(X)                                                      \
	X(account)                                                             \
	X(zendesk_url)                                                         \
	X(client_id)                                                           \
	X(client_secret)                                                       \
	X(token)                                                               \
	X(email)                                                               \
	X(sunco_url)                                                           \
	X(sunco_app_id)                                                        \
	X(sunco_key_id)                                                        \
	X(sunco_key_secret)

void api_config_copy(struct api_config *dst, const struct api_config *src)
{
	*dst = *src;
#define COPY(name) dst->name = xstrdup(src->name);
	CONFIG_STRINGS(COPY)
#undef COPY
}

void api_config_release(struct api_config *c)
{
	/* ours, though const for everybody else */
#define FREE(name) free((char *)(uintptr_t)c->name);
	CONFIG_STRINGS(FREE)
#undef FREE
}

static void basic(struct buf *out, const char *user, const char *separator,
		  const char *secret)
{
	struct buf plain;
	char *coded;

	buf_init(&plain, CREDENTIALS_MAX);
	buf_printf(&plain, "%s%s%s", user ? user : "", separator,
		   secret ? secret : "");
	coded = xcalloc(1, CRYPTO_BASE64_SIZE(plain.len));
	crypto_base64(plain.data, plain.len, coded);
	buf_printf(out, "Authorization: Basic %s", coded);
	crypto_wipe(coded, strlen(coded));
	crypto_wipe(plain.data, plain.len);
	free(coded);
	buf_release(&plain);
}

void api_authorization(const struct api_config *c, enum api api,
		       const char *oauth, struct buf *out)
{
	const char *token = oauth ? oauth : c->token;

	if (api == API_SUNCO)
		basic(out, c->sunco_key_id, ":", c->sunco_key_secret);
	else if (c->auth == ZENDESK_API_TOKEN)
		basic(out, c->email, "/token:", c->token);
	else
		buf_printf(out, "Authorization: Bearer %s", token ? token : "");
}

const char *api_client_link_path(const struct api_client *c, const char *url)
{
	const char *ours = api_client_config(c)->zendesk_url;
	size_t len = strlen(ours);

	if (url && !strncmp(url, ours, len))
		url += len;
	return url && str_starts(url, "/api/") ? url : NULL;
}
