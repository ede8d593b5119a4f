# measure.sh - runs a measurement several times, prints the middle one beside its limit and its goal.
# Sourced by run. A record is one line of name=value, as torg-load prints it.

failures=0
generator_cpu_max=0

field() # NAME RECORD: its value; nothing when it has none
{
    sed -nE "s/(^|.* )$1=([^ ]*).*/\2/p" <<<"$2"
}

middle() # NAME: of the records on standard input, the one whose value is in the middle
{
    sed -E "s/(^|.* )$1=([^ ]*).*/\2 &/" | sort -n | awk '{ line[NR] = $0 } END { print line[int((NR + 1) / 2)] }' |
        cut -d' ' -f2-
}

repeated() # NAME COMMAND...: the middle record of so many runs of it
{
    local name=$1 i
    shift
    for ((i = 0; i < runs; i++)); do
        "$@" || true
    done | middle "$name"
}

load() # FLOW VALUES ARGUMENT...: one run of torg-load on the shop
{
    local flow=$1 values=$2
    shift 2
    "$bin/torg-load" --url "$gateway" --header "Torg-Publishable-Key: $publishable_key" \
        --flow "$flow" ${values:+--values "$var/$values.tsv"} "$@" 2>>"$var/log/load.log"
}

timed() # as load, for the usual time; a quick run makes a few flows, however long they take
{
    mails_forget
    if [ $quick = yes ]; then
        load "$@" --flows 40
    else
        load "$@" --seconds "$seconds" --warm "$warm"
    fi
}

note_failures() # RECORD
{
    local failed cpu
    failed=$(field failed "$1")
    cpu=$(field cpu_percent "$1")
    if [ -z "$1" ] || [ "${failed:-0}" != 0 ]; then
        failures=$((failures + 1))
    fi
    [ "${cpu:-0}" -le "$generator_cpu_max" ] || generator_cpu_max=$cpu
}

# --- printing ----------------------------------------------------------------------------------

ms() # MICROSECONDS
{
    [ -z "$1" ] && printf -- - && return
    awk -v us="$1" 'BEGIN { printf us < 100000 ? "%.2f" : "%.0f", us / 1000 }'
}

ratio() # FIGURE LIMIT
{
    [ -z "${2-}" ] && return
    awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.3f", a / b }'
}

print_machine()
{
    local setting
    echo
    date -u '+%Y-%m-%d %H:%M UTC'
    printf '%s cores, %s; %s runs of %s s a line; commit %s\n' "$(nproc)" \
        "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$runs" "$seconds" \
        "$(git -C "$root" rev-parse --short HEAD)"
    for setting in fsync synchronous_commit full_page_writes; do
        printf '%s %s, ' "$setting" "$(pg_super torg -Atc "SHOW $setting")"
    done
    printf 'redis appendfsync %s\n' \
        "$(redis-cli -p "$(port redis-carts)" config get appendfsync | tail -n 1)"
}

print_heading()
{
    printf '\n%-34s %12s %8s %8s %8s %8s %6s  %s\n' line figure p50 p95 p99 max failed \
        'limit: figure (ratio) | goal'
    printf '%-34s %12s %35s\n' '' '' 'milliseconds'
}

# A figure reaches its goal when it is at least (or, of a time or a size, at most) as large.
verdict() # FIGURE GOAL: ">=10000" or "<=8"
{
    awk -v figure="$1" -v goal="$2" 'BEGIN {
        if (figure == "" || figure == "-") figure = substr(goal, 1, 2) == ">=" ? -1 : 1e12
        wanted = substr(goal, 3) + 0
        reached = substr(goal, 1, 2) == ">=" ? figure + 0 >= wanted : figure + 0 <= wanted
        printf "goal %s: %s", goal, reached ? "reached" : "NOT reached" }'
}

