/*
 * What Zendesk told of the probe's people: as a running daemon received it.
 * Nobody else can be asked: events are sent to where the daemon listens.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "probe.h"

struct heard {
	bool any;	 /* of our people */
	bool of_address; /* user.identity_created of the profile's address */
	bool created;	 /* of the conversation's user's messaging identity */
	bool moved;	 /* the same of the survivor */
	uint64_t merged_detail;
};

static bool is_ours(const struct probe *p, uint64_t id)
{
	return id && (id == p->profile.id || id == p->plain.id ||
		      id == p->messaging.id);
}

static void hear(const struct probe *p, const struct json_t *e, struct heard *h)
{
	const char *type = json_get_str(e, "type");
	uint64_t user = json_get_id(e, "user_id");
	bool talk = str_eq(json_get_str(e, "sunco_user_id"), p->person.id);

	if (!is_ours(p, user))
		return;
	h->any = true;
	if (str_eq(type, "user.merged") &&
	    is_ours(p, json_get_id(e, "other_user_id")))
		h->merged_detail = user;
	if (!str_eq(type, "user.identity_created"))
		return;
	if (talk && *p->person.id && user == p->messaging.id)
		h->created = true;
	else if (talk && *p->person.id)
		h->moved = true;
	else
		h->of_address = true;
}

/* False: there is nobody to ask. */
static bool listen(struct probe *p, struct heard *h)
{
	char path[128];
	const struct probe_answer *a;
	const struct json_t *items;

	snprintf(path, sizeof(path), "/api/v1/accounts/%s/events",
		 p->account->name);
	a = probe_ask_daemon(p, path);
	items = json_get(a->json, "items");
	*h = (struct heard){.any = false};
	for (size_t i = 0; i < json_len(items); i++)
		hear(p, json_at(items, i), h);
	return json_is_arr(items);
}

static bool is_enough(const struct probe *p, const struct heard *h)
{
	return (!p->merged || h->merged_detail) &&
	       (p->messaging.state == PROBE_NONE || p->given || h->created);
}

static void say_identity(struct probe *p, const struct heard *h)
{
	const char *again = h->moved ? "it came for the survivor, too" : "";

	if (h->created)
		probe_say(p, PROBE_IDENTITY_EVENT, "yes", -1, "%s", again);
	else if (h->moved)
		probe_say(p, PROBE_IDENTITY_EVENT, "only at a merge", -1, NULL);
	else if (h->of_address && p->messaging.id && !p->given)
		probe_say(p, PROBE_IDENTITY_EVENT, "no", -1,
			  "it came for an address");
}

static void say_nothing_came(struct probe *p, const struct heard *h,
			     int64_t waited_ms)
{
	static const enum probe_row_id rows[] = {PROBE_IDENTITY_EVENT,
						 PROBE_MERGED_EVENT};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!p->rows[rows[i]].answer)
			probe_say(p, rows[i], NULL, -1,
				  h->any ? "the daemon received others, but "
					   "not this one in %lld s"
					 : "the daemon received no event of "
					   "these users in %lld s: is there "
					   "an event subscription",
				  (long long)(waited_ms / 1000));
}

void probe_events(struct probe *p)
{
	static const char nobody[] =
		"no daemon could be asked: run the probe where one runs, with "
		"its admin_listen and admin_token";
	int64_t start_ms = clock_mono_ms();
	struct heard h;

	probe_doing(p, "asking the daemon which events came");
	if (!listen(p, &h)) {
		probe_say(p, PROBE_IDENTITY_EVENT, NULL, -1, "%s", nobody);
		probe_say(p, PROBE_MERGED_EVENT, NULL, -1, "%s", nobody);
		return;
	}
	while (!is_enough(p, &h) &&
	       probe_pause(p, start_ms, p->wait_ms / PROBE_WAIT_EVENTS))
		if (!listen(p, &h))
			break;
	say_identity(p, &h);
	if (h.merged_detail)
		probe_say(p, PROBE_MERGED_EVENT,
			  h.merged_detail == p->profile.id ? "survivor"
							   : "merged user",
			  -1, NULL);
	say_nothing_came(p, &h, clock_mono_ms() - start_ms);
}
