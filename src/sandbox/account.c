/*
 * The parts of a stood-in account, made and ended together.
 */
#include "sandbox/account.h"

void account_init(struct account *a, uint64_t first_id, uint32_t run)
{
	*a = (struct account){.state = state_new(first_id, run),
			      .tokens = tokens_new(),
			      .jobs = jobs_new()};
	settings_init(&a->settings);
	registry_init(&a->registry, a->state);
}

void account_release(struct account *a)
{
	registry_release(&a->registry);
	settings_release(&a->settings);
	state_free(a->state);
	tokens_free(a->tokens);
	jobs_free(a->jobs);
}
