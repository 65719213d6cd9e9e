/*
 * The Sunshine Conversations calls that reunite uses (v2).
 */
#ifndef REUNITE_API_SUNCO_H
#define REUNITE_API_SUNCO_H

#include "api/api_client.h"
#include "core/user.h"

typedef void sunco_user_done(const struct api_result *r,
			     const struct sunco_user *user, void *arg);
/* GET /v2/apps/{app}/users/{id}; cancel with api_cancel(). */
struct api_request *sunco_user_get(struct api_client *c, enum job_lane lane,
				   const char *id, sunco_user_done *done,
				   void *arg);

#endif
