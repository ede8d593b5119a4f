/* load.c - buyers on non-blocking connections, on one thread.
 *
 * A buyer is a connection that runs one flow after the other. In a closed loop each begins the next
 * when the last is done. In an open loop flows begin when the clock says so, on whichever
 * connection is free or a new one, and their times count from then: a server that stalls cannot
 * make the load wait for it and so hide its stall. */
#include "load.h"

#include "common/clock.h"
#include "common/uuid.h"
#include "json_find.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BUYERS_MAX = 1024,
    EVENTS_MAX = 256,
    OUT_MAX = 8 * 1024,
    IN_MAX = 512 * 1024,
    PAUSE_US = 5000,
    END_US = 30000000, /* for what is under way when the time is up */
    FAILURES_SHOWN = 3,
};

enum buyer_state { BUYER_FREE, BUYER_PAUSED, BUYER_CONNECTING, BUYER_SENDING, BUYER_RECEIVING };

struct buyer {
    enum buyer_state state;
    int fd; /* -1: none */
    bool must_close;
    size_t request;
    int64_t intended_us, asked_us, resume_us;
    struct values values;
    size_t out_length, out_sent, in_length;
    char out[OUT_MAX];
    char *in;
};

struct compiled {
    struct template head, body;
    int slots[TAKES_MAX];
};

struct run {
    const struct load *load;
    struct result *result;
    struct compiled requests[REQUESTS_MAX];
    int epoll;
    struct buyer *buyers;
    int buyer_count, busy, paused;
    int64_t begun; /* flows */
    int64_t start_us, measured_us, end_us;
    int unique_slot;
    size_t next_row;
    uint64_t random;
    int failures_shown;
    FILE *save;
};

struct answer {
    int status;
    const char *body;
    size_t length;
    bool must_close;
};

static void ask(struct run *run, struct buyer *buyer);

/* --- requests ----------------------------------------------------------------------------------*/

static void compile(struct run *run)
{
    const struct request *request = run->load->flow->requests;

    run->unique_slot = value_slot("unique", strlen("unique"));
    for (size_t i = 0; request[i].name != NULL; i++) {
        static char heads[REQUESTS_MAX][1024];
        snprintf(heads[i], sizeof heads[i], "%s %s HTTP/1.1\r\nHost: shop\r\n%s%s%s",
                 request[i].method, request[i].path, run->load->headers,
                 request[i].header ? request[i].header : "",
                 request[i].body ? "Content-Type: application/json\r\n" : "");
        template_parse(&run->requests[i].head, heads[i]);
        template_parse(&run->requests[i].body, request[i].body ? request[i].body : "");
        for (size_t t = 0; t < TAKES_MAX && request[i].takes[t].name != NULL; t++)
            run->requests[i].slots[t] =
                value_slot(request[i].takes[t].name, strlen(request[i].takes[t].name));
    }
}

static bool write_request(const struct run *run, struct buyer *buyer)
{
    const struct compiled *compiled = &run->requests[buyer->request];
    char body[OUT_MAX / 2];
    size_t length = 0;

    buyer->out_length = 0;
    buyer->out_sent = 0;
    if (!template_expand(&compiled->body, &buyer->values, body, sizeof body, &length) ||
        !template_expand(&compiled->head, &buyer->values, buyer->out, OUT_MAX, &buyer->out_length))
        return false;
    size_t room = OUT_MAX - buyer->out_length;
    int added = run->load->flow->requests[buyer->request].body != NULL
                    ? snprintf(buyer->out + buyer->out_length, room,
                               "Content-Length: %zu\r\n\r\n%.*s", length, (int)length, body)
                    : snprintf(buyer->out + buyer->out_length, room, "\r\n");
    buyer->out_length += (size_t)added;
    return (size_t)added < room;
}

/* --- connections -------------------------------------------------------------------------------*/

static void hang_up(struct buyer *buyer)
{
    if (buyer->fd >= 0)
        close(buyer->fd);
    buyer->fd = -1;
    buyer->must_close = false;
}

static bool dial(struct run *run, struct buyer *buyer)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = buyer};
    int on = 1;

    buyer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (buyer->fd < 0)
        return false;
    setsockopt(buyer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(buyer->fd, (const struct sockaddr *)&run->load->address,
                sizeof run->load->address) != 0 &&
        errno != EINPROGRESS)
        return false;
    return epoll_ctl(run->epoll, EPOLL_CTL_ADD, buyer->fd, &event) == 0;
}

