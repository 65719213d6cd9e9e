/*
 * The scenarios: see torture.h. Every one of them comes to at least one change
 * of Zendesk, or to a question for a person.
 */
#include "torture.h"

#include "unit.h"

#include "base/json.h"
#include "base/str.h"

#define PAT_KNOWN                                                              \
	"{'users': [{'name': 'Pat Doe', 'external_id': 'user-pat',"            \
	" 'email': 'pat@people.example'}]}"
#define PAT_WITHOUT_ID                                                         \
	"{'users': [{'name': 'Pat Doe', 'email': 'pat@people.example'}]}"
#define PAT_WRITES(more)                                                       \
	"{'jwt': {'external_id': 'user-pat', 'name': 'Pat Doe',"               \
	" 'email': 'pat@people.example', 'email_verified': true},"             \
	" 'zendesk': 'duplicate', 'wait': false, " more "}"

static void order(struct machine *m, const char *body)
{
	json_free(machine_control(m, "conversations", body));
}

static void pat_writes(struct machine *m)
{
	order(m, PAT_WRITES("'webhooks': ['sunco']"));
}

/* Both sources tell, and the trigger's job learns who it is. */
static void pat_writes_and_both_tell(struct machine *m)
{
	order(m, PAT_WRITES("'webhooks': ['trigger', 'sunco']"));
}

const struct scenario torture_scenarios[] = {
	{.name = "merge",
	 .account = "",
	 .settings = "{}",
	 .people = PAT_KNOWN,
	 .act = pat_writes_and_both_tell,
	 .deeds = "1 merges, 0 adopts, 0 reviews"},
	{.name = "merge and pin",
	 .account = "",
	 .settings = "{'external_id_release_lag_ms': 2000,"
		     " 'identity_move_lag_ms': 2000}",
	 .people = PAT_WITHOUT_ID,
	 .act = pat_writes,
	 .deeds = "1 merges, 0 adopts, 0 reviews"},
};
const size_t torture_scenario_count = ARRAY_LEN(torture_scenarios);
