/* importer.c - sends product files and waits for each to be read. */
#include "torture.h"

#include "common/str.h"

#include <inttypes.h>

enum { PRODUCTS = 10, FILES = 8, LOOKS = 100 };

static const char HEADER[] =
    "Title,Handle,Option1 Name,Option1 Value,Variant Price,Variant SKU,Variant Inventory Qty,"
    "Published,Status\r\n";

/* The same few products again and again, at other prices and with other stock. */
static const char *write_file(struct client *client)
{
    int64_t number = client->round % FILES;
    struct buffer file;

    buffer_init(&file, client->arena, 4096);
    buffer_puts(&file, HEADER);
    for (int i = 0; i < PRODUCTS; i++)
        buffer_printf(&file,
                      "Imported %d,torture-%" PRId64 "-%d,Size,S,%" PRId64 ".50,torture-%" PRId64
                      "-%d-s,%" PRId64 ",true,active\r\n",
                      i, number, i, dice_between(&client->dice, 1, 90), number, i,
                      dice_between(&client->dice, 0, 40));
    return file.data;
}

static void wait_for_end(struct client *client, const char *import)
{
    static const char *const SHOWN[] = {"import", "import.id", "state", "import.state", NULL};
    struct request look = {
        .operation = "import-read",
        .method = "GET",
        .path = arena_printf(client->arena, "/imports/%s", import),
        .shown = SHOWN,
        .is_admin = true,
    };

    for (int i = 0; i < LOOKS && !client_is_done(client); i++) {
        struct reply reply = client_insist(client, &look, 3);
        const char *state = reply_text(reply, "import.state");
        if (str_equal(state, "IMPORT_STATE_SUCCEEDED") || str_equal(state, "IMPORT_STATE_FAILED"))
            return;
        client_pause(client, 500, 1000);
    }
}

void *importer_run(void *argument)
{
    static const char *const SHOWN[] = {"import", "import.id", NULL};
    struct client *client = argument;

    for (; !client_is_done(client); client->round++) {
        const struct shop *shop = client->shop;
        struct request request = {
            .operation = "import",
            .method = "POST",
            .path = arena_printf(client->arena,
                                 "/imports/products?channel_id=%s&price_list_id=%s&warehouse_id=%s"
                                 "&locale=en&tax_category_code=standard&file_name=torture.csv",
                                 shop->channel_id, shop->price_list_id, shop->warehouse_ids[0]),
            .body = write_file(client),
            .shown = SHOWN,
            .is_admin = true,
            .is_csv = true,
        };
        struct reply reply = client_insist(client, &request, 5);
        if (reply.outcome == OUTCOME_OK)
            wait_for_end(client, reply_text(reply, "import.id"));
        client_pause(client, 1000, 3000);
        arena_reset(client->arena);
    }
    return NULL;
}
