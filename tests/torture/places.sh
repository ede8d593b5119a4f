# places.sh - what run and hand share: the ports of this shop and the connections that can be harmed.
# Sourced after deploy/local's lib.sh, servers.sh and daemons.sh.
#
# Behind the shop's forty ports: the proxy's control port, then one port for each link.
control_port=$((port_base + 40))
link_names=()
declare -A link_port link_target

link_add() # NAME TARGET_PORT
{
    link_names+=("$1")
    link_port[$1]=$((control_port + ${#link_names[@]}))
    link_target[$1]=$2
}

# One link for each daemon to Postgres, one for each instance that others call.
links_load()
{
    local daemon
    link_add kafka "$(port kafka)"
    link_add redis-cart "$(port redis-carts)"
    link_add redis-outbox-relay "$(port redis-carts)"
    link_add redis-gateway "$(port redis-limits)"
    link_add provider "$(instance_port stripe-simulator)"
    link_add postgres-outbox-relay "$(port postgres)"
    for daemon in "${daemon_names[@]}"; do
        [ -z "${daemon_schema[$daemon]}" ] || link_add "postgres-$daemon" "$(port postgres)"
    done
    for daemon in catalog pricing inventory marketing cart order customer platform; do
        link_add "$daemon" "$(instance_port "$daemon")"
        link_add "$daemon-2" "$(instance_port "$daemon-2")"
    done
}
links_load

proxy_arguments()
{
    local name
    for name in "${link_names[@]}"; do
        printf '%s=%s:%s\n' "$name" "${link_port[$name]}" "${link_target[$name]}"
    done
}

# The daemons' environment once more, with the links for addresses, and with leases so short that a
# frozen process outlives them. In the form of deploy/local/daemons.
settings_write()
{
    local daemon called role
    for daemon in "${daemon_names[@]}"; do
        [ "$daemon" != stripe-simulator ] || continue
        printf '%s\n    KAFKA_BROKERS=127.0.0.1:%s\n' "$daemon" "${link_port[kafka]}"
        role=$(prefix_of "$daemon")_APP
        [ -z "${daemon_schema[$daemon]}" ] ||
            printf '    %s_DATABASE_URL=postgres://%s:{secret:PASSWORD_%s}@127.0.0.1:%s/torg\n' \
                "$(prefix_of "$daemon")" "${role,,}" "$role" "${link_port[postgres-$daemon]}"
        for called in ${daemon_calls[$daemon]//,/ }; do
            printf '    %s_URL=http://127.0.0.1:%s,http://127.0.0.1:%s\n' "$(prefix_of "$called")" \
                "${link_port[$called]}" "${link_port[$called-2]}"
        done
        printf '    EVENTS_SESSION_TIMEOUT=6s\n    EVENTS_RETRY_BACKOFF_MAX=2s\n'
    done
    cat <<SETTINGS
cart
    CART_REDIS_URL=redis://127.0.0.1:${link_port[redis-cart]}
    CART_ABANDONED_AFTER=5s
    CART_ABANDONED_INTERVAL=1s
order
    ORDER_STRIPE_URL=http://127.0.0.1:${link_port[provider]}
    ORDER_STRIPE_TIMEOUT=2s
    ORDER_STRIPE_SETTLE=20s
    ORDER_CHECKOUT_TTL=45s
    ORDER_ACTION_TTL=20s
    ORDER_RESUME_EVERY=2s
outbox-relay
    RELAY_DATABASE_URL=postgres://relay:{secret:PASSWORD_RELAY}@127.0.0.1:${link_port[postgres-outbox-relay]}/torg
    RELAY_CART_REDIS_URL=redis://127.0.0.1:${link_port[redis-outbox-relay]}
    RELAY_LIVENESS=4s
gateway
    GATEWAY_LIMITS_REDIS_URL=redis://127.0.0.1:${link_port[redis-gateway]}
    GATEWAY_CHECKOUT_LEASE=3s
    GATEWAY_IMPORT_LEASE=4s
SETTINGS
}
