# servers.sh - the private Postgres, two Redis, Kafka and mail server of this checkout: start, stop, health.
# Sourced after lib.sh, by up, down, status and tests/run. Every *_up leaves a running one alone.

pg_bin=/usr/lib/postgresql/15/bin

# --- Postgres ----------------------------------------------------------------------------------

# Root may not run Postgres, so it runs as the system user `postgres`, who must be able to reach its
# data; a checkout inside a closed home directory cannot hold it.
pg_as=()
if [ "$(id -u)" = 0 ]; then
    pg_as=(setpriv --reuid=postgres --regid=postgres --init-groups)
fi

pg_data()
{
    local elsewhere
    elsewhere=/var/lib/postgresql/torg-$(printf '%s' "$var" | cksum | cut -d' ' -f1)
    if [ ! -d "$elsewhere" ] && { [ -d "$var/postgres" ] || "${pg_as[@]}" test -x "$var"; }; then
        printf '%s/postgres' "$var"
    else
        printf '%s' "$elsewhere"
    fi
}

pg_url() # ROLE PASSWORD [DATABASE]
{
    printf 'postgres://%s:%s@127.0.0.1:%s/%s' "$1" "$2" "$(port postgres)" "${3:-torg}"
}

pg_super() # psql as the superuser; DATABASE, then psql's arguments
{
    local database=$1
    shift
    PGPASSWORD=$(secret POSTGRES_PASSWORD) PGOPTIONS='-c client_min_messages=warning' psql -X -q \
        -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port postgres)" -U postgres -d "$database" "$@"
}

pg_init() # DATA
{
    local pwfile
    if [ ! -d "$1" ]; then
        mkdir -p "$1"
        [ "$(id -u)" != 0 ] || chown postgres: "$1"
    fi
    pwfile=$(mktemp /tmp/torg-pw.XXXXXX)
    secret POSTGRES_PASSWORD >"$pwfile"
    [ "$(id -u)" != 0 ] || chown postgres: "$pwfile"
    (cd / && "${pg_as[@]}" "$pg_bin/initdb" -D "$1" -U postgres --auth=scram-sha-256 \
        --pwfile="$pwfile" -E UTF8 --locale=C.UTF-8) >"$var/log/initdb.log" 2>&1 || {
        rm -f "$pwfile"
        die "initdb failed; see $var/log/initdb.log"
    }
    rm -f "$pwfile"
}

postgres_up() # [SETTING=VALUE...]: durability stays on unless the caller (tests) says otherwise
{
    local data options=() setting
    [ -z "$(process_pid postgres)" ] || return 0
    data=$(pg_data)
    [ -f "$data/PG_VERSION" ] || pg_init "$data"
    for setting in listen_addresses=127.0.0.1 "port=$(port postgres)" unix_socket_directories= \
        wal_level=logical max_wal_senders=10 max_replication_slots=10 \
        max_slot_wal_keep_size=4GB logical_decoding_work_mem=64MB max_connections=500 \
        shared_buffers=256MB max_wal_size=2GB checkpoint_timeout=10min random_page_cost=1.1 \
        shared_preload_libraries=pg_stat_statements \
        log_min_duration_statement=1s log_line_prefix='%m [%p] %u ' timezone=UTC "$@"; do
        options+=(-c "$setting")
    done
    (cd / && process_start postgres "${pg_as[@]}" "$pg_bin/postgres" -D "$data" "${options[@]}")
    wait_ready postgres 60 pg_super postgres -c 'SELECT 1'
}

postgres_purge()
{
    rm -rf "$(pg_data)"
}

# --- Redis -------------------------------------------------------------------------------------

redis_url() # NAME
{
    printf 'redis://127.0.0.1:%s' "$(port "$1")"
}

redis_up() # NAME SETTING...
{
    local name=$1
    shift
    [ -z "$(process_pid "$name")" ] || return 0
    mkdir -p "$var/redis/$name"
    process_start "$name" redis-server --bind 127.0.0.1 --port "$(port "$name")" \
        --dir "$var/redis/$name" --save '' "$@"
    wait_ready "$name" 30 redis_ping "$name"
}

