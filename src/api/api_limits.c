/*
 * Limits: see api_limits.h.
 *
 * A 429 is its endpoint's if a header says so or if the account has requests
 * left, else the account's.
 */
#include "api_limits.h"

#include "base/crypto.h"

void api_limits_init(struct api_limits *l, int64_t per_minute,
		     int64_t reserve_percent)
{
	*l = (struct api_limits){.sunco.open_max = API_SUNCO_OPEN_MAX,
				 .sunco.part = API_SUNCO_OPEN_MAX};
	budget_init(&l->budget, per_minute, reserve_percent);
}

/* ---- before a request ---- */

static int64_t sunco_take(struct api_sunco_limits *s, int64_t now_ms)
{
	int64_t wait_ms = throttle_wait_ms(&s->refused, now_ms);

	if (wait_ms > 0)
		return wait_ms;
	if (s->open >= s->open_max || s->open >= s->part)
		return API_LIMITS_OPEN;
	throttle_sent(&s->refused, now_ms);
	s->open++;
	return 0;
}

int64_t api_limits_wait_ms(struct api_limits *l, const struct api_toll *toll,
			   int64_t now_ms)
{
	int64_t wait_ms = budget_wait_ms(&l->budget, toll->lane, now_ms);
	int64_t own_ms = endpoint_wait_ms(&l->endpoints, toll->endpoint,
					  toll->object, now_ms);

	return own_ms > wait_ms ? own_ms : wait_ms;
}

static int64_t zendesk_take(struct api_limits *l, struct api_toll *toll,
			    int64_t now_ms)
{
	int64_t wait_ms = api_limits_wait_ms(l, toll, now_ms);

	if (wait_ms > 0)
		return wait_ms;
	toll->pass = budget_take(&l->budget, now_ms);
	endpoint_take(&l->endpoints, toll->endpoint, toll->object, now_ms);
	return 0;
}

int64_t api_limits_take(struct api_limits *l, struct api_toll *toll,
			int64_t now_ms)
{
	return toll->api == API_SUNCO ? sunco_take(&l->sunco, now_ms)
				      : zendesk_take(l, toll, now_ms);
}

void api_limits_end(struct api_limits *l, const struct api_toll *toll)
{
	if (toll->api == API_SUNCO)
		l->sunco.open--;
	else
		budget_end(&l->budget);
}

/* ---- after it ---- */

static uint32_t dice(void)
{
	uint32_t random;

	crypto_random(&random, sizeof(random));
	return random;
}

/* Those that were under way at the first refusal say nothing new. */
static void sunco_refused(struct api_sunco_limits *s, int64_t told_ms,
			  int64_t now_ms)
{
	if (throttle_wait_ms(&s->refused, now_ms) == 0) {
		s->open_max = (s->open_max + 1) / 2;
		s->passed = 0;
	}
	throttle_refused(&s->refused, told_ms, dice(), now_ms);
}

static void sunco_passed(struct api_sunco_limits *s, int64_t now_ms)
{
	throttle_passed(&s->refused, now_ms);
	if (s->open_max == API_SUNCO_OPEN_MAX || ++s->passed < s->open_max)
		return;
	s->open_max++;
	s->passed = 0;
}

static void sunco_learn(struct api_sunco_limits *s, const struct api_result *r,
			int64_t now_ms)
{
	if (r->result == RESULT_RATE)
		sunco_refused(s, r->retry_after_ms, now_ms);
	else if (r->status > 0)
		sunco_passed(s, now_ms);
}

/* For how long a refusal holds, from now; -1: it does not say. */
static int64_t told_ms(const struct api_result *r, const struct api_told *told,
		       bool own)
{
	if (r->retry_after_ms >= 0)
		return r->retry_after_ms;
	return own ? told->own.reset_ms : told->account.reset_ms;
}

static void zendesk_refused(struct api_limits *l, const struct api_toll *toll,
			    const struct api_result *r,
			    const struct api_told *told, int64_t now_ms)
{
	bool own = told->own.remaining == 0 || told->account.remaining > 0 ||
		   endpoint_speaks_for_itself(toll->endpoint);
	int64_t ms = told_ms(r, told, own);

	if (own)
		endpoint_refused(&l->endpoints, toll->endpoint, toll->object,
				 ms, dice(), now_ms);
	else
		budget_refused(&l->budget, ms, dice(), now_ms);
}

static void zendesk_learn(struct api_limits *l, const struct api_toll *toll,
			  const struct http_answer *a,
			  const struct api_result *r, int64_t now_ms)
{
	struct api_told told;

	api_answer_told(a, toll->endpoint, &told);
	budget_learn(&l->budget, &toll->pass, &told.account, now_ms);
	endpoint_learn(&l->endpoints, toll->endpoint, toll->object, &told.own,
		       now_ms);
	if (r->result == RESULT_RATE) {
		zendesk_refused(l, toll, r, &told, now_ms);
	} else if (r->status > 0) {
		budget_passed(&l->budget, now_ms);
		endpoint_passed(&l->endpoints, toll->endpoint, now_ms);
	}
}

void api_limits_learn(struct api_limits *l, const struct api_toll *toll,
		      const struct http_answer *a, const struct api_result *r,
		      int64_t now_ms)
{
	if (toll->api == API_SUNCO)
		sunco_learn(&l->sunco, r, now_ms);
	else
		zendesk_learn(l, toll, a, r, now_ms);
}

/* ---- among several nodes ---- */

bool api_limits_stake(struct api_limits *l, bool waiting, struct api_stake *out,
		      int64_t now_ms)
{
	*out = (struct api_stake){.at_once = budget_sharers(&l->budget)};
	budget_stake(&l->budget, waiting, &out->row, now_ms);
	out->refused_ms[API_ZENDESK] =
		throttle_told_ms(&l->budget.refused, now_ms);
	out->refused_ms[API_SUNCO] =
		throttle_told_ms(&l->sunco.refused, now_ms);
	return out->row.need > 0 || out->row.held > 0 || l->sunco.open > 0 ||
	       out->refused_ms[API_ZENDESK] > 0 ||
	       out->refused_ms[API_SUNCO] > 0;
}

void api_limits_settle(struct api_limits *l, const struct api_stake *s,
		       int64_t since_ms, int64_t now_ms)
{
	int part = API_SUNCO_OPEN_MAX / (int)(s->sharers > 0 ? s->sharers : 1);

	budget_settle(&l->budget, &s->row, since_ms, now_ms);
	budget_told_refused(&l->budget, since_ms + s->refused_ms[API_ZENDESK],
			    now_ms);
	throttle_told(&l->sunco.refused, since_ms + s->refused_ms[API_SUNCO],
		      now_ms);
	l->endpoints.part = s->row.claim;
	l->sunco.part = part > 0 ? part : 1;
}
