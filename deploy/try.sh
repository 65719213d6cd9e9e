#!/usr/bin/env bash
# reunite on this machine in a minute: a sandbox plays Zendesk and Sunshine
# Conversations, and people start conversations, in each of Zendesk's three
# settings of e-mail identities. Nothing leaves the machine. What is printed
# about each of them is read from reunite's journal and from the sandbox
# afterwards.
#
#   deploy/try.sh          play, then stay up until Ctrl-C
#   deploy/try.sh --once   play and end; exit code 0 if all went as it should
#
# REUNITE_BIN=FOLDER uses the programs there instead of building them.
# shellcheck disable=SC2317 # await and trap call functions by their names
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${REUNITE_BIN:-}
folder= # temporary: configuration, store, logs
children=()
once=false
patience_s=60
admin_token=try
scene=verified_only # the setting email_identities
reloads=0

say() {
    printf '%s\n' "$@"
}

die() {
    printf 'deploy/try.sh: %s\n' "$1" >&2
    exit "${2:-1}"
}

# --- programs ---

build() {
    local log=build/release/build.log

    bash deploy/packages.sh try
    say "Building (build/release) ..."
    mkdir -p build/release
    if ! { cmake --preset release && cmake --build --preset release; } \
        >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        die "the build failed"
    fi
    bin=build/release
}

stop_all() {
    local pid

    trap - EXIT
    for pid in "${children[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${children[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    [ -z "$folder" ] || rm -rf "$folder"
}

# Waits until a command succeeds; gives up when the newest child ends.
await() {
    local what=$1 log=$2 pid=${children[-1]} i

    shift 2
    for ((i = 0; i < patience_s * 5; i++)); do
        "$@" && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.2
    done
    cat "$log" >&2
    die "$what"
}

start_sandbox() {
    "$bin/reunite-sandbox" --empty --port-file "$folder/port" \
        >"$folder/sandbox.log" 2>&1 </dev/null &
    children+=($!)
    await "the sandbox does not start" "$folder/sandbox.log" \
        test -s "$folder/port"
    sandbox=http://127.0.0.1:$(<"$folder/port")
}

# GET or, with a body, POST one of the sandbox's control endpoints.
control() {
    curl -fsS --noproxy '*' --max-time 20 "$sandbox/_sandbox/$1" \
        ${2:+-H "Content-Type: application/json" --data "$2"}
}

# As an account would be connected, except that a demonstration has no half
# hour to wait for somebody who never comes, and no index that lags.
configure() {
    control settings | jq -r --arg url "$sandbox" --arg folder "$folder" \
        --arg token "$admin_token" '
"listen = \"127.0.0.1:0\"
admin_listen = \"127.0.0.1:0\"
admin_token = \"\($token)\"
store = \"sqlite:\($folder)/reunite.db\"
account \"demo\" {
  zendesk_url = \"\($url)\"
  zendesk_client_id = \"\(.oauth_client_id)\"
  zendesk_client_secret = \"\(.oauth_client_secret)\"
  zendesk_webhook_secrets = {\"\(.zendesk_secret)\"}
  sunco_url = \"\($url)/sc\"
  sunco_app_id = \"\(.sunco_app_id)\"
  sunco_key_id = \"\(.sunco_key_id)\"
  sunco_key_secret = \"\(.sunco_key_secret)\"
  sunco_webhook_secrets = {\"\(.sunco_secret)\"}
  email_identities = \"verified_only\"
  apply = \"auto\"
  wait_for_user = \"6s\"
  settle_after = \"3s\"
}"' >"$folder/reunite.conf"
}

reunite() {
    "$bin/reunite" "$@" -c "$folder/reunite.conf"
}

log_value() {
    jq -Rr "fromjson? | select(.event == \"listening\") | .$1" \
        "$folder/reunite.log"
}

is_listening() {
    [ -n "$(log_value port)" ]
}

start_reunite() {
    configure
    "$bin/reunite" serve -c "$folder/reunite.conf" \
        >"$folder/reunite.log" 2>&1 </dev/null &
    daemon=$!
    children+=("$daemon")
    await "reunite does not start" "$folder/reunite.log" is_listening
    public=http://127.0.0.1:$(log_value port)
    admin=http://127.0.0.1:$(log_value admin_port)
    control settings "{
        \"webhook_sunco\": \"$public/webhooks/demo/sunco\",
        \"webhook_zendesk\": \"$public/webhooks/demo/zendesk\",
        \"events\": \"all\"}" >/dev/null
}

has_reloaded() {
    [ "$(jq -Rr 'fromjson? | select(.event == "reloaded") | .at' \
        "$folder/reunite.log" | wc -l)" -eq "$reloads" ]
}

# The account goes over to another of Zendesk's settings; reunite is told.
switch_to() {
    control settings "{\"email_identities\": \"$1\"}" >/dev/null
    sed -i "s/email_identities = .*/email_identities = \"$1\"/" \
        "$folder/reunite.conf"
    reloads=$((reloads + 1))
    kill -HUP "$daemon"
    await "reunite does not reload" "$folder/reunite.log" has_reloaded
    scene=$1
}

# --- the play ---

# One entry per person: in which setting, who, what happened, the address,
# what should come of it (action, reason, and where conversation and address
# are then, see whereabouts), and the SunCo user's id.
scenes=()
who=()
story=()
address=()
action=()
reason=()
ending=()
sunco_id=()

# person NAME STORY ADDRESS ACTION REASON ENDING CONVERSATION
person() {
    scenes+=("$scene")
    who+=("$1")
    story+=("$2")
    address+=("$3")
    action+=("$4")
    reason+=("$5")
    ending+=("$6")
    reply=$(control conversations "$7") || die "the sandbox refused: $7"
    sunco_id+=("$(jq -r .sunco_user_id <<<"$reply")")
}

load_profiles() {
    control people '{"users": [
        {"name": "Green Goblin", "email": "greengoblin@spiderman.example",
         "external_id": "user_greengoblin@spiderman.example"},
        {"name": "May Parker", "email": "may@spiderman.example"},
        {"name": "Gwen Stacy", "email": "gwen@spiderman.example"},
        {"name": "Harry Osborn", "email": "harry@spiderman.example"},
        {"name": "Felicia Hardy", "email": "felicia@spiderman.example"},
        {"name": "Flash Thompson", "email": "flash@spiderman.example"},
        {"name": "Cindy Moon", "email": "cindy@spiderman.example"},
        {"name": "Jean DeWolff", "email": "jean@spiderman.example"},
        {"name": "Ned Leeds", "identities": [{"type": "email",
         "value": "ned@spiderman.example", "verified": false,
         "verification_method": "none"}]},
        {"name": "Betty Brant", "role": "agent",
         "email": "betty@dailybugle.example"}]}' >/dev/null
}

