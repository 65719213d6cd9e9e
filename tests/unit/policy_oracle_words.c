/*
 * What the words of the policy mean, for its oracle: evidence, address,
 * owner, proven, marked. See policy_oracle.h.
 */
#include "policy_oracle_words.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define REMEMBERED 64
#define TEXT_SIZE  512

/* Regular expressions are slow and the texts are few: worked out once each. */
bool words_match(const char *pattern, const char *text)
{
	static struct {
		const char *pattern;
		char text[TEXT_SIZE];
		bool found;
	} known[REMEMBERED];
	static size_t count;
	regex_t re;

	for (size_t i = 0; i < count; i++)
		if (known[i].pattern == pattern &&
		    strcmp(known[i].text, text) == 0)
			return known[i].found;
	if (count == REMEMBERED || strlen(text) >= TEXT_SIZE ||
	    regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
		abort();
	known[count].pattern = pattern;
	strcpy(known[count].text, text);
	known[count].found = regexec(&re, text, 0, NULL, 0) == 0;
	regfree(&re);
	return known[count++].found;
}

#define ATOM  "[-a-z0-9!#$%&'*+/=?^_`{|}~]+"
#define LABEL "[a-z0-9]([-a-z0-9]*[a-z0-9])?"

static void work_out_address(const char *raw, char out[ADDRESS_SIZE])
{
	static const char pattern[] =
		"^" ATOM "(\\." ATOM ")*@" LABEL "(\\." LABEL ")+$";
	size_t end = strlen(raw);
	char text[TEXT_SIZE];

	out[0] = '\0';
	while (end > 0 && strchr(" \t\r\n\f\v", raw[end - 1]))
		end--;
	while (end > 0 && strchr(" \t\r\n\f\v", *raw)) {
		raw++;
		end--;
	}
	if (end > 254)
		return;
	for (size_t i = 0; i < end; i++)
		text[i] = raw[i] >= 'A' && raw[i] <= 'Z'
				  ? (char)(raw[i] - 'A' + 'a')
				  : raw[i];
	text[end] = '\0';
	if (words_match(pattern, text))
		memcpy(out, text, end + 1);
}

/* The address that raw is, or "". */
static const char *address_of(const char *raw)
{
	static struct {
		char raw[TEXT_SIZE];
		char address[ADDRESS_SIZE];
	} known[REMEMBERED];
	static size_t count;

	if (!raw || strlen(raw) >= sizeof(known[0].raw))
		return "";
	for (size_t i = 0; i < count; i++)
		if (strcmp(known[i].raw, raw) == 0)
			return known[i].address;
	if (count == REMEMBERED)
		abort();
	strcpy(known[count].raw, raw);
	work_out_address(raw, known[count].address);
	return known[count++].address;
}

bool words_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool words_any(const char *text)
{
	return text && text[0];
}

/* What is no address differs from every address; several of that kind still
 * bring none. The same address twice is one. */
static void read_evidence(struct words *w)
{
	const struct sunco_user *u = &w->f->sunco;
	bool any = false, unreadable = false, vouched = false;
	const char *first = "";

	for (size_t i = 0; i < u->identity_count; i++) {
		const struct sunco_identity *id = &u->identities[i];
		const char *address = address_of(id->value);

		if (!words_same(id->type, "email"))
			continue;
		any = true;
		if (!address[0]) {
			unreadable = true;
			continue;
		}
		if (first[0] && strcmp(first, address) != 0)
			w->several = true;
		if (!first[0])
			first = address;
		if (words_same(id->verification, "embed") ||
		    words_same(id->verification, "sso"))
			vouched = true;
	}
	if (unreadable && first[0])
		w->several = true;
	if (!first[0])
		first = address_of(u->profile_email);
	else
		any = true;
	if (!w->several)
		strcpy(w->address, first);
	if (w->several)
		w->evidence = EVIDENCE_CLAIMED;
	else if (!first[0])
		w->evidence = EVIDENCE_NONE;
	else if (!u->authenticated)
		w->evidence = EVIDENCE_CLAIMED;
	else if (any)
		w->evidence = vouched ? EVIDENCE_VERIFIED : EVIDENCE_CLAIMED;
	else
		w->evidence = EVIDENCE_AUTHENTICATED;
}

bool words_is_address(const struct words *w, const struct zd_identity *i)
{
	return w->address[0] && words_same(i->type, "email") &&
	       strcmp(address_of(i->value), w->address) == 0;
}

bool words_has_address(const struct words *w, const struct zd_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++)
		if (words_is_address(w, &u->identities[i]))
			return true;
	return false;
}

