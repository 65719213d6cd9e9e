/*
 * People by number: see crowd.h.
 */
#include "crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SUNCO_PREFIX "6b2e4d6f8a0c"
#define USERS_FROM   UINT64_C(30000000000000)
#define SERVER	     "crowd.example"
#define SINCE	     "2026-01-31T09:00:00Z"

void crowd_sunco_id(int64_t n, char out[CROWD_SUNCO_SIZE])
{
	snprintf(out, CROWD_SUNCO_SIZE, SUNCO_PREFIX "%012" PRIx64,
		 (uint64_t)n & UINT64_C(0xffffffffffff));
}

void crowd_address(int64_t n, char out[CROWD_ADDRESS_SIZE])
{
	snprintf(out, CROWD_ADDRESS_SIZE, "p%" PRId64 "@" SERVER, n);
}

uint64_t crowd_messaging_user(int64_t n)
{
	return USERS_FROM + 2 * (uint64_t)n;
}

uint64_t crowd_profile(int64_t n)
{
	return crowd_messaging_user(n) + 1;
}

int64_t crowd_by_sunco_id(struct slice id)
{
	char text[CROWD_SUNCO_SIZE];
	uint64_t n;

	if (!str_copy_slice(text, sizeof(text), id) ||
	    sscanf(text, SUNCO_PREFIX "%12" SCNx64, &n) != 1)
		return -1;
	return (int64_t)n;
}

int64_t crowd_by_address(struct slice query)
{
	char text[200], address[CROWD_ADDRESS_SIZE];
	const char *at;
	int64_t n;

	if (!str_copy_slice(text, sizeof(text), query))
		return -1;
	at = strstr(text, "@" SERVER);
	while (at && at > text && at[-1] >= '0' && at[-1] <= '9')
		at--;
	if (!at || at == text || sscanf(at, "%" SCNd64, &n) != 1)
		return -1;
	crowd_address(n, address);
	return strstr(text, address) ? n : -1;
}

int64_t crowd_by_user(uint64_t user, bool *is_profile)
{
	*is_profile = user & 1;
	return user < USERS_FROM ? -1 : (int64_t)((user - USERS_FROM) / 2);
}

/* --- the platforms' words --- */

static void put_sunco_user(int64_t n, struct buf *out)
{
	char id[CROWD_SUNCO_SIZE], address[CROWD_ADDRESS_SIZE];

	crowd_sunco_id(n, id);
	crowd_address(n, address);
	buf_printf(out,
		   "{\"id\":\"%s\",\"zendeskId\":\"%" PRIu64 "\","
		   "\"authenticated\":true,"
		   "\"signedUpAt\":\"2026-01-31T09:00:00.000Z\","
		   "\"hasPaymentInfo\":false,\"identities\":[{\"type\":"
		   "\"email\",\"value\":\"%s\",\"verification\":\"sso\"}],"
		   "\"profile\":{\"givenName\":\"Person\",\"surname\":"
		   "\"No%" PRId64 "\",\"locale\":\"en-US\"},"
		   "\"metadata\":{}}",
		   id, crowd_messaging_user(n), address, n);
}

void crowd_webhook(int64_t n, struct buf *out)
{
	buf_printf(out,
		   "{\"app\":{\"id\":\"6a1d3c5e7f9b2d4f6a8c0e12\"},"
		   "\"webhook\":{\"id\":\"6a1d3c5e7f9b2d4f6a8c0e77\","
		   "\"version\":\"v2\"},\"events\":[{\"id\":\"6c%022" PRIx64
		   "\",\"createdAt\":\"2026-01-31T09:00:00.000Z\",\"type\":"
		   "\"conversation:create\",\"payload\":{\"conversation\":"
		   "{\"id\":\"6d%022" PRIx64 "\",\"type\":\"personal\"},"
		   "\"creationReason\":\"message\",\"source\":{\"type\":"
		   "\"web\"},\"user\":",
		   (uint64_t)n, (uint64_t)n);
	put_sunco_user(n, out);
	buf_puts(out, "}}]}");
}

void crowd_sunco_user(int64_t n, struct buf *out)
{
	buf_puts(out, "{\"user\":");
	put_sunco_user(n, out);
	buf_putc(out, '}');
}