# A login whose token vouches for the address.
login() {
    jq -n --arg name "$1" --arg email "$2" --argjson more "${3:-{\}}" '{
        jwt: {name: $name, email: $email, email_verified: true,
              external_id: "user_\($email)"}} + $more'
}

# The same, but Zendesk makes a user of its own without the address.
login_apart() {
    login "$1" "$2" "$(jq -cn --argjson more "${3:-{\}}" \
        '{zendesk: "duplicate"} + $more')"
}

# A login whose token does not vouch for the address.
login_unverified() {
    login "$1" "$2" | jq -c '.jwt.email_verified = false'
}

typed() {
    jq -n --arg name "$1" --arg email "$2" \
        '{typed: {name: $name, email: $email}}'
}

play_logins() {
    person "Green Goblin" \
        "has a profile and logs in; Zendesk makes a second user of him" \
        greengoblin@spiderman.example merge external_id_match together \
        "$(login_apart "Green Goblin" greengoblin@spiderman.example)"
    control settings '{"jwt_name": false}' >/dev/null
    person "Peter Parker" \
        "is new and logs in; Zendesk leaves his name and address out" \
        peterparker@spiderman.example adopt no_profile together \
        "$(login_apart "Peter Parker" peterparker@spiderman.example)"
    control settings '{"jwt_name": true}' >/dev/null
    person "Gwen Stacy" \
        "logs in; the hand-off's trigger arrives before SunCo's event" \
        gwen@spiderman.example merge email_match_verified together \
        "$(login_apart "Gwen Stacy" gwen@spiderman.example \
            '{"webhooks": ["trigger", "sunco"]}')"
    person "Harry Osborn" \
        "logs in; the hand-off comes a second after SunCo's event" \
        harry@spiderman.example merge email_match_verified together \
        "$(login_apart "Harry Osborn" harry@spiderman.example \
            '{"hand_off_after_ms": 1000}')"
    person "Miles Morales" \
        "is new and logs in; Zendesk does all that there is to do" \
        miles@spiderman.example none already_linked together \
        "$(login "Miles Morales" miles@spiderman.example)"
    person "Felicia Hardy" \
        "logs in; Zendesk takes the address from her profile for a new user" \
        felicia@spiderman.example review displaced_profile left \
        "$(login "Felicia Hardy" felicia@spiderman.example)"
}

