/*
 * What a person needs in order to decide about a review: both sides, what
 * speaks for them being one, what a merge would lose, whom a sync would touch
 * and what an approval does, step by step.
 *
 * Made from a review's facts (linkjob_review_facts()) whenever it is shown.
 * Without personal: no address, name, note, external id, tag or other value;
 * counts, kinds, how things were verified and what is alike are left.
 */
#ifndef REUNITE_CORE_REVIEW_CARD_H
#define REUNITE_CORE_REVIEW_CARD_H

#include "core/pair.h"

struct json_t;

struct review_card_about {
	enum action intended;
	reason_set reasons;
	enum evidence evidence;
	enum pair_pin pin;
	bool observes;		 /* the account: an approval would do nothing */
	const char *zendesk_url; /* of the agents' pages; NULL: no links */
};

/* *new*; facts may be NULL (pruned): then only what needs none.
 *
 * because          sentences, one a reason
 * evidence         a sentence; address (personal)
 * former_owner     a sentence, of a displaced profile
 * approvable, pin  and pin_means, a sentence, unless there is none to give
 * approving        what an approval does, sentences in order
 * conversation     the SunCo user: id, authenticated, linked
 * messaging_user, profile   id, link, role, active, suspended, tickets (null:
 *                  unknown), identities (type, verified, how, this), ...
 * owners           id and link of each; addresses: how many it carries
 * survived_merge   an earlier merge ended in the messaging user
 * alike            name, external_id, organization: same, different, one, none
 * loses            of a merge: tags, notes, details, user_fields, external_id
 * third_sunco_users   null: unknown; absent: nobody was asked
 * earlier_approval, refusal   sentences, if any
 */
struct json_t *review_card(const struct json_t *facts,
			   const struct review_card_about *about,
			   bool personal);

#endif
