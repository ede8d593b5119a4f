# counts.sh - what one checkout costs: calls, statements, commits, commands, bytes. Sourced by run.
#
# Up to the answer that the order is placed; reading it is not counted. The relay is frozen while the
# checkouts are bought: nothing but what the buyers waited for happens (and sweeps, which are few).
# Then it goes on, and what is added until every event is handled is the work behind the answer.

statements_now()
{
    pg_super torg -AtF $'\t' -c "
        SELECT rolname, calls, regexp_replace(left(query, 90), '\s+', ' ', 'g')
          FROM pg_stat_statements JOIN pg_roles ON pg_roles.oid = userid
         WHERE rolname <> 'postgres'"
}

wal_now()
{
    pg_super torg -Atc 'SELECT pg_current_wal_lsn()'
}

# Between two positions: bytes, and commits that wrote something (a transaction that only reads has
# no record; the daemons' pipelines commit without a COMMIT that could be counted as a statement).
wal_between() # FROM TO
{
    pg_super torg -AtF ' ' -c "SELECT pg_wal_lsn_diff('$2', '$1')::bigint, coalesce(sum(count), 0)
        FROM pg_get_wal_stats('$1', '$2', true) WHERE \"resource_manager/record_type\" LIKE 'Transaction/COMMIT%'"
}

calls_now() # by method, of every daemon; the relay may be frozen, and serves none
{
    local name
    for name in $(instances | grep -v outbox-relay); do
        curl -fsS -m 10 "http://127.0.0.1:$(instance_port "$name")/metrics" |
            sed -nE 's/^[a-z_]+_rpc_calls_total\{method="([^"]*)".* ([0-9]+)$/\1\t\2/p'
    done | awk -F'\t' '{ sum[$1] += $2 } END { for (m in sum) printf "%s\t%d\n", m, sum[m] }'
}

commands_now()
{
    redis-cli -p "$(port redis-carts)" info commandstats |
        sed -nE 's/^cmdstat_([^:]*):calls=([0-9]+),.*/\1\t\2/p'
}

bytes_now() # both ways, by the process that was called; connections that are gone are not in it
{
    local name
    ss -tinHO state established | awk -v base="$port_base" '
        { split($3, from, ":"); port = from[2] - base }
        port >= 0 && port < 40 {
            sent = received = 0
            if (match($0, /bytes_sent:[0-9]+/)) sent = substr($0, RSTART + 11, RLENGTH - 11)
            if (match($0, /bytes_received:[0-9]+/)) received = substr($0, RSTART + 15, RLENGTH - 15)
            sum[port] += sent + received
        }
        END { for (port in sum) print port, sum[port] }' |
        while read -r offset bytes; do
            for name in $(instances) postgres redis-carts redis-limits kafka; do
                case $name in
                postgres | redis-* | kafka) [ "$(port "$name")" != $((port_base + offset)) ] || break ;;
                *) [ "$(instance_port "$name")" != $((port_base + offset)) ] || break ;;
                esac
            done
            printf '%s\t%s\n' "$name" "$bytes"
        done
}

snapshot() # FOLDER
{
    mkdir -p "$1"
    statements_now >"$1/statements"
    calls_now >"$1/calls"
    commands_now >"$1/commands"
    bytes_now >"$1/bytes"
    wal_now >"$1/wal"
}

# The counter is the last column but one of `statements`, the last of the others.
grown() # KIND FROM TO: what grew, with by how much for each checkout
{
    awk -F'\t' -v kind="$1" -v n="$counted" '
        { key = kind == "statements" ? $1 "\t" $3 : $1; value = $2 }
        NR == FNR { before[key] += value; next }
        { after[key] += value }
        END { for (key in after) if (after[key] > before[key]) printf "%.2f\t%s\n", (after[key] - before[key]) / n, key }' \
        "$2/$1" "$3/$1" | sort -rn | awk -F'\t' '$1 >= 0.05'
}

