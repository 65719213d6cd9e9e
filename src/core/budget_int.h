/*
 * What the files of the budget share: budget.c (the rest, the pace, what
 * answers say), budget_share.c (what was sent, and how much of a minute is
 * ours), budget_nodes.c (our part among several nodes).
 */
#ifndef REUNITE_CORE_BUDGET_INT_H
#define REUNITE_CORE_BUDGET_INT_H

#include "core/budget.h"

enum {
	MINUTE_MS = 60 * 1000,
	SECOND_MS = 1000,
	ONE = 1000000, /* a request, in millionths */
};

static inline int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static inline int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Requests a minute that all of us may send. */
int64_t budget_allowance(const struct budget *b);
/* Those that we may send as things are, in millionths. */
int64_t budget_ours(const struct budget *b);
/* Of everybody's: ours, in millionths. */
static inline int64_t budget_part(const struct budget *b)
{
	return b->stake.shared ? b->stake.claim : STAKE_ONE;
}

/* What was sent. */
int64_t budget_in_cell(const struct budget *b, int64_t cell);
int64_t budget_used_since(const struct budget *b, int64_t cell);
int64_t budget_used(const struct budget *b, int64_t now_ms);
/* The first cell that still counts. */
int64_t budget_oldest_cell(const struct budget *b, int64_t now_ms);
/* When what was sent in the cell no longer counts. */
int64_t budget_cell_ends_ms(const struct budget *b, int64_t cell);
void budget_count(struct budget *b, int64_t now_ms);

/* What may be sent at this moment, in millionths. */
int64_t budget_share_free(const struct budget *b, int64_t now_ms);
/* How long until one more may be sent; 0: now. */
int64_t budget_share_wait_ms(const struct budget *b, int64_t now_ms);
/* The highest even rate that never meets the share. */
int64_t budget_share_rate(const struct budget *b, int64_t now_ms);

/* The share as one cell after the other of those sent stops to count; while
 * we hold more or less of it. */
struct budget_ahead {
	const struct budget *b;
	int64_t claim;
	int64_t now_cell;
	int64_t cell; /* that is next to stop */
	int64_t at;   /* the cell of that moment */
	int64_t sum;  /* of what we hold by then */
	bool shrinks; /* it is less than a moment before */
	int64_t free; /* millionths; until then */
};
struct budget_ahead budget_ahead(const struct budget *b, int64_t now_ms);
void budget_ahead_next(struct budget_ahead *a);

/* budget.c: brings tokens and rate up to now. */
void budget_refill(struct budget *b, int64_t now_ms);

#endif
