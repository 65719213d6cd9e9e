/*
 * Shared by the files of the review card; nobody else includes it.
 */
#ifndef REUNITE_CORE_REVIEW_CARD_INT_H
#define REUNITE_CORE_REVIEW_CARD_INT_H

#include "base/json.h"
#include "core/review_card.h"

/* A card under way. */
struct card {
	const struct json_t *facts;
	const struct review_card_about *about;
	bool personal;
	/* borrowed from facts: {"user","identities","organizations"} */
	const struct json_t *person, *profile; /* JSON null: none */
	const struct json_t *sunco;
};

/* The user object as Zendesk answered it; NULL if there is none. */
const struct json_t *card_raw(const struct json_t *image);
uint64_t card_id(const struct json_t *image);
/* Sets key only in a card with personal data. */
void card_set_personal(const struct card *c, struct json_t *v, const char *key,
		       const char *value);

/* review_losses.c: what a merge would lose, and what is alike: *new* */
struct json_t *card_losses(const struct card *c);
struct json_t *card_alike(const struct card *c);
/* review_words.c: *new* arrays of sentences, and one; NULL: none */
struct json_t *card_because(const struct card *c);
struct json_t *card_approving(const struct card *c);
bool card_approvable(const struct card *c);
const char *card_evidence(const struct card *c);
/* Of a displaced profile; NULL: it is none. */
const char *card_former_owner(const struct card *c);
const char *card_pin(const struct card *c);
const char *card_how(const struct json_t *identity);

#endif
