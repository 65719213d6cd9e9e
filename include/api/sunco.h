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

typedef void sunco_users_done(const struct api_result *r,
			      const struct sunco_user *users, size_t count,
			      void *arg);
/* GET /v2/apps/{app}/users?filter[identities.email]=: who has the address as
 * an identity (not in the profile). brand: of a brand-separated user, or 0. */
struct api_request *sunco_users_by_address(struct api_client *c,
					   enum job_lane lane,
					   const char *address, uint64_t brand,
					   sunco_users_done *done, void *arg);
/* GET /v2/apps/{app}/users/{externalId}: one, or none (RESULT_NOTFOUND; also
 * when somebody's id looks like this external id). */
struct api_request *
sunco_users_by_external_id(struct api_client *c, enum job_lane lane,
			   const char *external_id, uint64_t brand,
			   sunco_users_done *done, void *arg);

typedef void sunco_plain_done(const struct api_result *r, void *arg);
/* POST /v2/apps/{app}/users/{outgoing}/sync: the Zendesk user `outgoing` was
 * merged into `survivor`. It may touch third users. Never repeated by any layer
 * below; a second one finds nobody any more (RESULT_NOTFOUND). */
struct api_request *sunco_sync(struct api_client *c, enum job_lane lane,
			       uint64_t outgoing, uint64_t survivor,
			       sunco_plain_done *done, void *arg);

#endif
