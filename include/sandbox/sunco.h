/*
 * The handlers of /sc/v2/apps/{app}: each answers one call (call.h). The
 * path's first parameter is the app, the second the user, the conversation or
 * the integration, the third its webhook.
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
call_handler sunco_app_show;
call_handler sunco_integrations_list;
call_handler sunco_integration_show;
call_handler sunco_integration_create;
call_handler sunco_integration_delete;
call_handler sunco_webhooks_list;
call_handler sunco_webhook_show;
call_handler sunco_webhook_create;
call_handler sunco_webhook_update;
call_handler sunco_webhook_delete;
call_handler sunco_conversation_create;
call_handler sunco_message_create;
call_handler sunco_control_pass;

/* For the handlers: false after a 404. */
bool sunco_app_known(const struct call *c, struct answer *out);

#endif
