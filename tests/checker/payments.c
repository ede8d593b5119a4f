/* payments.c - the payment ledger, what the orders say of it, and the provider's own book.
 *
 * A payment's id carries the time of its checkout, and an entry lives in the day of its payment: a
 * window of ids finds all of them. Kinds of entries: 1 authorize, 2 capture, 3 void, 4 refund;
 * outcomes: 1 requested, 2 succeeded, 3 failed, 4 unknown. */
#include "families.h"

#include "common/json.h"
#include "common/map.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>

enum { PROVIDER_TIMEOUT_S = 20 };

static check check_provider;

#define WINDOW "id >= $1 AND id < $2"
#define ENTRIES                                                                                    \
    "entry AS (SELECT payment_id,"                                                                 \
    " coalesce(sum(amount_minor) FILTER (WHERE kind = 1 AND outcome = 2), 0) AS authorized,"       \
    " coalesce(sum(amount_minor) FILTER (WHERE kind = 2 AND outcome = 2), 0) AS captured,"         \
    " coalesce(sum(amount_minor) FILTER (WHERE kind = 4 AND outcome = 2), 0) AS refunded"          \
    " FROM orders.payment_entry WHERE payment_id >= $1 AND payment_id < $2 GROUP BY payment_id)"

const struct invariant PAYMENTS[] = {
    {
        .name = "payment-ledger",
        .meaning = "a payment's captured and refunded amounts are the sums of its ledger, and what"
                   " it holds was authorized there",
        .schema = "orders",
        .broken =
            "WITH " ENTRIES " SELECT coalesce(p.id, payment_id)::text,"
            "        p.id IS NULL OR p.captured_minor <> coalesce(captured, 0)"
            "        OR p.refunded_minor <> coalesce(refunded, 0)"
            "        OR p.authorized_minor > coalesce(authorized, 0),"
            "        format('authorized %s, captured %s, refunded %s; the ledger says %s, %s, %s',"
            "               authorized_minor, captured_minor, refunded_minor, authorized, captured,"
            "               refunded)"
            "   FROM (SELECT id, authorized_minor, captured_minor, refunded_minor"
            "           FROM orders.payment WHERE " WINDOW ") AS p"
            "   FULL JOIN entry ON payment_id = p.id",
    },
    {
        .name = "payment-within",
        .meaning = "refunded <= captured <= authorized <= amount, and nothing below zero",
        .schema = "orders",
        .broken = "SELECT id::text, NOT (0 <= refunded_minor"
                  "       AND refunded_minor <= refund_requested_minor"
                  "       AND refund_requested_minor <= captured_minor"
                  "       AND captured_minor <= capture_requested_minor"
                  "       AND capture_requested_minor <= authorized_minor"
                  "       AND authorized_minor <= amount_minor),"
                  "       format('amount %s, authorized %s, captured %s of %s, refunded %s of %s',"
                  "              amount_minor, authorized_minor, captured_minor,"
                  "              capture_requested_minor, refunded_minor, refund_requested_minor)"
                  "  FROM orders.payment WHERE " WINDOW,
    },
    {
        .name = "payment-once",
        .meaning = "the n-th capture, void or refund of a payment has one key at the provider and"
                   " one outcome, and no two share a key",
        .schema = "orders",
        .broken = "SELECT concat_ws(' ', payment_id, kind, number),"
                  "       count(DISTINCT provider_key) > 1"
                  "       OR bool_or(outcome = 2) AND bool_or(outcome = 3)"
                  "       OR count(*) FILTER (WHERE outcome = 2) > 1"
                  "       OR min(keys) > 1,"
                  "       format('outcomes %s under keys %s', array_agg(outcome),"
                  "              array_agg(DISTINCT provider_key))"
                  "  FROM (SELECT *, count(*) FILTER (WHERE outcome = 2)"
                  "                    OVER (PARTITION BY payment_id, provider_key) AS keys"
                  "          FROM orders.payment_entry"
                  "         WHERE payment_id >= $1 AND payment_id < $2) AS entry"
                  " WHERE kind <> 1 GROUP BY payment_id, kind, number",
    },
    {
        .name = "payment-counted",
        .meaning = "captures, voids and refunds of a payment are numbered without gaps, up to its"
                   " counters",
        .schema = "orders",
        .broken = "WITH counted AS (SELECT payment_id, kind, max(number) AS last,"
                  "                        count(DISTINCT number) AS count"
                  "   FROM orders.payment_entry WHERE payment_id >= $1 AND payment_id < $2"
                  "  GROUP BY 1, 2)"
                  " SELECT concat_ws(' ', payment_id, kind), last <> count"
                  "        OR last > CASE kind WHEN 1 THEN attempt WHEN 2 THEN capture_count"
                  "                       WHEN 3 THEN void_count ELSE refund_count END,"
                  "        format('%s entries up to number %s', count, last)"
                  "   FROM counted JOIN orders.payment ON id = payment_id",
    },
    {
        .name = "payment-order",
        .meaning = "nothing is captured, and not given back, without an order",
        .schema = "orders",
        .when = SETTLED,
        .broken = "SELECT p.id::text, p.captured_minor > p.refunded_minor AND o.id IS NULL,"
                  "       format('captured %s, refunded %s, checkout %s', p.captured_minor,"
                  "              p.refunded_minor, p.checkout_id)"
                  "  FROM orders.payment AS p LEFT JOIN orders.orders AS o"
                  "    ON o.id = p.order_id AND p.order_id = p.checkout_id"
                  " WHERE p.id >= $1 AND p.id < $2",
    },
    {
        .name = "payment-given-back",
        .meaning = "of a cancelled checkout nothing is held, nothing is kept and no void is open",
        .schema = "orders",
        .broken = "SELECT p.id::text, p.authorized_minor > p.captured_minor"
                  "       OR p.captured_minor > p.refunded_minor OR p.is_voiding"
                  "       OR NOT p.is_cancelled OR p.state IN (2, 3, 4),"
                  "       format('state %s, authorized %s, captured %s, refunded %s, voiding %s',"
                  "              p.state, authorized_minor, captured_minor, refunded_minor,"
                  "              is_voiding)"
                  "  FROM orders.payment AS p JOIN orders.checkout AS c ON c.id = p.checkout_id"
                  " WHERE c.state = 9 AND p.id >= $1 AND p.id < $2"
                  "   AND c.update_time < now() - $3 * interval '1 second'",
    },
    {
        .name = "order-payments",
        .meaning = "the payments of an order that were not refused are in its currency and amount"
                   " to its total",
        .schema = "orders",
        .broken = "SELECT o.id::text, coalesce(sum(p.amount_minor), 0) <> o.total_minor"
                  "       OR bool_or(p.currency_code <> o.currency_code),"
                  "       format('total %s %s, payments %s', o.total_minor, o.currency_code,"
                  "              sum(p.amount_minor))"
                  "  FROM orders.orders AS o LEFT JOIN orders.payment AS p ON p.order_id = o.id"
                  "   AND p.checkout_id = o.id"
                  " WHERE o.id >= $1 AND o.id < $2 GROUP BY o.id",
    },
    {
        .name = "order-payment-status",
        .meaning = "an order's payment status is what its payments amount to; a paid one has"
                   " captures of exactly its total",
        .schema = "orders",
        .broken =
            "SELECT o.id::text, payment_status <> CASE"
            "         WHEN refunded >= captured AND refunded > 0 THEN 8"
            "         WHEN refunded > 0 THEN 7 WHEN captured >= total_minor THEN 4"
            "         WHEN has_failed THEN 5 WHEN captured > 0 THEN 3"
            "         WHEN authorized >= total_minor THEN 2 WHEN has_voided THEN 6 ELSE 1 END"
            "       OR captured > total_minor,"
            "       format('status %s; total %s, authorized %s, captured %s, refunded %s',"
            "              payment_status, total_minor, authorized, captured, refunded)"
            "  FROM orders.orders AS o,"
            "       LATERAL (SELECT coalesce(sum(authorized_minor), 0) AS authorized,"
            "                       coalesce(sum(captured_minor), 0) AS captured,"
            "                       coalesce(sum(refunded_minor), 0) AS refunded,"
            "                       coalesce(bool_or(state = 7), false) AS has_voided,"
            "                       coalesce(bool_or(capture_count > 0 AND captured_minor = 0"
            "                         AND capture_requested_minor = 0 AND NOT is_cancelled), false)"
            "                         AS has_failed"
            "                  FROM orders.payment WHERE checkout_id = o.id) AS sums"
            " WHERE o.id >= $1 AND o.id < $2",
    },
    {
        .name = "provider-book",
        .meaning = "what the provider holds, captured and refunded for each payment is what the"
                   " ledger says, both ways, with one capture of one intent",
        .when = SETTLED,
        .sources = SOURCE_PROVIDER,
        .check = check_provider,
    },
    {0},
};

