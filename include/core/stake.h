/*
 * Which part of an account's requests is ours, where several nodes share the
 * account.
 *
 * At any moment each node claims a part; together they claim no more than the
 * whole. Whoever claimed so much of a minute, on average, holds so much of its
 * requests, and sends no more, in this minute and in all that begin in it. So
 * however claims move, together they never send more than one alone might.
 *
 * Claims are settled by stake_divide(), one node after the other (the store
 * sees to that): everybody comes down to a fair part at once, as far as what
 * was sent allows, and goes up to it as far as the others have come down. What
 * nobody held of the last minute goes to whoever asks. Fair is as much as
 * everybody needs, else equal parts; where these would not be enough for a job,
 * some take turns.
 *
 * A claim lasts STAKE_LASTS_MS from when it was asked for; who cannot reach the
 * store sends nothing after that, and the others may have it a little later.
 *
 * Parts are in millionths. Pure: time is a parameter, monotonic.
 */
#ifndef REUNITE_CORE_STAKE_H
#define REUNITE_CORE_STAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAKE_ONE      INT64_C(1000000)
#define STAKE_LASTS_MS 6000
#define STAKE_LATER_MS 1000 /* so much later the others may have it */
#define STAKE_TURN_MS  60000
#define STAKE_NODES    64 /* more do not count */

#define STAKE_CELL_MS 250
#define STAKE_MINUTE  240 /* cells */
#define STAKE_CELLS   512 /* those of the last minute, and some */

struct stake {
	bool shared; /* else all of it is always ours */
	int64_t claim;
	int64_t ends_ms;
	int64_t floor; /* what is left of it then, */
	int64_t floor_ends_ms;
	int64_t cell;		      /* from the next one on: claim */
	int32_t claimed[STAKE_CELLS]; /* until then */
};

/* As the store knows it of a node and an account. */
struct stake_row {
	int64_t need; /* of a minute's requests; 0: none */
	int64_t claim;
	int64_t floor;	  /* to come down to, after what was sent, */
	int64_t floor_ms; /* for so long */
	int64_t held;	  /* on average, of the last minute */
	int64_t gain;	  /* of it, what nobody held: new */
};

/* From now on others use it, too; nothing is ours yet. */
void stake_share(struct stake *s, int64_t now_ms);
int64_t stake_claim(const struct stake *s, int64_t now_ms); /* 0: ended */
/* What was claimed, or will be if nothing changes, in a cell. */
int64_t stake_in(const struct stake *s, int64_t cell);
/* The sum of the minute that ends with that cell; STAKE_MINUTE * STAKE_ONE is
 * all of it. */
int64_t stake_sum(const struct stake *s, int64_t cell);
int64_t stake_held(const struct stake *s, int64_t now_ms);
/* What the store settled upon, asked at since_ms. */
void stake_settle(struct stake *s, const struct stake_row *row,
		  int64_t since_ms, int64_t now_ms);
/* Nothing is claimed any more, and of a cell that much was held. */
void stake_let_go(struct stake *s, int64_t now_ms);
void stake_used(struct stake *s, int64_t cell, int64_t part);

/* What another node may have by now, which told that so long ago. False:
 * nothing, and it may be forgotten. */
bool stake_grow_old(struct stake_row *row, int64_t age_ms);
/* What rows[me] may claim and holds from now on. rows: of all nodes that may
 * still send, grown old, in an order that is the same for all. at_once: so
 * many may share it; turn: goes up by one every STAKE_TURN_MS. */
void stake_divide(struct stake_row *rows, size_t count, size_t me,
		  int64_t at_once, int64_t turn);

#endif