/* --- flows -------------------------------------------------------------------------------------*/

static bool is_measured(const struct run *run, const struct buyer *buyer)
{
    return buyer->intended_us >= run->measured_us;
}

static uint64_t next_random(struct run *run) /* xorshift: which row a flow draws, nothing more */
{
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    return run->random ^= run->random << 17;
}

static void draw_values(struct run *run, struct buyer *buyer)
{
    const struct rows *rows = &run->load->rows;

    uuid_format(uuid_v7(), buyer->values.texts[run->unique_slot]);
    if (rows->row_count == 0)
        return;
    size_t row = (run->load->rows_in_order ? run->next_row++ : next_random(run)) % rows->row_count;
    for (size_t i = 0; i < rows->column_count; i++)
        memcpy(buyer->values.texts[rows->slots[i]], rows->cells[row * rows->column_count + i],
               VALUE_LENGTH_MAX);
}

static bool may_begin(const struct run *run, int64_t now_us)
{
    return run->load->flows_max > 0 ? run->begun < run->load->flows_max : now_us < run->end_us;
}

static void begin(struct run *run, struct buyer *buyer, int64_t intended_us)
{
    run->begun++;
    run->busy++;
    buyer->request = 0;
    buyer->intended_us = intended_us;
    draw_values(run, buyer);
    if (is_measured(run, buyer) && run->result->first_us == 0)
        run->result->first_us = intended_us;
    ask(run, buyer);
}

static void save_values(const struct run *run, const struct buyer *buyer)
{
    for (size_t i = 0; run->save != NULL && i < SAVED_MAX && run->load->saved[i] != NULL; i++) {
        const char *name = run->load->saved[i];
        fprintf(run->save, "%s%s", i > 0 ? "\t" : "",
                buyer->values.texts[value_slot(name, strlen(name))]);
    }
    if (run->save != NULL)
        fputc('\n', run->save);
}

static void end(struct run *run, struct buyer *buyer, int64_t *counter)
{
    int64_t now_us = clock_monotonic_us();

    run->busy--;
    buyer->state = BUYER_FREE;
    if (is_measured(run, buyer)) {
        ++*counter;
        run->result->last_us = now_us;
        if (counter != &run->result->failed)
            histogram_add(&run->result->flows, now_us - buyer->intended_us);
    }
    if (counter == &run->result->done)
        save_values(run, buyer);
    if (run->load->rate == 0 && may_begin(run, now_us))
        begin(run, buyer, now_us);
}

static void fail(struct run *run, struct buyer *buyer, const char *why)
{
    if (run->failures_shown++ < FAILURES_SHOWN)
        fprintf(stderr, "%s, %s: %s\n%.*s\n", run->load->flow->name,
                run->load->flow->requests[buyer->request].name, why, (int)buyer->in_length,
                buyer->in);
    hang_up(buyer);
    end(run, buyer, &run->result->failed);
}

/* --- answers -----------------------------------------------------------------------------------*/

static const char *find_text(const char *text, size_t length, const char *wanted)
{
    return memmem(text, length, wanted, strlen(wanted));
}

/* False when there is more to come. */
static bool parse_answer(const struct buyer *buyer, struct answer *ret_answer)
{
    const char *end = find_text(buyer->in, buyer->in_length, "\r\n\r\n");

    if (end == NULL)
        return false;
    size_t head = (size_t)(end - buyer->in) + 4;
    const char *length = find_text(buyer->in, head, "\r\nContent-Length: ");
    *ret_answer = (struct answer){
        .status = (int)strtol(buyer->in + strlen("HTTP/1.1 "), NULL, 10),
        .body = buyer->in + head,
        .length = length ? strtoul(length + strlen("\r\nContent-Length: "), NULL, 10) : 0,
        .must_close = find_text(buyer->in, head, "\r\nConnection: close\r\n") != NULL,
    };
    return buyer->in_length >= head + ret_answer->length;
}

static bool take_values(struct run *run, struct buyer *buyer, const struct answer *answer)
{
    const struct request *request = &run->load->flow->requests[buyer->request];
    const char *value;
    size_t length;

    for (size_t i = 0; i < TAKES_MAX && request->takes[i].name != NULL; i++) {
        if (!json_find(answer->body, answer->length, request->takes[i].path, &value, &length) ||
            length >= VALUE_LENGTH_MAX || length == 0) {
            if (answer->status == 202)
                continue;
            return false;
        }
        char *text = buyer->values.texts[run->requests[buyer->request].slots[i]];
        memcpy(text, value, length);
        text[length] = '\0';
    }
    return true;
}

