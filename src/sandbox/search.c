/*
 * One document per user, rebuilt from the queue of changes.
 *
 * An address is indexed under its words and under every tail of them that
 * still has a word of the local part, so that `email:` costs one look-up.
 * Every other query walks all documents.
 */
#include "sandbox/search.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sandbox/index.h"
#include "sandbox/list.h"
#include "sandbox/state.h"

#define DOC_TEXT_MAX (64 * 1024)

struct search_doc {
	char *text; /* lower case; fields between line feeds */
	char *external_id;
	char **phrases;
	size_t phrase_count;
};

struct waiting {
	struct zen_user *user;
	int64_t changed_ms;
};

struct search {
	struct index *by_phrase;
	struct index *by_external_id;
	struct waiting *queue;
	size_t queue_count;
	size_t queue_head;
};

struct search *search_new(void)
{
	struct search *x = xcalloc(1, sizeof(*x));

	x->by_phrase = index_new();
	x->by_external_id = index_new();
	return x;
}

void search_free(struct search *x)
{
	if (!x)
		return;
	index_free(x->by_phrase);
	index_free(x->by_external_id);
	free(x->queue);
	free(x);
}

void search_doc_free(struct search_doc *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->phrase_count; i++)
		free(d->phrases[i]);
	free(d->phrases);
	free(d->external_id);
	free(d->text);
	free(d);
}

void search_changed(struct search *x, struct zen_user *u, int64_t now_ms)
{
	struct waiting w = {u, now_ms};

	if (x->queue_head == x->queue_count)
		x->queue_head = x->queue_count = 0;
	u->doc_due_ms = now_ms;
	LIST_PUSH(x->queue, x->queue_count, w);
}

/* The address's words with single spaces between, lower-cased: *new*.
 * *tails gets how many of them stand before the '@'. */
static char *phrase_of(const char *address, size_t *local_words)
{
	char *out = xcalloc(strlen(address) + 1, 1);
	size_t len = 0;
	size_t words = 0;
	bool in_word = false;

	*local_words = 0;
	for (const char *p = address; *p; p++) {
		if (*p == '@')
			*local_words = words;
		if (!isalnum((unsigned char)*p)) {
			in_word = false;
			continue;
		}
		if (!in_word && len > 0)
			out[len++] = ' ';
		if (!in_word)
			words++;
		in_word = true;
		out[len++] = (char)tolower((unsigned char)*p);
	}
	return out;
}

static void doc_add_address(struct search_doc *d, const char *address)
{
	size_t tails;
	char *phrase = phrase_of(address, &tails);
	const char *at = phrase;

	for (; tails > 0; tails--) {
		LIST_PUSH(d->phrases, d->phrase_count, xstrdup(at));
		at = strchr(at, ' ');
		if (!at)
			break;
		at++;
	}
	free(phrase);
}

static void text_add(struct buf *b, const char *field)
{
	if (!field)
		return;
	buf_putc(b, '\n');
	buf_puts(b, field);
	buf_putc(b, '\n');
}

static struct search_doc *doc_new(const struct zen_user *u)
{
	struct search_doc *d = xcalloc(1, sizeof(*d));
	struct buf text;

	buf_init(&text, DOC_TEXT_MAX);
	text_add(&text, u->name);
	text_add(&text, u->notes);
	text_add(&text, u->phone);
	for (size_t i = 0; i < u->identity_count; i++) {
		if (!str_eq(u->identities[i]->type, "email"))
			continue;
		text_add(&text, u->identities[i]->value);
		doc_add_address(d, u->identities[i]->value);
	}
	d->external_id = xstrdup(u->external_id);
	d->text = buf_detach(&text);
	str_lower(d->text);
	buf_release(&text);
	return d;
}

static void doc_drop(struct search *x, struct zen_user *u)
{
	struct search_doc *d = u->doc;
	char fold[FOLD_SIZE];

	if (!d)
		return;
	for (size_t i = 0; i < d->phrase_count; i++)
		index_remove(x->by_phrase, slice_of(d->phrases[i]), u);
	if (d->external_id)
		index_remove(x->by_external_id,
			     state_fold(d->external_id, fold), u);
	search_doc_free(d);
	u->doc = NULL;
}

static void doc_renew(struct search *x, struct zen_user *u)
{
	char fold[FOLD_SIZE];

	doc_drop(x, u);
	if (!u->active)
		return;
	u->doc = doc_new(u);
	for (size_t i = 0; i < u->doc->phrase_count; i++)
		index_add(x->by_phrase, slice_of(u->doc->phrases[i]), u);
	if (u->doc->external_id)
		index_add(x->by_external_id,
			  state_fold(u->doc->external_id, fold), u);
}

