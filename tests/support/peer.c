/* peer.c - plain sockets to a daemon. */
#include "peer.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { END_MS = 300, ANSWER_MS = 4000 };

int peer_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (struct sockaddr *)&address, sizeof address)) { // any thread may come here
        perror("connect");
        abort();
    }
    return fd;
}

void peer_send(int fd, const char *text)
{
    peer_send_n(fd, text, strlen(text));
}

void peer_send_n(int fd, const void *data, size_t length)
{
    send(fd, data, length, MSG_NOSIGNAL); /* that the peer has hung up shows when reading */
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};

    return poll(&poller, 1, timeout_ms) > 0;
}

/* Where the answer ends, or 0 while it is not complete. */
static size_t complete_length(const struct answer *answer)
{
    const char *body = strstr(answer->text, "\r\n\r\n");
    const char *length = strcasestr(answer->text, "\r\nContent-Length: ");

    if (!body)
        return 0;
    size_t head = (size_t)(body + 4 - answer->text);
    if (!length || length > body)
        return head;
    size_t total = head + strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
    return answer->length >= total ? total : 0;
}

static void read_status(struct answer *answer)
{
    if (!strncmp(answer->text, "HTTP/1.1 ", 9))
        answer->status = (int)strtol(answer->text + 9, NULL, 10);
}

void peer_read_one(int fd, int timeout_ms, struct answer *ret_answer)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    while (!complete_length(ret_answer) && ret_answer->length < sizeof ret_answer->text - 1 &&
           is_readable(fd, timeout_ms)) {
        ssize_t got = recv(fd, ret_answer->text + ret_answer->length,
                           sizeof ret_answer->text - 1 - ret_answer->length, 0);
        if (got <= 0) {
            ret_answer->is_closed = true;
            break;
        }
        ret_answer->length += (size_t)got;
    }
    read_status(ret_answer);
}

void peer_read(int fd, int timeout_ms, struct answer *ret_answer)
{
    char byte;

    peer_read_one(fd, timeout_ms, ret_answer);
    if (ret_answer->status == 100)
        return; /* the answer proper follows once the body is sent */
    if (!ret_answer->is_closed && is_readable(fd, END_MS))
        ret_answer->is_closed = recv(fd, &byte, 1, MSG_PEEK) <= 0;
}

void peer_ask(int port, const char *text, struct answer *ret_answer)
{
    int fd = peer_connect(port);

    peer_send(fd, text);
    peer_read(fd, ANSWER_MS, ret_answer);
    close(fd);
}

void peer_read_all(int fd, struct answer *ret_answer)
{
    memset(ret_answer, 0, sizeof *ret_answer);
    while (ret_answer->length < sizeof ret_answer->text - 1 && is_readable(fd, ANSWER_MS)) {
        ssize_t got = recv(fd, ret_answer->text + ret_answer->length,
                           sizeof ret_answer->text - 1 - ret_answer->length, 0);
        if (got <= 0) {
            ret_answer->is_closed = true;
            break;
        }
        ret_answer->length += (size_t)got;
    }
    read_status(ret_answer);
}
