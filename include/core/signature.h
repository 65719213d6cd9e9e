/*
 * Verification of a webhook over its raw bytes, before anything is parsed.
 *
 * Zendesk: base64(HMAC-SHA256(secret, timestamp + body)), the secret used as
 * it stands (not base64-decoded), the timestamp ISO 8601. SunCo: the header
 * X-API-Key is the secret. Several secrets may be live at once; the time of
 * a check does not depend on which one matches nor on where a wrong one
 * differs.
 */
#ifndef REUNITE_CORE_SIGNATURE_H
#define REUNITE_CORE_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct signature_keys; /* the live secrets of one account and source */

/* Empty secrets are a caller's bug (abort). */
struct signature_keys *signature_keys_new(const char *const *secrets,
					  size_t count);
void signature_keys_free(struct signature_keys *k);

enum signature_verdict {
	SIGNATURE_OK,
	SIGNATURE_MISSING, /* a header is absent or malformed */
	SIGNATURE_WRONG,
	SIGNATURE_STALE, /* right, but outside the tolerance */
};
const char *signature_verdict_name(enum signature_verdict v);

/* tolerance_ms 0: the timestamp is not compared (it must still parse). */
enum signature_verdict signature_zendesk(struct signature_keys *k,
					 struct slice signature,
					 struct slice timestamp,
					 struct slice body, int64_t now_ms,
					 int64_t tolerance_ms);
enum signature_verdict signature_sunco(struct signature_keys *k,
				       struct slice api_key);

#endif
