/*
 * The probe's merges, and what is seen of them afterwards.
 *
 * Only people whom the probe made, or whose conversation it was given, are
 * merged, and only with one another. A merge that gets no answer is looked up
 * before anything else happens.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "probe.h"

#define FREE_WAIT_MS 120000 /* five updates of a user a minute */

static int64_t since(int64_t mono_ms)
{
	return clock_mono_ms() - mono_ms;
}

/* --- one merge --- */

enum merged { MERGE_UNKNOWN, MERGE_ACCEPTED, MERGE_REFUSED };

static struct json_t *merge_body(uint64_t into)
{
	struct json_t *body = json_new_obj();
	struct json_t *user = json_new_obj();

	json_set_id(user, "id", into);
	json_set(body, "user", user);
	return body;
}

static bool is_gone(struct probe *p, uint64_t id)
{
	const struct probe_answer *a =
		probe_call(p, TRIAL_USER_SHOW, id, NULL, NULL);

	return a->r.result == RESULT_NOTFOUND ||
	       (a->r.result == RESULT_OK &&
		!json_get_bool(json_get(a->json, "user"), "active", true));
}

/* The answer stays to be read unless it is MERGE_UNKNOWN. */
static enum merged merge(struct probe *p, uint64_t from, uint64_t into)
{
	const struct probe_answer *a =
		probe_call(p, TRIAL_USER_MERGE, from, NULL, merge_body(into));

	if (a->r.result == RESULT_OK)
		return MERGE_ACCEPTED;
	if (a->r.status >= 400 && a->r.status < 500 && a->r.status != 429)
		return MERGE_REFUSED;
	if (a->r.sent && from != into && is_gone(p, from))
		return MERGE_ACCEPTED;
	return MERGE_UNKNOWN;
}

static void absorbed(struct probe *p, struct probe_user *u)
{
	u->state = PROBE_GONE;
	p->merged = u->id;
}

/* --- the duplicate without a conversation --- */

static struct json_t *external_id_body(const char *external_id)
{
	struct json_t *body = json_new_obj();
	struct json_t *user = json_new_obj();

	json_set_str(user, "external_id", external_id);
	json_set(body, "user", user);
	return body;
}

static bool set_external_id(struct probe *p, const struct probe_user *u,
			    const char *external_id)
{
	return probe_call(p, TRIAL_USER_UPDATE, u->id, NULL,
			  external_id_body(external_id))
		       ->r.result == RESULT_OK;
}

static bool add_address(struct probe *p, const struct probe_user *u)
{
	struct json_t *body = json_new_obj();
	struct json_t *identity = json_new_obj();
	char address[PROBE_TEXT_SIZE];

	snprintf(address, sizeof(address), "probe-%s-2@reunite.example",
		 p->run);
	json_set_str(identity, "type", "email");
	json_set_str(identity, "value", address);
	json_set_bool(identity, "verified", true);
	json_set_bool(identity, "skip_verify_email", true);
	json_set(body, "identity", identity);
	return probe_call(p, TRIAL_IDENTITY_ADD, u->id, NULL, body)->r.result ==
	       RESULT_OK;
}

/* What a refusal may have been about, taken away bit by bit. */
static const char *merge_plain_otherwise(struct probe *p)
{
	if (!set_external_id(p, &p->plain, NULL) ||
	    !set_external_id(p, &p->profile, NULL))
		return "no";
	p->profile.external_id[0] = p->plain.external_id[0] = '\0';
	if (merge(p, p->plain.id, p->profile.id) == MERGE_ACCEPTED)
		return "only without external ids";
	if (add_address(p, &p->plain) &&
	    merge(p, p->plain.id, p->profile.id) == MERGE_ACCEPTED)
		return "only with an address";
	return "no";
}

