/*
 * The texts: one row a situation, one a kind of evidence, one a piece of
 * advice; why comes from the reasons' own sentences.
 *
 * "$user", "$profile" and "$review" stand for a link or a number; a sentence
 * that needs one which is not known is left out. Refused: anything that
 * Zendesk would take for a placeholder or for formatting.
 */
#include "core/ticket_note.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define SENTENCES_MAX 3

/* Why something would be linked; everything else is why not, or not yet. */
static const reason_set grounds = REASON_BIT(REASON_EXTERNAL_ID_MATCH) |
				  REASON_BIT(REASON_EMAIL_MATCH_VERIFIED) |
				  REASON_BIT(REASON_EMAIL_MATCH_AUTHENTICATED) |
				  REASON_BIT(REASON_EMAIL_MATCH_CLAIMED) |
				  REASON_BIT(REASON_NO_PROFILE);

static const char tag_linked[] = "reunite_linked";
static const char tag_review[] = "reunite_review";
static const char tag_not_linked[] = "reunite_not_linked";

const char *const *ticket_note_tags(void)
{
	static const char *const tags[TICKET_NOTE_TAGS] = {
		tag_linked, tag_review, tag_not_linked};

	return tags;
}

static bool is_merged(const struct journal_entry *e)
{
	return e->action == ACTION_MERGE && e->applied &&
	       e->status == JOURNAL_DONE;
}

static bool is_adopted(const struct journal_entry *e)
{
	return e->action == ACTION_ADOPT && e->applied &&
	       e->status == JOURNAL_DONE;
}

static bool is_review(const struct journal_entry *e)
{
	return e->action == ACTION_REVIEW && e->status == JOURNAL_DONE;
}

static bool is_review_of_merge(const struct journal_entry *e)
{
	return is_review(e) && e->profile_id != 0;
}

static bool is_review_of_person(const struct journal_entry *e)
{
	return is_review(e) && e->reason == REASON_AMBIGUOUS_ADDRESS;
}

static bool is_none(const struct journal_entry *e, enum reason why)
{
	return e->action == ACTION_NONE && e->reason == why &&
	       e->status == JOURNAL_DONE;
}

static bool is_rejected(const struct journal_entry *e)
{
	return is_none(e, REASON_REJECTED_BEFORE) && e->decided_by != NULL;
}

/* A link that was made, and was wrong. */
static bool is_undone(const struct journal_entry *e)
{
	return is_rejected(e) && e->note != NULL &&
	       str_starts(e->note, JOURNAL_UNDONE);
}

static bool is_rejected_before(const struct journal_entry *e)
{
	return is_none(e, REASON_REJECTED_BEFORE);
}

static bool is_unproven(const struct journal_entry *e)
{
	return is_none(e, REASON_EMAIL_NOT_VERIFIED);
}

static bool is_refused(const struct journal_entry *e)
{
	return e->action == ACTION_REFUSE && e->status == JOURNAL_DONE;
}

static bool is_failed(const struct journal_entry *e)
{
	return (e->action == ACTION_MERGE || e->action == ACTION_ADOPT) &&
	       e->applied && e->status != JOURNAL_DONE;
}

struct situation {
	bool (*fits)(const struct journal_entry *e);
	enum ticket_note level; /* from which it is told */
	const char *tag;
	const char *headline;
	const char *what[SENTENCES_MAX];
	const char *next[SENTENCES_MAX];
};

#define WRONG_PERSON                                                           \
	"Nothing is left to do. If this is the wrong person, tell your "       \
	"admin, with the number below."
#define NOT_YET_THE_SAME                                                       \
	"Until then, do not take the customer for the person of the profile."
#define WHO_DECIDES "Who decides it starts with: reunite review show $review"
#define STAYS	    "The conversation stays with its own user: $user"

