# schemas.sh - roles and schemas of the daemons, brought to what their binaries expect. Sourced after
# servers.sh and daemons.sh.

# A psql script for all services: passwords must not show in anybody's process list.
service_roles()
{
    local daemon role
    for daemon in "${daemon_names[@]}"; do
        [ -n "${daemon_schema[$daemon]}" ] || continue
        role=${daemon//-/_}
        printf '\\set %s %s\n' schema "${daemon_schema[$daemon]}" \
            owner "${role}_owner" owner_password "$(role_password "${role}_owner")" \
            app "${role}_app" app_password "$(role_password "${role}_app")"
        printf "\\\\i '%s'\n" "$root/deploy/local/service.sql"
    done
}

relay_setup() # after the migrations: it lists the outboxes there are
{
    printf '\\set %s %s\n' role relay password "$(role_password relay)"
    printf "\\\\i '%s'\n" "$root/outbox-relay/setup.sql"
}

auditor_setup() # for tests/invariants, after all tables are there
{
    printf '\\set %s %s\n' role torg_auditor password "$(role_password torg_auditor)"
    printf "\\\\i '%s'\n" "$root/deploy/local/auditor.sql"
}

schemas_migrate() # DAEMON...
{
    local daemon
    service_roles | pg_super torg >/dev/null
    for daemon in "$@"; do
        ! daemon_is_built "$daemon" || daemon_migrate "$daemon"
    done
    relay_setup | pg_super torg >/dev/null
    auditor_setup | pg_super torg >/dev/null
}