static void merge_plain(struct probe *p)
{
	const char *answer;

	probe_doing(p, "merging the duplicate");
	switch (merge(p, p->plain.id, p->profile.id)) {
	case MERGE_ACCEPTED:
		probe_say(p, PROBE_MERGE_PLAIN, "yes", -1, NULL);
		absorbed(p, &p->plain);
		break;
	case MERGE_REFUSED:
		probe_say_refusal(p, PROBE_MERGE_PLAIN, "no", &p->answer);
		answer = merge_plain_otherwise(p);
		p->rows[PROBE_MERGE_PLAIN].answer = answer;
		if (!str_eq(answer, "no"))
			absorbed(p, &p->plain);
		break;
	case MERGE_UNKNOWN:
		probe_say(p, PROBE_MERGE_PLAIN, NULL, -1, "%s",
			  p->answer.r.error.text);
	}
}

/* --- external ids --- */

static void see_external_id(struct probe *p)
{
	const struct probe_answer *a;
	const char *now;

	if (!*p->profile.external_id)
		return;
	a = probe_call(p, TRIAL_USER_SHOW, p->profile.id, NULL, NULL);
	if (a->r.result != RESULT_OK)
		return;
	now = json_get_str(json_get(a->json, "user"), "external_id");
	if (str_eq_nocase(now, p->profile.external_id))
		probe_say(p, PROBE_EXTERNAL_ID_KEPT, "yes", -1, NULL);
	else
		probe_say(p, PROBE_EXTERNAL_ID_KEPT, "no", -1, "%s",
			  str_is_empty(now) ? "it has none"
					    : "it has the merged user's");
}

static void free_external_id(struct probe *p)
{
	int64_t max_ms = p->wait_ms < FREE_WAIT_MS ? p->wait_ms : FREE_WAIT_MS;
	int64_t start_ms = clock_mono_ms();
	bool done;

	if (!*p->plain.external_id)
		return;
	p->limited = false;
	do {
		probe_doing(p, "until the external id is free: %lld of %lld s",
			    (long long)(since(start_ms) / 1000),
			    (long long)(max_ms / 1000));
		done = set_external_id(p, &p->profile, p->plain.external_id);
	} while (!done && p->answer.r.duplicate &&
		 probe_pause(p, start_ms, max_ms));
	if (done)
		probe_say_soon(p, PROBE_EXTERNAL_ID_FREE, "yes", start_ms);
	else if (!probe_stopped(p))
		probe_say_refusal(p, PROBE_EXTERNAL_ID_FREE, "no", &p->answer);
}

/* --- the user with the conversation --- */

static void merge_messaging(struct probe *p)
{
	probe_doing(p, "merging the conversation's user");
	switch (merge(p, p->messaging.id, p->profile.id)) {
	case MERGE_ACCEPTED:
		probe_say(p, PROBE_MERGE_MESSAGING, "yes", -1, NULL);
		absorbed(p, &p->messaging);
		break;
	case MERGE_REFUSED:
		probe_say_refusal(p, PROBE_MERGE_MESSAGING, "no", &p->answer);
		break;
	case MERGE_UNKNOWN:
		probe_say(p, PROBE_MERGE_MESSAGING, NULL, -1, "%s",
			  p->answer.r.error.text);
	}
}

static bool has_moved(struct probe *p)
{
	const struct probe_answer *a =
		probe_call(p, TRIAL_IDENTITY_LIST, p->profile.id, NULL, NULL);

	return a->r.result == RESULT_OK &&
	       probe_has_identity(json_get(a->json, "identities"),
				  p->profile.id, p->person.id);
}

static void see_identity(struct probe *p)
{
	int64_t max_ms = p->wait_ms / PROBE_WAIT_IDENTITY;
	int64_t start_ms = clock_mono_ms();

	p->limited = false;
	do {
		probe_doing(p, "until the identity moves: %lld of %lld s",
			    (long long)(since(start_ms) / 1000),
			    (long long)(max_ms / 1000));
		if (has_moved(p)) {
			probe_say_soon(p, PROBE_IDENTITY_MOVES, "yes",
				       start_ms);
			return;
		}
	} while (probe_pause(p, start_ms, max_ms));
	if (!probe_stopped(p))
		probe_say(p, PROBE_IDENTITY_MOVES, "no", -1,
			  "not within %lld s",
			  (long long)(since(start_ms) / 1000));
}