# As the tests of 2023 had it: tokens did not vouch for addresses.
play_unverified_logins() {
    person "Flash Thompson" \
        "has a profile and logs in, but the login does not vouch for the address" \
        flash@spiderman.example review email_not_verified apart \
        "$(login_unverified "Flash Thompson" flash@spiderman.example)"
    person "Liz Allan" \
        "is new and logs in, but the login does not vouch for the address" \
        liz@spiderman.example none email_not_verified nobody \
        "$(login_unverified "Liz Allan" liz@spiderman.example)"
}

# An event that nobody at SunCo wrote, with the right key: it says that this
# conversation is of somebody who logged in with May Parker's address.
forge() {
    local body

    body=$(jq -n --arg id "$1" '{source: "sunco", body: {
        app: {id: "forged"}, webhook: {id: "forged", version: "v2"},
        events: [{id: "forged", type: "user:update",
            createdAt: (now | todate),
            payload: {reason: "authentication", user: {id: $id,
                authenticated: true, externalId: "user_may@spiderman.example",
                identities: [{type: "email", value: "may@spiderman.example",
                              verification: "embed"}],
                profile: {email: "may@spiderman.example"}}}}]}}')
    control webhooks "$body" | jq -e '.webhooks[0].status == 200' >/dev/null ||
        die "the forged event was not taken, though its key is right"
}

play_strangers() {
    person "A stranger" "is not logged in and types May Parker's address" \
        may@spiderman.example review verified_profile_protected apart \
        "$(typed "Doctor Octopus" may@spiderman.example)"
    ticket=$(jq -r .ticket_id <<<"$reply")
    person "Eddie Brock" \
        "is not logged in and types an address that nobody has" \
        eddie@spiderman.example none email_not_verified nobody \
        "$(typed "Eddie Brock" eddie@spiderman.example)"
    person "Electro" "is not logged in and types an agent's address" \
        betty@dailybugle.example refuse profile_is_agent apart \
        "$(typed Electro betty@dailybugle.example)"
    person "Mysterio" \
        "forges an event with a valid key: \"logged in as May Parker\"" \
        may@spiderman.example none no_email apart \
        '{"typed": {"name": "Mysterio"}, "webhooks": ["trigger"]}'
    forge "${sunco_id[-1]}"
}

play_both() {
    person "Ned Leeds" \
        "types the address of his unverified profile; Zendesk links him to it" \
        ned@spiderman.example none already_linked together \
        "$(typed "Ned Leeds" ned@spiderman.example)"
    person "Cindy Moon" \
        "logs in; Zendesk makes a new user, and her verified profile keeps the address" \
        cindy@spiderman.example merge email_match_verified together \
        "$(login "Cindy Moon" cindy@spiderman.example)"
}

play_claims() {
    person "Jean DeWolff" \
        "types her address; Zendesk links whoever types it to her profile" \
        jean@spiderman.example none already_linked together \
        "$(typed "Jean DeWolff" jean@spiderman.example)"
    person "Jean DeWolff" \
        "logs in later, elsewhere; Zendesk makes a new user without the address" \
        jean@spiderman.example review email_not_verified apart \
        "$(login_unverified "Jean DeWolff" jean@spiderman.example)"
}

await_all() {
    await "not everybody was decided about" "$folder/reunite.log" all_decided
}

play_all() {
    play_logins
    play_unverified_logins
    play_strangers
    await_all
    switch_to verified_and_unverified
    play_both
    await_all
    switch_to claim_verified
    play_claims
    await_all
    switch_to verified_only
}

# --- what became of it ---

# The newest decision about each SunCo user that is over, as lines of JSON in
# the order of the people.
decisions() {
    reunite journal list --json | jq -cs '
        map(select((.status == "done" or .status == "failed")
                   and .action != "wait"))
        | . as $all | $ARGS.positional[]
        | . as $id | $all | map(select(.sunco_user_id == $id)) | last
        | values' --args "${sunco_id[@]}"
}

