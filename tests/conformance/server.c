/* server.c - the conformance suite's server under test, on the chassis as every daemon is.
 *
 * Standard input brings a ServerCompatRequest, standard output takes a ServerCompatResponse, each
 * behind its length as 4 bytes, big-endian. Then it serves until SIGTERM. */
#include "chassis/service.h"
#include "common/json.h"
#include "connectrpc/conformance/v1/service.handlers.h"
#include "connectrpc/conformance/v1/service.schema.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536 };

static const struct rpc_service *const SERVICES[] = {&CONNECTRPC_CONFORMANCE_V1_SERVICE, NULL};
static const struct service CONFORMANCE = {
    .name = "conformance", .rpc = SERVICES, .takes_unsigned_calls = true};

/* What the suite puts into an Any. */
static const struct message_schema *const ANY_TYPES[] = {
    &connectrpc__conformance__v1__unary_request__schema,
    &connectrpc__conformance__v1__idempotent_unary_request__schema,
    &connectrpc__conformance__v1__conformance_payload__request_info__schema,
    &connectrpc__conformance__v1__header__schema,
};

static bool read_whole(void *data, size_t length)
{
    for (size_t got = 0; got < length;) {
        ssize_t n = read(STDIN_FILENO, (char *)data + got, length - got);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static bool read_request(void)
{
    static uint8_t request[REQUEST_MAX];
    uint32_t length = 0;

    /* Nothing in it matters: the configuration asks for HTTP/1.1 without TLS alone. */
    return read_whole(&length, sizeof length) && ntohl(length) <= sizeof request &&
           read_whole(request, ntohl(length));
}

static bool write_response(int port)
{
    Connectrpc__Conformance__V1__ServerCompatResponse response =
        CONNECTRPC__CONFORMANCE__V1__SERVER_COMPAT_RESPONSE__INIT;
    uint8_t frame[64];

    response.host = "127.0.0.1";
    response.port = (uint32_t)port;
    size_t size = protobuf_c_message_pack(&response.base, frame + 4);
    uint32_t length = htonl((uint32_t)size);
    memcpy(frame, &length, sizeof length);
    return write(STDOUT_FILENO, frame, size + 4) == (ssize_t)(size + 4);
}

int main(void)
{
    struct daemon *daemon = NULL;
    sigset_t signals;
    int port = 0, number = 0;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    setenv("CONFORMANCE_LISTEN", "127.0.0.1:0", 1);
    setenv("LOG_LEVEL", "error", 0);
    json_set_any_types(ANY_TYPES, ARRAY_LEN(ANY_TYPES));
    if (!read_request() || service_start(&CONFORMANCE, &daemon, &port).code != STATUS_OK)
        return EXIT_FAILURE;
    if (write_response(port))
        sigwait(&signals, &number);
    service_stop(daemon);
    return EXIT_SUCCESS;
}
