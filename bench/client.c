/* A load client for chat completions over HTTP/1.1 keep-alive: one epoll thread, any number of connections.
 *
 *   client [flags] PORT
 *     -P PATH   target                                   -c N  connections (1)
 *     -b FILE   the request's body                       -t FILE  bearer tokens, one a line, taken in turn
 *     -d MS     begin no request after this long         -k N  requests a connection (no end)
 *     -r N      requests a second, all connections together (0: each sends again at once)
 *     -R MS     spread the connections' first requests over this long
 *     -e N      events that each stream must have, [DONE] included (0: not a stream)
 *
 * Ends when -d or -k say so, or at SIGTERM; requests that were begun are waited for, 15 s at most. Prints one JSON object: counts, and
 * latencies in microseconds from the moment a request was due to its last byte. An answer counts as failed if its status is not
 * 200, if it ends early, or if it is a stream without its events or its [DONE]; the first few are shown in `samples`.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 8192
#define GRACE_US 15000000LL
#define EXACT 2048 /* latencies below are counted exactly, above to a thousandth */
#define BUCKETS (EXACT * 24)

enum state { IDLE, HEAD, LENGTH, CHUNK_SIZE, CHUNK, CHUNK_END, TRAILER };

struct connection {
    int fd, requests;
    enum state state;
    int64_t due_us, begin_us; /* when the request was due; when the first one may begin */
    char head[HEAD_BYTES];
    int head_length, status, chunked, trailer;
    int64_t left;          /* bytes of the body or of the chunk */
    int matched, done, events; /* of "data: " at the start of this line; [DONE] seen */
};

static int port, connections = 1, per_connection, must_have, next_token, tokens;
static int64_t duration_us = 1LL << 60, ramp_us, rate;
static const char *path = "/v1/chat/completions";
static char **requests; /* whole requests as they go over the wire, one per token */
static int *request_lengths;
static struct connection *all;
static int poller, open_requests;
static volatile sig_atomic_t stopped;
static int64_t sent, succeeded, failed, unfinished, events, body_bytes, reconnects, samples;
static int64_t histogram[BUCKETS], slowest_us;
static char sample_text[2048];

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int bucket(int64_t us) {
    int shift = 0;
    while ((us >> shift) >= EXACT) shift++;
    int64_t index = shift ? EXACT + (int64_t)(shift - 1) * (EXACT / 2) + (us >> shift) - EXACT / 2 : us;
    return index < BUCKETS ? (int)index : BUCKETS - 1;
}

static int64_t bucket_us(int index) {
    if (index < EXACT) return index;
    int shift = (index - EXACT) / (EXACT / 2) + 1;
    return ((int64_t)((index - EXACT) % (EXACT / 2)) + EXACT / 2) << shift;
}

static int64_t percentile(double share) {
    int64_t below = 0, wanted = (int64_t)(share * (succeeded + failed));
    for (int i = 0; i < BUCKETS; i++)
        if ((below += histogram[i]) > wanted) return bucket_us(i);
    return slowest_us;
}

static void connect_to(struct connection *c) {
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&address, sizeof address)) perror("connect"), exit(1);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->state = IDLE;
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){.events = EPOLLIN, .data.ptr = c});
}

