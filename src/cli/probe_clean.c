/*
 * The probe takes away what it made: tickets first, since Zendesk keeps users
 * who have open ones, then the SunCo user, then the users, for good.
 *
 * Runs after every probe, whatever became of it. What cannot be taken away is
 * listed with how to do it by hand.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "probe.h"

#define LATECOMER_MS 60000

/* Somebody does not want to wait for it. */
static bool given_up(const struct probe *p)
{
	return p->interrupts > 1;
}

static void leave(struct probe *p, const char *what, const char *id,
		  const char *how, const char *why)
{
	progress_clear(&p->progress);
	p->left++;
	fprintf(p->cli->err, "left behind: %s %s%s%s; to remove it: %s\n", what,
		id, *why ? ": " : "", why, how);
}

static bool is_gone(const struct probe_answer *a)
{
	return a->r.result == RESULT_OK || a->r.result == RESULT_NOTFOUND;
}

static const char *why_not(const struct probe *p)
{
	return given_up(p) ? "interrupted" : p->answer.r.error.text;
}

static bool taken(struct probe *p, enum trial what, uint64_t id,
		  const char *text)
{
	return !given_up(p) && is_gone(probe_call(p, what, id, text, NULL));
}

/* --- the conversation's user --- */

/* Of a run that ended before it was seen. */
static void find_latecomer(struct probe *p)
{
	int64_t max_ms = p->wait_ms < LATECOMER_MS ? p->wait_ms : LATECOMER_MS;
	int64_t start_ms = clock_mono_ms();
	int64_t export_ms = 0;

	if (!p->person.handed_off_ms || p->messaging.state != PROBE_NONE)
		return;
	if (p->rows[PROBE_CONVERSATION].answer)
		max_ms = 0; /* it was waited for */
	do {
		probe_doing(p, "cleaning up: looking for the conversation's "
			       "user");
	} while (!probe_look_for_messaging(p, &export_ms) &&
		 probe_pause(p, start_ms, max_ms));
}

/* --- tickets --- */

static void clean_ticket(struct probe *p, uint64_t id)
{
	char number[STR_U64_SIZE];

	if (taken(p, TRIAL_TICKET_DELETE, id, NULL))
		return;
	str_u64(id, number);
	leave(p, "ticket", number,
	      "delete it in the agents' workspace (reunite's client may lack "
	      "the scope tickets:write, or its user the right to delete)",
	      why_not(p));
}

static void clean_tickets(struct probe *p, const struct probe_user *u)
{
	uint64_t ids[PROBE_TICKETS_MAX];
	const struct json_t *list;
	size_t count = 0;

	if (u->state != PROBE_THERE || given_up(p))
		return;
	list = json_get(
		probe_call(p, TRIAL_TICKETS_OF, u->id, NULL, NULL)->json,
		"tickets");
	for (size_t i = 0; i < json_len(list) && count < ARRAY_LEN(ids); i++)
		ids[count++] = json_get_id(json_at(list, i), "id");
	for (size_t i = 0; i < count; i++)
		clean_ticket(p, ids[i]);
}

/* --- the SunCo user, with its conversations --- */

static void clean_person(struct probe *p)
{
	const char *id = *p->person.id ? p->person.id : p->person.external_id;
	char how[PROBE_NOTE_SIZE];

	if (p->person.state == PROBE_NONE)
		return;
	if (taken(p, TRIAL_PERSON_DELETE, 0, id)) {
		p->person.state = PROBE_GONE;
		return;
	}
	snprintf(how, sizeof(how), "DELETE /v2/apps/{app}/users/%s", id);
	leave(p, "Sunshine Conversations user", id, how, why_not(p));
}

/* --- users --- */

/* Whoever was perhaps made has an external id of their own. Nobody is deleted
 * because a search says so. */
static bool find_unsure(struct probe *p, struct probe_user *u)
{
	const struct json_t *users, *first;

	if (given_up(p))
		return false;
	users = json_get(
		probe_call(p, TRIAL_SEARCH_EXTERNAL_ID, 0, u->external_id, NULL)
			->json,
		"users");
	first = json_at(users, 0);
	if (str_eq_nocase(json_get_str(first, "external_id"), u->external_id))
		u->id = json_get_id(first, "id");
	if (u->id)
		u->state = PROBE_THERE;
	return u->id != 0;
}

static void leave_unsure(struct probe *p, const struct probe_user *u)
{
	char how[PROBE_NOTE_SIZE];

	snprintf(how, sizeof(how),
		 "search Zendesk for %s in some minutes, and delete that user "
		 "if it is there",
		 p->run);
	leave(p, "perhaps a user,", u->name, how,
	      "its making was not answered");
}

static void clean_user(struct probe *p, struct probe_user *u)
{
	char id[STR_U64_SIZE], how[PROBE_NOTE_SIZE];

	if (u->state == PROBE_UNSURE && !find_unsure(p, u)) {
		leave_unsure(p, u);
		return;
	}
	if (u->state != PROBE_THERE)
		return;
	str_u64(u->id, id);
	if (!taken(p, TRIAL_USER_DELETE, u->id, NULL)) {
		snprintf(how, sizeof(how),
			 "DELETE /api/v2/users/%s, then DELETE "
			 "/api/v2/deleted_users/%s",
			 id, id);
		leave(p, u->what, id, how, why_not(p));
	} else if (!taken(p, TRIAL_USER_PURGE, u->id, NULL)) {
		snprintf(how, sizeof(how), "DELETE /api/v2/deleted_users/%s",
			 id);
		leave(p, "deleted, but not for good: user", id, how,
		      why_not(p));
	} else {
		u->state = PROBE_GONE;
	}
}

/* A hand-off whose user was never seen may still come. */
static void tell_of_latecomer(struct probe *p)
{
	if (!p->person.handed_off_ms || p->messaging.state != PROBE_NONE)
		return;
	progress_clear(&p->progress);
	fprintf(p->cli->err,
		"the conversation's Zendesk user was not seen: if one named "
		"\"reunite probe %s\" appears later, delete it\n",
		p->run);
}

void probe_clean(struct probe *p)
{
	struct probe_user *const users[] = {&p->profile, &p->plain,
					    &p->messaging};

	p->cleaning = true;
	p->interrupts = 0;
	p->step = PROBE_STEPS;
	find_latecomer(p);
	probe_doing(p, "cleaning up");
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		clean_tickets(p, users[i]);
	clean_person(p);
	for (size_t i = 0; i < ARRAY_LEN(users); i++)
		clean_user(p, users[i]);
	tell_of_latecomer(p);
	progress_clear(&p->progress);
}
