/*
 * Chained hash table, doubled when it is full. Keys are copied.
 */
#include "sandbox/index.h"

#include <stdlib.h>
#include <string.h>

#define INDEX_FIRST_BUCKETS 256

struct node {
	struct node *next;
	uint64_t hash;
	char *key;
	size_t key_len;
	void **values;
	size_t count;
	size_t cap;
};

struct index {
	struct node **buckets;
	size_t bucket_count; /* a power of two */
	size_t node_count;
};

/* FNV-1a */
static uint64_t hash_of(struct slice key)
{
	uint64_t h = 14695981039346656037ULL;

	for (size_t i = 0; i < key.len; i++) {
		h ^= (unsigned char)key.ptr[i];
		h *= 1099511628211ULL;
	}
	return h ^ (h >> 32);
}

static void node_free(struct node *n)
{
	free(n->key);
	free(n->values);
	free(n);
}

struct index *index_new(void)
{
	struct index *x = xcalloc(1, sizeof(*x));

	x->bucket_count = INDEX_FIRST_BUCKETS;
	x->buckets = xcalloc(x->bucket_count, sizeof(struct node *));
	return x;
}

void index_free(struct index *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->bucket_count; i++) {
		struct node *n = x->buckets[i];

		while (n) {
			struct node *next = n->next;

			node_free(n);
			n = next;
		}
	}
	free(x->buckets);
	free(x);
}

/* The place that holds the key's node, or where it would be hung. */
static struct node **place_of(const struct index *x, struct slice key,
			      uint64_t hash)
{
	struct node **p = &x->buckets[hash & (x->bucket_count - 1)];

	while (*p) {
		struct node *n = *p;

		if (n->hash == hash && n->key_len == key.len &&
		    memcmp(n->key, key.ptr, key.len) == 0)
			break;
		p = &n->next;
	}
	return p;
}

static void grow(struct index *x)
{
	size_t count = x->bucket_count * 2;
	struct node **buckets = xcalloc(count, sizeof(struct node *));

	for (size_t i = 0; i < x->bucket_count; i++) {
		struct node *n = x->buckets[i];

		while (n) {
			struct node *next = n->next;
			struct node **to = &buckets[n->hash & (count - 1)];

			n->next = *to;
			*to = n;
			n = next;
		}
	}
	free(x->buckets);
	x->buckets = buckets;
	x->bucket_count = count;
}

static struct node *node_new(struct slice key, uint64_t hash)
{
	struct node *n = xcalloc(1, sizeof(*n));

	n->hash = hash;
	n->key = xstrndup(key.ptr, key.len);
	n->key_len = key.len;
	return n;
}

void index_add(struct index *x, struct slice key, void *value)
{
	uint64_t hash = hash_of(key);
	struct node **p;
	struct node *n;

	if (x->node_count >= x->bucket_count)
		grow(x);
	p = place_of(x, key, hash);
	n = *p;
	if (!n) {
		n = node_new(key, hash);
		*p = n;
		x->node_count++;
	}
	if (n->count == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 1;
		n->values = xrealloc(n->values, n->cap * sizeof(void *));
	}
	n->values[n->count++] = value;
}

void index_remove(struct index *x, struct slice key, const void *value)
{
	struct node **p = place_of(x, key, hash_of(key));
	struct node *n = *p;
	size_t i = 0;

	if (!n)
		return;
	while (i < n->count && n->values[i] != value)
		i++;
	if (i == n->count)
		return;
	memmove(&n->values[i], &n->values[i + 1],
		(n->count - i - 1) * sizeof(void *));
	n->count--;
	if (n->count == 0) {
		*p = n->next;
		node_free(n);
		x->node_count--;
	}
}

void *const *index_find(const struct index *x, struct slice key, size_t *count)
{
	const struct node *n = *place_of(x, key, hash_of(key));

	*count = n ? n->count : 0;
	return n ? n->values : NULL;
}

void *index_first(const struct index *x, struct slice key)
{
	size_t count;
	void *const *values = index_find(x, key, &count);

	return count ? values[0] : NULL;
}

void index_add_id(struct index *x, uint64_t id, void *value)
{
	index_add(x, (struct slice){(const char *)&id, sizeof(id)}, value);
}

void index_remove_id(struct index *x, uint64_t id, const void *value)
{
	index_remove(x, (struct slice){(const char *)&id, sizeof(id)}, value);
}

void *index_first_id(const struct index *x, uint64_t id)
{
	return index_first(x, (struct slice){(const char *)&id, sizeof(id)});
}
