/*
 * Every reason a decision can have: its code, which never changes meaning,
 * and what it says to a person. One table; `explain`, notes, metrics, docs
 * and tests read it.
 */
#ifndef REUNITE_CORE_REASON_H
#define REUNITE_CORE_REASON_H

#include <stdbool.h>
#include <stddef.h>

/* id, code, plain sentence (for agents and admins; no codes in it) */
#define REASON_TABLE(X)                                                        \
	X(NONE, "none", "Nothing was decided.")                                \
	X(NO_MESSAGING_USER, "no_messaging_user",                              \
	  "Zendesk has no user for this conversation yet.")                    \
	X(MESSAGING_USER_GONE, "messaging_user_gone",                          \
	  "The conversation's user is gone or no longer carries it.")          \
	X(MESSAGING_USER_NOT_END_USER, "messaging_user_not_end_user",          \
	  "The conversation belongs to an agent or admin.")                    \
	X(MESSAGING_USER_SUSPENDED, "messaging_user_suspended",                \
	  "The conversation's user is suspended.")                             \
	X(SHARED_USER, "shared_user",                                          \
	  "One of the users comes from a sharing agreement.")                  \
	X(PROFILE_IS_AGENT, "profile_is_agent",                                \
	  "The address belongs to an agent or admin.")                         \
	X(AMBIGUOUS_ADDRESS, "ambiguous_address",                              \
	  "The conversation carries several different addresses.")             \
	X(NO_EMAIL, "no_email", "The conversation brought no address.")        \
	X(ALREADY_LINKED, "already_linked",                                    \
	  "The conversation's user has the address already.")                  \
	X(EMAIL_NOT_VERIFIED, "email_not_verified",                            \
	  "Nobody vouched for the address.")                                   \
	X(REJECTED_BEFORE, "rejected_before",                                  \
	  "A person decided before that these two are not the same.")          \
	X(AMBIGUOUS_PROFILE, "ambiguous_profile",                              \
	  "More than one profile could be meant.")                             \
	X(MESSAGING_USER_ESTABLISHED, "messaging_user_established",            \
	  "The conversation's user is more than a fresh conversation.")        \
	X(EMAIL_DENIED, "email_denied",                                        \
	  "The address is shared by many or not wanted here.")                 \
	X(PROFILE_SUSPENDED, "profile_suspended", "The profile is suspended.") \
	X(BRAND_MISMATCH, "brand_mismatch",                                    \
	  "The two belong to different brands.")                               \
	X(ORGANIZATION_MISMATCH, "organization_mismatch",                      \
	  "The two belong to different organizations.")                        \
	X(EXTERNAL_ID_CONFLICT, "external_id_conflict",                        \
	  "The two have different external ids.")                              \
	X(DISPLACED_PROFILE, "displaced_profile",                              \
	  "The profile lost this address to the conversation's user.")         \
	X(VERIFIED_PROFILE_PROTECTED, "verified_profile_protected",            \
	  "The address was only typed, and its owner's is verified.")          \
	X(UNAUTHENTICATED_EMAIL, "unauthenticated_email",                      \
	  "The address was only typed; nobody proved it.")                     \
	X(PROFILE_UNVERIFIED, "profile_unverified_with_other_identities",      \
	  "The profile's address is not proven, and the profile is known by "  \
	  "other means too.")                                                  \
	X(MERGE_SURGE, "merge_surge",                                          \
	  "More profiles were linked this hour than the limit allows.")        \
	X(MERGE_FAN_IN, "merge_fan_in",                                        \
	  "More conversations joined this profile today than allowed.")        \
	X(EXTERNAL_ID_MATCH, "external_id_match",                              \
	  "Both have the same external id.")                                   \
	X(EMAIL_MATCH_VERIFIED, "email_match_verified",                        \
	  "The profile owns the verified address of the conversation.")        \
	X(EMAIL_MATCH_AUTHENTICATED, "email_match_authenticated",              \
	  "The profile owns the address of the logged-in person.")             \
	X(EMAIL_MATCH_CLAIMED, "email_match_claimed",                          \
	  "The profile owns the address that was typed.")                      \
	X(NO_PROFILE, "no_profile",                                            \
	  "Nobody owns the address: the conversation's own user gets it.")     \
	/* what doing it can end in */                                         \
	X(IDENTITY_NOT_MOVED, "identity_not_moved",                            \
	  "Linked, but the conversation has not moved to the profile yet.")    \
	X(EXTERNAL_ID_NOT_PINNED, "external_id_not_pinned",                    \
	  "Linked, but the external id could not be given to the profile.")    \
	X(MERGE_REFUSED, "merge_refused", "Zendesk refused to link the two.")  \
	X(EXTERNAL_ID_REFUSED, "external_id_refused",                          \
	  "Zendesk does not link users who have an external id.")              \
	X(EXTERNAL_ID_TAKEN, "external_id_taken",                              \
	  "The conversation's user gave its external id up for the link, and " \
	  "somebody else took it meanwhile.")                                  \
	X(EXTERNAL_ID_NOT_RETURNED, "external_id_not_returned",                \
	  "The conversation's user gave its external id up for the link and "  \
	  "could not get it back.")                                            \
	X(ADDRESS_NOT_VERIFIED, "address_not_verified",                        \
	  "Linked, but the profile's address could not be marked verified.")   \
	X(SYNC_REFUSED, "sync_refused",                                        \
	  "Linked, but Sunshine Conversations was not told of it.")            \
	X(CHANGED_MEANWHILE, "changed_meanwhile",                              \
	  "One of the two changed while the link was under way.")              \
	X(ADDRESS_TAKEN, "address_taken",                                      \
	  "Zendesk says that somebody else has the address.")                  \
	X(REVIEW_EXPIRED, "review_expired", "Nobody decided in time.")

enum reason {
#define REASON_ENUM(id, code, text) REASON_##id,
	REASON_TABLE(REASON_ENUM)
#undef REASON_ENUM
		REASON_COUNT
};

const char *reason_code(enum reason r);
const char *reason_text(enum reason r);
bool reason_parse(const char *code, enum reason *out);

#endif
