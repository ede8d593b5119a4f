# lines.sh - the lines that run measures, one flow each. Sourced by run.

# A read: as fast as it goes at 32 callers, then at half of that, its times from when each request
# should have begun.
read_line() # FLOW VALUES GOAL
{
    local record open limit half
    load "$1" "$2" --flows "$PRODUCTS" --callers 8 >/dev/null || true # the caches of a shop that is open
    record=$(repeated per_s timed "$1" "$2" --callers 32)
    load "$1" "$2" --flows 1 --answer "$var/answer" >/dev/null || true
    limit=$(web_limit "$var/answer" 32 1)
    print_line "$1, 32 callers" "$record" /s "web server, $(stat -c %s "$var/answer") bytes" "$limit"
    print_goal "$1" "$(field per_s "$record")" "$3"
    print_cpu_of_one "$1" "$2" 32
    half=$(($(field per_s "$record") / 2))
    open=$(repeated p99 timed "$1" "$2" --rate $((half > 0 ? half : 1)))
    print_line "$1, open loop" "$open" /s
}

line_list()
{
    read_line list pages '>=10000'
}

line_detail()
{
    read_line detail goods '>=20000'
}

line_line()
{
    local record web redis
    record=$(repeated per_s timed line goods --callers 32)
    load line goods --flows 1 --answer "$var/answer" >/dev/null || true
    web=$(web_limit "$var/answer" 32 2)
    redis=$(redis_limit 1000 32)
    print_line 'add a line (2 requests), 32' "$record" /s 'web server' "$web" \
        'redis-benchmark, 2 scripts' $((redis / 2))
    print_goal 'add a line' "$(field per_s "$record")" '>=2000'
    print_cpu_of_one line goods 32
}

checkout_at() # CALLERS: one run, its requests kept
{
    timed checkout goods --callers "$1" --requests >"$var/requests"
    head -n 1 "$var/requests"
}

line_checkout()
{
    local n record at_32 half callers=(1 8 32 128)
    [ $quick = no ] || callers=(1 32)
    for n in "${callers[@]}"; do
        [ "$n" != 32 ] || note "$var/cpu.before" cpu_ms
        record=$(repeated per_s checkout_at "$n")
        checkout_limits
        print_line "checkout, $n buyers" "$record" /s "pgbench, $commits commits" \
            "$(pgbench_limit "$var/commits.sql" "$n")" 'web server, 8 requests' "$(web_of_checkout "$n")"
        case $n in
        1) print_goal 'p50 at one buyer, ms' "$(ms "$(field p50 "$record")")" '<=8' ;;
        32)
            note "$var/cpu.after" cpu_ms
            print_goal 'checkout at 32 buyers' "$(field per_s "$record")" '>=600'
            print_goal 'p99 at 32 buyers, ms' "$(ms "$(field p99 "$record")")" '<=100'
            at_32=$(field per_s "$record")
            ;;
        esac
        case $n in 1 | 32) print_requests "$var/requests" ;; esac
    done
    print_cpu_of_one checkout goods 32
    half=$((at_32 / 2))
    print_line 'checkout, open loop' \
        "$(repeated p99 timed checkout goods --rate $((half > 0 ? half : 1)))" /s
}

checkout_limits() # once: how many statements and commits a checkout makes
{
    [ ! -s "$var/commits.sql" ] || [ -z "${commits-}" ] || return 0
    count_checkouts 20 8 >/dev/null
    commits=$(jq -r '.commits | round' "$var/counted.json")
    commit_script "$(jq -r .statements "$var/counted.json")" "$commits" \
        "$(jq -r .wal_bytes "$var/counted.json")" >"$var/commits.sql"
}

web_of_checkout() # CALLERS: eight requests with an answer of average size
{
    [ -s "$var/answer.checkout" ] || head -c 2500 /dev/zero | tr '\0' x >"$var/answer.checkout"
    web_limit "$var/answer.checkout" "$1" 8
}

# --- races for what is scarce ------------------------------------------------------------------

prepared_once()
{
    scarce_item $((prepared_carts / 3)) || return
    printf 'variant\n%s\n' "$variant" >"$var/scarce.tsv"
    load prepare scarce --flows "$prepared_carts" --callers 16 --save "$var/prepared.tsv" \
        --column cart --column total >>"$var/log/load.log" || return
    load complete prepared --in-order --flows "$prepared_carts" --callers "$prepared_carts"
}

line_prepared()
{
    local record wall
    prepared_carts=300
    [ $quick = no ] || prepared_carts=30
    record=$(repeated wall_us prepared_once)
    print_line "$prepared_carts prepared carts, $((prepared_carts / 3)) units" "$record" /s
    wall=$(field wall_us "$record")
    print_goal 'all are answered after, s' "$(awk -v us="$wall" 'BEGIN { printf "%.2f", us / 1e6 }')" '<=1'
    printf '    %s bought, %s refused, %s failed\n' "$(field done "$record")" \
        "$(field refused "$record")" "$(field failed "$record")"
}

