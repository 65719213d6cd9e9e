/*
 * What the answers of an API say about it as a whole: see hold.h.
 */
#include "core/hold.h"

#include "core/retry.h"

const char *hold_reason_name(enum hold_reason r)
{
	static const char *const names[HOLD_REASON_COUNT] = {
		[HOLD_NONE] = NULL,
		[HOLD_CREDENTIALS] = "credentials",
		[HOLD_FORBIDDEN] = "forbidden",
		[HOLD_RATE_LIMITED] = "rate_limited",
		[HOLD_UNREACHABLE] = "unreachable",
	};

	return names[r];
}

/* Longer each time, but never longer than a minute; what a person has to mend
 * is not mended in seconds. */
static int64_t delay_ms(enum hold_reason why, int probes, uint32_t dice)
{
	static const int64_t first_ms[HOLD_REASON_COUNT] = {
		[HOLD_CREDENTIALS] = RETRY_HOLD_MS,
		[HOLD_FORBIDDEN] = 10000,
		[HOLD_RATE_LIMITED] = 10000,
		[HOLD_UNREACHABLE] = 5000,
	};
	int64_t ms = first_ms[why];

	while (probes-- > 0 && ms < RETRY_HOLD_MS)
		ms *= 2;
	if (ms > RETRY_HOLD_MS)
		ms = RETRY_HOLD_MS;
	return ms - (int64_t)(dice % (uint64_t)(ms / 4 + 1));
}

/* --- who is forbidden --- */

static struct hold_user *find_user(struct hold *h, const struct hold_answer *a)
{
	for (size_t i = 0; i < h->user_count; i++)
		if (h->users[i].user == a->user && h->users[i].use == a->use)
			return &h->users[i];
	return NULL;
}

static void begin_user(struct hold_user *u, const struct hold_answer *a,
		       int64_t now_ms)
{
	*u = (struct hold_user){.user = a->user,
				.use = a->use,
				.first_ms = now_ms,
				.last_ms = now_ms};
}

/* The one that was met longest ago makes room. */
static struct hold_user *add_user(struct hold *h, const struct hold_answer *a,
				  int64_t now_ms)
{
	struct hold_user *u = &h->users[0];

	if (h->user_count < HOLD_USERS) {
		u = &h->users[h->user_count++];
	} else {
		for (size_t i = 1; i < HOLD_USERS; i++)
			if (h->users[i].last_ms < u->last_ms)
				u = &h->users[i];
	}
	begin_user(u, a, now_ms);
	return u;
}

/* How many people were forbidden in a row. */
static size_t forbidden_in_a_row(const struct hold *h, enum hold_use use)
{
	int64_t let_ms = h->tracks[use].let[0].at_ms;
	size_t n = 0;

	for (size_t i = 0; i < h->user_count; i++)
		if (h->users[i].use == use && h->users[i].last_ms > let_ms)
			n++;
	return n;
}

static bool others_were_let(const struct hold_track *t,
			    const struct hold_user *u)
{
	for (int i = 0; i < 2; i++)
		if (t->let[i].user && t->let[i].user != u->user &&
		    t->let[i].at_ms > u->first_ms)
			return true;
	return false;
}

static void note_let(struct hold_track *t, uint64_t user, int64_t now_ms)
{
	if (!user)
		return;
	if (t->let[0].user != user)
		t->let[1] = t->let[0];
	t->let[0].user = user;
	t->let[0].at_ms = now_ms;
}

/* True: about this person only. */
static bool forbid(struct hold *h, const struct hold_answer *a, int64_t now_ms)
{
	struct hold_track *t = &h->tracks[a->use];
	struct hold_user *u;
	size_t others;

	if (!a->user) {
		t->holds = true;
		return false;
	}
	u = find_user(h, a);
	if (u && now_ms - u->last_ms >= HOLD_FORGET_MS)
		begin_user(u, a, now_ms);
	if (!u)
		u = add_user(h, a, now_ms);
	u->last_ms = now_ms;
	u->tries++;
	if (others_were_let(t, u))
		return true;
	others = forbidden_in_a_row(h, a->use) - 1;
	if (others == 0 && u->tries >= HOLD_TRIES_MAX)
		return true;
	if (others > 0 || u->tries >= HOLD_USER_TRIES)
		t->holds = true;
	return false;
}

/* --- what is shown --- */

static void show(struct hold *h, int64_t now_ms, int64_t wall_ms)
{
	enum hold_reason was = h->reason;

	h->reason = HOLD_NONE;
	for (enum hold_use u = 0; u < HOLD_USE_COUNT; u++) {
		const struct hold_track *t = &h->tracks[u];

		if (t->holds && (!h->reason || t->reason < h->reason)) {
			h->reason = t->reason;
			h->use = u;
		}
	}
	if (h->reason && !was) {
		h->since_ms = now_ms;
		h->since_wall_ms = wall_ms;
		h->probes = 0;
		h->failures = 0;
		h->next_ms = 0;
	}
}

