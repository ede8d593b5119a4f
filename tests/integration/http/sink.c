/* sink.c - one thread, one connection at a time. */
#include "sink.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(int fd, const char *text)
{
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* A whole HTTP request has the body its Content-Length tells. */
static bool is_complete(const struct sink *sink, size_t start, const char *end)
{
    const char *message = sink->got + start;
    const char *stop = strstr(message, end);
    const char *length = strcasestr(message, "\r\nContent-Length: ");

    if (!stop)
        return false;
    if (strcmp(end, "\r\n\r\n") != 0 || !length || length > stop)
        return true;
    return strlen(stop + 4) >= strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
}

static void serve(struct sink *sink, int fd)
{
    const char *const *answer = sink->answers;
    const char *end = sink->end;

    if (sink->greeting)
        say(fd, sink->greeting);
    for (;;) {
        size_t start = sink->length;
        while (!is_complete(sink, start, end)) {
            ssize_t n = recv(fd, sink->got + sink->length, sizeof sink->got - 1 - sink->length, 0);
            if (n <= 0)
                return;
            sink->length += (size_t)n;
            sink->got[sink->length] = '\0';
        }
        end = strncmp(sink->got + start, "DATA", 4) ? sink->end : "\r\n.\r\n";
        say(fd, *answer);
        if (**answer == '\0' || strstr(*answer, "421 "))
            return;
        answer += answer[1] != NULL;
    }
}

static void *run(void *closure)
{
    struct sink *sink = closure;

    for (;;) {
        int fd = accept(sink->fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        sink->client = fd;
        serve(sink, fd);
        sink->client = -1;
        close(fd);
    }
}

void sink_open(struct sink *sink)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    sink->length = 0;
    sink->client = -1;
    memset(sink->got, 0, sizeof sink->got);
    sink->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(sink->fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(sink->fd, 16), 0);
    ck_assert_int_eq(getsockname(sink->fd, (struct sockaddr *)&address, &size), 0);
    sink->port = ntohs(address.sin_port);
    pthread_create(&sink->thread, NULL, run, sink);
}

void sink_close(struct sink *sink)
{
    shutdown(sink->fd, SHUT_RDWR);
    if (sink->client >= 0)
        shutdown(sink->client, SHUT_RDWR);
    pthread_join(sink->thread, NULL);
    close(sink->fd);
}