static void keep_answer(const struct run *run, const struct answer *answer)
{
    FILE *file = fopen(run->load->answer_file, "w");

    if (file == NULL)
        return;
    fwrite(answer->body, 1, answer->length, file);
    fclose(file);
}

static void note_answer(struct run *run, const struct buyer *buyer, const struct answer *answer)
{
    struct request_result *of = &run->result->requests[buyer->request];
    /* what the flow's first request waited for its turn belongs to it */
    int64_t from_us = buyer->request == 0 ? buyer->intended_us : buyer->asked_us;

    run->result->bytes_in += (int64_t)buyer->in_length;
    if (!is_measured(run, buyer))
        return;
    histogram_add(&of->times, clock_monotonic_us() - from_us);
    of->answer_bytes += (int64_t)answer->length;
    run->result->statuses[answer->status % STATUSES_MAX]++;
}

static bool is_over(const struct flow *flow, size_t next)
{
    const char *name = flow->requests[next].name;

    return name == NULL || (flow->until != NULL && strcmp(name, flow->until) == 0);
}

static void go_on(struct run *run, struct buyer *buyer, const struct answer *answer)
{
    const struct request *request = &run->load->flow->requests[buyer->request];

    if (request->done != NULL && find_text(answer->body, answer->length, request->done) == NULL) {
        buyer->state = BUYER_PAUSED;
        buyer->resume_us = clock_monotonic_us() + PAUSE_US;
        run->paused++;
        return;
    }
    buyer->request++;
    if (request[1].follows_accepted && answer->status != 202)
        buyer->request++;
    if (is_over(run->load->flow, buyer->request)) {
        if (run->load->answer_file != NULL)
            keep_answer(run, answer);
        end(run, buyer, &run->result->done);
        return;
    }
    ask(run, buyer);
}

static void on_answer(struct run *run, struct buyer *buyer, const struct answer *answer)
{
    const struct request *request = &run->load->flow->requests[buyer->request];
    bool is_refused = answer->status == 409 || answer->status == 422;

    note_answer(run, buyer, answer);
    if (answer->must_close)
        hang_up(buyer);
    if (is_refused && request->may_be_refused)
        end(run, buyer, &run->result->refused);
    else if (answer->status < 200 || answer->status > 299)
        fail(run, buyer, "not a success");
    else if (!take_values(run, buyer, answer))
        fail(run, buyer, "a value is missing in the answer");
    else
        go_on(run, buyer, answer);
}

static void receive(struct run *run, struct buyer *buyer)
{
    struct answer answer;

    while (buyer->state == BUYER_RECEIVING) {
        ssize_t got =
            recv(buyer->fd, buyer->in + buyer->in_length, IN_MAX - 1 - buyer->in_length, 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            fail(run, buyer, got == 0 ? "the connection ended" : strerror(errno));
            return;
        }
        buyer->in_length += (size_t)got;
        if (parse_answer(buyer, &answer)) {
            on_answer(run, buyer, &answer);
            return;
        }
        if (buyer->in_length == IN_MAX - 1) {
            fail(run, buyer, "the answer is too long");
            return;
        }
    }
}