/* The first one that fits. */
static const struct situation situations[] = {
	{is_merged,
	 NOTE_MERGED,
	 tag_linked,
	 "This customer was linked to the profile that was there already.",
	 {"The conversation belongs to this profile now: $profile",
	  "The user that Zendesk had made for the conversation is a part of "
	  "it: $user"},
	 {WRONG_PERSON}},
	{is_adopted,
	 NOTE_MERGED,
	 tag_linked,
	 "This customer's own user was given the e-mail address.",
	 {"This user has the address now: $user"},
	 {WRONG_PERSON}},
	{is_review_of_merge,
	 NOTE_REVIEW,
	 tag_review,
	 "Somebody has to decide whether this customer and a profile are the "
	 "same person.",
	 {"Nothing was linked yet.",
	  "The conversation would become a part of this profile: $profile",
	  "For now it belongs to this user: $user"},
	 {NOT_YET_THE_SAME, WHO_DECIDES}},
	{is_review_of_person,
	 NOTE_REVIEW,
	 tag_review,
	 "Somebody has to find out who this customer is.",
	 {"Nothing was linked.", STAYS},
	 {WHO_DECIDES}},
	{is_review,
	 NOTE_REVIEW,
	 tag_review,
	 "Somebody has to decide whether this customer's user is given the "
	 "e-mail address.",
	 {"Nothing was changed yet.", "It is about this user: $user"},
	 {WHO_DECIDES}},
	{is_undone,
	 NOTE_MERGED,
	 tag_not_linked,
	 "Somebody found that linking this customer was wrong.",
	 {"What was linked has to be taken apart by hand, and is not linked "
	  "again.",
	  "The profile that was meant: $profile"},
	 {NOT_YET_THE_SAME}},
	{is_rejected,
	 NOTE_REVIEW,
	 tag_not_linked,
	 "Somebody decided that this customer and the profile are not the "
	 "same person.",
	 {"The two are not linked, now or later.",
	  "The profile that was meant: $profile", STAYS},
	 {NULL}},
	{is_rejected_before,
	 NOTE_ALL,
	 tag_not_linked,
	 "This customer was not linked: somebody said no to that before.",
	 {STAYS},
	 {NULL}},
	{is_unproven,
	 NOTE_ALL,
	 tag_not_linked,
	 "This customer was not linked: the e-mail address is not proven.",
	 {"No profile has the address, and nobody is given one that they have "
	  "not proved to be theirs.",
	  STAYS},
	 {NULL}},
	{is_refused,
	 NOTE_ALL,
	 tag_not_linked,
	 "This customer was not linked.",
	 {"A link like this one is never made, whoever would approve it.",
	  STAYS},
	 {NULL}},
	{is_failed,
	 NOTE_ALL,
	 tag_not_linked,
	 "Linking this customer did not work.",
	 {"It was begun and given up; how far it came is not known.",
	  "The profile that was meant: $profile",
	  "The conversation's user: $user"},
	 {"Tell your admin, with the number below: it is not tried again by "
	  "itself."}},
};

static const struct {
	const char *who;
	const char *sure;
} evidence_texts[] = {
	[EVIDENCE_NONE] = {"a customer whose conversation brought no e-mail "
			   "address.",
			   "no address, so none is proven."},
	[EVIDENCE_CLAIMED] = {"somebody who gave an e-mail address in the "
			      "conversation.",
			      "the address was only given; nobody has proved "
			      "that it is theirs."},
	[EVIDENCE_AUTHENTICATED] = {"a customer who is logged in.",
				    "the login names an e-mail address, but "
				    "does not vouch for it."},
	[EVIDENCE_VERIFIED] = {"a customer who is logged in.",
			       "proven; the login vouches for the e-mail "
			       "address."},
};

#define ASK_TO_LOG_IN                                                          \
	"Ask the customer to log in: then it is looked at once more."

static const struct {
	reason_set reasons;
	const char *text;
} advice[] = {
	{REASON_BIT(REASON_UNAUTHENTICATED_EMAIL) |
		 REASON_BIT(REASON_VERIFIED_PROFILE_PROTECTED) |
		 REASON_BIT(REASON_EMAIL_NOT_VERIFIED),
	 ASK_TO_LOG_IN},
	{REASON_BIT(REASON_AMBIGUOUS_ADDRESS),
	 "Ask the customer which e-mail address is theirs."},
	{REASON_BIT(REASON_PROFILE_UNVERIFIED),
	 "It helps if the customer once logs in to the profile."},
	{REASON_BIT(REASON_IDENTITY_NOT_MOVED),
	 "Look at the profile again in a while: the conversation should be "
	 "there."},
	{REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED),
	 "The next login may make a new user again; your admin can prevent "
	 "that."},
};

static const struct situation *situation_of(const struct journal_entry *e)
{
	for (size_t i = 0; i < ARRAY_LEN(situations); i++)
		if (situations[i].fits(e))
			return &situations[i];
	return NULL;
}

bool ticket_note_tells(enum ticket_note level, const struct journal_entry *e)
{
	const struct situation *s = situation_of(e);

	return level != NOTE_OFF && s != NULL && level >= s->level;
}

const char *ticket_note_tag(const struct journal_entry *e)
{
	const struct situation *s = situation_of(e);

	return s != NULL ? s->tag : NULL;
}

