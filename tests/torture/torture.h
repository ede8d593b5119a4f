/* torture.h - what the parts of the torture share.
 *
 * main.c runs it. schedule.c decides what breaks when, fault.c lists what can break, process.c
 * breaks it. buyer.c, admin.c and importer.c use the shop through client.c, which records every
 * request in the history; verify.c reads the history back and asks the shop whether it is true. */
#pragma once

#include "common/arena.h"
#include "common/compiler.h"
#include "common/json.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { GATEWAYS = 2, ITEMS = 12, SHELVES = 6, CLIENTS_MAX = 32, COUPONS = 4 };

/* Splitmix64: the same seed, the same rolls. */
struct dice {
    uint64_t state;
};
uint64_t dice_next(struct dice *dice);
int64_t dice_roll(struct dice *dice, int64_t sides);                /* 0 to sides - 1 */
int64_t dice_between(struct dice *dice, int64_t low, int64_t high); /* both included */
bool dice_chance(struct dice *dice, int64_t percent);

/* --- what is sold: made before anybody buys, then only prices and stock change --- */

struct item {
    const char *product_id, *variant_id, *slug;
};

struct shop {
    const char *var;  /* TORG_VAR of the shop */
    const char *hand; /* the script that breaks and mends */
    const char *gateways[GATEWAYS];
    const char *simulator;
    const char *publishable_key, *admin_key;
    const char *channel_id, *price_list_id, *warehouse_ids[2];
    struct item items[ITEMS];
    struct item shelves[SHELVES]; /* published and withdrawn all the time */
    const char *coupons[COUPONS];
    atomic_bool is_closing; /* clients finish */
};

/* --- history.c: one line for each thing that a client begins or learns --- */

enum outcome { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_UNAVAILABLE, OUTCOME_UNKNOWN, OUTCOMES };

void history_open(const char *path);
void history_flush(void); /* before it is read */
void history_close(void);
int64_t history_now_ms(void); /* since it was opened */
int64_t history_invoke(const char *client, const char *operation, const char *facts);
void history_complete(int64_t number, const char *client, const char *operation,
                      enum outcome outcome, const char *facts);
void history_note(const char *who, const char *format, ...) _printf_(2, 3); /* a fault, a phase */
void history_sold(void);
void history_print_outcomes(void);
/* Longest time without a sale that overlaps the span, and until the first sale after its end; -1
 * when there was none. */
int64_t history_longest_gap_ms(int64_t from_ms, int64_t to_ms);
int64_t history_first_sale_after_ms(int64_t from_ms);
int64_t history_sales(void);

/* --- client.c --- */

struct client {
    char name[24];
    struct dice dice;
    struct shop *shop;
    struct arena *arena; /* of the present purchase or change */
    void *curl;
    int gateway;     /* the one it believes to work */
    char email[128]; /* of its account, and an access token; empty for a guest */
    char token[2048];
    int64_t round;
};

struct request {
    const char *operation, *method, *path, *body; /* path behind /store/v1 or /admin/v1 */
    const char *key;                              /* Idempotency-Key or NULL */
    const char *facts;                            /* name=value ..., what it asks for */
    const char *const *shown; /* name, path in the answer, ..., NULL: what is recorded of it */
    bool is_admin;
    bool is_csv;
};

struct reply {
    enum outcome outcome;
    long status; /* 0 when there was none */
    const struct json_node *body;
    const char *reason; /* of a refusal, else "" */
};

void client_init(struct client *client, struct shop *shop, const char *kind, int number,
                 uint64_t seed);
void client_finish(struct client *client);
struct reply client_send(struct client *client, const struct request *request);
/* Again, to the other gateway and with the same key, until there is an answer; at most `tries`. */
struct reply client_insist(struct client *client, const struct request *request, int tries);
bool client_is_done(const struct client *client);
void client_pause(struct client *client, int64_t low_ms, int64_t high_ms);
const char *client_new_key(struct client *client);
void client_simulate(struct client *client, const char *path, const char *form);

const struct json_node *reply_at(struct reply reply, const char *path); /* items by number */
const char *reply_text(struct reply reply, const char *path);           /* "" when absent */
int64_t reply_int(struct reply reply, const char *path);                /* 0 when absent */

/* --- who uses the shop: threads --- */

void *buyer_run(void *client);
void *admin_run(void *client);
void *importer_run(void *client);
bool goods_prepare(struct client *admin); /* what struct shop lists; false when it cannot */
void goods_set_price(struct client *admin, struct item item, int64_t price_minor, int tries);
void orders_remember(const char *order_id); /* for admins to cancel; keeps the latest */
bool orders_choose(struct dice *dice, char ret_order_id[37]);

/* --- process.c: hand, and what becomes of the processes it starts --- */

void process_watch(const struct shop *shop);
int process_hand(const char *format, ...) _printf_(1, 2); /* its exit status */
char *process_ask(struct arena *arena, const char *arguments, int *ret_status); /* its output */
/* Whatever ends is started again, as a service manager does, unless it is held: broken on purpose.
 */
void process_manage(void);
void process_hold(const char *name, bool is_held);
void process_unmanage(void);
bool process_all_answer(void);
bool well_answers(const char *name, int port); /* well.c */
int process_crashes(void); /* processes that ended by a signal of their own making */

/* --- fault.c and schedule.c --- */

/* What may be broken at the same time depends on it, and what counts as a kind of its own. */
enum victim {
    OF_REPLICA,    /* one of a pair: targets come in pairs, each pair is a kind */
    OF_SERVER,     /* there is one only: each target is a kind */
    OF_VOLUME,     /* what a server writes to; each is a kind */
    OF_CONNECTION, /* to a server */
    OF_CALL,       /* between daemons */
    OF_PROVIDER,
};

struct fault {
    const char *name;
    enum victim victim;
    int weight;
    const char *const *targets; /* NULL-terminated */
    const char *start, *heal;   /* of hand; {} is the target; heal NULL: it heals by itself */
    int64_t hold_low_s, hold_high_s;
};

extern const struct fault FAULTS[];
bool fault_is_possible(const struct fault *fault);

enum { ROUND_FAULTS_MAX = 2, ROUNDS_MAX = 1024 };

struct strike {
    const struct fault *fault;
    const char *target;
    int64_t offset_ms, hold_ms; /* in its round */
    int64_t begun_ms, healed_ms;
    bool has_failed; /* hand could not */
};

struct round {
    struct strike strikes[ROUND_FAULTS_MAX];
    int count;
    int64_t calm_ms; /* after it */
    int64_t well_ms; /* when every process answered again; -1: never */
};

struct schedule {
    struct round rounds[ROUNDS_MAX];
    int count, done;
};

void schedule_make(struct schedule *schedule, uint64_t seed);
void schedule_run(struct schedule *schedule, int64_t until_ms); /* prints each round */
bool schedule_wait_well(int64_t limit_ms);                      /* until every process answers */
void schedule_print_summary(const struct schedule *schedule);
int schedule_print_missing(const struct schedule *schedule); /* kinds that did not happen */
int schedule_failures(const struct schedule *schedule);      /* strikes that did not work or heal */

/* --- verify.c --- */

int verify_history(const char *path, struct client *admin); /* how much of it is not true */
