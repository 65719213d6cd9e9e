/*
 * The scenarios: see torture.h. Each comes to one link of every kind that
 * there is, or to a question for a person, with all that belongs to it.
 */
#include "torture.h"

#include "unit.h"

#include "base/json.h"
#include "base/str.h"

#define WAIT_MS	  INT64_C(1800000)
#define TRIES_MAX 5
#define TRIGGERS  3
#define SWEPT_MS  720000 /* longer than a lost lease of a walk */

#define PAT_KNOWN                                                              \
	"{'users': [{'name': 'Pat Doe', 'external_id': 'user-pat',"            \
	" 'email': 'pat@people.example'}]}"
#define PAT_WITHOUT_ID                                                         \
	"{'users': [{'name': 'Pat Doe', 'email': 'pat@people.example'}]}"
#define PAT_UNPROVEN                                                           \
	"{'users': [{'name': 'Pat Doe', 'identities': [{'type': 'email',"      \
	" 'value': 'pat@people.example', 'verified': false,"                   \
	" 'verification_method': 'none', 'primary': true}]}]}"
#define PAT_ELSEWHERE                                                          \
	"{'users': [{'name': 'Pat Doe', 'external_id': 'another-id',"          \
	" 'email': 'pat@people.example'}]}"
#define PAT                                                                    \
	"'jwt': {'external_id': 'user-pat', 'name': 'Pat Doe',"                \
	" 'email': 'pat@people.example', 'email_verified': true},"             \
	" 'wait': false, "

#define ONE_MERGE  "1 merges, 0 adopts, 0 reviews"
#define FULL_STEPS "verify_profile_email = true\n sunco_sync = \"on\"\n"

/* --- what people do --- */

static struct json_t *converse(struct machine *m, const char *body)
{
	return machine_control(m, "conversations", body);
}

static void pat_writes(struct machine *m)
{
	json_free(converse(m, "{" PAT "'zendesk': 'duplicate',"
			      " 'webhooks': ['sunco']}"));
}

/* Both sources tell, and the trigger's job learns who it is. Should nobody be
 * there to take the trigger, it is gone: SunCo's webhook must do. */
static void both_tell(struct machine *m)
{
	json_free(converse(m, "{" PAT "'zendesk': 'duplicate',"
			      " 'webhooks': ['trigger', 'sunco']}"));
}

/* No webhook comes: the sweep must find it. */
static void nobody_tells(struct machine *m)
{
	json_free(converse(m, "{" PAT "'zendesk': 'duplicate',"
			      " 'webhooks': []}"));
	machine_pass(m, SWEPT_MS);
}

/* Zendesk tries once only: the trigger fires again with a later change. */
static void trigger_fires(struct machine *m, const struct json_t *begun)
{
	char body[120];

	snprintf(body, sizeof(body),
		 "{'conversation_id': '%s', 'wait': false,"
		 " 'webhooks': ['trigger']}",
		 json_get_str(begun, "conversation_id"));
	for (int i = 0; i < TRIGGERS; i++) {
		json_free(machine_control(m, "hand-offs", body));
		machine_settle(m);
	}
}

static void only_the_trigger_tells(struct machine *m)
{
	struct json_t *begun =
		converse(m, "{" PAT "'zendesk': 'duplicate', 'webhooks': []}");

	trigger_fires(m, begun);
	json_free(begun);
}

/* The ticket's id comes when the merge is long done. */
static void the_ticket_comes_late(struct machine *m)
{
	struct json_t *begun = converse(m, "{" PAT "'zendesk': 'duplicate',"
					   " 'webhooks': ['sunco']}");

	machine_settle(m);
	trigger_fires(m, begun);
	json_free(begun);
}

/* And again at once, before anything came of the first one. */
static void pat_writes_twice(struct machine *m)
{
	struct json_t *begun =
		converse(m, "{" PAT "'zendesk': 'duplicate',"
			    " 'webhooks': ['sunco', 'trigger']}");
	char body[160];

	snprintf(body, sizeof(body),
		 "{'sunco_user_id': '%s', 'wait': false, 'hand_off': 'never',"
		 " 'webhooks': ['sunco']}",
		 json_get_str(begun, "sunco_user_id"));
	json_free(begun);
	json_free(converse(m, body));
}

/* Somebody looked at Pat's profile; then a login takes its address away. */
static void the_address_is_taken(struct machine *m)
{
	const struct state *s = m->sandbox->account.state;
	enum result r = RESULT_TEMP;

	for (int i = 0; i < TRIES_MAX && r != RESULT_OK; i++) {
		struct store_op op;

		store_op_init(&op, STORE_ENQUEUE);
		op.u.enqueue.account = "acme";
		op.u.enqueue.sunco_id = "";
		op.u.enqueue.zendesk_user_id = s->users[0]->id;
		op.u.enqueue.now_ms = loop_wall_ms(m->loop);
		op.u.enqueue.wait_ms = WAIT_MS;
		r = machine_submit(m, &op);
	}
	engine_wake(machine_engine(m), NULL);
	machine_settle(m);
	json_free(converse(m, "{" PAT "'zendesk': 'take',"
			      " 'webhooks': ['sunco']}"));
}

