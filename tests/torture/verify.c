/* verify.c - is everything true that clients were told? Reads the history back, asks again whatever
 * was never answered, and compares with what the shop says and holds when nothing moves any more.
 *
 * - A key leads to one order at most; an order that a client was told of exists, at that total.
 * - A refused key has no order, and every order has a key that a client sent.
 * - The last acknowledged price and publication are what a buyer sees; a change that was never
 *   acknowledged may or may not have happened.
 * - What was acknowledged exists: carts, promotions, accounts, imports; an adjustment of stock
 *   once, a cancelled order is cancelled. */
#include "torture.h"

#include "common/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 4096,
    VALUE_MAX = 96,
    ENTRIES_MAX = 400000,
    TRIES = 20,
    LOOKS = 100,
    CARTS_ASKED = 200,
    ACCOUNTS_ASKED = 10,
};

/* What is known of one operation: all attempts of one key, else one request. */
struct entry {
    const char *operation, *key, *subject, *value, *order, *paid, *method;
    bool is_ok, is_refused, is_open; /* is_open: an attempt without an answer */
};

struct record {
    struct client *admin;
    struct arena *arena;
    struct entry *entries;
    size_t count;
    int untrue;
};

static void _printf_(2, 3) find_untrue(struct record *record, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("# NOT TRUE: %s\n", arena_vprintf(record->arena, format, args));
    va_end(args);
    record->untrue++;
}

/* The value of " NAME=" in the line, else "". */
static const char *fact(struct arena *arena, const char *line, const char *name)
{
    const char *pattern = arena_printf(arena, " %s=", name);
    const char *found = strstr(line, pattern);

    if (found == NULL)
        return "";
    found += strlen(pattern);
    return arena_strndup(arena, found, strcspn(found, " \n"));
}

/* --- reading -----------------------------------------------------------------------------------
 */

static const char *const SUBJECTS[][3] = {
    /* operation, what it is about, the value that it sets */
    {"checkout", "cart", "total"},
    {"checkout-read", "checkout", ""},
    {"cart", "cart", "quantity"},
    {"customer", "cart", ""},
    {"price", "slug", "price"},
    {"publish", "slug", "published"},
    {"promotion", "promotion", "code"},
    {"register", "email", ""},
    {"adjust", "reference", ""},
    {"import", "import", ""},
    {"cancel", "order", ""},
};

static struct entry *find_key(struct record *record, const char *key)
{
    for (size_t i = record->count; i > 0 && *key != '\0'; i--) // most are recent
        if (str_equal(record->entries[i - 1].key, key))
            return &record->entries[i - 1];
    return NULL;
}

static void take_order(struct record *record, struct entry *entry, const char *line)
{
    const char *order = fact(record->arena, line, "order");

    if (*order == '\0' || !str_starts_with(entry->operation, "checkout"))
        return; // a cancel names an order, too
    if (entry->order != NULL && !str_equal(entry->order, order))
        find_untrue(record, "key %s got order %s and order %s", entry->key, entry->order, order);
    entry->order = order;
    entry->paid = fact(record->arena, line, "paid");
}

static void add_outcome(struct record *record, struct entry *entry, const char *word,
                        const char *line)
{
    // An attempt that was told "placed" or "refused" has answered for the key's other attempts.
    if (str_equal(word, "ok"))
        entry->is_ok = true;
    else if (str_equal(word, "refused") && strstr(line, " status=401") == NULL)
        entry->is_refused = true;
    else
        entry->is_open = true; // who is not let in learns nothing of what was asked before
    take_order(record, entry, line);
}

