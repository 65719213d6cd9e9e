/*
 * Every table with its columns: what is copied from store to store, in which
 * order, and what is not. A new step of the schema is written down here, too.
 */
#include "table.h"

const struct table store_tables[] = {
	{"accounts", 1, true,
	 "i.id t.name i.paused t.hold t.oauth_token i.oauth_expires_ms "
	 "i.sunco_webhook_ms i.zendesk_webhook_ms i.breaker_since_ms "
	 "i.paused_ms t.paused_by t.paused_why t.hold_api t.hold_text "
	 "i.hold_ms t.hold_node"},
	{"events", 2, false, "i.account b.key i.received_ms i.kind"},
	{"jobs", 1, true,
	 "i.id i.account t.person i.state i.lane i.created_ms "
	 "i.run_at_ms i.deadline_ms i.attempts i.gen i.token "
	 "i.lease_until_ms i.zendesk_user_id i.ticket_id "
	 "t.conversation_id i.source i.review_id i.rests_on i.erase "
	 "t.progress t.last_error i.looked_ms t.moves_to i.told_sunco_ms "
	 "i.told_zendesk_ms i.read_ms i.heard i.named"},
	{"locks", 2, false,
	 "i.account i.zendesk_user_id i.job_id i.token i.until_ms"},
	{"heard", 3, false, "i.job_id i.zendesk_user_id b.print"},
	{"journal", 1, true,
	 "i.id i.account i.at_ms t.action t.reason t.reasons i.applied "
	 "t.status t.evidence i.messaging_user_id i.profile_id "
	 "t.sunco_id i.ticket_id i.source i.job_id i.api_calls t.note "
	 "t.decided_by t.before_image i.linked t.outcome i.outcome_ms "
	 "i.outcome_user i.review_id"},
	{"changes", 2, false, "i.journal_id i.n i.at_ms t.status"},
	{"reservations", 1, false,
	 "i.journal_id i.account i.profile_id i.at_ms"},
	{"reviews", 1, true,
	 "i.id i.account i.state i.job_id i.journal_id t.intended "
	 "t.reasons t.evidence i.messaging_user_id i.profile_id "
	 "t.sunco_id i.ticket_id b.address_hash b.facts_hash t.facts "
	 "i.created_ms i.expires_ms i.attached i.closed_ms t.decided_by "
	 "t.pin"},
	{"rejected", 4, false,
	 "i.account t.sunco_id i.profile_id b.address_hash i.at_ms "
	 "t.decided_by"},
	{"links", 2, false,
	 "i.account t.sunco_id i.zendesk_user_id b.print i.checked_ms"},
	{"aliases", 2, false, "i.account i.from_id i.to_id i.at_ms"},
	{"addresses", 3, false,
	 "i.account b.address_hash i.zendesk_user_id i.proven i.seen_ms "
	 "i.lost_ms i.at_ms"},
	{"notes", 1, true,
	 "i.id i.account i.job_id i.journal_id i.ticket_id i.created_ms "
	 "i.due_ms i.token i.unsure i.attempts t.outcome"},
	{"tallies", 3, false, "i.account i.day t.name i.value"},
	{"counted", 2, false, "i.account t.sunco_id i.day t.name"},
	{"agent_merges", 3, false, "i.account i.user_id i.other_id i.at_ms"},
	{"sunco_merges", 2, false, "i.account t.from_id t.to_id i.at_ms"},
	{"cursors", 2, false,
	 "i.account t.name t.state i.since_ms t.cursor i.due_ms i.token "
	 "i.lease_until_ms i.started_ms i.moved_ms i.done_ms t.failure "
	 "i.total i.scanned i.found i.woken i.woken_max"},
	{"backups", 2, false, "t.host t.name i.made_ms"},
	{"clocks", 1, false, "t.name i.ms"},
};
const size_t store_table_count = ARRAY_LEN(store_tables);

const struct table_left_out store_tables_left_out[] = {
	{"schema_version", "the copy has its own"},
	{"meta", "the key in it is copied by name"},
	{"commits", "the processes that wrote it are none of the copy"},
	{"nodes", "they serve the one that was copied"},
	{"stakes", "likewise"},
	{"turns", "likewise"},
};
const size_t store_table_left_out_count = ARRAY_LEN(store_tables_left_out);
