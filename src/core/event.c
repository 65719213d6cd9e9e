/*
 * Events as values: names, lists, and the keys that tell a redelivery from
 * news. A key's first byte says of which source and form the rest is, so
 * that ids of different providers never meet.
 */
#include "core/event.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "decode.h"

#define OBJECT_ID_SIZE 12u
#define UUID_SIZE      16u
#define UUID_TEXT_LEN  36
#define HASH_SIZE      16
#define MINUTES_LEN    16 /* of 2026-11-22T10:00 */

enum key_form { KEY_OBJECT_ID, KEY_UUID, KEY_HASH };

static const char key_tags[2][3] = {
	[EVENT_FROM_SUNCO] = {'o', 'u', 'h'},
	[EVENT_FROM_ZENDESK] = {'O', 'U', 'H'},
};
#define KEY_TAG_BODY 'B'

static const char *const source_names[] = {
	[EVENT_FROM_SUNCO] = "sunco",
	[EVENT_FROM_ZENDESK] = "zendesk",
	[EVENT_FROM_SWEEP] = "sweep",
	[EVENT_FROM_BACKFILL] = "backfill",
};

const char *event_source_name(enum event_source s)
{
	return source_names[s];
}

bool event_source_parse(const char *s, enum event_source *out)
{
	for (size_t i = 0; i < ARRAY_LEN(source_names); i++) {
		if (str_eq(s, source_names[i])) {
			*out = (enum event_source)i;
			return true;
		}
	}
	return false;
}

int64_t event_time_ms(const struct event *e, int64_t now_ms)
{
	return e->at_ms > 0 && e->at_ms <= now_ms ? e->at_ms : 0;
}

bool event_is_late(const struct event *e, int64_t now_ms)
{
	int64_t at_ms = event_time_ms(e, now_ms);

	return at_ms != 0 && now_ms - at_ms > EVENT_LATE_MS;
}

const char *event_kind_name(enum event_kind k)
{
	static const char *const names[] = {
		[EVENT_OTHER] = "other",
		[EVENT_CONVERSATION_CREATE] = "conversation_create",
		[EVENT_CONVERSATION_REFERRAL] = "conversation_referral",
		[EVENT_CONVERSATION_MESSAGE] = "conversation_message",
		[EVENT_PASS_CONTROL] = "pass_control",
		[EVENT_USER_AUTHENTICATED] = "user_authenticated",
		[EVENT_SUNCO_MERGE] = "sunco_merge",
		[EVENT_SUNCO_REMOVE] = "sunco_remove",
		[EVENT_TICKET] = "ticket",
		[EVENT_ZD_USER_CREATED] = "zendesk_user_created",
		[EVENT_ZD_IDENTITY] = "zendesk_identity",
		[EVENT_ZD_USER_MERGED] = "zendesk_user_merged",
		[EVENT_ZD_USER_DELETED] = "zendesk_user_deleted",
	};

	return (size_t)k < ARRAY_LEN(names) ? names[k] : "unknown";
}

void event_list_init(struct event_list *l)
{
	memset(l, 0, sizeof(*l));
}

static void forget(char **text)
{
	if (*text)
		crypto_wipe(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void event_forget_addresses(struct event *e)
{
	forget(&e->gained);
	forget(&e->lost);
	forget(&e->told);
}

void event_list_release(struct event_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		event_forget_addresses(&l->items[i]);
	free(l->items);
	event_list_init(l);
}

struct event *event_list_add(struct event_list *l)
{
	struct event *e;

	if (l->count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 2;
		l->items = xrealloc(l->items, l->cap * sizeof(*l->items));
	}
	e = &l->items[l->count++];
	memset(e, 0, sizeof(*e));
	return e;
}

static void key_set(struct event_key *out, char tag, size_t len)
{
	out->bytes[0] = (uint8_t)tag;
	out->len = (uint8_t)(1 + len);
}

static void key_hash(struct slice text, char tag, struct event_key *out)
{
	uint8_t digest[CRYPTO_SHA256_SIZE];

	crypto_sha256(text.ptr, text.len, digest);
	memcpy(out->bytes + 1, digest, HASH_SIZE);
	key_set(out, tag, HASH_SIZE);
}

/* 8-4-4-4-12 hex digits. */
static bool uuid_decode(struct slice id, uint8_t out[UUID_SIZE])
{
	char digits[2 * UUID_SIZE];
	size_t len = 0;

	if (id.len != UUID_TEXT_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (id.ptr[i] == '-'))
			return false;
		if (!dash)
			digits[len++] = id.ptr[i];
	}
	return crypto_unhex((struct slice){digits, len}, out);
}

void event_key_of_id(enum event_source source, struct slice id,
		     struct event_key *out)
{
	const char *tags = key_tags[source];

	memset(out, 0, sizeof(*out));
	if (id.len == 2 * OBJECT_ID_SIZE && crypto_unhex(id, out->bytes + 1))
		key_set(out, tags[KEY_OBJECT_ID], OBJECT_ID_SIZE);
	else if (uuid_decode(id, out->bytes + 1))
		key_set(out, tags[KEY_UUID], UUID_SIZE);
	else
		key_hash(id, tags[KEY_HASH], out);
}

void event_key_of_body(struct slice body, struct event_key *out)
{
	memset(out, 0, sizeof(*out));
	key_hash(body, KEY_TAG_BODY, out);
}

bool decode_sunco_id(struct scan_value v, char out[SUNCO_ID_SIZE])
{
	if (v.type == SCAN_STRING && scan_text(v, out, SUNCO_ID_SIZE) &&
	    sunco_id_valid(out, strlen(out)))
		return true;
	out[0] = '\0';
	return false;
}

int64_t decode_time(struct scan_value v)
{
	char text[64];
	struct slice s;
	int64_t ms;

	if (v.type != SCAN_STRING ||
	    !scan_text(v, text, sizeof(text) - strlen(":00")))
		return 0;
	s = slice_of(text);
	if (s.len > MINUTES_LEN && s.ptr[MINUTES_LEN] != ':') {
		memmove(text + MINUTES_LEN + 3, text + MINUTES_LEN,
			s.len - MINUTES_LEN + 1);
		memcpy(text + MINUTES_LEN, ":00", 3);
		s = slice_of(text);
	}
	return clock_parse_iso8601(s, &ms) ? ms : 0;
}

struct slice decode_inside(struct scan_value string)
{
	return (struct slice){string.raw.ptr + 1, string.raw.len - 2};
}
