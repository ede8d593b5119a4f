# daemons.sh - the daemons of the table `daemons`: their environment, start, stop, health.
# Sourced after lib.sh and servers.sh. An instance is a daemon's name, or NAME-2 for its replica.

daemon_names=()
declare -A daemon_offset daemon_schema daemon_calls daemon_extra

daemons_load() # reads the table, anew when called again
{
    local line name offset schema calls
    daemon_names=()
    while IFS= read -r line; do
        case $line in
        '#'* | '') ;;
        ' '*) daemon_extra[$name]+="${line#"${line%%[! ]*}"}"$'\n' ;;
        *)
            read -r name offset schema calls <<<"$line"
            [ -n "$offset" ] || continue # more for a daemon that is known
            daemon_names+=("$name")
            daemon_offset[$name]=$offset
            daemon_schema[$name]=${schema#-}
            daemon_calls[$name]=${calls#-}
            daemon_extra[$name]=
            ;;
        esac
    done < <(cat "$root/deploy/local/daemons" ${settings_more:+"$settings_more"})
}
settings_more=$(setting settings_more '')
daemons_load

replicas=$(setting replicas 1)
bin=$(setting bin "$root/build/release/bin")

prefix_of() # outbox-relay -> OUTBOX_RELAY
{
    local upper=${1^^}
    printf '%s' "${upper//-/_}"
}

instance_daemon() # catalog-2 -> catalog
{
    printf '%s' "${1%-2}"
}

instance_port() # INSTANCE
{
    local daemon
    daemon=$(instance_daemon "$1")
    if [ "$daemon" = "$1" ]; then
        echo $((port_base + daemon_offset[$daemon]))
    else
        echo $((port_base + 20 + daemon_offset[$daemon]))
    fi
}

instances() # all of them in start order
{
    local daemon
    for daemon in "${daemon_names[@]}"; do
        echo "$daemon"
        [ "$replicas" -lt 2 ] || [ "${daemon_offset[$daemon]}" -ge 20 ] || echo "$daemon-2"
    done
}

daemon_is_built() # DAEMON
{
    [ -x "$bin/$1" ]
}

daemon_urls() # DAEMON: a comma-separated list, one address per replica
{
    printf 'http://127.0.0.1:%s' "$(instance_port "$1")"
    [ "$replicas" -lt 2 ] || printf ',http://127.0.0.1:%s' "$(instance_port "$1-2")"
}

# --- environment ---------------------------------------------------------------------------------

# A daemon signs with its own key and knows the keys of those who may call it, no others.
call_keys() # DAEMON
{
    local keys caller
    keys=$1:k1:$(secret "CALL_KEY_$(prefix_of "$1")")
    for caller in "${daemon_names[@]}"; do
        case ,${daemon_calls[$caller]}, in
        *,"$1",*) keys+=",$caller:k1:$(secret "CALL_KEY_$(prefix_of "$caller")")" ;;
        esac
    done
    printf '%s' "$keys"
}

role_password() # ROLE, like order_app
{
    secret "PASSWORD_$(prefix_of "$1")"
}

role_url() # ROLE
{
    pg_url "$1" "$(role_password "$1")"
}

expand() # VALUE with {kind:name} placeholders
{
    local text=$1 out='' token
    while [[ $text == *'{'*'}'* ]]; do
        out+=${text%%'{'*}
        text=${text#*'{'}
        token=${text%%'}'*}
        text=${text#*'}'}
        case $token in
        port:*) out+=$(port "${token#*:}") ;;
        url:*) out+=$(daemon_urls "${token#*:}") ;;
        addr:*) out+=http://127.0.0.1:$(instance_port "${token#*:}") ;;
        redis:*) out+=$(redis_url "${token#*:}") ;;
        pg:*) out+=$(role_url "${token#*:}") ;;
        secret:*) out+=$(secret "${token#*:}") ;;
        smtp) out+=smtp://127.0.0.1:$(port mail) ;;
        kafka) out+=$(kafka_brokers) ;;
        var) out+=$var ;;
        root) out+=$root ;;
        *) die "deploy/local/daemons: unknown placeholder {$token}" ;;
        esac
    done
    printf '%s%s' "$out" "$text"
}

instance_env() # INSTANCE: its whole configuration, one NAME=value a line
{
    local daemon prefix called line value
    daemon=$(instance_daemon "$1")
    prefix=$(prefix_of "$daemon")
    printf '%s_LISTEN=127.0.0.1:%s\n' "$prefix" "$(instance_port "$1")"
    [ -z "${daemon_schema[$daemon]}" ] ||
        printf '%s_DATABASE_URL=%s\n' "$prefix" "$(role_url "${daemon//-/_}_app")"
    printf 'TORG_CALL_KEYS=%s\n' "$(call_keys "$daemon")"
    printf 'KAFKA_BROKERS=%s\n' "$(kafka_brokers)"
    for called in ${daemon_calls[$daemon]//,/ }; do
        printf '%s_URL=%s\n' "$(prefix_of "$called")" "$(daemon_urls "$called")"
    done
    while IFS= read -r line; do
        [ -n "$line" ] || continue
        value=$(expand "${line#*=}") # a line of its own: a bad placeholder ends the script
        printf '%s=%s\n' "${line%%=*}" "$value"
    done <<<"${daemon_extra[$daemon]}"
}

run_with_env() # FILE COMMAND...: nothing of the caller's environment but the path
{
    local environment
    mapfile -t environment <"$1"
    shift
    env -i PATH="$PATH" HOME="${HOME:-/}" "${environment[@]}" "$@"
}

# --- start and health ----------------------------------------------------------------------------

daemon_migrate() # DAEMON: with the role that owns the schema; the running daemon never sees its URL
{
    local prefix
    [ -n "${daemon_schema[$1]}" ] || return 0
    prefix=$(prefix_of "$1")
    {
        instance_env "$1"
        printf '%s_MIGRATE_URL=%s\n' "$prefix" "$(role_url "${1//-/_}_owner")"
    } >"$var/env/$1.migrate.env"
    run_with_env "$var/env/$1.migrate.env" "$bin/$1" migrate >>"$var/log/$1.log" 2>&1 ||
        show_log "$1" "$1 migrate failed (to begin anew without its data: deploy/local/down --purge)"
}

daemon_launch() # INSTANCE: does not wait
{
    local daemon environment
    daemon=$(instance_daemon "$1")
    instance_env "$1" >"$var/env/$1.env"
    mapfile -t environment <"$var/env/$1.env"
    process_start "$1" env -i PATH="$PATH" HOME="${HOME:-/}" "${environment[@]}" "$bin/$daemon"
}

daemon_is_outdated() # INSTANCE: it runs an older binary or configuration than there is now
{
    local pid
    pid=$(process_pid "$1")
    [ -n "$pid" ] || return 1
    [[ $(readlink "/proc/$pid/exe") == *' (deleted)' ]] ||
        ! instance_env "$1" | cmp -s - "$var/env/$1.env"
}

daemon_answers() # INSTANCE
{
    curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$(instance_port "$1")/readyz" 2>/dev/null
}

instances_down() # INSTANCE...: all at once
{
    local instance
    for instance in "$@"; do
        process_signal "$instance" TERM
    done
    for instance in "$@"; do
        process_wait_end "$instance" 15
    done
}

daemons_down() # the gateway first, so that nothing new comes in
{
    local all
    instances_down gateway gateway-2
    mapfile -t all < <(replicas=2 instances | tac)
    instances_down "${all[@]}"
}