static void begin(struct connection *c, int64_t due_us) {
    int token = next_token++ % tokens;
    c->state = HEAD;
    c->head_length = c->status = c->chunked = c->trailer = c->matched = c->done = c->events = 0;
    c->due_us = due_us;
    c->requests++;
    open_requests++;
    sent++;
    if (send(c->fd, requests[token], request_lengths[token], MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        perror("send"), exit(1); /* a connection that was closed shows when it is read */
}

static void note_failure(struct connection *c, const char *why) {
    failed++;
    if (samples++ >= 3) return;
    int used = strlen(sample_text);
    snprintf(sample_text + used, sizeof sample_text - used, "%s\"%s, status %d, %d events\"", used ? ", " : "", why, c->status,
        c->events);
}

static void end(struct connection *c, const char *trouble) {
    int64_t us = now_us() - c->due_us;
    histogram[bucket(us)]++;
    if (us > slowest_us) slowest_us = us;
    events += c->events;
    open_requests--;
    c->state = IDLE;
    if (trouble) note_failure(c, trouble);
    else if (c->status != 200) note_failure(c, "refused");
    else if (must_have && (c->events != must_have || !c->done)) note_failure(c, "not the whole stream");
    else succeeded++;
    if (!rate && !stopped && now_us() < c->begin_us + duration_us && (!per_connection || c->requests < per_connection))
        begin(c, now_us());
}

static void lost(struct connection *c) {
    epoll_ctl(poller, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    int busy = c->state != IDLE;
    connect_to(c);
    if (busy) {
        c->state = HEAD; /* `end` counts it as open */
        end(c, "connection lost");
    }
    reconnects++;
}

/* Count `data:` lines, whichever way they are cut into reads. */
static void scan(struct connection *c, const char *data, int64_t length) {
    static const char prefix[] = "data: [DONE]";
    for (const char *at = data, *stop = data + length; at < stop; at++) {
        if (*at == '\n') {
            c->matched = 0;
        } else if (c->matched >= 0 && c->matched < 12 && *at == prefix[c->matched]) {
            c->matched++;
            if (c->matched == 6) c->events++;
            if (c->matched == 12) c->done = 1;
        } else {
            c->matched = -1;
            at = memchr(at, '\n', stop - at);
            if (!at) return;
            at--;
        }
    }
}

static int parse_head(struct connection *c) {
    c->head[c->head_length] = 0;
    c->status = atoi(c->head + 9);
    char *length = strcasestr(c->head, "\r\ncontent-length:");
    c->chunked = strcasestr(c->head, "\r\ntransfer-encoding: chunked") != NULL;
    c->left = length ? atoll(length + 17) : 0;
    c->state = c->chunked ? CHUNK_SIZE : LENGTH;
    c->head_length = 0;
    return c->chunked || c->left;
}

/* Take one byte of a line of framing; whether the line is whole (it lies in `head`). */
static int line(struct connection *c, char byte) {
    if (c->head_length < HEAD_BYTES - 1) c->head[c->head_length++] = byte;
    if (byte != '\n') return 0;
    c->head[c->head_length] = 0;
    c->trailer = c->head_length;
    c->head_length = 0;
    return 1;
}

static int64_t body(struct connection *c, const char *data, int64_t length) {
    int64_t taken = length < c->left ? length : c->left;
    scan(c, data, taken);
    body_bytes += taken;
    c->left -= taken;
    if (c->left) return taken;
    if (c->state == LENGTH) end(c, NULL);
    else c->state = CHUNK_END;
    return taken;
}

static void consume(struct connection *c, const char *data, int64_t length) {
    const char *stop = data + length;
    while (data < stop) {
        switch (c->state) {
        case IDLE: fprintf(stderr, "bytes after an answer\n"), exit(1);
        case HEAD:
            if (c->head_length == HEAD_BYTES - 1) fprintf(stderr, "a head too large\n"), exit(1);
            c->head[c->head_length++] = *data++;
            if (c->head_length >= 4 && !memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) && !parse_head(c)) end(c, NULL);
            break;
        case LENGTH:
        case CHUNK: data += body(c, data, stop - data); break;
        case CHUNK_END:
            if (line(c, *data++)) c->state = CHUNK_SIZE;
            break;
        case CHUNK_SIZE:
            if (!line(c, *data++)) break;
            c->left = strtoll(c->head, NULL, 16);
            c->state = c->left ? CHUNK : TRAILER;
            break;
        case TRAILER:
            if (line(c, *data++) && c->trailer == 2) end(c, NULL);
        }
    }
}

static void readable(struct connection *c) {
    static char buffer[262144];
    int64_t got = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (got > 0) consume(c, buffer, got);
    else if (got == 0 || errno != EAGAIN) lost(c);
}

/* Begin what is due by now; when the next thing is due, in milliseconds from now. */
static int begin_due(int64_t start_us) {
    int64_t now = now_us();
    static int64_t issued;
    static int from;
    if (!rate) {
        int waiting = 0;
        for (int i = 0; i < connections; i++) {
            if (all[i].requests || stopped) continue;
            if (all[i].begin_us <= now) begin(&all[i], now);
            else waiting = 1;
        }
        return waiting ? 1 : 200;
    }
    while (!stopped && start_us + issued * 1000000 / rate <= now && now < start_us + duration_us) {
        int tried = 0;
        while (tried < connections && all[from].state != IDLE) from = (from + 1) % connections, tried++;
        if (tried == connections) return 1; /* all busy: it waits, and its latency says so */
        begin(&all[from], start_us + issued++ * 1000000 / rate);
    }
    return 1;
}

static int over(int64_t start_us) {
    if (open_requests) return 0;
    if (stopped || now_us() >= start_us + ramp_us + duration_us) return 1;
    for (int i = 0; i < connections; i++)
        if (!per_connection || all[i].requests < per_connection) return 0;
    return 1;
}

static void run(void) {
    int64_t start_us = now_us(), stopped_us = 0;
    for (int i = 0; i < connections; i++) {
        connect_to(&all[i]);
        all[i].begin_us = start_us + ramp_us * i / connections;
    }
    struct epoll_event ready[512];
    while (!over(start_us)) {
        int wait_ms = begin_due(start_us);
        int n = epoll_wait(poller, ready, 512, wait_ms);
        for (int i = 0; i < n; i++) readable(ready[i].data.ptr);
        int64_t now = now_us();
        if (!stopped_us && (stopped || now >= start_us + ramp_us + duration_us)) stopped_us = now;
        if (stopped_us && now > stopped_us + GRACE_US) break;
    }
    unfinished = open_requests;
    double seconds = (now_us() - start_us) / 1e6;
    printf("{\"sent\": %ld, \"succeeded\": %ld, \"failed\": %ld, \"unfinished\": %ld, \"events\": %ld, \"body_bytes\": %ld, "
           "\"reconnects\": %ld, \"seconds\": %.3f, \"p50_us\": %ld, \"p90_us\": %ld, \"p99_us\": %ld, \"p999_us\": %ld, "
           "\"max_us\": %ld, \"samples\": [%s]}\n",
        sent, succeeded, failed, unfinished, events, body_bytes, reconnects, seconds, percentile(0.5), percentile(0.9),
        percentile(0.99), percentile(0.999), slowest_us, sample_text);
}

static char *whole_file(const char *name, int *length) {
    FILE *file = fopen(name, "r");
    if (!file) perror(name), exit(2);
    char *text = malloc(1 << 22);
    *length = fread(text, 1, (1 << 22) - 1, file);
    text[*length] = 0;
    fclose(file);
    return text;
}

static void build_requests(char *tokens_text, const char *body_text, int body_length) {
    int room = 1024;
    requests = malloc(room * sizeof *requests);
    request_lengths = malloc(room * sizeof *request_lengths);
    for (char *token = strtok(tokens_text, "\n"); token; token = strtok(NULL, "\n")) {
        if (tokens == room) {
            room *= 2;
            requests = realloc(requests, room * sizeof *requests);
            request_lengths = realloc(request_lengths, room * sizeof *request_lengths);
        }
        request_lengths[tokens] = asprintf(&requests[tokens],
            "POST %s HTTP/1.1\r\nhost: 127.0.0.1:%d\r\nauthorization: Bearer %s\r\n"
            "content-type: application/json\r\ncontent-length: %d\r\n\r\n%.*s",
            path, port, token, body_length, body_length, body_text);
        tokens++;
    }
}

static void stop(int number) { stopped = number; }

int main(int argc, char **argv) {
    char *body_text = "{}", *tokens_text = strdup("none");
    int flag, body_length = 2, ignored;
    while ((flag = getopt(argc, argv, "P:c:b:t:d:k:r:R:e:")) > 0) switch (flag) {
        case 'P': path = optarg; break;
        case 'c': connections = atoi(optarg); break;
        case 'b': body_text = whole_file(optarg, &body_length); break;
        case 't': tokens_text = whole_file(optarg, &ignored); break;
        case 'd': duration_us = atoll(optarg) * 1000; break;
        case 'k': per_connection = atoi(optarg); break;
        case 'r': rate = atoll(optarg); break;
        case 'R': ramp_us = atoll(optarg) * 1000; break;
        case 'e': must_have = atoi(optarg); break;
        default: return 2;
        }
    if (optind >= argc) return fprintf(stderr, "usage: client [flags] PORT\n"), 2;
    port = atoi(argv[optind]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    build_requests(tokens_text, body_text, body_length);
    all = calloc(connections, sizeof *all);
    poller = epoll_create1(0);
    run();
}