void search_refresh(struct search *x, int64_t now_ms, int64_t lag_ms)
{
	while (x->queue_head < x->queue_count) {
		struct waiting *w = &x->queue[x->queue_head];

		if (now_ms - w->changed_ms < lag_ms)
			break;
		/* A later change of the same user does it for both. */
		if (w->user->doc_due_ms == w->changed_ms)
			doc_renew(x, w->user);
		x->queue_head++;
	}
}

void search_hits_release(struct search_hits *h)
{
	free(h->users);
	*h = (struct search_hits){NULL, 0};
}

static void hit(struct search_hits *out, struct zen_user *u)
{
	for (size_t i = 0; i < out->count; i++) {
		if (out->users[i] == u)
			return;
	}
	LIST_PUSH(out->users, out->count, u);
}

/* True when the document has the address as one whole field. */
static bool doc_has(const struct search_doc *d, const char *address)
{
	struct buf line;
	bool found;

	buf_init(&line, DOC_TEXT_MAX);
	text_add(&line, address);
	found = strstr(d->text, line.data) != NULL;
	buf_release(&line);
	return found;
}

static void by_address(const struct state *s, const char *address, bool fuzzy,
		       bool decoy_first, struct search_hits *out)
{
	size_t count;
	size_t ignored;
	char *phrase = phrase_of(address, &ignored);
	void *const *found =
		index_find(s->search->by_phrase, slice_of(phrase), &count);

	for (int pass = 0; pass < 2; pass++) {
		bool want_exact = (pass == 1) == decoy_first;

		for (size_t i = 0; i < count; i++) {
			struct zen_user *u = found[i];
			bool exact = doc_has(u->doc, address);

			if (u->active && exact == want_exact &&
			    (exact || fuzzy))
				hit(out, u);
		}
	}
	free(phrase);
}

/* Every word somewhere in the document. */
static bool doc_matches(const struct search_doc *d, const char *words)
{
	char word[FOLD_SIZE];

	while (*words) {
		size_t len = strcspn(words, " ");

		if (len > 0 && len < sizeof(word)) {
			memcpy(word, words, len);
			word[len] = '\0';
			if (!strstr(d->text, word))
				return false;
		}
		words += len;
		words += *words == ' ';
	}
	return true;
}

static void by_words(const struct state *s, const char *words,
		     struct search_hits *out)
{
	for (size_t i = 0; i < s->user_count; i++) {
		struct zen_user *u = s->users[i];

		if (u->active && u->doc && doc_matches(u->doc, words))
			LIST_PUSH(out->users, out->count, u);
	}
}

/* Lower-cased, without quotation marks: *new*. */
static char *query_plain(const char *query)
{
	char *out = xcalloc(strlen(query) + 1, 1);
	size_t len = 0;

	for (; *query; query++) {
		if (*query != '"')
			out[len++] = *query;
	}
	str_lower(out);
	return out;
}

static bool among(const struct search_hits *h, const struct zen_user *u)
{
	for (size_t i = 0; i < h->count; i++) {
		if (h->users[i] == u)
			return true;
	}
	return false;
}

/* Who is not among the others, too, goes. */
static void keep_common(struct search_hits *out,
			const struct search_hits *others)
{
	size_t kept = 0;

	for (size_t i = 0; i < out->count; i++) {
		if (among(others, out->users[i]))
			out->users[kept++] = out->users[i];
	}
	out->count = kept;
}

/* Terms between spaces, each of an address; plain is cut into them. */
static void by_addresses(const struct state *s, char *plain,
			 const struct search_ways *ways,
			 struct search_hits *out)
{
	bool first = true;
	char *term;

	while ((term = strsep(&plain, " "))) {
		struct search_hits hits = {NULL, 0};

		if (!str_starts(term, "email:"))
			continue;
		by_address(s, term + strlen("email:"), ways->fuzzy,
			   ways->decoy_first, &hits);
		if (!first && !ways->any_term)
			keep_common(out, &hits);
		for (size_t i = 0; i < hits.count && (first || ways->any_term);
		     i++)
			hit(out, hits.users[i]);
		search_hits_release(&hits);
		first = false;
	}
}

void search_by_query(const struct state *s, const char *query,
		     const struct search_ways *ways, struct search_hits *out)
{
	char *plain = query_plain(query);

	*out = (struct search_hits){NULL, 0};
	if (str_starts(plain, "email:"))
		by_addresses(s, plain, ways, out);
	else
		by_words(s, plain, out);
	free(plain);
}

void search_by_external_id(const struct state *s, const char *external_id,
			   struct search_hits *out)
{
	char fold[FOLD_SIZE];
	size_t count;
	void *const *found = index_find(s->search->by_external_id,
					state_fold(external_id, fold), &count);

	*out = (struct search_hits){NULL, 0};
	for (size_t i = 0; i < count; i++) {
		struct zen_user *u = found[i];

		if (u->active)
			hit(out, u);
	}
}