static void read_line(struct record *record, const char *line)
{
    char client[32], word[16], operation[32];
    struct arena *arena = record->arena;
    size_t kind = 0;

    if (sscanf(line, "%*d %31s %*d %15s %31s", client, word, operation) != 3 ||
        str_equal(word, "invoke") || str_equal(word, "note"))
        return;
    while (kind < ARRAY_LEN(SUBJECTS) && !str_equal(SUBJECTS[kind][0], operation))
        kind++;
    if (kind == ARRAY_LEN(SUBJECTS))
        return;
    const char *key = fact(arena, line, "key");
    if (str_equal(operation, "checkout-read")) // what became of the checkout that `of` began
        key = fact(arena, line, "of");
    struct entry *entry = str_equal(key, "-") ? NULL : find_key(record, key);
    if (entry == NULL) {
        if (record->count == ENTRIES_MAX)
            return;
        entry = &record->entries[record->count++];
        entry->operation = SUBJECTS[kind][0];
        entry->key = key;
        entry->method = fact(arena, line, "method");
    }
    // An answer knows more than a question: the id of what it made.
    if (str_is_empty(entry->subject))
        entry->subject = fact(arena, line, SUBJECTS[kind][1]);
    if (str_is_empty(entry->value))
        entry->value = fact(arena, line, SUBJECTS[kind][2]);
    add_outcome(record, entry, word, line);
}

static bool read_history(struct record *record, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[LINE_MAX_BYTES];

    if (file == NULL)
        return false;
    while (fgets(line, sizeof line, file) != NULL)
        read_line(record, line);
    fclose(file);
    return true;
}

/* --- asking ------------------------------------------------------------------------------------
 */

static struct reply ask(struct record *record, bool is_admin, const char *path)
{
    struct request request = {
        .operation = "verify", .method = "GET", .path = path, .is_admin = is_admin};

    return client_insist(record->admin, &request, TRIES);
}

static bool is_settled(const struct entry *entry)
{
    return entry->order != NULL || entry->is_refused;
}

/* Asks with the same key and body until the answer is final; what it answers is kept. */
static void ask_again(struct record *record, struct entry *entry)
{
    struct arena *arena = record->arena;
    const char *tender =
        str_equal(entry->method, "manual")
            ? "\"providerAccount\":\"manual\""
            : arena_printf(arena, "\"providerAccount\":\"stripe\",\"paymentMethod\":\"%s\"",
                           entry->method);
    struct request request = {
        .operation = "checkout-again",
        .method = "POST",
        .path = "/checkouts",
        .body = arena_printf(arena,
                             "{\"cartId\":\"%s\",\"expectedTotal\":{\"minorUnits\":\"%s\","
                             "\"currencyCode\":\"EUR\"},\"tenders\":[{%s}]}",
                             entry->subject, entry->value, tender),
        .key = entry->key,
    };
    struct reply reply = {0};

    for (int i = 0; i < LOOKS && !is_settled(entry); i++) {
        reply = client_insist(record->admin, &request, TRIES);
        const char *order = reply_text(reply, "orderId");
        entry->is_refused = reply.outcome == OUTCOME_REFUSED;
        entry->order = *order == '\0' ? NULL : order;
        entry->paid = reply_text(reply, "total.minorUnits");
        if (!is_settled(entry))
            client_pause(record->admin, 300, 900);
    }
    if (!is_settled(entry))
        find_untrue(record, "checkout with key %s never ends: %ld %s", entry->key, reply.status,
                    reply_text(reply, "state"));
}

/* A customer's checkout is only theirs: its key is asked again by its owner, who is gone. What the
 * database holds decides about it. */
static bool is_of_guest(const struct record *record, const struct entry *checkout)
{
    for (size_t i = 0; i < record->count; i++)
        if (str_equal(record->entries[i].operation, "customer") &&
            str_equal(record->entries[i].subject, checkout->subject))
            return false;
    return true;
}

static int ask_what_was_never_answered(struct record *record)
{
    int asked = 0;

    for (size_t i = 0; i < record->count; i++) {
        struct entry *entry = &record->entries[i];
        if (!str_equal(entry->operation, "checkout") || is_settled(entry) ||
            !is_of_guest(record, entry))
            continue;
        ask_again(record, entry);
        asked++;
    }
    return asked;
}

/* --- comparing ---------------------------------------------------------------------------------
 */

static bool was_cancelled(const struct record *record, const char *order, bool *ret_is_surely)
{
    bool was_asked = false;

    *ret_is_surely = false;
    for (size_t i = 0; i < record->count; i++) {
        const struct entry *entry = &record->entries[i];
        if (!str_equal(entry->operation, "cancel") || !str_equal(entry->subject, order))
            continue;
        was_asked = true;
        *ret_is_surely |= entry->is_ok;
    }
    return was_asked;
}