hot_sku_table()
{
    TORG_TEST_POSTGRES_URL=$(pg_url postgres "$(secret POSTGRES_PASSWORD)" postgres) \
        TORG_TEST_REDIS_URL=$(redis_url redis-limits) TORG_TEST_KAFKA=$(kafka_brokers) \
        CK_FORK=no CK_DEFAULT_TIMEOUT=300 HOT_SKU_MS=$([ $quick = yes ] && echo 200 || echo 3000) \
        "$bin/hot_sku_bench" 2>>"$var/log/load.log" |
        sed -n '/over the port/,$p' |
        awk '$1 ~ /^[0-9]+$/ { printf "callers=%d per_s=%d p50=%d p99=%d batch=%s failed=%d\n", $1, $2, $3 * 1000, $4 * 1000, $5, $6 }'
}

line_hot_sku()
{
    local record i
    for ((i = 0; i < runs; i++)); do
        hot_sku_table
    done >"$var/hot_sku"
    for n in $(sed -E 's/callers=([0-9]+).*/\1/' "$var/hot_sku" | sort -nu); do
        record=$(grep "^callers=$n " "$var/hot_sku" | middle per_s)
        print_line "hot SKU, $n callers" "$record" /s 'pgbench, a transaction each' \
            "$(pgbench_limit "$root/tests/load/pgbench/hot_row.sql" "$((n < 64 ? n : 64))")"
        [ "$n" -lt 32 ] || print_goal 'reservations a second' "$(field per_s "$record")" '>=10000'
    done
}

# --- events ------------------------------------------------------------------------------------

events_bench()
{
    TORG_BENCH_DATABASE_URL=$(pg_url postgres "$(secret POSTGRES_PASSWORD)") \
        KAFKA_BROKERS=$(kafka_brokers) "$bin/events_bench" "$@" 2>>"$var/log/load.log"
}

drained_once()
{
    local consumer
    process_signal outbox-relay TERM
    process_wait_end outbox-relay 15
    events_bench fill "$backlog"
    events_bench drained "$backlog" >"$var/drained" &
    consumer=$!
    until grep -q waiting "$var/drained"; do
        kill -0 "$consumer" || return
        sleep 0.1
    done
    daemon_launch outbox-relay
    wait "$consumer"
    tail -n 1 "$var/drained"
}

flooded_once()
{
    events_bench flooded "$backlog" | tail -n 1
}

line_events()
{
    local record limit length=10
    backlog=200000
    [ $quick = no ] || backlog=5000 length=1
    load checkout goods --flows 8 >/dev/null || true # there must be an order's event to copy
    record=$(repeated p99 events_bench relayed 1000 $length)
    limit=$(repeated p99 events_bench produced 1000 $length)
    print_line 'commit to Kafka, 1,000 a second' "$record" /s
    print_line '  straight to Kafka' "$limit" /s
    print_goal 'p50, ms' "$(ms "$(field p50 "$record")")" '<=5'
    print_goal 'p99, ms' "$(ms "$(field p99 "$record")")" '<=25'
    record=$(repeated per_s drained_once)
    limit=$(repeated per_s flooded_once)
    print_line "drain a backlog of $backlog" "$record" /s 'straight to Kafka' "$(field per_s "$limit")"
    print_goal 'events a second' "$(field per_s "$record")" '>=50000'
}

# --- one call, and what the processes need -----------------------------------------------------

rpc_once()
{
    "$bin/rpc_bench" "$([ $quick = yes ] && echo 2000 || echo 20000)" 1 |
        sed -E 's/.*p50 ([0-9]+) us p90 [0-9]+ us p99 ([0-9]+) us.* ([0-9]+) calls.s/p50=\1 p99=\2 per_s=\3/'
}

line_rpc()
{
    printf 'x%.0s' {1..40} >"$var/answer"
    print_line 'RPC hop, one caller' "$(repeated p50 rpc_once)" /s 'web server, 40 bytes' \
        "$(web_limit "$var/answer" 1 1)"
}

line_memory()
{
    local name kb most=0
    while read -r name kb; do
        [[ " ${SERVERS[*]} stripe-simulator " == *" $name "* ]] || [ "${kb:-0}" -le "$most" ] || most=$kb
    done <"$var/resident.idle"
    print_goal 'largest idle daemon, MB' $((most / 1024)) '<=30'
}

print_cpu() # at the end: memory of all, and who used the processor while 32 bought
{
    local name kb sum=0 idle before after
    printf '\n%-20s %12s %12s %28s\n' process 'idle, MiB' 'after, MiB' 'CPU at 32 buyers, share'
    for name in $(process_names); do
        kb=$(resident_kb "$name")
        idle=$(sed -n "s/^$name //p" "$var/resident.idle" 2>/dev/null)
        before=$(sed -n "s/^$name //p" "$var/cpu.before" 2>/dev/null || true)
        after=$(sed -n "s/^$name //p" "$var/cpu.after" 2>/dev/null || true)
        printf '%-20s %12s %12s %22s ms\n' "$name" $((${idle:-0} / 1024)) $((${kb:-0} / 1024)) \
            "$((${after:-0} - ${before:-0}))"
        [[ " ${SERVERS[*]} stripe-simulator " == *" $name "* ]] || sum=$((sum + ${kb:-0}))
    done
    print_goal 'all ten daemons, MiB' $((sum / 1024)) '<=300'
    printf '    torg-load used at most %s %% of one core in any line\n' "$generator_cpu_max"
}