print_line() # NAME RECORD UNIT [LIMIT_NAME LIMIT] ...
{
    local name=$1 record=$2 unit=$3 figure
    shift 3
    note_failures "$record"
    figure=$(field per_s "$record")
    printf '%-34s %12s %8s %8s %8s %8s %6s ' "$name" "${figure:--}$unit" \
        "$(ms "$(field p50 "$record")")" "$(ms "$(field p95 "$record")")" \
        "$(ms "$(field p99 "$record")")" "$(ms "$(field max "$record")")" "$(field failed "$record")"
    while [ $# -ge 2 ]; do
        printf ' %s: %s (%s)' "$1" "${2:-?}" "$(ratio "$figure" "$2")"
        shift 2
    done
    echo
}

print_goal() # WHAT FIGURE GOAL
{
    printf '    %-30s %12s %45s %s\n' "$1" "$2" '' "$(verdict "$2" "$3")"
}

print_requests() # FILE: the lines of --requests
{
    local record
    while IFS= read -r record; do
        [[ $record == request=* ]] || continue
        printf '    %-30s %12s %8s %8s %8s %8s        %s bytes\n' \
            "$(sed -E 's/^request="([^"]*)".*/\1/' <<<"$record")" '' \
            "$(ms "$(field p50 "$record")")" "$(ms "$(field p95 "$record")")" \
            "$(ms "$(field p99 "$record")")" "$(ms "$(field max "$record")")" \
            "$(field answer_bytes "$record")"
    done <"$1"
}

# --- processes ---------------------------------------------------------------------------------

process_names()
{
    instances
    printf '%s\n' "${SERVERS[@]}"
}

resident_kb() # NAME: Postgres counts its shared memory once
{
    local pid
    pid=$(process_pid "$1")
    if [ "$1" = postgres ]; then
        cat "/proc/$pid/smaps_rollup" $(pgrep -P "$pid" | sed 's|.*|/proc/&/smaps_rollup|') 2>/dev/null |
            awk '/^Pss:/ { sum += $2 } END { print sum }'
    else
        sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status"
    fi
}

cpu_ms() # NAME: since its start, its children too
{
    local pid tick
    pid=$(process_pid "$1")
    tick=$(getconf CLK_TCK)
    cat "/proc/$pid/stat" $(pgrep -P "$pid" | sed 's|.*|/proc/&/stat|') 2>/dev/null |
        sed 's/^.*) //' | awk -v tick="$tick" '{ sum += $12 + $13 } END { printf "%d", sum * 1000 / tick }'
}

note() # FILE QUESTION: what cpu_ms or resident_kb answers of every process
{
    local name
    for name in $(process_names); do
        printf '%s %s\n' "$name" "$("$2" "$name")"
    done | sort >"$1"
}

cpu_idle() # what every process uses while nobody comes, in ms a second
{
    note "$var/cpu.a" cpu_ms
    sleep 2
    note "$var/cpu.b" cpu_ms
    join "$var/cpu.a" "$var/cpu.b" | awk '{ print $1, ($3 - $2) / 2 }' >"$var/cpu.idle"
}

print_cpu_of_one() # FLOW VALUES CALLERS: processor time of one flow, without what is used anyway
{
    local record
    [ -s "$var/cpu.idle" ] || cpu_idle
    note "$var/cpu.a" cpu_ms
    record=$(timed "$1" "$2" --callers "$3" --warm 0)
    note "$var/cpu.b" cpu_ms
    join "$var/cpu.a" "$var/cpu.b" | join - "$var/cpu.idle" |
        awk -v flows="$(field done "$record")" -v wall_us="$(field wall_us "$record")" '
            { used_us = (($3 - $2) - $4 * wall_us / 1e6) * 1000 / (flows > 0 ? flows : 1) }
            used_us >= 1 { sum += used_us; text = text sprintf(", %s %.0f", $1, used_us) }
            END { printf "    processor time of one, us: %.0f%s\n", sum, text }'
}
