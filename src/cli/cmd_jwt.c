/*
 * `reunite jwt`: a messaging JWT as the website would issue it, for trying a
 * setting out. Needs neither configuration nor store.
 *
 * The secret comes from a file or from the environment, never from the
 * command line, where every user of the machine could read it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "core/address.h"
#include "core/jwt.h"

#define SECRET_VARIABLE	 "REUNITE_JWT_SECRET"
#define SECRET_MAX_BYTES 4096
#define SECRET_MIN_BYTES 32 /* RFC 7518: as long as the hash */
#define HOUR_MS		 (INT64_C(3600) * 1000)
#define TTL_DEFAULT_MS	 (24 * HOUR_MS)
#define TTL_MAX_MS	 (366 * 24 * HOUR_MS)

/* The file's only line. */
static char *read_secret(struct cli *c, const char *path)
{
	char text[SECRET_MAX_BYTES + 2];
	FILE *f = fopen(path, "re");
	char *secret = NULL;
	size_t len;

	if (!f) {
		cli_error(c, "cannot open %s: %s", path, strerror(errno));
		return NULL;
	}
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len == 0 || len > SECRET_MAX_BYTES || memchr(text, '\n', len) ||
	    memchr(text, '\0', len))
		cli_error(c, "%s must hold one line, the secret", path);
	else
		secret = xstrndup(text, len);
	crypto_wipe(text, sizeof(text));
	return secret;
}

/* *new*; NULL: the error has been printed. */
static char *find_secret(struct cli *c)
{
	const char *path = cli_text(c, "secret-file");
	const char *variable = getenv(SECRET_VARIABLE);

	if (path)
		return read_secret(c, path);
	if (!str_is_empty(variable))
		return xstrdup(variable);
	cli_usage_error(c, "the secret is missing: --secret-file, or the "
			   "variable " SECRET_VARIABLE);
	return NULL;
}

static bool read_ttl(struct cli *c, int64_t *ttl_ms)
{
	const char *text = cli_text(c, "ttl");

	*ttl_ms = TTL_DEFAULT_MS;
	if (!text || (str_parse_duration(slice_of(text), ttl_ms) &&
		      *ttl_ms >= 1000 && *ttl_ms <= TTL_MAX_MS))
		return true;
	cli_usage_error(c, "--ttl must be a time such as 30m or 24h, from 1s "
			   "to 366d");
	return false;
}

static void warn(struct cli *c, const struct jwt_claims *claims,
		 const char *secret)
{
	char address[ADDRESS_SIZE];

	if (claims->email && !claims->email_verified)
		fputs("warning: without --email-verified Zendesk leaves the "
		      "address out: the user gets none\n",
		      c->err);
	if (address_normalise(claims->external_id, address))
		fputs("warning: the external id is an address, and addresses "
		      "change: the id of your own user table does not\n",
		      c->err);
	if (strlen(secret) < SECRET_MIN_BYTES)
		fprintf(c->err,
			"warning: the secret is shorter than %d bytes: is it "
			"the whole one?\n",
			SECRET_MIN_BYTES);
}

static void print_parts(struct cli *c, const char *token, struct json_t *header,
			struct json_t *payload, int64_t expires_s)
{
	struct json_t *v = json_new_obj();
	char expires[CLOCK_TEXT_SIZE];

	clock_format(expires_s * 1000, expires);
	json_set_str(v, "token", token);
	json_set(v, "header", json_clone(header));
	json_set(v, "payload", json_clone(payload));
	json_set_str(v, "expires_at", expires);
	cli_json(c, v);
}

static void print_token(struct cli *c, const struct jwt_claims *claims,
			const char *secret)
{
	struct json_t *header = jwt_header(cli_text(c, "kid"));
	struct json_t *payload = jwt_payload(claims);
	char *head = json_text(header), *body = json_text(payload);
	char *token =
		jwt_sign(slice_of(head), slice_of(body), slice_of(secret));

	if (c->json)
		print_parts(c, token, header, payload, claims->expires_s);
	else
		fprintf(c->out, "%s\n", token);
	free(token);
	free(head);
	free(body);
	json_free(header);
	json_free(payload);
}

static int run(struct cli *c)
{
	struct jwt_claims claims = {
		.external_id = cli_text(c, "external-id"),
		.name = cli_text(c, "name"),
		.email = cli_text(c, "email"),
		.email_verified = cli_given(c, "email-verified"),
	};
	struct error err;
	int64_t ttl_ms;
	char *secret;

	if (!claims.external_id || !cli_text(c, "kid"))
		return cli_usage_error(c, "--external-id and --kid are needed");
	if (jwt_claims_check(&claims, &err) != RESULT_OK)
		return cli_usage_error(c, "%s", err.text);
	if (!str_is_utf8(slice_of(cli_text(c, "kid"))))
		return cli_usage_error(c, "--kid is not UTF-8");
	if (!read_ttl(c, &ttl_ms))
		return CLI_USAGE;
	secret = find_secret(c);
	if (!secret)
		return CLI_USAGE;
	claims.expires_s = (c->now_ms + ttl_ms) / 1000;
	warn(c, &claims, secret);
	print_token(c, &claims, secret);
	crypto_wipe(secret, strlen(secret));
	free(secret);
	return CLI_DONE;
}

static const struct cli_option options[] = {
	{"external-id", CLI_TEXT, "ID", "whose: the id in your user table"},
	{"email", CLI_TEXT, "ADDRESS", "the person's address"},
	{"email-verified", CLI_FLAG, NULL,
	 "you vouch for it; else Zendesk leaves it out"},
	{"name", CLI_TEXT, "NAME", "the person's name"},
	{"kid", CLI_TEXT, "ID", "the key's id in the Admin Center, app_..."},
	{"ttl", CLI_TEXT, "TIME", "how long it is good; default 24h"},
	{"secret-file", CLI_TEXT, "FILE",
	 "the key's secret; else the variable " SECRET_VARIABLE},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_jwt = {
	.name = "jwt",
	.summary = "a messaging JWT for trying a setting out",
	.example = "jwt --external-id u1 --kid app_65f --secret-file key",
	.takes = CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