redis_carts_up() # an acknowledged cart survives the death of the process
{
    redis_up redis-carts --appendonly yes --appendfsync everysec --maxmemory-policy noeviction
}

redis_limits_up() # counters that may be lost
{
    redis_up redis-limits --appendonly no --maxmemory 64mb --maxmemory-policy volatile-ttl
}

redis_ping() # NAME
{
    [ "$(redis-cli -h 127.0.0.1 -p "$(port "$1")" ping)" = PONG ]
}

# --- Kafka -------------------------------------------------------------------------------------

kafka_brokers()
{
    printf '127.0.0.1:%s' "$(port kafka)"
}

kafka_java() # ARGUMENT...
{
    java -cp "$kafka_jars/*" "$@"
}

kafka_config() # one node that is broker and controller, on loopback
{
    cat <<CONFIG
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$(port kafka-controller)
listeners=PLAINTEXT://127.0.0.1:$(port kafka),CONTROLLER://127.0.0.1:$(port kafka-controller)
advertised.listeners=PLAINTEXT://127.0.0.1:${TORG_KAFKA_ADVERTISED:-$(port kafka)}
controller.listener.names=CONTROLLER
log.dirs=$var/kafka/data
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=67108864
CONFIG
}

kafka_uuid() # 16 random bytes in URL-safe base64; the tool refuses one that begins with '-'
{
    head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n' | sed 's/^-/T/'
}

kafka_up()
{
    [ -z "$(process_pid kafka)" ] || return 0
    mkdir -p "$var/kafka"
    kafka_config >"$var/kafka/server.properties"
    if [ ! -f "$var/kafka/data/meta.properties" ]; then
        rm -rf "$var/kafka/data"
        kafka_java kafka.tools.StorageTool format -t "$(kafka_uuid)" --standalone \
            -c "$var/kafka/server.properties" >"$var/log/kafka-format.log" 2>&1 ||
            die "formatting Kafka's storage failed; see $var/log/kafka-format.log"
    fi
    process_start kafka java -Xms128m -Xmx384m -XX:+UseSerialGC -Djava.awt.headless=true \
        -Dlog4j2.configurationFile="$root/deploy/local/kafka/log4j2.properties" \
        -cp "$kafka_jars/*" kafka.Kafka "$var/kafka/server.properties"
}

kafka_wait()
{
    wait_ready kafka 90 kafka_answers
}

kafka_answers()
{
    kcat -b "$(kafka_brokers)" -L -m 2 2>/dev/null | grep -q "broker 1 at"
}

# --- mail: keeps what it receives in memory ----------------------------------------------------------

mail_up()
{
    [ -z "$(process_pid mail)" ] || return 0
    process_start mail java -Xms16m -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dgreenmail.smtp.hostname=127.0.0.1 -Dgreenmail.smtp.port="$(port mail)" \
        -Dgreenmail.api.hostname=127.0.0.1 -Dgreenmail.api.port="$(port mail-api)" \
        -Dgreenmail.auth.disabled -cp "$mail_jars/*" \
        com.icegreen.greenmail.standalone.GreenMailStandaloneRunner
}

mail_wait()
{
    wait_ready mail 60 mail_answers
}

mail_answers()
{
    curl -fsS -m 2 "http://127.0.0.1:$(port mail-api)/api/service/readiness"
}

# --- all of them -------------------------------------------------------------------------------

SERVERS=(postgres redis-carts redis-limits kafka mail)

server_answers() # NAME
{
    case $1 in
    postgres) pg_super postgres -c 'SELECT 1' ;;
    redis-*) redis_ping "$1" ;;
    kafka) kafka_answers ;;
    mail) mail_answers ;;
    esac
}

servers_down()
{
    local name
    process_signal mail TERM
    process_signal kafka TERM
    process_signal redis-limits TERM
    process_signal redis-carts TERM
    process_signal postgres INT # fast: do not wait for clients
    for name in "${SERVERS[@]}"; do
        process_wait_end "$name" 30
    done
}
