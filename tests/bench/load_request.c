/*
 * Bodies as the providers' documents have them. In them "@X" with as many
 * "." behind it as the id is long stands for an id of kind X:
 *
 *	E  SunCo's ids of what is new: the second, then random (24)
 *	P  a person's, the same wherever it is in one body (24)
 *	U  a random UUID (36)
 *	N  a Zendesk user's number (14)
 *	T  a ticket's number, counted (12)
 */
#include "load_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define E "@E......................"
#define P "@P......................"
#define U "@U.................................."
#define N "@N............"
#define T "@T.........."

#define SUNCO_HEAD(type)                                                       \
	"{\"app\":{\"id\":\"6a1d3c5e7f9b2d4f6a8c0e12\"},\"webhook\":{\"id\":"  \
	"\"6a1d3c5e7f9b2d4f6a8c0e77\",\"version\":\"v2\"},\"events\":[{"       \
	"\"id\":\"" E "\",\"createdAt\":\"2026-11-22T10:00:00.000Z\","         \
	"\"type\":\"" type "\",\"payload\":{\"conversation\":{\"id\":\"" P     \
	"\",\"type\":\"personal\",\"brandId\":\"11109600149001\","             \
	"\"activeSwitchboardIntegration\":{\"id\":\"6a1d3c5e7f9b2d4f6a8c0e55"  \
	"\",\"name\":\"bot\",\"integrationId\":\"6a1d3c5e7f9b2d4f6a8c0e56\","  \
	"\"integrationType\":\"zd:answerBot\"}},"
#define SUNCO_TAIL "}}]}"
#define TEN	   "lorem-ips-"
#define FILLER	   TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define SUNCO_USER                                                             \
	"\"user\":{\"id\":\"" P "\",\"authenticated\":true,\"externalId\":"    \
	"\"customer-" P "\",\"zendeskId\":null,\"brandId\":null,"              \
	"\"signedUpAt\":\"2026-01-01T10:00:00.000Z\",\"toBeRetained\":false,"  \
	"\"profile\":{\"givenName\":\"Pat\",\"surname\":\"Example\","          \
	"\"email\":\"p" P "@customer.example\",\"avatarUrl\":null,"            \
	"\"locale\":\"en-GB\"},\"metadata\":{\"plan\":\"gold\",\"notes\":"     \
	"\"" FILLER FILLER FILLER FILLER                                       \
	"\"},\"identities\":[{\"type\":\"email\","                             \
	"\"value\":\"p" P "@customer.example\",\"verification\":\"embed\"}]}"
#define SUNCO_SOURCE                                                           \
	"\"source\":{\"type\":\"web\",\"integrationId\":"                      \
	"\"6a1d3c5e7f9b2d4f6a8c0e99\",\"client\":{\"id\":"                     \
	"\"6a1d3c5e7f9b2d4f6a8c0e98\",\"type\":\"web\"}}"

static const struct {
	const char *name;
	bool is_signed;
	const char *body;
} kinds[] = {
	{"sunco", false,
	 SUNCO_HEAD("conversation:create") "\"creationReason\":\"message\"," //
	 SUNCO_SOURCE "," SUNCO_USER SUNCO_TAIL},
	{"typing", false,
	 SUNCO_HEAD("conversation:typing") //
	 "\"activity\":{\"type\":\"typing:start\",\"author\":{\"type\":\"user\""
	 ",\"userId\":\"" P "\"," SUNCO_USER "}," SUNCO_SOURCE "}" SUNCO_TAIL},
	{"read", false,
	 SUNCO_HEAD("conversation:read") //
	 "\"activity\":{\"type\":\"conversation:read\",\"author\":{\"type\":"
	 "\"user\",\"userId\":\"" P "\"," SUNCO_USER "}," SUNCO_SOURCE
	 "}" SUNCO_TAIL},
	{"message", false,
	 SUNCO_HEAD("conversation:message") //
	 "\"message\":{\"id\":\"" E "\",\"received\":"
	 "\"2026-11-22T10:00:00.000Z\",\"author\":{\"type\":\"user\","
	 "\"userId\":\"" P "\",\"displayName\":\"Pat Example\"," SUNCO_USER
	 "},\"content\":{\"type\":\"text\",\"text\":\"Hello, where is "
	 "it?\"}," SUNCO_SOURCE "}" SUNCO_TAIL},
	{"event", true,
	 "{\"type\":\"zen:event-type:user.identity_created\",\"account_id\":"
	 "4815162,\"id\":\"" U "\",\"time\":\"2026-11-22T10:00:00Z\","
	 "\"zendesk_event_version\":\"2022-06-20\",\"subject\":\"zen:user:" N
	 "\",\"detail\":{\"created_at\":\"2026-11-22T09:00:00Z\",\"email\":"
	 "\"p" N "@customer.example\",\"external_id\":\"\","
	 "\"default_group_id\":\"0\",\"id\":\"" N "\",\"organization_id\":\"0\""
	 ",\"role\":\"end-user\",\"updated_at\":\"2026-11-22T10:00:00Z\"},"
	 "\"event\":{\"identity\":{\"id\":\"990001\",\"primary\":false,"
	 "\"type\":\"email\",\"value\":\"p" N "@customer.example\"}}}"},
	{"trigger", true,
	 "{\"v\":1,\"ticket_id\":\"" T "\",\"requester_id\":\"" N
	 "\",\"updated_at\":\"2026-11-22T10:00:00Z\"}"},
};