static void put_user(int64_t n, bool profile, struct buf *out)
{
	uint64_t id = profile ? crowd_profile(n) : crowd_messaging_user(n);
	char address[CROWD_ADDRESS_SIZE];

	crowd_address(n, address);
	buf_printf(out,
		   "{\"id\":%" PRIu64 ",\"url\":\"http://localhost/api/v2/"
		   "users/%" PRIu64 ".json\",\"name\":\"Person No%" PRId64
		   "\",\"email\":%s%s%s,\"created_at\":\"" SINCE
		   "\",\"updated_at\":\"" SINCE "\",\"time_zone\":\"UTC\","
		   "\"phone\":null,\"photo\":null,\"locale\":\"en-US\","
		   "\"locale_id\":1,\"organization_id\":null,\"role\":"
		   "\"end-user\",\"verified\":%s,\"active\":true,\"shared\":"
		   "false,\"shared_agent\":false,\"suspended\":false,"
		   "\"moderator\":false,\"restricted_agent\":true,"
		   "\"external_id\":null,\"tags\":[],\"alias\":\"\",\"notes\":"
		   "\"\",\"details\":\"\",\"signature\":null,"
		   "\"ticket_restriction\":\"requested\",\"user_fields\":{}}",
		   id, id, n, profile ? "\"" : "", profile ? address : "null",
		   profile ? "\"" : "", profile ? "true" : "false");
}

static void put_identity(int64_t n, uint64_t user, bool messaging,
			 struct buf *out)
{
	char sunco[CROWD_SUNCO_SIZE], address[CROWD_ADDRESS_SIZE];

	crowd_sunco_id(n, sunco);
	crowd_address(n, address);
	buf_printf(
		out,
		"{\"url\":\"http://localhost/api/v2/users/%" PRIu64
		"/identities/%" PRIu64 ".json\",\"id\":%" PRIu64
		",\"user_id\":%" PRIu64 ",\"type\":\"%s\",\"value\":\"%s\","
		"\"verified\":true,\"primary\":true,%s\"created_at\":\"" SINCE
		"\",\"updated_at\":\"" SINCE "\"}",
		user, 2 * user + messaging, 2 * user + messaging, user,
		messaging ? "messaging" : "email", messaging ? sunco : address,
		messaging ? ""
			  : "\"verification_method\":\"full\","
			    "\"deliverable_state\":\"deliverable\",");
}

static void put_identities(int64_t n, bool profile, bool merged,
			   struct buf *out)
{
	uint64_t user = profile ? crowd_profile(n) : crowd_messaging_user(n);

	if (profile)
		put_identity(n, user, false, out);
	if (profile && merged)
		buf_putc(out, ',');
	if (!profile || merged)
		put_identity(n, user, true, out);
}

void crowd_user(int64_t n, bool profile, struct buf *out)
{
	buf_puts(out, "{\"user\":");
	put_user(n, profile, out);
	buf_puts(out, ",\"identities\":[");
	put_identities(n, profile, true, out);
	buf_puts(out, "],\"organizations\":[]}");
}

void crowd_users(const uint64_t *users, size_t count, struct buf *out)
{
	bool profile;
	int64_t n;

	buf_puts(out, "{\"users\":[");
	for (size_t i = 0; i < count; i++) {
		n = crowd_by_user(users[i], &profile);
		buf_puts(out, i > 0 ? "," : "");
		put_user(n, profile, out);
	}
	buf_puts(out, "],\"identities\":[");
	for (size_t i = 0; i < count; i++) {
		n = crowd_by_user(users[i], &profile);
		buf_puts(out, i > 0 ? "," : "");
		put_identities(n, profile, true, out);
	}
	buf_printf(out,
		   "],\"organizations\":[],\"next_page\":null,"
		   "\"previous_page\":null,\"count\":%zu}",
		   count);
}

void crowd_merged(int64_t n, struct buf *out)
{
	buf_puts(out, "{\"user\":");
	put_user(n, true, out);
	buf_putc(out, '}');
}

void crowd_found(int64_t n, struct buf *out)
{
	buf_puts(out, "{\"users\":[");
	if (n >= 0)
		put_user(n, true, out);
	buf_puts(out, "],\"identities\":[");
	if (n >= 0)
		put_identities(n, true, false, out);
	buf_printf(out,
		   "],\"organizations\":[],\"next_page\":null,"
		   "\"previous_page\":null,\"count\":%d}",
		   n >= 0);
}
