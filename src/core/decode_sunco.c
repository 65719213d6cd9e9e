/*
 * SunCo v2 webhook bodies: {"app":..,"webhook":..,"events":[..]}.
 *
 * Refused is what is not that envelope: the answer is final for every event
 * of the body, so nothing inside a payload is reason enough. One body may
 * speak of several people. createdAt may be missing, and order is not
 * promised.
 */
#include "core/event.h"

#include <string.h>

#include "decode.h"

/* What is looked for in a payload, whatever its type. */
enum {
	PAYLOAD_CONVERSATION,
	PAYLOAD_USER,
	PAYLOAD_MESSAGE,
	PAYLOAD_MERGED_USERS,
	PAYLOAD_REASON,
	PAYLOAD_COUNT
};
static const struct slice payload_names[PAYLOAD_COUNT] = {
	[PAYLOAD_CONVERSATION] = SCAN_NAME("conversation"),
	[PAYLOAD_USER] = SCAN_NAME("user"),
	[PAYLOAD_MESSAGE] = SCAN_NAME("message"),
	[PAYLOAD_MERGED_USERS] = SCAN_NAME("mergedUsers"),
	[PAYLOAD_REASON] = SCAN_NAME("reason"),
};

typedef bool payload_fn(const struct scan_value *payload, struct event *e);

static void read_conversation(const struct scan_value *payload, struct event *e)
{
	decode_sunco_id(scan_get(payload[PAYLOAD_CONVERSATION], "id"),
			e->conversation_id);
}

static bool read_user(struct scan_value user, struct event *e)
{
	struct scan_value m[DECODE_USER_COUNT];

	scan_members(user, decode_user_names, m, DECODE_USER_COUNT);
	if (!decode_sunco_id(m[DECODE_USER_ID], e->sunco_id))
		return false;
	e->zendesk_user_id = scan_id(m[DECODE_USER_ZENDESK_ID]);
	event_print_scan(m, &e->print, &e->told);
	return true;
}

static bool with_user(const struct scan_value *payload, struct event *e)
{
	return read_user(payload[PAYLOAD_USER], e);
}

static bool conversation_with_user(const struct scan_value *payload,
				   struct event *e)
{
	read_conversation(payload, e);
	return with_user(payload, e);
}

/* Only who wrote: messages come often, and count only for those who are
 * waited for. */
static bool message(const struct scan_value *payload, struct event *e)
{
	static const struct slice names[] = {
		SCAN_NAME("type"), SCAN_NAME("userId"), SCAN_NAME("user")};
	struct scan_value m[ARRAY_LEN(names)];

	scan_members(scan_get(payload[PAYLOAD_MESSAGE], "author"), names, m,
		     ARRAY_LEN(names));
	if (!scan_equals(m[0], SLICE("user")))
		return false;
	read_conversation(payload, e);
	return decode_sunco_id(m[1], e->sunco_id) ||
	       decode_sunco_id(scan_get(m[2], "id"), e->sunco_id);
}

static bool pass_control(const struct scan_value *payload, struct event *e)
{
	read_conversation(payload, e);
	return with_user(payload, e) || e->conversation_id[0];
}

static bool user_update(const struct scan_value *payload, struct event *e)
{
	return scan_equals(payload[PAYLOAD_REASON], SLICE("authentication")) &&
	       with_user(payload, e);
}

static bool user_merge(const struct scan_value *payload, struct event *e)
{
	static const struct slice names[] = {SCAN_NAME("surviving"),
					     SCAN_NAME("discarded")};
	struct scan_value m[ARRAY_LEN(names)];

	scan_members(payload[PAYLOAD_MERGED_USERS], names, m, ARRAY_LEN(names));
	decode_sunco_id(scan_get(m[1], "id"), e->other_sunco_id);
	return read_user(m[0], e);
}