static const char *whose(const struct probe *p, uint64_t id)
{
	if (id == p->profile.id)
		return "survivor";
	if (id == p->messaging.id)
		return "merged user";
	return id ? "somebody else" : "nobody";
}

/* As long as it names the merged user it may still change. */
static void see_zendesk_id(struct probe *p)
{
	int64_t start_ms = clock_mono_ms();
	const struct probe_answer *a;
	uint64_t id;

	probe_doing(p, "reading the SunCo user");
	p->limited = false;
	do {
		a = probe_call(p, TRIAL_PERSON_SHOW, 0, p->person.id, NULL);
		if (a->r.result != RESULT_OK)
			return;
		id = json_get_id(json_get(a->json, "user"), "zendeskId");
	} while (id && id != p->profile.id &&
		 probe_pause(p, start_ms, p->wait_ms / PROBE_WAIT_ZENDESK_ID));
	if (id == p->profile.id)
		probe_say_soon(p, PROBE_ZENDESK_ID_AFTER, whose(p, id),
			       start_ms);
	else
		probe_say(p, PROBE_ZENDESK_ID_AFTER, whose(p, id), -1, NULL);
}

static void say_no_zendesk_id(struct probe *p)
{
	if (p->person.zendesk_id)
		return;
	if (p->given)
		probe_say(p, PROBE_ZENDESK_ID, "no", -1, NULL);
	else
		probe_say(p, PROBE_ZENDESK_ID, "no", -1, "not within %lld s",
			  (long long)(since(p->person.handed_off_ms) / 1000));
}

/* --- afterwards --- */

static void see_merged(struct probe *p)
{
	const struct probe_answer *a;
	bool active;

	if (!p->merged)
		return;
	probe_doing(p, "reading the user that was merged");
	a = probe_call(p, TRIAL_USER_SHOW, p->merged, NULL, NULL);
	active = json_get_bool(json_get(a->json, "user"), "active", true);
	if (a->r.result == RESULT_OK)
		probe_say(p, PROBE_MERGED_SHOWN,
			  active ? "as before" : "not active", -1, NULL);
	else if (a->r.status >= 400 && a->r.status < 500)
		probe_say_refusal(p, PROBE_MERGED_SHOWN, "not at all", a);
}

static void see_refusal(struct probe *p, enum probe_row_id row, uint64_t from)
{
	switch (merge(p, from, p->profile.id)) {
	case MERGE_ACCEPTED:
		probe_say(p, row, "accepted", -1, NULL);
		break;
	case MERGE_REFUSED:
		probe_say_refusal(p, row, "refused", &p->answer);
		break;
	case MERGE_UNKNOWN:
		probe_say(p, row, NULL, -1, "%s", p->answer.r.error.text);
	}
}

static void see_refusals(struct probe *p)
{
	probe_doing(p, "asking for merges that cannot be");
	see_refusal(p, PROBE_MERGE_ITSELF, p->profile.id);
	if (p->merged && !probe_stopped(p))
		see_refusal(p, PROBE_MERGE_AGAIN, p->merged);
}

void probe_merges(struct probe *p)
{
	merge_plain(p);
	if (!probe_stopped(p) && p->plain.state == PROBE_GONE) {
		see_external_id(p);
		free_external_id(p);
	}
	if (!probe_stopped(p) && p->messaging.state == PROBE_THERE) {
		say_no_zendesk_id(p);
		merge_messaging(p);
	}
	if (!probe_stopped(p) && p->messaging.state == PROBE_GONE) {
		see_identity(p);
		see_zendesk_id(p);
	}
	if (!probe_stopped(p))
		see_merged(p);
	if (!probe_stopped(p))
		see_refusals(p);
}
