-- Partitions of a day for every table of the schema that is partitioned by range of one UUIDv7
-- column. A function of the owner, so the running role needs no DDL. Forward-only; nothing that
-- runs depends on it yet.

-- How long old partitions stay; a table without a row here keeps them for good.
CREATE TABLE {schema}.partition_policy (
    table_name name NOT NULL PRIMARY KEY,
    keep_days  bigint NOT NULL CHECK (keep_days >= 1)
);

GRANT SELECT ON {schema}.partition_policy TO {app};

-- The first UUIDv7 of a day: 48 bits of milliseconds, then zeros.
CREATE FUNCTION {schema}.partition_bound(day date) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(extract(epoch FROM day)::bigint * 1000), 12, '0') || repeat('0', 20))::uuid
$$;

-- From yesterday (clocks differ) to `days_ahead` days from now. A new partition is made apart and
-- then attached, which does not stop readers or writers of its table. Dropping an old one does, so
-- it gives up at once when the table is busy and is tried again the next time.
CREATE FUNCTION {schema}.make_partitions(days_ahead bigint, OUT made bigint, OUT dropped bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    parent    record;
    day       date;
    today     date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    partition name;
BEGIN
    made := 0;
    dropped := 0;
    PERFORM pg_advisory_xact_lock(hashtextextended('{schema} partitions', 0));
    FOR parent IN
        SELECT c.oid, c.relname, policy.keep_days
          FROM pg_partitioned_table p
          JOIN pg_class c ON c.oid = p.partrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
          LEFT JOIN {schema}.partition_policy policy ON policy.table_name = c.relname
         WHERE c.relnamespace = '{schema}'::regnamespace AND p.partstrat = 'r'
           AND p.partnatts = 1 AND a.atttypid = 'uuid'::regtype
         ORDER BY c.relname
    LOOP
        FOR day IN SELECT generate_series(today - 1, today + days_ahead::int, '1 day')::date
        LOOP
            partition := format('%s_p%s', parent.relname, to_char(day, 'YYYYMMDD'));
            CONTINUE WHEN to_regclass(format('{schema}.%I', partition)) IS NOT NULL;
            EXECUTE format('CREATE TABLE {schema}.%I (LIKE {schema}.%I INCLUDING DEFAULTS'
                           ' INCLUDING CONSTRAINTS INCLUDING STORAGE)', partition, parent.relname);
            EXECUTE format('ALTER TABLE {schema}.%I ATTACH PARTITION {schema}.%I'
                           ' FOR VALUES FROM (%L) TO (%L)', parent.relname, partition,
                           {schema}.partition_bound(day), {schema}.partition_bound(day + 1));
            made := made + 1;
        END LOOP;
        CONTINUE WHEN parent.keep_days IS NULL;
        FOR partition IN
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
             WHERE i.inhparent = parent.oid
               AND c.relname < format('%s_p%s', parent.relname,
                                      to_char(today - parent.keep_days::int, 'YYYYMMDD'))
             ORDER BY c.relname
        LOOP
            BEGIN
                SET LOCAL lock_timeout = '100ms';
                EXECUTE format('DROP TABLE {schema}.%I', partition);
                dropped := dropped + 1;
            EXCEPTION WHEN lock_not_available THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION {schema}.make_partitions(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {schema}.make_partitions(bigint) TO {app};
