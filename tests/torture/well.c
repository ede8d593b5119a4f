/* well.c - does everything answer? Asked often and while the machine is busy, so without a shell.
 */
#include "torture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 2 };

static int connect_to(int port)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons((in_port_t)port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Says it and looks for `wanted` in what comes back at once; who is asked nothing need only be
 * there.
 */
static bool answers(int port, const char *question, const char *wanted)
{
    char text[256] = "";
    int fd = connect_to(port);
    bool is_good = fd >= 0;

    if (is_good && question != NULL)
        is_good = send(fd, question, strlen(question), MSG_NOSIGNAL) > 0 &&
                  recv(fd, text, sizeof text - 1, 0) > 0 && strstr(text, wanted) != NULL;
    if (fd >= 0)
        close(fd);
    return is_good;
}

/* A daemon's readiness includes its database; Kafka's clients find it when it listens. */
bool well_answers(const char *name, int port)
{
    if (strncmp(name, "redis-", 6) == 0)
        return answers(port, "PING\r\n", "PONG");
    if (strcmp(name, "postgres") == 0 || strcmp(name, "kafka") == 0 || strcmp(name, "mail") == 0)
        return answers(port, NULL, NULL);
    return answers(port, "GET /readyz HTTP/1.1\r\nHost: well\r\nConnection: close\r\n\r\n",
                   " 200 ");
}