static const struct sunco_type {
	struct slice type;
	enum event_kind kind;
	payload_fn *read;
} sunco_types[] = {
	{SCAN_NAME("conversation:create"), EVENT_CONVERSATION_CREATE,
	 conversation_with_user},
	{SCAN_NAME("conversation:referral"), EVENT_CONVERSATION_REFERRAL,
	 conversation_with_user},
	{SCAN_NAME("conversation:message"), EVENT_CONVERSATION_MESSAGE,
	 message},
	{SCAN_NAME("switchboard:passControl"), EVENT_PASS_CONTROL,
	 pass_control},
	{SCAN_NAME("user:update"), EVENT_USER_AUTHENTICATED, user_update},
	{SCAN_NAME("user:merge"), EVENT_SUNCO_MERGE, user_merge},
	{SCAN_NAME("user:remove"), EVENT_SUNCO_REMOVE, with_user},
};

static const struct sunco_type *type_find(struct scan_value type)
{
	for (size_t i = 0; i < ARRAY_LEN(sunco_types); i++) {
		if (scan_equals(type, sunco_types[i].type))
			return &sunco_types[i];
	}
	return NULL;
}

const char *event_sunco_type(size_t i)
{
	return i < ARRAY_LEN(sunco_types) ? sunco_types[i].type.ptr : NULL;
}

enum { MEMBER_ID, MEMBER_TYPE, MEMBER_PAYLOAD, MEMBER_TIME, MEMBER_COUNT };

static void read_event(const struct scan_value members[MEMBER_COUNT],
		       struct event_list *out)
{
	const struct sunco_type *t = type_find(members[MEMBER_TYPE]);
	struct scan_value m[PAYLOAD_COUNT];
	struct slice key = decode_inside(members[MEMBER_ID]);
	struct event *e;

	if (!t || key.len == 0) {
		out->ignored++;
		return;
	}
	e = event_list_add(out);
	e->source = EVENT_FROM_SUNCO;
	e->kind = t->kind;
	e->at_ms = decode_time(members[MEMBER_TIME]);
	scan_members(members[MEMBER_PAYLOAD], payload_names, m, PAYLOAD_COUNT);
	if (t->read(m, e)) {
		event_key_of_id(EVENT_FROM_SUNCO, key, &e->key);
		return;
	}
	out->count--;
	out->ignored++;
}

static enum result check_event(struct scan_value event, size_t index,
			       struct event_list *out, struct error *err)
{
	static const struct slice names[MEMBER_COUNT] = {
		[MEMBER_ID] = SCAN_NAME("id"),
		[MEMBER_TYPE] = SCAN_NAME("type"),
		[MEMBER_PAYLOAD] = SCAN_NAME("payload"),
		[MEMBER_TIME] = SCAN_NAME("createdAt"),
	};
	struct scan_value m[MEMBER_COUNT];

	if (event.type != SCAN_OBJECT)
		return error_set(err, RESULT_INVALID,
				 "event %zu is not an object", index);
	scan_members(event, names, m, MEMBER_COUNT);
	if (m[MEMBER_ID].type != SCAN_STRING ||
	    m[MEMBER_TYPE].type != SCAN_STRING)
		return error_set(err, RESULT_INVALID,
				 "event %zu has no id or type", index);
	if (m[MEMBER_PAYLOAD].type != SCAN_OBJECT)
		return error_set(err, RESULT_INVALID,
				 "event %zu has no payload", index);
	read_event(m, out);
	return RESULT_OK;
}

static enum result read_body(struct scan_value top, struct event_list *out,
			     struct error *err)
{
	struct scan_value events = scan_get(top, "events");
	struct scan_value event;
	enum result r = RESULT_OK;
	size_t pos = 0;

	if (events.type != SCAN_ARRAY)
		return error_set(err, RESULT_INVALID, "no array of events");
	for (size_t i = 0; !r && scan_next(events, &pos, NULL, &event); i++)
		r = check_event(event, i, out, err);
	return r;
}

enum result decode_sunco(struct slice body, struct event_list *out,
			 struct error *err)
{
	struct scan scan;
	enum result r = scan_read(&scan, body, err);

	if (r)
		return r;
	r = read_body(scan_top(&scan), out, err);
	scan_release(&scan);
	return r;
}