/* One row of the database: key, order, state, total. */
static void check_sale(struct record *record, char *row, bool *is_held)
{
    char *rest = NULL, *key = strtok_r(row, " ", &rest), *order = strtok_r(NULL, " ", &rest),
         *state = strtok_r(NULL, " ", &rest), *total = strtok_r(NULL, " ", &rest);
    struct entry *entry = find_key(record, key);
    bool is_surely = false;

    if (entry == NULL || !str_equal(entry->operation, "checkout")) {
        find_untrue(record, "order %s has key %s, which nobody sent", order, key);
        return;
    }
    is_held[entry - record->entries] = true;
    if (entry->order != NULL && !str_equal(entry->order, order))
        find_untrue(record, "key %s was told order %s and has order %s", key, entry->order, order);
    if (entry->order == NULL && entry->is_refused)
        find_untrue(record, "key %s was refused and has order %s", key, order);
    if (!str_is_empty(entry->paid) && !str_equal(entry->paid, total))
        find_untrue(record, "order %s costs %s, its buyer was told %s", order, total, entry->paid);
    bool was_asked = was_cancelled(record, order, &is_surely);
    if (is_surely != str_equal(state, "2") && (is_surely || !was_asked))
        find_untrue(record, "order %s is in state %s, cancelled: %s", order, state,
                    is_surely ? "yes" : "no");
}

static int check_sales(struct record *record)
{
    int status, count = 0;
    char *rows = process_ask(record->arena, "sales", &status), *rest = NULL;
    bool *is_held = arena_array(record->arena, bool, record->count + 1);

    if (status != 0)
        find_untrue(record, "the orders could not be read");
    for (char *row = strtok_r(rows, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest), count++)
        check_sale(record, row, is_held);
    for (size_t i = 0; i < record->count; i++)
        if (record->entries[i].order != NULL && !is_held[i])
            find_untrue(record, "key %s was told order %s, which does not exist",
                        record->entries[i].key, record->entries[i].order);
    return count;
}

/* The shop shows the last acknowledged value, or one whose change was never acknowledged. */
static bool is_possible(const struct record *record, const char *operation, const char *slug,
                        const char *shown)
{
    const char *last = NULL;

    for (size_t i = 0; i < record->count; i++) {
        const struct entry *entry = &record->entries[i];
        if (!str_equal(entry->operation, operation) || !str_equal(entry->subject, slug))
            continue;
        if (entry->is_ok)
            last = entry->value;
        else if (entry->is_open && str_equal(entry->value, shown))
            return true;
    }
    return last == NULL || str_equal(last, shown);
}

static const char *show(struct record *record, const char *operation, const char *slug)
{
    struct reply reply = ask(record, false, arena_printf(record->arena, "/products/%s", slug));

    if (str_equal(operation, "publish"))
        return reply.outcome == OUTCOME_OK ? "1" : "0";
    return reply_text(reply, "product.variants.0.price.gross.minorUnits");
}

static void check_shown(struct record *record, const char *operation, const struct item *items,
                        int count)
{
    for (int i = 0; i < count; i++) {
        const char *shown = show(record, operation, items[i].slug);
        if (!is_possible(record, operation, items[i].slug, shown))
            find_untrue(record, "%s of %s is shown as %s, not as acknowledged", operation,
                        items[i].slug, shown);
    }
}

static bool was_bought(const struct record *record, const char *cart)
{
    for (size_t i = 0; i < record->count; i++)
        if ((str_equal(record->entries[i].operation, "checkout") ||
             str_equal(record->entries[i].operation, "customer")) &&
            str_equal(record->entries[i].subject, cart))
            return true;
    return false;
}

static void check_cart(struct record *record, const struct entry *entry, int *asked)
{
    if (*asked >= CARTS_ASKED || was_bought(record, entry->subject))
        return;
    struct reply reply =
        ask(record, false, arena_printf(record->arena, "/carts/%s", entry->subject));
    ++*asked;
    if (!str_equal(reply_text(reply, "cart.lines.0.quantity"), entry->value))
        find_untrue(record, "cart %s has not its %s pieces: %ld %s", entry->subject, entry->value,
                    reply.status, reply.reason);
}

