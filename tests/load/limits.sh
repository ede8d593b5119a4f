# limits.sh - what the parts can do without us: the web server with the same bytes, Postgres with as
# many commits of the same shape, Redis with a script of the same size. Sourced by run.

floor_pid=

floor_start() # FILE: the web server answers its bytes
{
    limits_stop
    WEB_FLOOR_FILE=$1 WEB_FLOOR_LISTEN=127.0.0.1:$(port webhooks) WEB_FLOOR_THREADS=320 \
        WEB_FLOOR_INFLIGHT_MAX=304 LOG_LEVEL=warn "$bin/web_floor" >>"$var/log/web-floor.log" 2>&1 &
    floor_pid=$!
    until curl -fsS -o /dev/null "http://127.0.0.1:$(port webhooks)/readyz" 2>/dev/null; do
        kill -0 "$floor_pid" || die "web_floor did not start; see $var/log/web-floor.log"
    done
}

limits_stop()
{
    [ -z "$floor_pid" ] || kill "$floor_pid" 2>/dev/null || true
    [ -z "$floor_pid" ] || wait "$floor_pid" 2>/dev/null || true
    floor_pid=
}

floor_once() # CALLERS
{
    "$bin/torg-load" --url "http://127.0.0.1:$(port webhooks)" --flow bytes --callers "$1" \
        --seconds "$seconds" --warm "$warm"
}

web_limit() # FILE CALLERS REQUESTS: flows of so many requests a second, answered from the file
{
    floor_start "$1"
    repeated per_s floor_once "$2" >"$var/limit"
    limits_stop
    echo $(($(field per_s "$(cat "$var/limit")") / $3))
}

# As many transactions as a checkout commits, as many statements in each; every statement adds a row
# so large that the write-ahead log grows by as many bytes.
commit_script() # STATEMENTS COMMITS WAL_BYTES
{
    awk -v statements="$1" -v commits="$2" -v wal="$3" 'BEGIN {
        rows = int(statements + 0.5); transactions = int(commits + 0.5)
        if (transactions < 1) transactions = 1
        if (rows < transactions) rows = transactions
        size = int(wal / rows) - 150; if (size < 1) size = 1
        print "\\set balance random(1, 2000)"
        for (t = 0; t < transactions; t++) {
            print "BEGIN;"
            for (r = int(rows * t / transactions); r < int(rows * (t + 1) / transactions); r++)
                printf "INSERT INTO bench.entry (balance_id, payload) VALUES (:balance, left(repeat(md5(:balance::text), %d), %d));\n",
                    size / 32 + 1, size
            print "COMMIT;"
        }
    }'
}

pgbench_limit() # SCRIPT CLIENTS: runs of the script a second
{
    local whole=${seconds%.*}
    PGPASSWORD=$(secret POSTGRES_PASSWORD) "$pg_bin/pgbench" -h 127.0.0.1 -p "$(port postgres)" \
        -U postgres -n -M prepared -f "$1" -c "$2" -j 1 -T $((whole > 0 ? whole : 1)) torg 2>>"$var/log/pgbench.log" |
        sed -nE 's/^tps = ([0-9]+).*/\1/p'
}

# Reads a cart, changes it, writes it, adds to the stream: what cart's script does to Redis.
CART_SCRIPT='local c = redis.call("HMGET", KEYS[1], "v", "b") redis.call("HSET", KEYS[1], "v", (tonumber(c[1] or "0") or 0) + 1, "b", ARGV[1]) redis.call("PEXPIRE", KEYS[1], 600000) redis.call("ZADD", KEYS[2], 1, KEYS[1]) redis.call("XADD", KEYS[3], "MAXLEN", "~", 1000, "*", "e", ARGV[1]) return c[2]'

redis_limit() # BYTES CLIENTS: scripts a second
{
    local payload
    payload=$(head -c "$1" /dev/zero | tr '\0' x)
    redis-benchmark -p "$(port redis-carts)" -c "$2" -n "$([ $quick = yes ] && echo 2000 || echo 50000)" -r 10000 -q --csv \
        EVAL "$CART_SCRIPT" 3 '{bench}:__rand_int__' '{bench}:all' '{bench}:stream' "$payload" |
        tail -n 1 | sed -E 's/.*","([0-9]+)\..*/\1/; s/^"[^"]*","([0-9.]*)".*/\1/' | cut -d. -f1
    redis-cli -p "$(port redis-carts)" --scan --pattern '{bench}*' |
        xargs -r redis-cli -p "$(port redis-carts)" unlink >/dev/null
}
