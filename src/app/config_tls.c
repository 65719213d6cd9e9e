/*
 * The certificate of the public listener: two settings that need each other,
 * and the files that they name.
 *
 * Loading a configuration does not open them: commands beside the daemon have
 * no business with its key, and may not be allowed to read it.
 */
#include <stdlib.h>

#include "base/str.h"
#include "config_raw.h"
#include "net/tls_context.h"

static const struct config_raw *find(const struct config_raws *raws,
				     const char *name)
{
	bool is_file;

	return config_raws_find(raws, CONFIG_GLOBAL,
				config_row_find(name, false, &is_file));
}

enum result config_pair_tls(struct config *c, const struct config_raws *raws,
			    struct error *err)
{
	const struct config_raw *certificate = find(raws, "tls_certificate");
	const struct config_raw *key = find(raws, "tls_key");
	bool has_certificate = !str_is_empty(c->tls_certificate);

	if (has_certificate != !str_is_empty(c->tls_key))
		return error_set(err, RESULT_INVALID,
				 "%s: %s is not enough: tls_certificate and "
				 "tls_key need each other",
				 (has_certificate ? certificate : key)->where,
				 has_certificate ? "tls_certificate"
						 : "tls_key");
	if (has_certificate) {
		c->tls_certificate_where = xstrdup(certificate->where);
		c->tls_key_where = xstrdup(key->where);
	}
	return RESULT_OK;
}

enum result config_tls(const struct config *c, struct tls_context **out,
		       struct error *err)
{
	struct error why;
	enum tls_file wrong;
	bool key;

	*out = NULL;
	if (str_is_empty(c->tls_certificate))
		return RESULT_OK;
	if (tls_context_new(out, c->tls_certificate, c->tls_key, &wrong,
			    &why) == RESULT_OK)
		return RESULT_OK;
	key = wrong == TLS_KEY;
	return error_set(err, RESULT_INVALID, "%s: %s: %s",
			 key ? c->tls_key_where : c->tls_certificate_where,
			 key ? "tls_key" : "tls_certificate", why.text);
}
