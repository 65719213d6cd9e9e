/*
 * Cases: the processes that serve a store: who lives, which part of an
 * account's requests each takes, whose turn something is; and what of an
 * account's row is one node's word.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define SECOND INT64_C(1000)
#define LIVES  (15 * SECOND)

static struct store_node beat_op(struct ct *c, const char *id)
{
	return (struct store_node){
		.id = id,
		.name = "host",
		.version = "1.0",
		.started_ms = c->now_ms,
		.now_ms = c->now_ms,
		.until_ms = c->now_ms + LIVES,
	};
}

static size_t do_beat(struct ct *c, const struct store_node *n)
{
	struct store_op op;

	store_op_init(&op, STORE_NODE);
	op.u.node = *n;
	CT_DO(c, &op);
	return op.u.node.alive;
}

static size_t beat(struct ct *c, const char *id)
{
	struct store_node n = beat_op(c, id);

	return do_beat(c, &n);
}

static struct store_nodes list(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_NODES);
	op.u.nodes.now_ms = c->now_ms;
	CT_DO(c, &op);
	return op.u.nodes;
}

static void forget(struct store_nodes l)
{
	struct store_op op = {.kind = STORE_NODES, .u.nodes = l};

	store_op_release(&op);
}

static void who_beats_lives(struct ct *c)
{
	struct store_nodes l = list(c);

	assert_int_equal(l.count, 0);
	forget(l);
	assert_int_equal(beat(c, "a"), 1);
	c->now_ms += SECOND;
	assert_int_equal(beat(c, "b"), 2);
	l = list(c);
	assert_int_equal(l.count, 2);
	assert_string_equal(l.rows[0].id, "a");
	assert_string_equal(l.rows[0].name, "host");
	assert_string_equal(l.rows[0].version, "1.0");
	assert_int_equal(l.rows[0].started_ms, CT_START);
	assert_int_equal(l.rows[0].beat_ms, CT_START);
	assert_null(l.rows[0].settings);
	assert_string_equal(l.rows[1].id, "b");
	forget(l);
}

static void who_does_not_is_gone(struct ct *c)
{
	struct store_nodes l;

	(void)beat(c, "a");
	c->now_ms += LIVES - 1;
	assert_int_equal(beat(c, "b"), 2);
	c->now_ms += 1;
	assert_int_equal(beat(c, "b"), 1);
	l = list(c);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.rows[0].id, "b");
	forget(l);
	assert_int_equal(beat(c, "a"), 2); /* it only was away */
}

static void who_leaves_is_gone_at_once(struct ct *c)
{
	struct store_node n = beat_op(c, "a");

	(void)beat(c, "a");
	n.leaves = true;
	assert_int_equal(do_beat(c, &n), 0);
	assert_int_equal(beat(c, "b"), 1);
}

static void who_is_alone_has_no_others(struct ct *c)
{
	struct store_node n = beat_op(c, "b");

	(void)beat(c, "a");
	n.alone = true;
	assert_int_equal(do_beat(c, &n), 1);
}

static void settings_stay_until_told_anew(struct ct *c)
{
	struct store_node n = beat_op(c, "a");
	struct store_nodes l;

	n.settings = "{\"x\":1}";
	(void)do_beat(c, &n);
	(void)beat(c, "a");
	l = list(c);
	assert_string_equal(l.rows[0].settings, "{\"x\":1}");
	forget(l);
	n.settings = "{}";
	(void)do_beat(c, &n);
	l = list(c);
	assert_string_equal(l.rows[0].settings, "{}");
	forget(l);
}

/* ---- parts ---- */

static struct store_stake stake(struct ct *c, const char *node, int64_t need,
				struct stake_row held)
{
	struct store_node n = beat_op(c, node);
	struct store_stake s = {.account = CT_ACCOUNT, .at_once = 10};

	s.row = held;
	s.row.need = need;
	n.stakes = &s;
	n.stake_count = 1;
	(void)do_beat(c, &n);
	return s;
}

static void parts_are_settled(struct ct *c)
{
	static const struct stake_row none;
	struct store_stake a = stake(c, "a", STAKE_ONE, none), b;

	assert_int_equal(a.row.claim, STAKE_ONE);
	assert_int_equal(a.row.gain, STAKE_ONE);
	assert_int_equal(a.sharers, 1);
	c->now_ms += SECOND;
	b = stake(c, "b", STAKE_ONE, none);
	assert_int_equal(b.row.claim, 0);
	assert_int_equal(b.row.gain, 0);
	assert_int_equal(b.sharers, 2);
	a = stake(c, "a", STAKE_ONE, a.row);
	assert_int_equal(a.row.claim, STAKE_ONE / 2);
	b = stake(c, "b", STAKE_ONE, b.row);
	assert_int_equal(b.row.claim, STAKE_ONE / 2);
}

static void accounts_have_parts_of_their_own(struct ct *c)
{
	static const struct stake_row none;
	struct store_node n = beat_op(c, "b");
	struct store_stake s[2] = {{.account = CT_ACCOUNT, .at_once = 10},
				   {.account = "other", .at_once = 10}};

	(void)stake(c, "a", STAKE_ONE, none);
	s[0].row.need = s[1].row.need = STAKE_ONE;
	n.stakes = s;
	n.stake_count = 2;
	(void)do_beat(c, &n);
	assert_int_equal(s[0].row.claim, 0);
	assert_int_equal(s[1].row.claim, STAKE_ONE);
}

