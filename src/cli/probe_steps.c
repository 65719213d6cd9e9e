/*
 * The probe's steps up to the merges.
 *
 *	conversation -> people -> found? -> side loads -> merges -> events
 *
 * What a step cannot find out is left "not seen", and the next one goes on as
 * far as it can; only where no people can be made at all is there nothing to
 * try. Whoever is made has the run's word in the name and in the external id,
 * and an address that no mail reaches.
 */
#include <string.h>

#include "api/zendesk.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "oneshot.h"
#include "probe.h"

#define EXPORT_EVERY_MS 15000
#define EXPORT_FIRST_MS 5000
#define EXPORT_BACK_MS	300000

/* --- people --- */

static struct json_t *user_body(const struct probe_user *u)
{
	struct json_t *body = json_new_obj();
	struct json_t *user = json_new_obj();

	json_set_str(user, "name", u->name);
	json_set_str(user, "role", "end-user");
	json_set_str(user, "external_id", u->external_id);
	json_set_bool(user, "skip_verify_email", true);
	if (*u->address) {
		json_set_str(user, "email", u->address);
		json_set_bool(user, "verified", true);
	}
	json_set(body, "user", user);
	return body;
}

static int make_user(struct probe *p, struct probe_user *u)
{
	const struct probe_answer *a;

	u->state = PROBE_UNSURE;
	a = probe_call(p, TRIAL_USER_CREATE, 0, NULL, user_body(u));
	if (a->r.result != RESULT_OK) {
		if (!a->r.sent)
			u->state = PROBE_NONE;
		progress_clear(&p->progress);
		cli_error(p->cli, "Zendesk made no user");
		return oneshot_failed(p->cli, a->r.result, a->r.error.text);
	}
	u->id = json_get_id(json_get(a->json, "user"), "id");
	u->since_ms = clock_mono_ms();
	if (u->id)
		u->state = PROBE_THERE;
	return u->id ? CLI_DONE
		     : oneshot_failed(p->cli, RESULT_TEMP,
				      "Zendesk answered without a user");
}

static int step_people(struct probe *p)
{
	int code;

	probe_doing(p, "making a profile and a duplicate");
	code = make_user(p, &p->profile);
	if (code != CLI_DONE || probe_stopped(p))
		return code;
	return make_user(p, &p->plain);
}

/* --- until they are found --- */

static int64_t since(int64_t mono_ms)
{
	return clock_mono_ms() - mono_ms;
}

static bool lists(const struct json_t *answer, uint64_t id)
{
	const struct json_t *users = json_get(answer, "users");

	for (size_t i = 0; i < json_len(users); i++)
		if (json_get_id(json_at(users, i), "id") == id)
			return true;
	return false;
}

/* True: it is known by now. */
static bool look_found(struct probe *p, enum probe_row_id row,
		       const struct probe_user *u, enum trial search,
		       const char *text)
{
	const struct probe_answer *a;

	if (p->rows[row].answer || u->state != PROBE_THERE)
		return true;
	a = probe_call(p, search, 0, text, NULL);
	if (a->r.result != RESULT_OK || !lists(a->json, u->id))
		return false;
	probe_say_soon(p, row, "yes", u->since_ms);
	return true;
}

static void found(struct probe *p, uint64_t id)
{
	p->messaging.id = id;
	p->messaging.state = PROBE_THERE;
}

/* Is this the user that the hand-off made? */
static bool is_messaging(struct probe *p, uint64_t id)
{
	const struct probe_answer *a;

	if (!id || id == p->profile.id || id == p->plain.id)
		return false;
	a = probe_call(p, TRIAL_IDENTITY_LIST, id, NULL, NULL);
	if (a->r.result == RESULT_OK &&
	    probe_has_identity(json_get(a->json, "identities"), id,
			       p->person.id))
		found(p, id);
	return p->messaging.id != 0;
}

static bool by_zendesk_id(struct probe *p)
{
	const struct probe_answer *a;

	if (!p->person.zendesk_id) {
		a = probe_call(p, TRIAL_PERSON_SHOW, 0, p->person.id, NULL);
		p->person.zendesk_id =
			json_get_id(json_get(a->json, "user"), "zendeskId");
		if (p->person.zendesk_id && p->given)
			probe_say(p, PROBE_ZENDESK_ID, "yes", -1, NULL);
		else if (p->person.zendesk_id)
			probe_say_soon(p, PROBE_ZENDESK_ID, "yes",
				       p->person.handed_off_ms);
	}
	return !p->messaging.id && is_messaging(p, p->person.zendesk_id);
}

/* What has the run's word in its name, and is neither of the two, is enough to
 * be taken away, if not to be merged. */
#define HITS_MAX 20
static bool by_name(struct probe *p)
{
	const struct probe_answer *a =
		probe_call(p, TRIAL_SEARCH_WORD, 0, p->run, NULL);
	const struct json_t *users = json_get(a->json, "users");
	struct {
		uint64_t id;
		bool named;
	} hits[HITS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < json_len(users) && count < HITS_MAX; i++) {
		const struct json_t *u = json_at(users, i);
		const char *name = json_get_str(u, "name");

		hits[count].id = json_get_id(u, "id");
		hits[count++].named = name && strstr(name, p->run);
	}
	for (size_t i = 0; i < count && !p->messaging.id; i++)
		if (!is_messaging(p, hits[i].id) && p->cleaning &&
		    hits[i].named && hits[i].id != p->profile.id &&
		    hits[i].id != p->plain.id)
			found(p, hits[i].id);
	return p->messaging.id != 0;
}

struct export
{
	struct probe *probe;
	uint64_t found;
};

