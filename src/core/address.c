/*
 * What counts as an address, and which addresses belong to nobody.
 *
 * Deliberately narrower than RFC 5322: no quoted local parts, no comments, no
 * address literals, no bytes above 127 (so no look-alike letters). Whatever
 * is refused here is treated as if no address had been given.
 */
#include "core/address.h"

#include <string.h>

#include "base/str.h"

/* Role addresses: read by many, so a match says nothing about a person. */
static const char *const role_names[] = {
	"info",	    "support",	  "sales",  "admin",   "noreply",
	"no-reply", "postmaster", "office", "contact", "hello",
};

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 5322's atext, lower case; c is never NUL. */
static bool is_local_char(char c)
{
	return is_alnum(c) || strchr("!#$%&'*+-/=?^_`{|}~", c);
}

/* Non-empty atoms between single dots. */
static bool is_local_part(struct slice s)
{
	char before = '.';

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '.' ? before == '.' : !c || !is_local_char(c))
			return false;
		before = c;
	}
	return before != '.';
}

/* Letters, digits and inner hyphens between single dots, one dot at least. */
static bool is_domain(struct slice s)
{
	char before = '.';
	bool dotted = false;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (c == '.' && !is_alnum(before))
			return false;
		if (c == '-' && before == '.')
			return false;
		if (c != '.' && c != '-' && !is_alnum(c))
			return false;
		dotted = dotted || c == '.';
		before = c;
	}
	return dotted && is_alnum(before);
}

static bool is_address(const char *s)
{
	const char *at = strchr(s, '@');

	if (!at)
		return false;
	return is_local_part((struct slice){s, (size_t)(at - s)}) &&
	       is_domain(slice_of(at + 1));
}

bool address_normalise(const char *raw, char out[ADDRESS_SIZE])
{
	out[0] = '\0';
	if (!str_copy_slice(out, ADDRESS_SIZE, slice_trim(slice_of(raw))))
		return false;
	str_lower(out);
	if (is_address(out))
		return true;
	out[0] = '\0';
	return false;
}

static bool is_role_address(const char *address)
{
	size_t len = strcspn(address, "@");
	struct slice local = {address, len};

	for (size_t i = 0; i < ARRAY_LEN(role_names); i++)
		if (slice_eq(local, slice_of(role_names[i])))
			return true;
	return false;
}

static size_t dots_in(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '.';
	return n;
}

/* The end of a domain with so many dots, or NULL. */
static const char *domain_end(const char *domain, size_t dots)
{
	size_t have = dots_in(domain);

	if (have < dots)
		return NULL;
	for (; have > dots; have--)
		domain = strchr(domain, '.') + 1;
	return domain;
}

/* Whoever has a domain has what is below it: a pattern that names one, means
 * those too. */
static bool is_match(const char *pattern, const char *address)
{
	const char *named = strrchr(pattern, '@');
	const char *domain = strchr(address, '@') + 1;
	char above[ADDRESS_SIZE];
	const char *end;

	if (str_glob(pattern, address))
		return true;
	if (!named || strchr(named, '*'))
		return false;
	end = domain_end(domain, dots_in(named));
	if (!end)
		return false;
	memcpy(above, address, (size_t)(domain - address));
	strcpy(above + (domain - address), end);
	return str_glob(pattern, above);
}

/* "info+sale@" is read by whoever reads "info@". */
static void cut_tag(const char *address, char out[ADDRESS_SIZE])
{
	size_t local = strcspn(address, "@");
	size_t plain = strcspn(address, "+@");

	if (plain == 0)
		plain = local;
	memcpy(out, address, plain);
	strcpy(out + plain, address + local);
}

bool address_denied(const char *address, const char *const *patterns,
		    size_t count)
{
	char plain[ADDRESS_SIZE];

	cut_tag(address, plain);
	if (is_role_address(plain))
		return true;
	for (size_t i = 0; i < count; i++)
		if (is_match(patterns[i], address) ||
		    is_match(patterns[i], plain))
			return true;
	return false;
}

void address_hash(struct crypto_hmac *hmac, const char *address,
		  uint8_t out[16])
{
	uint8_t full[CRYPTO_SHA256_SIZE];
	struct slice part = slice_of(address);

	memset(out, 0, 16);
	if (!hmac || !part.len)
		return;
	crypto_hmac_sign(hmac, &part, 1, full);
	memcpy(out, full, 16);
}
