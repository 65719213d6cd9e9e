/*
 * "The address" of the policy: trimmed, lower-cased, ASCII, one '@', a
 * dot-atom before it, a domain with a dot behind it, at most 254 characters.
 * Anything else is no address. "+tag" and dots stay.
 */
#ifndef REUNITE_CORE_ADDRESS_H
#define REUNITE_CORE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/crypto.h"
#include "core/user.h"

/* False, and out empty, when raw is no address. NULL is allowed. */
bool address_normalise(const char *raw, char out[ADDRESS_SIZE]);

/* A built-in role address ("info@...") or a match of one of the patterns
 * ("*@mailinator.com", which means the domains below it, too); both also
 * without the address's "+tag". address is normalised. */
bool address_denied(const char *address, const char *const *patterns,
		    size_t count);

/* What the store keeps instead of an address: half an HMAC under the store's
 * key. Zeros for "" or without a key. */
void address_hash(struct crypto_hmac *hmac, const char *address,
		  uint8_t out[16]);

#endif
