/*
 * A review in sentences: why a person is asked, what the evidence is worth,
 * what an approval does. No values of anybody in them.
 */
#include "review_card_int.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"

#define SENTENCE_SIZE 300

/* --- why --- */

struct json_t *card_because(const struct card *c)
{
	struct json_t *arr = json_new_arr();
	enum reason list[REASON_COUNT];
	size_t count = reason_set_list(c->about->reasons, list);

	for (size_t i = 0; i < count; i++)
		json_push(arr, json_new_str(reason_text(list[i])));
	return arr;
}

/* --- the evidence --- */

static bool verified_by(const struct card *c, const char *how)
{
	const struct json_t *list = json_get(c->sunco, "identities");

	for (size_t i = 0; i < json_len(list); i++)
		if (str_eq(json_get_str(json_at(list, i), "verification"), how))
			return true;
	return false;
}

const char *card_evidence(const struct card *c)
{
	switch (c->about->evidence) {
	case EVIDENCE_VERIFIED:
		return verified_by(c, "sso")
			       ? "Signed in at the help center, which vouches "
				 "for the address."
			       : "Signed in, and the login vouches for the "
				 "address (email_verified).";
	case EVIDENCE_AUTHENTICATED:
		return "Signed in, but nobody vouched for the address.";
	case EVIDENCE_CLAIMED:
		return "The address was only claimed, as anybody can do by "
		       "typing it.";
	default:
		return "The conversation brought no address.";
	}
}

const char *card_former_owner(const struct card *c)
{
	static const char *const words[2][2] = {
		{"The profile had the address before; nobody has read that it "
		 "was proven then, and when it was lost is not certain.",
		 "The profile had the address until the conversation's user "
		 "got it; nobody has read that it was proven then."},
		{"The profile had the address before, proven; when it was lost "
		 "is not certain.",
		 "The profile had the address, proven, until the "
		 "conversation's user got it."},
	};

	if (!json_get_bool(c->facts, "displaced", false))
		return NULL;
	return words[json_get_bool(c->facts, "proven_before_loss", false)]
		    [json_get_bool(c->facts, "coincides", false)];
}

/* --- how an identity was verified --- */

static const struct {
	const char *method; /* NULL: not told */
	bool verified;
	const char *words;
} ways[] = {
	{"full", true, "its owner proved it, by a link sent there"},
	{"full", false, "its owner proved it once, by a link sent there"},
	{"sso", true, "its owner proved it, by signing in"},
	{"sso", false, "its owner proved it once, by signing in"},
	{"embed", true, "its owner proved it, by signing in to the widget"},
	{"embed", false,
	 "its owner proved it once, by signing in to the widget"},
	{"low", true, "an agent or a program said so; its owner did not"},
	{"low", false, "an agent or a program said so; its owner did not"},
	{"none", true, "marked as verified, but by no known way"},
	{"none", false, "not verified"},
	{NULL, true, "verified; Zendesk does not say how"},
	{NULL, false, "not verified"},
};

const char *card_how(const struct json_t *identity)
{
	const char *method = json_get_str(identity, "verification_method");
	bool verified = json_get_bool(identity, "verified", false);

	/* who is there by a conversation or a call proves nothing by it */
	if (!str_eq(json_get_str(identity, "type"), "email") && !method)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		if (str_eq(ways[i].method, method) &&
		    ways[i].verified == verified)
			return ways[i].words;
	return "marked in a way that reunite does not know";
}

/* --- what an approval does --- */

const char *card_pin(const struct card *c)
{
	switch (c->about->pin) {
	case PAIR_PIN_PLANNED:
	case PAIR_PIN_NAMED:
		return "The profile gets the external id of the conversation: "
		       "whoever signs in with it is this profile from then "
		       "on.";
	case PAIR_PIN_OFFERED:
		return "The profile does not get the external id of the "
		       "conversation, because the evidence does not carry it: "
		       "the next login may make a duplicate again. An approval "
		       "with --pin gives it all the same; whoever signs in "
		       "with it is this profile from then on. Name it only if "
		       "you know the person.";
	default:
		return NULL;
	}
}

static void say(struct json_t *arr, const char *text)
{
	json_push(arr, json_new_str(text));
}

static void say_merge(const struct card *c, struct json_t *arr)
{
	char text[SENTENCE_SIZE];

	snprintf(text, sizeof(text),
		 "Zendesk merges user %" PRIu64 " into profile %" PRIu64
		 ": tickets, conversations and addresses move, the user goes. "
		 "Nobody can undo that.",
		 card_id(c->person), card_id(c->profile));
	say(arr, text);
}

static void say_step(const struct card *c, struct json_t *arr, const char *step)
{
	if (str_eq(step, "merge"))
		say_merge(c, arr);
	else if (str_eq(step, "read_back"))
		say(arr, "It is read back: the conversation must have "
			 "arrived.");
	else if (str_eq(step, "pin"))
		say(arr, card_pin(c) ? card_pin(c) : "");
	else if (str_eq(step, "verify"))
		say(arr, "The profile's address is marked as verified.");
	else if (str_eq(step, "adopt"))
		say(arr, "The conversation's user gets the address.");
	else if (str_eq(step, "complete_name"))
		say(arr, "The conversation's user gets the name from the "
			 "login.");
}

static const struct {
	enum reason reason;
	const char *text;
} firsts[] = {
	{REASON_MERGE_REFUSED,
	 "Zendesk refused before, see above; it is asked once more."},
	{REASON_EXTERNAL_ID_REFUSED,
	 "The external id of the conversation's user is taken away for the "
	 "link, if the profile has none, and put back if that does not help."},
	{REASON_ADDRESS_TAKEN,
	 "Whoever has the address is looked for once more; if somebody is "
	 "found, that is a new question."},
	{REASON_MERGE_SURGE,
	 "It is done in spite of the limit of the hour, this one only."},
	{REASON_MERGE_FAN_IN,
	 "It is done in spite of the profile's limit, this one only."},
};

bool card_approvable(const struct card *c)
{
	return policy_approvable(c->about->reasons) && !c->about->observes;
}

static void say_why_not(const struct card *c, struct json_t *arr)
{
	if (c->about->observes)
		say(arr, "The account only observes (apply = observe): nothing "
			 "can be approved. A rejection is remembered.");
	else
		say(arr, "Nothing can be approved: correct the conversation's "
			 "addresses, and it is decided anew. A rejection "
			 "leaves it alone for good.");
}

struct json_t *card_approving(const struct card *c)
{
	const struct json_t *steps = json_get(c->facts, "steps");
	struct json_t *arr = json_new_arr();

	if (!card_approvable(c)) {
		say_why_not(c, arr);
		return arr;
	}
	say(arr, "Everything is read again. If one of the two changed in a way "
		 "that matters, the approval expires and a new review opens.");
	for (size_t i = 0; i < ARRAY_LEN(firsts); i++)
		if (c->about->reasons & REASON_BIT(firsts[i].reason))
			say(arr, firsts[i].text);
	for (size_t i = 0; i < json_len(steps); i++)
		say_step(c, arr, json_str(json_at(steps, i)));
	if (json_get_bool(c->facts, "sync", false))
		say(arr, "Sunshine Conversations is told (sunco_sync): the "
			 "conversation's user there gets the profile's address "
			 "and external id, from others if they have them.");
	return arr;
}