/* What the provider says of one payment, over all its intents. */
struct account {
    int64_t held, captured, refunded, captures;
    bool is_known; /* to the ledger */
};

static size_t keep(char *data, size_t size, size_t count, void *closure)
{
    buffer_append(closure, data, size * count);
    return size * count;
}

static const struct json_node *fetch_book(struct audit *audit)
{
    const char *url = arena_printf(audit->arena, "%s/control/book", audit->settings.provider_url);
    const struct json_node *root = NULL;
    struct buffer body;
    CURL *curl = curl_easy_init();

    buffer_init(&body, audit->arena, 1 << 16);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)PROVIDER_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK)
        audit_fail(audit, "provider %s: %s", url, curl_easy_strerror(code));
    else if (json_parse(audit->arena, body.data, body.length, &root).code != STATUS_OK)
        audit_fail(audit, "provider %s: no JSON", url);
    return root;
}

static int64_t amount(const struct json_node *intent, const char *name)
{
    int64_t value = 0;

    (void)json_to_int64(json_member(intent, name), &value);
    return value;
}

/* By payment id, the sums of its intents. */
static struct map *read_book(struct audit *audit, const struct json_node *book)
{
    struct map *accounts = map_create(audit->arena, 1024);
    const struct json_node *intents = json_member(book, "intents");

