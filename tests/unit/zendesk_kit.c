/*
 * The outcome of a Zendesk call, kept for the assertions.
 */
#include "zendesk_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct zd_outcome zd_out;

static void noted(const struct api_result *r)
{
	zd_out.calls++;
	zd_out.r = *r;
	if (zd_out.own)
		zendesk_cancel(zd_out.own);
	api_client_free(zd_out.free_client);
	zd_out.free_client = NULL;
	loop_stop(zd_out.loop);
}

void zd_on_user(const struct api_result *r, const struct zd_user *u, void *arg)
{
	(void)arg;
	assert_int_equal(u != NULL, r->result == RESULT_OK);
	if (u)
		zd_user_copy(&zd_out.users[zd_out.count++], u);
	noted(r);
}

void zd_on_users(const struct api_result *r, const struct zd_user *u,
		 size_t count, void *arg)
{
	(void)arg;
	if (r->result != RESULT_OK)
		assert_int_equal(count, 0);
	for (size_t i = 0; i < count && i < OUTCOME_USERS_MAX; i++)
		zd_user_copy(&zd_out.users[i], &u[i]);
	zd_out.count = count;
	noted(r);
}

void zd_on_plain(const struct api_result *r, void *arg)
{
	(void)arg;
	noted(r);
}

void zd_on_head_count(const struct api_result *r, int64_t unverified,
		      int64_t end_users, void *arg)
{
	(void)arg;
	zd_out.unverified = unverified;
	zd_out.end_users = end_users;
	noted(r);
}

void zd_on_ticket(const struct api_result *r, uint64_t requester_id, void *arg)
{
	(void)arg;
	zd_out.requester_id = requester_id;
	noted(r);
}

void zd_on_found(const struct api_result *r, bool found, void *arg)
{
	(void)arg;
	zd_out.found = found;
	noted(r);
}

void zd_out_clear(struct loop *loop)
{
	for (size_t i = 0; i < zd_out.count && i < OUTCOME_USERS_MAX; i++)
		zd_user_release(&zd_out.users[i]);
	zd_out = (struct zd_outcome){.loop = loop};
}

int zendesk_setup(void **state)
{
	struct api_fixture *f = api_fixture_new();

	zd_out_clear(f->loop);
	*state = f;
	return 0;
}

int zendesk_teardown(void **state)
{
	zd_out_clear(NULL);
	api_fixture_free(*state);
	return 0;
}

void zd_get_user(struct api_fixture *f, uint64_t id)
{
	zendesk_user_get(f->api, LANE_LIVE, id, zd_on_user, NULL);
	assert_int_equal(zd_out.calls, 0);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}
