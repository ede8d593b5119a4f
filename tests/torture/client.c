/* client.c - one user of the API: a connection, two gateways to choose from, every request in the
 * history. */
#include "torture.h"

#include "common/str.h"
#include "common/uuid.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 * 1024, CONNECT_MS = 1000, ANSWER_MS = 13000, ARENA_BYTES = 64 << 20 };

void client_init(struct client *client, struct shop *shop, const char *kind, int number,
                 uint64_t seed)
{
    *client = (struct client){.shop = shop, .gateway = number % GATEWAYS};
    (void)snprintf(client->name, sizeof client->name, "%s-%d", kind, number);
    client->dice.state = seed;
    for (const char *c = client->name; *c != '\0'; c++)
        client->dice.state = client->dice.state * 31 + (uint64_t)*c;
    client->arena = arena_create(ARENA_BYTES);
    client->curl = curl_easy_init();
}

void client_finish(struct client *client)
{
    curl_easy_cleanup(client->curl);
    arena_destroy(client->arena);
}

bool client_is_done(const struct client *client)
{
    return atomic_load(&client->shop->is_closing);
}

void client_pause(struct client *client, int64_t low_ms, int64_t high_ms)
{
    usleep((useconds_t)dice_between(&client->dice, low_ms, high_ms) * 1000);
}

const char *client_new_key(struct client *client)
{
    return uuid_text(client->arena, uuid_v7());
}

static size_t keep(char *data, size_t size, size_t count, void *closure)
{
    struct buffer *body = closure;

    if (body->length + size * count > ANSWER_MAX)
        return 0;
    buffer_append(body, data, size * count);
    return size * count;
}

static struct curl_slist *headers_of(struct client *client, const struct request *request)
{
    const struct shop *shop = client->shop;
    struct arena *arena = client->arena;
    struct curl_slist *headers = curl_slist_append(
        NULL, request->is_csv ? "Content-Type: text/csv" : "Content-Type: application/json");

    headers = curl_slist_append(headers, "Expect:");
    if (request->is_admin)
        headers = curl_slist_append(
            headers, arena_printf(arena, "Authorization: Bearer %s", shop->admin_key));
    else
        headers = curl_slist_append(
            headers, arena_printf(arena, "Torg-Publishable-Key: %s", shop->publishable_key));
    if (!request->is_admin && *client->token != '\0')
        headers = curl_slist_append(headers,
                                    arena_printf(arena, "Authorization: Bearer %s", client->token));
    if (request->key != NULL)
        headers =
            curl_slist_append(headers, arena_printf(arena, "Idempotency-Key: %s", request->key));
    return headers;
}

static CURLcode perform(struct client *client, const struct request *request, struct buffer *body)
{
    const char *url =
        arena_printf(client->arena, "%s/%s/v1%s", client->shop->gateways[client->gateway],
                     request->is_admin ? "admin" : "store", request->path);
    struct curl_slist *headers = headers_of(client, request);

    curl_easy_reset(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_URL, url);
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, body);
    if (request->body != NULL)
        curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, request->body);
    CURLcode code = curl_easy_perform(client->curl);
    curl_slist_free_all(headers);
    return code;
}

static enum outcome outcome_of(CURLcode code, long status)
{
    if (code == CURLE_COULDNT_CONNECT)
        return OUTCOME_UNAVAILABLE;
    if (code != CURLE_OK)
        return OUTCOME_UNKNOWN;
    if (status / 100 == 2)
        return OUTCOME_OK;
    return status >= 500 || status == 429 ? OUTCOME_UNAVAILABLE : OUTCOME_REFUSED;
}

/* What is worth remembering of a question and its answer. */
static const char *facts_of(struct client *client, const struct request *request, const char *asked,
                            struct reply reply)
{
    struct buffer facts;

    buffer_init(&facts, client->arena, 256);
    buffer_printf(&facts, "%s status=%ld", asked, reply.status);
    if (*reply.reason != '\0')
        buffer_printf(&facts, " reason=%s", reply.reason);
    for (const char *const *shown = request->shown; shown && *shown; shown += 2) {
        const struct json_node *node = reply_at(reply, shown[1]);
        if (node != NULL && node->text != NULL)
            buffer_printf(&facts, " %s=%s", shown[0], node->text);
    }
    return facts.data;
}

struct reply client_send(struct client *client, const struct request *request)
{
    struct buffer body;
    struct reply reply = {.reason = ""};
    const char *facts = arena_printf(client->arena, "key=%s %s", request->key ? request->key : "-",
                                     str_or_empty(request->facts));
    int64_t number = history_invoke(client->name, request->operation, facts);

    buffer_init(&body, client->arena, 4096);
    CURLcode code = perform(client, request, &body);
    if (code == CURLE_OK)
        curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply.status);
    if (json_parse(client->arena, body.data, body.length, &reply.body).code != STATUS_OK)
        reply.body = NULL;
    reply.outcome = outcome_of(code, reply.status);
    if (reply.status == 401)
        *client->token = '\0'; // sign in again
    if (reply.outcome != OUTCOME_OK)
        reply.reason = code == CURLE_OK ? reply_text(reply, "reason") : "NO_ANSWER";
    history_complete(number, client->name, request->operation, reply.outcome,
                     facts_of(client, request, facts, reply));
    return reply;
}

/* Whoever did not answer is left alone: a load balancer would send us elsewhere, too. */
struct reply client_insist(struct client *client, const struct request *request, int tries)
{
    struct reply reply = client_send(client, request);

    for (int i = 1; i < tries && reply.outcome >= OUTCOME_UNAVAILABLE; i++) {
        client->gateway = (client->gateway + 1) % GATEWAYS;
        client_pause(client, 50, 400);
        reply = client_send(client, request);
    }
    return reply;
}

void client_simulate(struct client *client, const char *path, const char *form)
{
    struct buffer body;

    buffer_init(&body, client->arena, 4096);
    curl_easy_reset(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_URL,
                     arena_printf(client->arena, "%s/control/%s", client->shop->simulator, path));
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &body);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, form);
    (void)curl_easy_perform(client->curl);
}

static const struct json_node *step(const struct json_node *node, const char *name)
{
    if (node == NULL || node->kind != JSON_ARRAY)
        return json_member(node, name);
    node = node->child;
    for (long i = strtol(name, NULL, 10); i > 0 && node != NULL; i--)
        node = node->next;
    return node;
}

const struct json_node *reply_at(struct reply reply, const char *path)
{
    const struct json_node *node = reply.body;
    char names[128], *rest = NULL;

    (void)snprintf(names, sizeof names, "%s", path);
    for (char *name = strtok_r(names, ".", &rest); name && node; name = strtok_r(NULL, ".", &rest))
        node = step(node, name);
    return node;
}

const char *reply_text(struct reply reply, const char *path)
{
    const struct json_node *node = reply_at(reply, path);

    return node == NULL ? "" : str_or_empty(node->text);
}

int64_t reply_int(struct reply reply, const char *path)
{
    return strtoll(reply_text(reply, path), NULL, 10);
}
