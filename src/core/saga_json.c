/*
 * A saga as it is kept in a job's progress: all that a later life needs in
 * order to look at Zendesk and go on. Holds personal data; it is cleared when
 * the job ends.
 */
#include "core/saga.h"

#include "base/json.h"
#include "base/str.h"

static bool state_parse(const char *name, enum saga_state *out)
{
	for (int i = SAGA_IDLE; i <= SAGA_PARKED; i++) {
		if (str_eq(name, saga_state_name((enum saga_state)i))) {
			*out = (enum saga_state)i;
			return true;
		}
	}
	return false;
}

struct json_t *saga_encode(const struct saga *s)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "state", saga_state_name(s->state));
	json_set_str(v, "action", action_name(s->action));
	json_set_id(v, "from", s->from);
	json_set_id(v, "into", s->into);
	json_set_int(v, "lost_ms", s->lost_ms);
	json_set_int(v, "id_taken", s->id_taken);
	json_set_bool(v, "merged", s->merged);
	json_set_bool(v, "refused", s->refused);
	json_set_bool(v, "ids_equal", s->ids_equal);
	json_set_bool(v, "wants_pin", s->wants_pin);
	json_set_bool(v, "pin_named", s->pin_named);
	json_set_bool(v, "wants_name", s->wants_name);
	json_set_bool(v, "wants_verify", s->wants_verify);
	json_set_bool(v, "wants_sync", s->wants_sync);
	json_set_bool(v, "by_external_id", s->by_external_id);
	json_set_bool(v, "may_release", s->may_release);
	json_set_bool(v, "released", s->released);
	json_set_bool(v, "verified", s->verified);
	json_set_str(v, "sunco_id", s->sunco_id);
	json_set_str(v, "address", s->address);
	json_set_str(v, "external_id", s->external_id);
	json_set_str(v, "held_id", s->held_id);
	json_set_str(v, "name", s->name);
	return v;
}

static bool copy(const struct json_t *v, const char *key, char *out,
		 size_t size)
{
	const char *text = json_get_str(v, key);

	return text && str_copy(out, size, text);
}

bool saga_decode(const struct json_t *v, struct saga *s)
{
	enum saga_state stored;

	saga_init(s);
	if (!state_parse(json_get_str(v, "state"), &stored) ||
	    stored == SAGA_IDLE ||
	    !action_parse(json_get_str(v, "action"), &s->action))
		return false;
	s->state = SAGA_LOOK; /* wherever it was, it looks first */
	s->from = json_get_id(v, "from");
	s->into = json_get_id(v, "into");
	s->lost_ms = json_get_int(v, "lost_ms", 0);
	s->id_taken = (int)json_get_int(v, "id_taken", 0);
	s->merged = json_get_bool(v, "merged", false);
	s->merge_kept = s->merged;
	s->refused = json_get_bool(v, "refused", false);
	s->ids_equal = json_get_bool(v, "ids_equal", false);
	s->wants_pin = json_get_bool(v, "wants_pin", false);
	s->pin_named = json_get_bool(v, "pin_named", false);
	s->wants_name = json_get_bool(v, "wants_name", false);
	s->wants_verify = json_get_bool(v, "wants_verify", false);
	s->wants_sync = json_get_bool(v, "wants_sync", false);
	s->verified = json_get_bool(v, "verified", false);
	s->by_external_id = json_get_bool(v, "by_external_id", false);
	s->may_release = json_get_bool(v, "may_release", false);
	s->released = json_get_bool(v, "released", false);
	return s->from && (s->action != ACTION_MERGE || s->into) &&
	       copy(v, "sunco_id", s->sunco_id, sizeof(s->sunco_id)) &&
	       copy(v, "address", s->address, sizeof(s->address)) &&
	       copy(v, "external_id", s->external_id, sizeof(s->external_id)) &&
	       copy(v, "held_id", s->held_id, sizeof(s->held_id)) &&
	       (s->held_id[0] || !s->released) &&
	       copy(v, "name", s->name, sizeof(s->name));
}