static void the_part_of_the_dead_is_free(struct ct *c)
{
	static const struct stake_row none;
	struct store_stake b;

	(void)stake(c, "a", STAKE_ONE, none);
	c->now_ms += STAKE_LASTS_MS + STAKE_LATER_MS;
	b = stake(c, "b", STAKE_ONE, none);
	assert_int_equal(b.row.claim, STAKE_ONE);
	assert_int_equal(b.row.gain, 0); /* what it may have sent counts */
	c->now_ms += 2 * MINUTE;
	b = stake(c, "b", STAKE_ONE, none);
	assert_int_equal(b.row.gain, STAKE_ONE);
}

static void refusals_are_everybodys(struct ct *c)
{
	struct store_node n = beat_op(c, "a");
	struct store_stake s = {.account = CT_ACCOUNT, .at_once = 10};

	s.refused_ms[1] = c->now_ms + MINUTE;
	n.stakes = &s;
	n.stake_count = 1;
	(void)do_beat(c, &n);
	n.id = "b";
	s.refused_ms[0] = c->now_ms + 5;
	s.refused_ms[1] = 0;
	(void)do_beat(c, &n);
	assert_int_equal(s.refused_ms[0], c->now_ms + 5);
	assert_int_equal(s.refused_ms[1], c->now_ms + MINUTE);
}

/* ---- turns ---- */

static bool turn(struct ct *c, const char *name, const char *node, bool back)
{
	struct store_op op;

	store_op_init(&op, STORE_TURN);
	op.u.turn = (struct store_turn){
		.name = name,
		.node = node,
		.now_ms = c->now_ms,
		.lease_ms = MINUTE,
		.back = back,
	};
	CT_DO(c, &op);
	if (!back && !op.u.turn.mine)
		assert_true(op.u.turn.until_ms > c->now_ms);
	return op.u.turn.mine;
}

static void one_has_the_turn(struct ct *c)
{
	assert_true(turn(c, "sweep", "a", false));
	assert_true(turn(c, "sweep", "a", false)); /* longer */
	assert_false(turn(c, "sweep", "b", false));
	assert_true(turn(c, "other", "b", false));
	c->now_ms += MINUTE - 1;
	assert_false(turn(c, "sweep", "b", false));
	c->now_ms += 1;
	assert_true(turn(c, "sweep", "b", false));
	assert_false(turn(c, "sweep", "a", false));
}

static void a_turn_is_given_back(struct ct *c)
{
	assert_true(turn(c, "sweep", "a", false));
	(void)turn(c, "sweep", "b", true); /* not its */
	assert_false(turn(c, "sweep", "b", false));
	(void)turn(c, "sweep", "a", true);
	assert_true(turn(c, "sweep", "b", false));
}

/* ---- an account's row ---- */

static struct store_account account(struct ct *c, struct store_account a)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account = a;
	op.u.account.account = CT_ACCOUNT;
	op.u.account.now_ms = c->now_ms;
	CT_DO(c, &op);
	return op.u.account;
}

static void check_account(struct ct *c, const char *held, const char *node,
			  const char *token)
{
	struct store_op op = {.kind = STORE_ACCOUNT};

	op.u.account = account(c, (struct store_account){0});
	assert_true(str_eq(op.u.account.held, held));
	assert_true(str_eq(op.u.account.held_node, node));
	assert_true(str_eq(op.u.account.token, token));
	store_op_release(&op);
}

static void change(struct ct *c, struct store_account a)
{
	struct store_op op = {.kind = STORE_ACCOUNT};

	op.u.account = account(c, a);
	store_op_release(&op);
}

static void hold(struct ct *c, const char *node, const char *why)
{
	change(c, (struct store_account){
			  .set_hold = true, .hold = why, .hold_node = node});
}

static void a_hold_is_the_word_of_one_that_lives(struct ct *c)
{
	(void)beat(c, "a");
	(void)beat(c, "b");
	hold(c, "a", "credentials");
	hold(c, "b", NULL);
	check_account(c, "credentials", "a", NULL);
	hold(c, "b", "unreachable");
	check_account(c, "credentials", "a", NULL);
	hold(c, "a", NULL);
	check_account(c, NULL, NULL, NULL);
	hold(c, "b", "unreachable");
	check_account(c, "unreachable", "b", NULL);
	c->now_ms += LIVES; /* both are gone */
	hold(c, "a", "credentials");
	check_account(c, "credentials", "a", NULL);
	hold(c, NULL, NULL); /* whoever says so */
	check_account(c, NULL, NULL, NULL);
}

static void token(struct ct *c, const char *new, const char *old)
{
	change(c, (struct store_account){.set_token = true,
					 .oauth_token = new,
					 .instead_of = old});
}

/* Who was late to hear that it was refused does not take the new one. */
static void a_token_instead_of_another(struct ct *c)
{
	token(c, "t1", NULL);
	token(c, NULL, "t0");
	check_account(c, NULL, NULL, "t1");
	token(c, NULL, "t1");
	check_account(c, NULL, NULL, NULL);
	token(c, "t2", NULL);
	check_account(c, NULL, NULL, "t2");
}

static const struct ct_case cases[] = {
	CT_CASE(who_beats_lives),
	CT_CASE(who_does_not_is_gone),
	CT_CASE(who_leaves_is_gone_at_once),
	CT_CASE(who_is_alone_has_no_others),
	CT_CASE(settings_stay_until_told_anew),
	CT_CASE(parts_are_settled),
	CT_CASE(accounts_have_parts_of_their_own),
	CT_CASE(the_part_of_the_dead_is_free),
	CT_CASE(refusals_are_everybodys),
	CT_CASE(one_has_the_turn),
	CT_CASE(a_turn_is_given_back),
	CT_CASE(a_hold_is_the_word_of_one_that_lives),
	CT_CASE(a_token_instead_of_another),
};
const struct ct_group ct_node_cases = {cases, ARRAY_LEN(cases)};