static void check_import(struct record *record, const struct entry *entry)
{
    struct reply reply =
        ask(record, true, arena_printf(record->arena, "/imports/%s", entry->subject));

    if (!str_equal(reply_text(reply, "import.state"), "IMPORT_STATE_SUCCEEDED") ||
        reply_int(reply, "import.counts.rowsRefused") != 0)
        find_untrue(record, "import %s is %s", entry->subject, reply_text(reply, "import.state"));
}

static void check_account(struct record *record, const struct entry *entry, int *asked)
{
    if (++*asked > ACCOUNTS_ASKED)
        return;
    struct request request = {
        .operation = "verify",
        .method = "POST",
        .path = "/account/login",
        .body =
            arena_printf(record->arena, "{\"email\":\"%s\",\"password\":\"correct horse battery\"}",
                         entry->subject),
    };
    struct reply reply = client_insist(record->admin, &request, TRIES);
    if (reply.outcome != OUTCOME_OK)
        find_untrue(record, "%s registered and cannot sign in: %ld %s", entry->subject,
                    reply.status, reply.reason);
}

static void check_acknowledged(struct record *record)
{
    int carts = 0, accounts = 0;

    for (size_t i = 0; i < record->count; i++) {
        const struct entry *entry = &record->entries[i];
        if (!entry->is_ok)
            continue;
        if (str_equal(entry->operation, "cart"))
            check_cart(record, entry, &carts);
        else if (str_equal(entry->operation, "import"))
            check_import(record, entry);
        else if (str_equal(entry->operation, "register"))
            check_account(record, entry, &accounts);
        else if (str_equal(entry->operation, "promotion") &&
                 ask(record, true, arena_printf(record->arena, "/promotions/%s", entry->subject))
                         .outcome != OUTCOME_OK)
            find_untrue(record, "promotion %s does not exist", entry->subject);
    }
}

static const struct entry *find_subject(const struct record *record, const char *operation,
                                        const char *subject)
{
    for (size_t i = 0; i < record->count; i++)
        if (str_equal(record->entries[i].operation, operation) &&
            str_equal(record->entries[i].subject, subject))
            return &record->entries[i];
    return NULL;
}

/* An acknowledged adjustment was posted once, any other at most once. */
static void check_adjustments(struct record *record)
{
    int status;
    char *rows = process_ask(record->arena, "references", &status), *rest = NULL;
    bool *is_posted = arena_array(record->arena, bool, record->count + 1);

    for (char *row = strtok_r(rows, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
        char *count = strchr(row, ' ');
        *count++ = '\0';
        const struct entry *entry = find_subject(record, "adjust", row);
        if (entry == NULL || !str_equal(count, "1"))
            find_untrue(record, "adjustment %s was posted %s times", row, count);
        else
            is_posted[entry - record->entries] = true;
    }
    for (size_t i = 0; i < record->count; i++)
        if (str_equal(record->entries[i].operation, "adjust") && record->entries[i].is_ok &&
            !is_posted[i])
            find_untrue(record, "adjustment %s was acknowledged and is not posted",
                        record->entries[i].subject);
}

int verify_history(const char *path, struct client *admin)
{
    struct record record = {.admin = admin, .arena = admin->arena};

    record.entries = calloc(ENTRIES_MAX, sizeof *record.entries);
    if (record.entries == NULL || !read_history(&record, path)) {
        printf("# NOT TRUE: the history cannot be read\n");
        return 1;
    }
    int asked = ask_what_was_never_answered(&record);
    int orders = check_sales(&record);
    check_shown(&record, "price", admin->shop->items, ITEMS);
    check_shown(&record, "publish", admin->shop->shelves, SHELVES);
    check_acknowledged(&record);
    check_adjustments(&record);
    printf("# verified: %zu operations, %d orders; %d checkouts without an answer asked again, "
           "%d statements untrue\n",
           record.count, orders, asked, record.untrue);
    free(record.entries);
    return record.untrue;
}