    for (const struct json_node *intent = intents ? intents->child : NULL; intent != NULL;
         intent = intent->next) {
        const char *id = str_or_empty(json_text(json_member(intent, "payment_id")));
        struct account *account = map_get(accounts, id);
        if (account == NULL) {
            account = arena_new(audit->arena, struct account);
            map_set(accounts, id, account);
        }
        account->held += amount(intent, "held");
        account->captured += amount(intent, "captured");
        account->refunded += amount(intent, "refunded");
        account->captures += amount(intent, "captured") > 0;
    }
    return accounts;
}

/* Money that the provider has and the ledger does not know. */
static void find_unknown(struct audit *audit, const struct json_node *book, struct map *accounts,
                         struct findings *findings)
{
    const struct json_node *intents = json_member(book, "intents");

    for (const struct json_node *intent = intents ? intents->child : NULL; intent != NULL;
         intent = intent->next) {
        const char *id = str_or_empty(json_text(json_member(intent, "payment_id")));
        struct account *account = map_get(accounts, id);
        if (account->is_known || !audit_covers(audit, id))
            continue;
        account->is_known = true; // told once
        findings->checked++;
        if (account->held > 0 || account->captured > 0)
            findings_add(audit, findings, id,
                         "the provider holds %" PRId64 " and captured %" PRId64
                         ", the ledger knows nothing of it",
                         account->held, account->captured);
    }
}

static void check_provider(struct audit *audit, struct findings *findings)
{
    static const struct account NONE;
    const struct json_node *book = fetch_book(audit);

    if (book == NULL)
        return;
    /* A book that was begun later, by a provider that forgets, cannot know older payments. */
    _cleanup_(result_clear) PGresult *rows = database_query(
        audit, "orders",
        arena_printf(audit->arena,
                     "SELECT id, authorized_minor - captured_minor, captured_minor, refunded_minor"
                     "  FROM orders.payment WHERE provider = 'stripe' AND " WINDOW
                     "   AND create_time >= to_timestamp(%" PRId64 "::numeric / 1000)",
                     amount(book, "begun_ms")));
    struct map *accounts = read_book(audit, book);

    for (int i = 0; rows != NULL && i < PQntuples(rows); i++) {
        const char *id = PQgetvalue(rows, i, 0);
        struct account *account = map_get(accounts, id);
        const struct account *found = account ? account : &NONE;
        int64_t sums[3] = {0};
        for (int k = 0; k < 3; k++)
            (void)str_to_int64(PQgetvalue(rows, i, k + 1), &sums[k]);
        if (account != NULL)
            account->is_known = true;
        findings->checked++;
        if (found->held != sums[0] || found->captured != sums[1] || found->refunded != sums[2] ||
            found->captures > 1)
            findings_add(audit, findings, id,
                         "ledger: held %" PRId64 ", captured %" PRId64 ", refunded %" PRId64
                         "; provider: %" PRId64 ", %" PRId64 ", %" PRId64 " in %" PRId64
                         " captures",
                         sums[0], sums[1], sums[2], found->held, found->captured, found->refunded,
                         found->captures);
    }
    if (rows != NULL)
        find_unknown(audit, book, accounts, findings);
}