bool ticket_note_is_theirs(const struct journal_entry *e, uint64_t requester)
{
	bool merging = e->action == ACTION_MERGE && e->applied;
	bool survivor = merging || is_undone(e);

	return requester != 0 && (requester == e->messaging_user_id ||
				  (survivor && requester == e->profile_id));
}

void ticket_note_mark(const struct journal_entry *e,
		      char out[TICKET_NOTE_MARK_BYTES])
{
	/* the full stop keeps 17 apart from 170 */
	snprintf(out, TICKET_NOTE_MARK_BYTES, "reunite journal %" PRId64 "%s.",
		 e->id, is_failed(e) ? ", given up" : "");
}

/* --- writing --- */

struct writer {
	const struct journal_entry *e;
	const char *zendesk_url;
	int64_t review_id;
	struct buf *out;
};

/* What the "$word" at the end of a sentence stands for; 0: not known. */
static uint64_t number_of(const struct writer *w, const char *word)
{
	if (str_eq(word, "$review"))
		return (uint64_t)w->review_id;
	return str_eq(word, "$user") ? w->e->messaging_user_id
				     : w->e->profile_id;
}

static void put_sentence(const struct writer *w, const char *text)
{
	const char *word = strchr(text, '$');
	size_t len = word ? (size_t)(word - text) : strlen(text);

	buf_append(w->out, text, len);
	if (word && !str_eq(word, "$review"))
		buf_printf(w->out, "%s/agent/users/", w->zendesk_url);
	if (word)
		buf_printf(w->out, "%" PRIu64, number_of(w, word));
	buf_putc(w->out, '\n');
}

/* Sentences, each on a line, after an empty one; those that need what is not
 * known are left out. */
static void put_paragraph(const struct writer *w, const char *const *texts,
			  size_t count)
{
	bool empty = true;

	for (size_t i = 0; i < count && texts[i]; i++) {
		const char *word = strchr(texts[i], '$');

		if (word && number_of(w, word) == 0)
			continue;
		if (empty)
			buf_putc(w->out, '\n');
		empty = false;
		put_sentence(w, texts[i]);
	}
}

/* The sentences of these reasons under a heading; true: there were some. */
static bool put_reasons(const struct writer *w, const char *heading,
			reason_set reasons)
{
	enum reason list[REASON_COUNT];
	size_t count = reason_set_list(reasons, list);

	if (count == 0)
		return false;
	buf_printf(w->out, "\n%s\n", heading);
	for (size_t i = 0; i < count; i++)
		buf_printf(w->out, "- %s\n", reason_text(list[i]));
	return true;
}

static reason_set reasons_of(const struct journal_entry *e)
{
	reason_set all = e->reasons;

	if (all == 0 && e->reason != REASON_NONE)
		all = REASON_BIT(e->reason);
	return all;
}

static void put_why(const struct writer *w)
{
	reason_set all = reasons_of(w->e);
	reason_set against = all & ~grounds;

	if (!is_review(w->e)) {
		put_reasons(w, "Why:", all);
	} else {
		put_reasons(w, "Why it would be done:", all & grounds);
		if (!put_reasons(w, "Why it waits:", against))
			buf_puts(w->out, "\nWhy it waits:\n- Here a person "
					 "looks at every link.\n");
	}
	if (w->e->applied && w->e->decided_by != NULL)
		buf_puts(w->out, "- A person approved it.\n");
}

static void put_next(const struct writer *w, const struct situation *s)
{
	const char *texts[ARRAY_LEN(advice) + SENTENCES_MAX];
	reason_set reasons = reasons_of(w->e);
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(advice); i++)
		if (reasons & advice[i].reasons)
			texts[count++] = advice[i].text;
	for (size_t i = 0; i < SENTENCES_MAX && s->next[i]; i++)
		texts[count++] = s->next[i];
	put_paragraph(w, texts, count);
}

void ticket_note_write(const struct journal_entry *e, const char *zendesk_url,
		       int64_t review_id, struct buf *out)
{
	const struct situation *s = situation_of(e);
	struct writer w = {e, zendesk_url, review_id, out};
	char mark[TICKET_NOTE_MARK_BYTES];

	if (s == NULL)
		return;
	buf_printf(out, "%s\n\nWho: %s\nHow sure: %s\n", s->headline,
		   evidence_texts[e->evidence].who,
		   evidence_texts[e->evidence].sure);
	put_paragraph(&w, s->what, SENTENCES_MAX);
	put_why(&w);
	put_next(&w, s);
	ticket_note_mark(e, mark);
	buf_printf(out, "\nRecorded as %s\n", mark);
}
