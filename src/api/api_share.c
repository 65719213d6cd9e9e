/*
 * How much of an account's limits may be used, and how nodes share them: what
 * whoever begins work asks before a request is made.
 */
#include "api_limits.h"

const struct budget *api_client_budget(struct api_client *c)
{
	return &api_client_limits(c)->budget;
}

bool api_client_has_plenty(struct api_client *c)
{
	return !api_client_waits(c) && !api_client_is_held(c) &&
	       budget_has_plenty(&api_client_limits(c)->budget,
				 loop_now_ms(api_client_loop(c)));
}

int64_t api_client_jobs_max(struct api_client *c)
{
	return budget_jobs_max(&api_client_limits(c)->budget);
}

int64_t api_client_wait_ms(struct api_client *c)
{
	int64_t now_ms = loop_now_ms(api_client_loop(c));
	int64_t wait_ms =
		budget_job_wait_ms(&api_client_limits(c)->budget, now_ms);
	int64_t sunco_ms =
		throttle_wait_ms(&api_client_limits(c)->sunco.refused, now_ms);
	int64_t held_ms = api_holds_wait_ms(api_client_holds(c));

	if (wait_ms < sunco_ms)
		wait_ms = sunco_ms;
	return wait_ms < held_ms ? held_ms : wait_ms;
}

bool api_client_stake(struct api_client *c, struct api_stake *out)
{
	return api_limits_stake(api_client_limits(c), api_client_waits(c), out,
				loop_now_ms(api_client_loop(c)));
}

void api_client_settle(struct api_client *c, const struct api_stake *s,
		       int64_t since_ms)
{
	api_limits_settle(api_client_limits(c), s, since_ms,
			  loop_now_ms(api_client_loop(c)));
	api_client_pump(c);
}
