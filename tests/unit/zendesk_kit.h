/*
 * How a Zendesk call of a test ended.
 */
#ifndef TEST_ZENDESK_KIT_H
#define TEST_ZENDESK_KIT_H

#include "api/zendesk.h"

#include "api_fixture.h"

#define OUTCOME_USERS_MAX 8

struct zd_outcome {
	struct loop *loop;
	int calls; /* of the callback */
	struct api_result r;
	struct zd_user users[OUTCOME_USERS_MAX];
	size_t count;
	uint64_t requester_id;
	bool found;
	int64_t unverified, end_users;
	struct zendesk_op *own; /* to be cancelled inside the callback */
	struct api_client *free_client;
};
extern struct zd_outcome zd_out;

/* Callbacks: they fill `zd_out` and stop the loop. */
zendesk_user_done zd_on_user;
zendesk_users_done zd_on_users;
zendesk_plain_done zd_on_plain;
zendesk_ticket_done zd_on_ticket;
zendesk_found_done zd_on_found;
zendesk_head_count_done zd_on_head_count;

void zd_out_clear(struct loop *loop);
/* For cmocka: *state is a struct api_fixture. */
int zendesk_setup(void **state);
int zendesk_teardown(void **state);
/* The whole call. */
void zd_get_user(struct api_fixture *f, uint64_t id);

#endif