static bool same_external_id(const char *a, const char *b)
{
	return words_any(a) && words_any(b) && strcasecmp(a, b) == 0;
}

bool words_ids_equal(const struct words *w, const struct zd_user *u)
{
	return same_external_id(w->external_id, u->external_id);
}

bool words_ids_differ(const char *a, const char *b)
{
	return words_any(a) && words_any(b) && strcasecmp(a, b) != 0;
}

/* An address that is there twice is proven when each of the two is. */
bool words_proven(const struct words *w, const struct zd_user *u)
{
	if (!words_has_address(w, u))
		return false;
	for (size_t n = 0; n < u->identity_count; n++) {
		const struct zd_identity *i = &u->identities[n];
		bool proven =
			i->method == VERIFICATION_SSO ||
			i->method == VERIFICATION_EMBED ||
			i->method == VERIFICATION_FULL ||
			(i->method == VERIFICATION_UNKNOWN && i->verified);

		if (words_is_address(w, i) && !proven)
			return false;
	}
	return true;
}

/* ... and marked when one of them is. An absent method is no method. */
bool words_marked(const struct words *w, const struct zd_user *u)
{
	for (size_t n = 0; n < u->identity_count; n++) {
		const struct zd_identity *i = &u->identities[n];

		if (words_is_address(w, i) &&
		    (i->verified || (i->method != VERIFICATION_NONE &&
				     i->method != VERIFICATION_UNKNOWN)))
			return true;
	}
	return false;
}

/* Identities that are not known may be any. */
bool words_more(const struct words *w, const struct zd_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++)
		if (!words_is_address(w, &u->identities[i]))
			return true;
	return !u->identities_known;
}

static bool is_owner(const struct words *w, const struct zd_user *u)
{
	if (w->person && u->id == w->person->id)
		return false;
	if (!u->active)
		return false;
	return words_has_address(w, u) ||
	       (w->f->sunco.authenticated && words_ids_equal(w, u));
}

/* Of several owners: the external id says most, then a proven address, then
 * age. */
static bool is_rather(const struct words *w, const struct zd_user *a,
		      const struct zd_user *b)
{
	if (words_ids_equal(w, a) != words_ids_equal(w, b))
		return words_ids_equal(w, a);
	if (words_proven(w, a) != words_proven(w, b))
		return words_proven(w, a);
	return a->id < b->id;
}

static void find_people(struct words *w)
{
	const struct facts *f = w->f;
	const struct zd_user *d = &f->displaced;

	if (f->has_messaging_user)
		w->person = &f->messaging_user;
	if (f->sunco.authenticated)
		w->external_id = f->sunco.external_id;
	else if (w->person)
		w->external_id = w->person->external_id;
	for (size_t i = 0; i < f->profile_count; i++)
		if (is_owner(w, &f->profiles[i]))
			w->owners[w->owner_count++] = &f->profiles[i];
	for (int i = 0; i < w->owner_count; i++)
		if (!w->profile || is_rather(w, w->owners[i], w->profile))
			w->profile = w->owners[i];
	if (w->owner_count > 0 || !f->has_displaced || !d->active)
		return;
	if (w->person && w->person->id == d->id)
		return;
	w->displaced = w->profile = d;
}

void words_of(struct words *w, const struct facts *f,
	      const struct policy_rules *r)
{
	*w = (struct words){.f = f, .r = r};
	read_evidence(w);
	find_people(w);
}