static void on_export(const struct api_result *r,
		      const struct zendesk_page *page,
		      const struct zd_user *users, size_t count, void *arg)
{
	struct export *e = arg;

	(void)r;
	(void)page;
	for (size_t i = 0; i < count; i++)
		if (zd_user_identity(&users[i], "messaging",
				     e->probe->person.id))
			e->found = users[i].id;
	e->probe->ready = true;
	loop_stop(e->probe->loop);
}

/* Whatever its name: those who changed lately, a minute late. */
static bool by_export(struct probe *p)
{
	struct export e = {.probe = p};

	p->ready = false;
	zendesk_export_users(p->api, LANE_REVIEW,
			     p->cli->now_ms - EXPORT_BACK_MS, NULL,
			     ZENDESK_PAGE_MAX, on_export, &e);
	while (!p->ready)
		loop_run(p->loop);
	return is_messaging(p, e.found);
}

bool probe_look_for_messaging(struct probe *p, int64_t *export_ms)
{
	bool found = by_zendesk_id(p) || by_name(p);

	if (!found && since(*export_ms) >= EXPORT_EVERY_MS) {
		*export_ms = clock_mono_ms();
		found = by_export(p);
	}
	return found;
}

/* True: nothing more will be known of it. */
static bool look_messaging(struct probe *p, int64_t *export_ms)
{
	if (p->given || p->messaging.id)
		(void)by_zendesk_id(p);
	else if (p->person.handed_off_ms &&
		 probe_look_for_messaging(p, export_ms))
		probe_say_soon(p, PROBE_CONVERSATION, "yes",
			       p->person.handed_off_ms);
	return p->given || !p->person.handed_off_ms ||
	       (p->messaging.id && p->person.zendesk_id);
}

/* What was looked for in vain. */
static void say_missing(struct probe *p)
{
	static const enum probe_row_id searches[] = {PROBE_FOUND_ADDRESS,
						     PROBE_FOUND_EXTERNAL_ID};
	const struct probe_user *of[] = {&p->profile, &p->plain};

	for (size_t i = 0; i < ARRAY_LEN(searches); i++)
		if (!p->rows[searches[i]].answer && of[i]->state == PROBE_THERE)
			probe_say(p, searches[i], "no", -1, "not within %lld s",
				  (long long)(since(of[i]->since_ms) / 1000));
	if (p->person.handed_off_ms && !p->messaging.id)
		probe_say(p, PROBE_CONVERSATION, "no", -1,
			  "not within %lld s%s%s",
			  (long long)(since(p->person.handed_off_ms) / 1000),
			  *p->rows[PROBE_CONVERSATION].note ? "; " : "",
			  p->rows[PROBE_CONVERSATION].note);
}

/* Nobody waits for what may never come as long as for a search. */
static bool gives_up(const struct probe *p, int64_t waited_ms)
{
	return waited_ms >= p->wait_ms / (p->messaging.id
						  ? PROBE_WAIT_ZENDESK_ID
						  : PROBE_WAIT_CONVERSATION);
}

static void step_found(struct probe *p)
{
	int64_t start_ms = clock_mono_ms();
	int64_t export_ms = start_ms - EXPORT_EVERY_MS + EXPORT_FIRST_MS;
	bool all;

	p->limited = false;
	do {
		probe_doing(p, "until all are found: %lld of %lld s",
			    (long long)(since(start_ms) / 1000),
			    (long long)(p->wait_ms / 1000));
		all = look_found(p, PROBE_FOUND_ADDRESS, &p->profile,
				 TRIAL_SEARCH_ADDRESS, p->profile.address);
		all &= look_found(p, PROBE_FOUND_EXTERNAL_ID, &p->plain,
				  TRIAL_SEARCH_EXTERNAL_ID,
				  p->plain.external_id);
		all &= look_messaging(p, &export_ms) ||
		       gives_up(p, since(start_ms));
	} while (!all && probe_pause(p, start_ms, p->wait_ms));
	if (!probe_stopped(p))
		say_missing(p);
}

/* --- side loads --- */

/* Beside the users, or inside each. */
static bool brings_identities(const struct json_t *answer,
			      const struct json_t *user)
{
	return json_is_arr(json_get(answer, "identities")) ||
	       json_is_arr(json_get(user, "identities"));
}

static void step_side_loads(struct probe *p)
{
	const struct probe_answer *a;

	probe_doing(p, "reading them with their identities");
	a = probe_call(p, TRIAL_USER_SHOW, p->profile.id, NULL, NULL);
	if (a->r.result == RESULT_OK)
		probe_say(p, PROBE_SIDE_LOAD_USER,
			  brings_identities(a->json, json_get(a->json, "user"))
				  ? "yes"
				  : "no",
			  -1, NULL);
	a = probe_call(p, TRIAL_SEARCH_ADDRESS, 0, p->profile.address, NULL);
	if (a->r.result == RESULT_OK && lists(a->json, p->profile.id))
		probe_say(
			p, PROBE_SIDE_LOAD_SEARCH,
			brings_identities(
				a->json, json_at(json_get(a->json, "users"), 0))
				? "yes"
				: "no",
			-1, NULL);
}

/* --- all of it --- */

int probe_run(struct probe *p)
{
	void (*const rest[])(struct probe * p) = {step_found, step_side_loads,
						  probe_merges, probe_events};
	int code = CLI_DONE;

	if (p->given)
		code = probe_talk_take(p);
	else
		probe_talk_begin(p);
	p->step++;
	if (code == CLI_DONE && !probe_stopped(p))
		code = step_people(p);
	for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
		p->step++;
		if (code == CLI_DONE && !probe_stopped(p))
			rest[i](p);
	}
	return code;
}