/* The API knows us, and what nobody met again for long is over. */
static void let_others_go(struct hold *h, enum hold_use but, int64_t now_ms)
{
	for (enum hold_use u = 0; u < HOLD_USE_COUNT; u++) {
		struct hold_track *t = &h->tracks[u];

		if (u == but || !t->holds || u == HOLD_TOKEN)
			continue;
		if (t->reason == HOLD_CREDENTIALS ||
		    now_ms - t->last_ms >= HOLD_STALE_MS) {
			h->refuted = h->refuted || t->told;
			t->holds = t->told = false;
			t->failures = 0;
		}
	}
}

static void works(struct hold *h, const struct hold_answer *a, int64_t now_ms)
{
	struct hold_track *t = &h->tracks[a->use];

	h->refuted = h->refuted || t->told;
	t->holds = t->told = false;
	t->failures = 0;
	note_let(t, a->user, now_ms);
	if (a->use != HOLD_TOKEN)
		let_others_go(h, a->use, now_ms);
}

/* Limits are told to everybody who is on the way at that moment: that is one
 * failure, not many. */
static bool same_failure(const struct hold_track *t, enum hold_reason why,
			 int64_t now_ms)
{
	return why == HOLD_RATE_LIMITED && t->failures > 0 &&
	       t->reason == HOLD_RATE_LIMITED &&
	       now_ms - t->last_ms < HOLD_ROW_LASTS_MS / 2;
}

/* Without a token there is nothing else to go by; it is asked for seldom. */
static int most_in_a_row(enum hold_use use)
{
	return use == HOLD_TOKEN ? HOLD_TOKEN_MAX : HOLD_ROW_MAX;
}

/* True: about this person only. */
static bool fails(struct hold *h, const struct hold_answer *a, int64_t now_ms)
{
	struct hold_track *t = &h->tracks[a->use];
	bool again = same_failure(t, a->trouble, now_ms);

	if (a->trouble == HOLD_FORBIDDEN && forbid(h, a, now_ms))
		return true;
	t->told = false;
	if (t->failures == 0)
		t->first_ms = now_ms;
	t->last_ms = again ? t->last_ms : now_ms;
	t->failures += !again;
	t->reason = a->trouble;
	error_set(&t->text, RESULT_TEMP, "%s", a->text);
	if (a->trouble == HOLD_CREDENTIALS ||
	    (a->trouble != HOLD_FORBIDDEN &&
	     (t->failures >= most_in_a_row(a->use) ||
	      (t->failures >= HOLD_ROW_MIN &&
	       now_ms - t->first_ms >= HOLD_ROW_LASTS_MS))))
		t->holds = true;
	return false;
}

/* An attempt failed: the next one is some time away. What else fails at the
 * same time belongs to it. */
static void put_off(struct hold *h, int64_t now_ms, uint32_t dice)
{
	h->failures++;
	if (now_ms < h->next_ms)
		return;
	h->next_ms = now_ms + delay_ms(h->reason, h->probes, dice);
	h->probes++;
}

bool hold_learn(struct hold *h, const struct hold_answer *a, int64_t now_ms,
		int64_t wall_ms, uint32_t dice)
{
	bool personal = false;

	if (a->use == HOLD_ASIDE)
		return a->trouble == HOLD_FORBIDDEN;
	if (a->trouble)
		personal = fails(h, a, now_ms);
	else
		works(h, a, now_ms);
	show(h, now_ms, wall_ms);
	if (h->reason && a->trouble && !personal)
		put_off(h, now_ms, dice);
	return personal;
}

void hold_told(struct hold *h, enum hold_use use, enum hold_reason why,
	       const char *text, int64_t since_wall_ms, int64_t now_ms,
	       uint32_t dice)
{
	struct hold_track *t = &h->tracks[use];

	if (h->told_ms != since_wall_ms)
		h->refuted = false;
	h->told_ms = since_wall_ms;
	if (h->refuted || t->holds)
		return;
	t->holds = t->told = true;
	t->reason = why;
	t->first_ms = t->last_ms = now_ms;
	error_set(&t->text, RESULT_TEMP, "%s", text);
	if (!h->reason) {
		show(h, now_ms, since_wall_ms);
		h->probes = 1;
		h->next_ms = now_ms + delay_ms(HOLD_CREDENTIALS, 0, dice);
	} else {
		show(h, now_ms, since_wall_ms);
	}
}

void hold_told_over(struct hold *h, int64_t now_ms)
{
	h->told_ms = 0;
	h->refuted = false;
	for (enum hold_use u = 0; u < HOLD_USE_COUNT; u++) {
		struct hold_track *t = &h->tracks[u];

		if (!t->told)
			continue;
		t->holds = t->told = false;
		t->failures = 0;
	}
	show(h, now_ms, h->since_wall_ms);
}

bool hold_is_own(const struct hold *h)
{
	return h->reason && !h->tracks[h->use].told;
}

int64_t hold_wait_ms(const struct hold *h, int64_t now_ms)
{
	return h->reason && h->next_ms > now_ms ? h->next_ms - now_ms : 0;
}

void hold_try_again(struct hold *h)
{
	h->next_ms = 0;
	h->probes = 0;
}

const char *hold_text(const struct hold *h)
{
	return h->reason ? h->tracks[h->use].text.text : "";
}
