/* sink.h - a server of strangers: answers each line or request as told and keeps what it got. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

/* Before the answer to the n-th message comes what the answers hold; NULL ends them (the last one
 * goes on). A message ends with `end`; after a line "DATA" it ends with the lone dot of SMTP. An
 * empty answer, and one with SMTP's 421 in it, ends the connection; the next one begins anew. */
struct sink {
    int port;
    const char *greeting; /* sent at once, or NULL */
    const char *const *answers;
    const char *end;
    char got[65536];
    size_t length;
    int fd;
    atomic_int client; /* the connection at hand, or -1 */
    pthread_t thread;
};

void sink_open(struct sink *sink); /* one connection after the other */
void sink_close(struct sink *sink);
