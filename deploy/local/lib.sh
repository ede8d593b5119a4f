# lib.sh - what the scripts here share: places, ports, secrets, processes. Sourced, never run.
#
# Everything a checkout starts lives under its own var/ (TORG_VAR): data, logs, pids, configuration.
# Two checkouts, or the tests beside a running shop, never meet as long as their ports differ.
set -euo pipefail
umask 077
export LC_ALL=C.UTF-8

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
var=${TORG_VAR:-$root/var}
cache=${TORG_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/torg}
kafka_jars=$cache/kafka-4.2.0
mail_jars=$cache/greenmail-2.1.3
export TORG_STARTED_US=${TORG_STARTED_US:-${EPOCHREALTIME/[.,]/}} # scripts that one calls count on

# --- talking -----------------------------------------------------------------------------------

elapsed() # seconds since the script began, one decimal
{
    local us=$((${EPOCHREALTIME/[.,]/} - TORG_STARTED_US))
    printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

say()
{
    printf '%7s s  %s\n' "$(elapsed)" "$*"
}

die()
{
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# --- settings: what the first `up` decided and every later script must know ---------------------

settings_file=$var/env/settings

setting() # NAME DEFAULT
{
    local value=
    if [ -f "$settings_file" ]; then
        value=$(sed -n "s/^$1=//p" "$settings_file")
    fi
    printf '%s' "${value:-$2}"
}

settings_save() # NAME=VALUE...
{
    printf '%s\n' "$@" >"$settings_file"
}

make_places()
{
    (umask 022 && mkdir -p "$var") # the system user postgres passes through
    mkdir -p "$var/env" "$var/log" "$var/run"
}

# --- ports -------------------------------------------------------------------------------------

port_base=${TORG_PORT_BASE:-$(setting port_base 7100)}

port() # NAME of a server; the daemons' offsets are in the table `daemons`
{
    case $1 in
    webhooks) echo $((port_base + 31)) ;; # nobody, unless somebody wants to receive them
    postgres) echo $((port_base + 32)) ;;
    redis-carts) echo $((port_base + 33)) ;;
    redis-limits) echo $((port_base + 34)) ;;
    kafka) echo $((port_base + 35)) ;;
    kafka-controller) echo $((port_base + 36)) ;;
    mail) echo $((port_base + 38)) ;;
    mail-api) echo $((port_base + 39)) ;;
    *) die "no port is assigned to '$1'" ;;
    esac
}

port_is_open() # PORT
{
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

require_free_port() # NAME PORT
{
    if port_is_open "$2"; then
        die "port $2 ($1) is taken by another process;" \
            "choose another range: deploy/local/up --port-base $((port_base + 200))"
    fi
}

# Two that choose at once both see ports that nobody listens on yet; so a range is locked too, by this
# script and whatever it starts, until the last of them has ended.
ports_claim() # BASE OFFSET...: sets port_base, unless somebody has the range
{
    local base=$1 offset claim is_free=yes
    shift
    mkdir -p "$cache/ports"
    exec {claim}>"$cache/ports/$base"
    flock -n "$claim" || is_free=no
    for offset in "$@"; do
        ! port_is_open $((base + offset)) || is_free=no
    done
    [ $is_free = no ] || { port_base=$base && return 0; }
    exec {claim}>&-
    return 1
}

free_port_base() # FIRST: sets port_base to the first forty ports from there that are nobody's
{
    local candidate
    for candidate in $(seq "$1" 40 9900); do
        ! ports_claim "$candidate" {0..39} || return 0
    done
    die "no free range of ports between $1 and 9900"
}

# --- secrets: made once, readable by the owner only ---------------------------------------------

secret() # NAME: 32 random bytes in hex
{
    local file=$var/env/secrets
    [ -f "$file" ] || : >"$file"
    if ! grep -q "^$1=" "$file"; then
        printf '%s=%s\n' "$1" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')" >>"$file"
    fi
    sed -n "s/^$1=//p" "$file"
}

# --- processes ---------------------------------------------------------------------------------
# A pid file holds "pid start-time": a recycled pid is never taken for ours.

process_born() # PID: its start time in clock ticks; empty when it does not run (any more)
{
    local stat=
    { read -r -d '' stat <"/proc/$1/stat"; } 2>/dev/null || true
    read -r -a stat <<<"${stat##*) }" # from field 3 on: a name may hold spaces
    [ "${stat[0]-Z}" = Z ] || printf '%s' "${stat[19]}"
}

process_pid() # NAME: its pid when it runs, else nothing
{
    local pid born now
    [ -f "$var/run/$1.pid" ] || return 0
    read -r pid born <"$var/run/$1.pid" || return 0
    now=$(process_born "$pid")
    if [ -n "$now" ] && [ "$now" = "$born" ]; then
        printf '%s' "$pid"
    fi
}

process_start() # NAME COMMAND...: in a session of its own, output appended to var/log/NAME.log
{
    local name=$1 pid
    shift
    setsid "$@" >>"$var/log/$name.log" 2>&1 </dev/null 9>&- &
    pid=$!
    printf '%s %s\n' "$pid" "$(process_born "$pid")" >"$var/run/$name.pid"
}

process_signal() # NAME SIGNAL
{
    local pid
    pid=$(process_pid "$1")
    [ -z "$pid" ] || kill -s "$2" "$pid" 2>/dev/null || true
}

process_wait_end() # NAME SECONDS: then it is killed
{
    local deadline=$((SECONDS + $2))
    while [ -n "$(process_pid "$1")" ]; do
        if [ $SECONDS -ge $deadline ]; then
            say "$1 did not end within $2 s: killed"
            process_signal "$1" KILL
            deadline=$((SECONDS + 5))
        fi
        sleep 0.05
    done
    rm -f "$var/run/$1.pid"
}

wait_ready() # NAME SECONDS COMMAND...: until it succeeds, the process ends or time is up
{
    local name=$1 deadline=$((SECONDS + $2)) limit=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if [ -z "$(process_pid "$name")" ]; then
            show_log "$name" "$name ended during its start"
        fi
        if [ $SECONDS -ge $deadline ]; then
            show_log "$name" "$name was not ready within $limit s"
        fi
        sleep 0.1
    done
}

show_log() # NAME REASON: the end of its log, then exit
{
    printf -- '--- last lines of %s\n' "$var/log/$1.log" >&2
    tail -n 15 "$var/log/$1.log" | cut -c1-400 >&2 || true
    die "$2; the whole log is $var/log/$1.log"
}