const char *load_request_kinds(void)
{
	return "sunco, typing, read, message, event, trigger";
}

#define SIGNATURE "X-Zendesk-Webhook-Signature"
#define NOT_YET	  "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"

static void write_head(struct load_request *r, bool is_signed, const char *path,
		       const char *key, size_t body_len)
{
	time_t now = time(NULL);
	struct tm tm;
	int n;

	strftime(r->stamp, sizeof(r->stamp), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&now, &tm));
	n = snprintf(r->text, sizeof(r->text),
		     "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
		     "Content-Type: application/json\r\nContent-Length: %zu\r\n"
		     "%s%s%s%s\r\n\r\n",
		     path, body_len,
		     is_signed ? SIGNATURE "-Timestamp: " : "X-API-Key: ",
		     is_signed ? r->stamp : key,
		     is_signed ? "\r\n" SIGNATURE ": " : "",
		     is_signed ? NOT_YET : "");
	r->body = (size_t)n;
}

static void find_ids(struct load_request *r)
{
	for (size_t i = r->body; i + 2 < r->len; i++) {
		if (r->text[i] != '@' || r->text[i + 2] != '.')
			continue;
		if (r->id_count == LOAD_IDS)
			abort();
		r->ids[r->id_count++] = (struct load_id){i, r->text[i + 1]};
	}
}

bool load_request_init(struct load_request *r, const char *kind,
		       const char *path, const char *key)
{
	size_t i = 0, body_len;

	memset(r, 0, sizeof(*r));
	while (i < ARRAY_LEN(kinds) && strcmp(kinds[i].name, kind) != 0)
		i++;
	if (i == ARRAY_LEN(kinds))
		return false;
	body_len = strlen(kinds[i].body);
	write_head(r, kinds[i].is_signed, path, key, body_len);
	if (r->body + body_len > sizeof(r->text))
		return false;
	memcpy(r->text + r->body, kinds[i].body, body_len);
	r->len = r->body + body_len;
	if (kinds[i].is_signed)
		r->signature = r->body - strlen(NOT_YET "\r\n\r\n");
	find_ids(r);
	return true;
}

/* Spreads numbers over all of 64 bits, none of them twice (splitmix64). */
static uint64_t spread(uint64_t n)
{
	n += UINT64_C(0x9e3779b97f4a7c15);
	n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
	return n ^ (n >> 31);
}

static void write_hex(char *at, size_t len, uint64_t n)
{
	for (size_t i = len; i > 0; i--, n >>= 4)
		at[i - 1] = "0123456789abcdef"[n & 15];
}

static void write_decimal(char *at, size_t len, uint64_t n)
{
	for (size_t i = len; i > 0; i--, n /= 10)
		at[i - 1] = (char)('0' + n % 10);
}

static void write_uuid(char *at, uint64_t n)
{
	write_hex(at, 16, n);
	write_hex(at + 16, 16, spread(n));
	memcpy(at + 32, "beef", 4);
	at[8] = at[13] = at[18] = at[23] = '-';
	at[14] = '4';
	at[19] = 'a';
}

static void write_id(char *at, char kind, uint64_t seed, uint64_t n)
{
	uint64_t mixed = spread(seed + n);

	switch (kind) {
	case 'E':
		write_hex(at, 8, (uint64_t)time(NULL));
		write_hex(at + 8, 16, mixed);
		break;
	case 'P':
		write_hex(at, 8, mixed >> 7);
		write_hex(at + 8, 16, ~mixed);
		break;
	case 'U':
		write_uuid(at, mixed);
		break;
	case 'N':
		write_decimal(at, 14, 10000000000000 + mixed % 9000000000000);
		break;
	default:
		write_decimal(at, 12, (seed + n) % 1000000000000);
	}
}

static void sign(struct load_request *r, struct crypto_hmac *secret)
{
	const struct slice parts[] = {
		{r->stamp, strlen(r->stamp)},
		{r->text + r->body, r->len - r->body},
	};
	uint8_t mac[CRYPTO_SHA256_SIZE];
	char text[CRYPTO_BASE64_SIZE(sizeof(mac))];

	crypto_hmac_sign(secret, parts, ARRAY_LEN(parts), mac);
	memcpy(r->text + r->signature, text,
	       crypto_base64(mac, sizeof(mac), text));
}

void load_request_next(struct load_request *r, struct crypto_hmac *secret,
		       uint64_t seed, uint64_t n)
{
	for (size_t i = 0; i < r->id_count; i++)
		write_id(r->text + r->ids[i].at, r->ids[i].kind, seed, n);
	if (r->signature)
		sign(r, secret);
}
