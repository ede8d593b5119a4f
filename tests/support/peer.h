/* peer.h - the other end of a connection, byte by byte: what a client library would hide. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct answer {
    int status;       /* 0: none came */
    bool is_closed;   /* the connection ended after it */
    size_t length;    /* of text */
    char text[16384]; /* head and body */
};

int peer_connect(int port);
void peer_send(int fd, const char *text);
void peer_send_n(int fd, const void *data, size_t length);
/* Reads one answer, waiting at most timeout_ms for each byte. */
void peer_read_one(int fd, int timeout_ms, struct answer *ret_answer);
/* Reads one answer, waiting at most timeout_ms for each byte; then looks whether the end follows.
 */
void peer_read(int fd, int timeout_ms, struct answer *ret_answer);
/* Until the other side closes. */
void peer_read_all(int fd, struct answer *ret_answer);
/* Connect, send, read, close. */
void peer_ask(int port, const char *text, struct answer *ret_answer);
