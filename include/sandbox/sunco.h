/*
 * The handlers of /sc/v2/apps/{app}/users: each answers one call (call.h).
 * The path's first parameter is the app, the second the user.
 */
#ifndef REUNITE_SANDBOX_SUNCO_H
#define REUNITE_SANDBOX_SUNCO_H

#include "sandbox/call.h"

call_handler sunco_user_show;
call_handler sunco_users_list;
call_handler sunco_user_create;
call_handler sunco_user_update;
call_handler sunco_user_delete;
call_handler sunco_user_sync;

#endif