all_decided() {
    [ "$(decisions | wc -l)" -eq ${#who[@]} ]
}

# Where conversation and address are in Zendesk now, a word and a sentence:
# together (with the person's name, else misnamed), left (together, while a
# profile is left without them), apart, nobody.
whereabouts() {
    jq -r --arg name "$1" --arg id "$2" --arg email "$3" '
        def with($type; $value): .users[] | select(.active) | select(
            any(.identities[]; .type == $type and .value == $value));
        (with("messaging"; $id) // null) as $user
        | (with("email"; $email) // null) as $owner
        | any(.users[]; .active and .name == $name and .identities == [])
          as $left
        | if $owner == null then
            "nobody the conversation is a user of its own, \($user.name);" +
            " nobody has the address"
          elif $user.id != $owner.id then
            "apart the conversation stays apart from" +
            " \($owner.name), who keeps the address"
          elif $user.name != $name then
            "misnamed one user, \($user.name), has both"
          elif $left then
            "left one user, \($user.name), has both now; the old profile" +
            " is left without the address"
          else
            "together one user, \($user.name), has the address and the" +
            " conversation"
          end' <<<"$state"
}

about_setting() {
    case $1 in
    verified_only) say "Only verified addresses count, as in new accounts" ;;
    verified_and_unverified) say "Typed addresses count where nobody verified them" ;;
    claim_verified) say "Whoever types an address gets its profile" ;;
    esac
}

# tell INDEX DECISION
tell() {
    local i=$1 outcome because place

    outcome=$(jq -r '"\(.action), \(.reason)"' <<<"$2")
    because=$(reunite journal show "$(jq .id <<<"$2")" |
        sed -n 's/^because:* *//p')
    place=$(whereabouts "${who[i]}" "${sunco_id[i]}" "${address[i]}")
    if [ "$i" -eq 0 ] || [ "${scenes[i]}" != "${scenes[i - 1]}" ]; then
        say "" "$bold--- ${scenes[i]}: $(about_setting "${scenes[i]}") ---$plain"
    fi
    printf '\n%s%s%s %s.\n' "$bold" "${who[i]}" "$plain" "${story[i]}"
    printf '  %-9s %s\n' decision "$outcome" because "$because" \
        Zendesk "${place#* }"
    [ "$outcome ${place%% *}" = \
        "${action[i]}, ${reason[i]} ${ending[i]}" ] && return
    printf '  %-9s %s\n' WRONG \
        "it should be ${action[i]}, ${reason[i]}, ${ending[i]}"
    return 1
}

# sum_up ACTION WORDS: whom it happened to.
sum_up() {
    local names='' i

    for i in "${!who[@]}"; do
        [ "${done_to[i]}" != "$1" ] || names+="${names:+, }${who[i]}"
    done
    [ -z "$names" ] || printf '  %-32s %s\n' "$2" "$names"
}

tell_all() {
    local decided done_to i state good=0

    state=$(control state)
    mapfile -t decided < <(decisions)
    mapfile -t done_to < <(printf '%s\n' "${decided[@]}" | jq -r .action)
    for i in "${!who[@]}"; do
        tell "$i" "${decided[i]}" && good=$((good + 1))
    done
    say "" "In short:"
    sum_up merge "merged into their profiles"
    sum_up adopt "given the address"
    sum_up review "left for a person to look at"
    sum_up refuse "refused, whoever asks"
    sum_up none "nothing to do, or nothing proved"
    say "" "$good of ${#who[@]} as it should be."
    [ "$good" -eq ${#who[@]} ]
}

tell_more() {
    local c="-c $folder/reunite.conf"

    say "" "Still running, all on this machine:" \
        "  webhooks  $public/webhooks/demo/sunco and /zendesk" \
        "  admin     $admin/readyz" \
        "  metrics   $admin/metrics" \
        "  API       $admin/api/v1/journal (Authorization: Bearer $admin_token)" \
        "  sandbox   $sandbox/_sandbox/state" \
        "" "Try in another terminal:" \
        "  $bin/reunite review list $c" \
        "  $bin/reunite review show 1 --show-personal-data $c" \
        "  $bin/reunite review approve 1 $c" \
        "  $bin/reunite journal list $c" \
        "  $bin/reunite explain --ticket $ticket $c" \
        "  $bin/reunite explain --table" \
        "  $bin/reunite readiness $c" \
        "  $bin/reunite doctor $c" \
        "" "Ctrl-C ends it and removes $folder."
}

main() {
    local status=0

    case ${1:-} in
    --once) once=true ;;
    -h | --help)
        sed -n '2,/^set/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit
        ;;
    '') ;;
    *) die "usage: deploy/try.sh [--once]" 2 ;;
    esac
    [ -z "$bin" ] || bin=$(realpath "$bin")
    cd "$here"
    [ -n "$bin" ] || build
    bold='' plain=''
    if [ -t 1 ]; then
        bold=$'\e[1m' plain=$'\e[0m'
    fi
    trap stop_all EXIT
    trap 'exit 130' INT TERM HUP
    umask 077 # the configuration holds secrets
    folder=$(mktemp -d "${TMPDIR:-/tmp}/reunite-try.XXXXXX")
    start_sandbox
    start_reunite
    say "$("$bin/reunite" --version), with Zendesk and Sunshine Conversations" \
        "played by reunite-sandbox. People write, in each of Zendesk's three" \
        "settings; some decisions take some seconds ..."
    load_profiles
    play_all
    tell_all || status=1
    $once && exit $status
    tell_more
    trap 'exit $status' INT TERM HUP
    wait -n || true
    cat "$folder/reunite.log" "$folder/sandbox.log" >&2
    die "a program ended by itself"
}
main "$@"
