/*
 * A listener's URL: see own_url.h.
 */
#include "own_url.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

void own_url(char out[OWN_URL_SIZE], const char *scheme, const char *address,
	     const char *path)
{
	static const struct {
		const char *every, *own;
	} hosts[] = {
		{"", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"}, {"[::]", "[::1]"}};
	const char *colon = strrchr(address, ':');
	struct slice host = {address, (size_t)(colon - address)};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (slice_eq(host, slice_of(hosts[i].every)))
			host = slice_of(hosts[i].own);
	snprintf(out, OWN_URL_SIZE, "%s://%.*s%s%s", scheme, (int)host.len,
		 host.ptr, colon, path);
}