/* --- what a person decides --- */

static int64_t open_review(struct machine *m)
{
	struct store_op op;
	int64_t id = 0;

	store_op_init(&op, STORE_REVIEWS);
	op.u.reviews.state = REVIEW_OPEN;
	assert_int_equal(machine_do(m, &op), RESULT_OK);
	if (op.u.reviews.count > 0)
		id = op.u.reviews.reviews[0].id;
	store_op_release(&op);
	return id;
}

/* Tried again as a person would, as long as it is open. */
static void approve(struct machine *m)
{
	int64_t id;

	for (int i = 0; i < TRIES_MAX && (id = open_review(m)) != 0; i++) {
		struct store_op op;

		store_op_init(&op, STORE_DECIDE);
		op.u.decide.review_id = id;
		op.u.decide.approve = true;
		op.u.decide.by = "robin";
		op.u.decide.now_ms = loop_wall_ms(m->loop);
		op.u.decide.wait_ms = WAIT_MS;
		(void)machine_submit(m, &op);
	}
	engine_wake(machine_engine(m), NULL);
}

const struct scenario torture_scenarios[] = {
	{.name = "merge and pin",
	 .account = "",
	 .settings = "{'external_id_release_lag_ms': 2000,"
		     " 'identity_move_lag_ms': 2000}",
	 .people = PAT_WITHOUT_ID,
	 .act = pat_writes,
	 .deeds = ONE_MERGE,
	 .takes = TORTURE_PAIRS},
	{.name = "released, and all that follows a merge",
	 .account = "release_external_id = \"auto\"\n" FULL_STEPS,
	 .settings = "{'sso_external_id_refusal': true,"
		     " 'zendesk_id_on_hand_off': true,"
		     " 'user_update_limits': false}",
	 .people = PAT_UNPROVEN,
	 .act = pat_writes,
	 .deeds = ONE_MERGE,
	 .takes = TORTURE_PAIRS},
	{.name = "released in vain, and put back",
	 .account = "release_external_id = \"auto\"\n",
	 .settings = "{'sso_external_id_refusal': true,"
		     " 'merge_max_tickets': 0, 'user_update_limits': false}",
	 .people = PAT_WITHOUT_ID,
	 .act = pat_writes,
	 .deeds = "0 merges, 0 adopts, 1 reviews",
	 .takes = TORTURE_THOROUGH},
	{.name = "adopt with a name",
	 .account = "",
	 .settings = "{'jwt_name': false}",
	 .act = pat_writes,
	 .deeds = "0 merges, 1 adopts, 0 reviews",
	 .takes = TORTURE_THOROUGH},
	{.name = "merge, both sources",
	 .account = "",
	 .settings = "{}",
	 .people = PAT_WITHOUT_ID,
	 .act = both_tell,
	 .deeds = ONE_MERGE},
	{.name = "two conversations of one person",
	 .account = "",
	 .settings = "{}",
	 .people = PAT_WITHOUT_ID,
	 .act = pat_writes_twice,
	 .deeds = ONE_MERGE},
	{.name = "approved",
	 .account = "",
	 .settings = "{}",
	 .people = PAT_ELSEWHERE,
	 .act = both_tell,
	 .decide = approve,
	 .deeds = "1 merges, 0 adopts, 2 reviews"},
	{.name = "a note",
	 .account = "ticket_note = \"all\"\n",
	 .settings = "{}",
	 .people = PAT_KNOWN,
	 .act = only_the_trigger_tells,
	 .deeds = ONE_MERGE},
	{.name = "a late note",
	 .account = "ticket_note = \"merged\"\n",
	 .settings = "{}",
	 .people = PAT_WITHOUT_ID,
	 .act = the_ticket_comes_late,
	 .deeds = ONE_MERGE},
	{.name = "swept",
	 .account = "",
	 .settings = "{'incremental_lag_ms': 1000}",
	 .people = PAT_WITHOUT_ID,
	 .sweeps = "3m",
	 .act = nobody_tells,
	 .deeds = ONE_MERGE},
	{.name = "displaced",
	 .account = "recover_displaced = true\n",
	 .settings = "{'events': 'all'}",
	 .people = PAT_WITHOUT_ID,
	 .act = the_address_is_taken,
	 .deeds = ONE_MERGE},
};
const size_t torture_scenario_count = ARRAY_LEN(torture_scenarios);
