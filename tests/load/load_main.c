/* load_main.c - torg-load: sends one flow's requests and prints what came of them.
 *
 *   load --url http://127.0.0.1:7100 --flow checkout --callers 32 --seconds 10
 *   load --url http://127.0.0.1:7100 --flow list --rate 5000 --seconds 10 --requests
 *
 * One line of name=value, times in microseconds; with --requests one more for each request. */
#include "load.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { HEADERS_MAX = 1024, CALLERS_OPEN = 256 }; // what the measured gateway has room for

static const struct option OPTIONS[] = {
    {"url", required_argument, NULL, 'u'},
    {"flow", required_argument, NULL, 'f'},
    {"header", required_argument, NULL, 'h'},
    {"callers", required_argument, NULL, 'c'},
    {"rate", required_argument, NULL, 'r'},
    {"seconds", required_argument, NULL, 's'},
    {"warm", required_argument, NULL, 'w'},
    {"flows", required_argument, NULL, 'n'},
    {"values", required_argument, NULL, 'v'},
    {"in-order", no_argument, NULL, 'o'},
    {"answer", required_argument, NULL, 'a'},
    {"save", required_argument, NULL, 'S'},
    {"column", required_argument, NULL, 'C'},
    {"requests", no_argument, NULL, 'q'},
    {NULL, 0, NULL, 0},
};

static const char USAGE[] =
    "load --url URL --flow FLOW [--callers N | --rate FLOWS_A_SECOND]\n"
    "  --seconds N, --warm N   measured, and before that unmeasured; tenths: 2.5\n"
    "  --flows N               so many flows instead of a time\n"
    "  --header 'Name: value'  on every request; may be repeated\n"
    "  --values FILE           values for {names}: tab-separated, the first line names them\n"
    "  --in-order              a row after the other; otherwise each flow draws one\n"
    "  --save FILE --column NAME...  keeps values of the flows that were done, as such a file\n"
    "  --answer FILE           keeps the body of the last answer\n"
    "  --requests              a line for each request of the flow too\n"
    "flows:\n";

struct arguments {
    struct load load;
    char headers[HEADERS_MAX];
    bool prints_requests;
    size_t column_count;
};

static int64_t number(const char *text)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (end == text || *end != '\0' || value < 0) {
        fprintf(stderr, "%s is not a number\n", text);
        exit(EXIT_FAILURE);
    }
    return value;
}

static int64_t seconds_us(const char *text) /* "2" or "2.5" */
{
    char *end;
    int64_t us = strtoll(text, &end, 10) * 1000000;

    if (*end == '.')
        us += number(end + 1) * 100000;
    return us;
}

static bool parse_url(const char *url, struct sockaddr_in *ret_address)
{
    static const char SCHEME[] = "http://";
    char host[64];
    const char *colon;

    if (strncmp(url, SCHEME, strlen(SCHEME)) != 0 ||
        (colon = strchr(url + strlen(SCHEME), ':')) == NULL)
        return false;
    snprintf(host, sizeof host, "%.*s", (int)(colon - url - (int)strlen(SCHEME)),
             url + strlen(SCHEME));
    *ret_address = (struct sockaddr_in){.sin_family = AF_INET,
                                        .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    return inet_pton(AF_INET, host, &ret_address->sin_addr) == 1;
}

static void add_header(struct arguments *arguments, const char *header)
{
    size_t length = strlen(arguments->headers);

    snprintf(arguments->headers + length, HEADERS_MAX - length, "%s\r\n", header);
}

static bool take_option(struct arguments *arguments, int option)
{
    struct load *load = &arguments->load;

    switch (option) {
    case 'u':
        return parse_url(optarg, &load->address);
    case 'f':
        return (load->flow = flow_find(optarg)) != NULL;
    case 'h':
        add_header(arguments, optarg);
        return true;
    case 'c':
        load->callers = (int)number(optarg);
        return load->callers > 0;
    case 'r':
        load->rate = number(optarg);
        return load->rate > 0;
    case 's':
        load->measure_us = seconds_us(optarg);
        return true;
    case 'w':
        load->warm_us = seconds_us(optarg);
        return true;
    case 'n':
        load->flows_max = number(optarg);
        return true;
    case 'v':
        return rows_read(&load->rows, optarg);
    case 'o':
        return load->rows_in_order = true;
    case 'a':
        load->answer_file = optarg;
        return true;
    case 'S':
        load->save_file = optarg;
        return true;
    case 'C':
        if (arguments->column_count == SAVED_MAX)
            return false;
        load->saved[arguments->column_count++] = optarg;
        return true;
    case 'q':
        return arguments->prints_requests = true;
    default:
        return false;
    }
}

static bool parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    int option;

    arguments->load = (struct load){.callers = 1, .measure_us = 10000000};
    arguments->load.headers = arguments->headers;
    while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
        if (!take_option(arguments, option))
            return false;
    if (arguments->load.rate > 0 && arguments->load.callers == 1)
        arguments->load.callers = CALLERS_OPEN;
    return optind == argc && arguments->load.flow != NULL && arguments->load.address.sin_port != 0;
}

static void print_times(const struct histogram *times)
{
    printf(" p50=%" PRId64 " p95=%" PRId64 " p99=%" PRId64 " max=%" PRId64,
           histogram_at(times, 500), histogram_at(times, 950), histogram_at(times, 990),
           times->max_us);
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
           usage.ru_stime.tv_usec;
}

/* Flows that ended, over the time from the first one's start to the last one's end. */
static void print_result(const struct load *load, const struct result *result)
{
    int64_t wall_us = result->last_us - result->first_us, ended = result->flows.total;

    wall_us = wall_us > 0 ? wall_us : 1;
    printf("flow=%s loop=%s at=%" PRId64 " per_s=%" PRId64 " wall_us=%" PRId64, load->flow->name,
           load->rate > 0 ? "open" : "closed", load->rate > 0 ? load->rate : load->callers,
           ended * 1000000 / wall_us, wall_us);
    print_times(&result->flows);
    printf(" done=%" PRId64 " refused=%" PRId64 " failed=%" PRId64, result->done, result->refused,
           result->failed);
    printf(" cpu_percent=%" PRId64 " bytes_in=%" PRId64 " bytes_out=%" PRId64,
           cpu_us() * 100 / (wall_us + load->warm_us), result->bytes_in, result->bytes_out);
    for (int i = 0; i < STATUSES_MAX; i++)
        if (result->statuses[i] > 0)
            printf(" status_%d=%" PRId64, i, result->statuses[i]);
    putchar('\n');
}

static void print_requests(const struct load *load, const struct result *result)
{
    for (size_t i = 0; load->flow->requests[i].name != NULL; i++) {
        const struct request_result *of = &result->requests[i];
        if (of->times.total == 0)
            continue;
        printf("request=\"%s\" count=%" PRId64, load->flow->requests[i].name, of->times.total);
        print_times(&of->times);
        printf(" answer_bytes=%" PRId64 "\n", of->answer_bytes / of->times.total);
    }
}

int main(int argc, char **argv)
{
    static struct arguments arguments;
    static struct result result;

    if (!parse_arguments(argc, argv, &arguments)) {
        fputs(USAGE, stderr);
        flows_print();
        return EXIT_FAILURE;
    }
    if (!load_run(&arguments.load, &result)) {
        perror("load");
        return EXIT_FAILURE;
    }
    print_result(&arguments.load, &result);
    if (arguments.prints_requests)
        print_requests(&arguments.load, &result);
    rows_finish(&arguments.load.rows);
    return result.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