events_are_handled() # the relay has sent all, and nobody lags
{
    local name lag
    for name in $(instances); do
        lag=$(curl -fsS -m 10 "http://127.0.0.1:$(instance_port "$name")/metrics" |
            awk '/^events_lag_records |^relay_in_flight_events/ { sum += $NF } END { print sum + 0 }')
        [ "$lag" = 0 ] || return 1
    done
}

wait_handled() # twice in a row: the last event may cause another
{
    local good=0
    while [ $good -lt 3 ]; do
        good=$((good + 1))
        events_are_handled || good=0
        sleep 0.5
    done
}

is_transaction='^[0-9.]*\t[a-z_]*\t(BEGIN|COMMIT|ROLLBACK)'

count_checkouts() # HOW_MANY CALLERS: into counted.json and counted/
{
    local c=$var/counted
    counted=$1
    rm -rf "$c"
    wait_handled
    process_signal outbox-relay STOP
    snapshot "$c/begin"
    load buy goods --flows "$1" --callers "$2" >>"$var/log/load.log" || true
    sleep 1.5 # a backend reports what it did at most a second later
    snapshot "$c/answered"
    process_signal outbox-relay CONT
    wait_handled
    sleep 1.5
    snapshot "$c/handled"
    counted_summary "$c/begin" "$c/answered" >"$var/counted.json"
    counted_summary "$c/answered" "$c/handled" >"$var/counted.after.json"
}

counted_summary() # FROM TO
{
    local wal_bytes commits
    grown statements "$1" "$2" >"$var/grown"
    read -r wal_bytes commits < <(wal_between "$(cat "$1/wal")" "$(cat "$2/wal")")
    jq -n --argjson statements "$(grep -vP "$is_transaction" "$var/grown" | awk '{ s += $1 } END { printf "%.1f", s }')" \
        --argjson commits "$(awk -v c="$commits" -v n="$counted" 'BEGIN { printf "%.1f", c / n }')" \
        --argjson calls "$(grown calls "$1" "$2" | awk '{ s += $1 } END { printf "%.1f", s }')" \
        --argjson commands "$(grown commands "$1" "$2" | awk '{ s += $1 } END { printf "%.1f", s }')" \
        --argjson bytes "$(grown bytes "$1" "$2" | awk '{ s += $1 } END { printf "%d", s }')" \
        --argjson wal_bytes $((wal_bytes / counted)) '$ARGS.named'
}

print_grown() # KIND TITLE
{
    local c=$var/counted
    printf '\n%s of one checkout\n%10s %10s\n' "$2" 'before the' 'behind the'
    printf '%10s %10s\n' answer answer
    join -t $'\x1f' -a 1 -a 2 -e 0.00 -o 1.2,2.2,0 \
        <(grown "$1" "$c/begin" "$c/answered" | sed -E 's/^([^\t]*)\t(.*)/\2\x1f\1/' | sort -t $'\x1f' -k1,1) \
        <(grown "$1" "$c/answered" "$c/handled" | sed -E 's/^([^\t]*)\t(.*)/\2\x1f\1/' | sort -t $'\x1f' -k1,1) |
        tr '\037' '\t' | sort -t $'\t' -k1,1rn -k2,2rn |
        awk -F'\t' '{ printf "%10s %10s  %-16s %s\n", $1, $2, $3, $4 }'
}

line_counts()
{
    count_checkouts "$([ $quick = yes ] && echo 20 || echo 200)" 8
    print_grown statements 'SQL statements'
    print_grown calls RPCs
    print_grown commands 'Redis commands (those inside of scripts too)'
    print_grown bytes 'Bytes over connections'
    printf '\none checkout, before the answer: %s\n' "$(jq -c . "$var/counted.json")"
    printf 'one checkout, behind the answer: %s\n' "$(jq -c . "$var/counted.after.json")"
    print_goal 'SQL statements' "$(jq -r .statements "$var/counted.json")" '<=25'
    print_goal 'commits' "$(jq -r .commits "$var/counted.json")" '<=8'
}