static void send_out(struct run *run, struct buyer *buyer)
{
    while (buyer->out_sent < buyer->out_length) {
        ssize_t sent = send(buyer->fd, buyer->out + buyer->out_sent,
                            buyer->out_length - buyer->out_sent, MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (sent < 0) {
            fail(run, buyer, strerror(errno));
            return;
        }
        buyer->out_sent += (size_t)sent;
    }
    run->result->bytes_out += (int64_t)buyer->out_length;
    buyer->in_length = 0;
    buyer->state = BUYER_RECEIVING;
}

static void ask(struct run *run, struct buyer *buyer)
{
    buyer->asked_us = clock_monotonic_us();
    buyer->in_length = 0;
    if (!write_request(run, buyer)) {
        fail(run, buyer, "the request is too long");
        return;
    }
    if (buyer->fd < 0) {
        buyer->state = BUYER_CONNECTING;
        if (!dial(run, buyer))
            fail(run, buyer, strerror(errno));
        return;
    }
    buyer->state = BUYER_SENDING;
    send_out(run, buyer);
}

/* --- the loop ----------------------------------------------------------------------------------*/

static void on_event(struct run *run, struct buyer *buyer, uint32_t events)
{
    if (buyer->state == BUYER_FREE || buyer->state == BUYER_PAUSED) {
        if (events & (EPOLLHUP | EPOLLERR | EPOLLIN)) // closed while nobody used it
            hang_up(buyer);
        return;
    }
    if (buyer->state == BUYER_CONNECTING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        buyer->state = BUYER_SENDING;
    if (buyer->state == BUYER_SENDING && events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        send_out(run, buyer);
    if (buyer->state == BUYER_RECEIVING && events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(run, buyer);
}

static struct buyer *free_buyer(struct run *run)
{
    for (int i = 0; i < run->buyer_count; i++)
        if (run->buyers[i].state == BUYER_FREE)
            return &run->buyers[i];
    if (run->buyer_count == run->load->callers)
        return NULL;
    struct buyer *buyer = &run->buyers[run->buyer_count++];
    buyer->fd = -1;
    buyer->in = malloc(IN_MAX);
    return buyer->in != NULL ? buyer : NULL;
}

static int64_t due_us(const struct run *run) /* when the next flow of an open loop shall begin */
{
    return run->start_us + run->begun * 1000000 / run->load->rate;
}

static void begin_what_is_due(struct run *run)
{
    struct buyer *buyer;
    int64_t now_us = clock_monotonic_us();

    while (run->load->rate > 0 && may_begin(run, due_us(run)) && due_us(run) <= now_us) {
        if ((buyer = free_buyer(run)) == NULL)
            return; // its time runs nevertheless
        begin(run, buyer, due_us(run));
    }
}

static void resume_paused(struct run *run)
{
    int64_t now_us = clock_monotonic_us();

    for (int i = 0; run->paused > 0 && i < run->buyer_count; i++) {
        if (run->buyers[i].state != BUYER_PAUSED || run->buyers[i].resume_us > now_us)
            continue;
        run->paused--;
        ask(run, &run->buyers[i]);
    }
}

static struct timespec time_to_wait(const struct run *run)
{
    int64_t now_us = clock_monotonic_us(), wait_us = 20000;

    if (run->load->rate > 0 && may_begin(run, due_us(run)) && due_us(run) - now_us < wait_us)
        wait_us = due_us(run) - now_us;
    if (run->paused > 0 && wait_us > PAUSE_US)
        wait_us = PAUSE_US;
    wait_us = wait_us < 0 ? 0 : wait_us;
    return (struct timespec){.tv_sec = 0, .tv_nsec = wait_us * 1000};
}

static void loop(struct run *run)
{
    struct epoll_event events[EVENTS_MAX];

    for (int i = 0; run->load->rate == 0 && i < run->load->callers; i++)
        if (may_begin(run, run->start_us))
            begin(run, free_buyer(run), clock_monotonic_us());
    while (run->busy > 0 || (run->load->rate > 0 && may_begin(run, due_us(run)))) {
        struct timespec wait = time_to_wait(run);
        int count = epoll_pwait2(run->epoll, events, EVENTS_MAX, &wait, NULL);
        for (int i = 0; i < count; i++)
            on_event(run, events[i].data.ptr, events[i].events);
        resume_paused(run);
        begin_what_is_due(run);
        if (clock_monotonic_us() > run->end_us + END_US && run->load->flows_max == 0)
            break;
    }
    run->result->failed += run->busy;
}

bool load_run(const struct load *load, struct result *ret_result)
{
    struct run run = {.load = load, .result = ret_result, .random = 88172645463325252};

    run.buyers = calloc((size_t)load->callers, sizeof *run.buyers);
    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    run.save = load->save_file != NULL ? fopen(load->save_file, "w") : NULL;
    if (run.buyers == NULL || run.epoll < 0 || (load->save_file != NULL && run.save == NULL))
        return false;
    for (size_t i = 0; run.save != NULL && i < SAVED_MAX && load->saved[i] != NULL; i++)
        fprintf(run.save, "%s%s", i > 0 ? "\t" : "", load->saved[i]);
    if (run.save != NULL)
        fputc('\n', run.save);
    compile(&run);
    run.start_us = clock_monotonic_us();
    run.measured_us = run.start_us + load->warm_us;
    run.end_us = run.measured_us + load->measure_us;
    loop(&run);
    for (int i = 0; i < run.buyer_count; i++) {
        hang_up(&run.buyers[i]);
        free(run.buyers[i].in);
    }
    free(run.buyers);
    close(run.epoll);
    return run.save == NULL || fclose(run.save) == 0;
}
