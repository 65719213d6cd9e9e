/*
 * The processes that serve a store: which ones live, what each takes of an
 * account's requests, whose turn something is. See store.h, which includes
 * this.
 *
 * A node is alive until until_ms, which it moves along with every beat; who
 * stops says so. What is long gone is removed by the others' beats.
 */
#ifndef REUNITE_STORE_NODE_H
#define REUNITE_STORE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/job.h"
#include "core/stake.h"

#define STORE_NODE_ID_SIZE 33
#define STORE_NODE_REFUSED 2 /* Zendesk's limit and SunCo's */
#define STORE_NODES_MAX	   64

/* A node's part of an account's requests (core/stake.h). */
struct store_stake {
	char account[ACCOUNT_SIZE];
	int64_t at_once;      /* so many nodes may share it */
	struct stake_row row; /* in: as told; out: as settled */
	/* until when it was refused; out: or another node, if that is later */
	int64_t refused_ms[STORE_NODE_REFUSED];
	size_t sharers; /* out: nodes that have a part in it, with this one */
};

/* STORE_NODE: a beat. */
struct store_node {
	const char *id, *name, *version;
	int64_t started_ms;
	int64_t now_ms;
	int64_t until_ms;
	const char *settings;	    /* fingerprints, a text; NULL: as before */
	bool leaves;		    /* its row goes */
	bool alone;		    /* there can be no other: theirs go */
	struct store_stake *stakes; /* by account, each once */
	size_t stake_count;
	size_t alive; /* out: with this one, unless it leaves */
};

struct store_node_row {
	char id[STORE_NODE_ID_SIZE];
	char *name, *version; /* *owned* */
	char *settings;	      /* *owned* or NULL */
	int64_t started_ms, beat_ms, until_ms;
};

/* STORE_NODES: in the order in which they started. */
struct store_nodes {
	int64_t now_ms; /* only those that are alive then */
	/* out */
	struct store_node_row *rows; /* *owned* */
	size_t count;
};

/* STORE_TURN: something that one node does for all. It is its until it gives
 * it back, or until the lease ends. */
struct store_turn {
	const char *name; /* what it is */
	const char *node;
	int64_t now_ms;
	int64_t lease_ms;
	bool back;
	/* out */
	bool mine;
	int64_t until_ms; /* not mine: when to ask again, at the latest */
};

#endif
