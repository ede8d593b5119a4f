/* web_floor.c - the daemons' web server with a handler that does nothing but answer a file's bytes:
 * what a request costs before any of our work begins.
 *
 *   WEB_FLOOR_FILE=answer.json WEB_FLOOR_LISTEN=127.0.0.1:7199 web_floor */
#include "chassis/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1024 * 1024 };

struct web_floor {
    const char *file;
};

static char bytes[BYTES_MAX];
static size_t length;

static const struct config_field CONFIG[] = {
    {"WEB_FLOOR_FILE", CONFIG_STRING, offsetof(struct web_floor, file), NULL, 1, 4096, false,
     "what it answers"},
    {.name = NULL},
};

static struct status start(struct ctx *boot)
{
    const struct web_floor *self = ctx_state(boot);
    FILE *file = fopen(self->file, "r");

    if (file == NULL)
        return ctx_fail(boot, &ERROR_INVALID_REQUEST, "cannot read %s", self->file);
    length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return status_ok();
}

static void answer(struct ctx *ctx, const struct http_request *request,
                   struct http_response *response)
{
    (void)ctx;
    (void)request;
    response->content_type = "application/json";
    buffer_append(&response->body, bytes, length);
}

static const struct http_mount MOUNTS[] = {{"/bytes", answer, 0, false}, {0}};

static const struct service WEB_FLOOR = {
    .name = "web-floor",
    .doc = "answers the same bytes to everybody",
    .mounts = MOUNTS,
    .config = CONFIG,
    .state_size = sizeof(struct web_floor),
    .start = start,
};

int main(int argc, char **argv)
{
    return service_main(&WEB_FLOOR, argc, argv);
}
