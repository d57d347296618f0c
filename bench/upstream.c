/* A zero-work HTTP/1.1 upstream for measurements: one epoll thread, no allocation per request.
 *
 *   upstream PORT [CHUNKS] [BYTES]
 *
 * POST /v1/chat/completions       a fixed JSON answer at once
 *   ... with "stream":true in the body, or a target under /stream: CHUNKS SSE events, each a write and an HTTP chunk of its own
 * POST /paced/N...                CHUNKS events, N milliseconds apart; the pace is kept by one timer wheel of 1 ms
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

#define MAX_FD 65536
#define IN_BYTES 65536

struct connection {
    char *in;       /* unparsed input; NULL while there is none */
    int used;
    int left;       /* events still to be sent in a paced stream */
    int pace_ms;
    int64_t due_ms;
    int next, prev; /* list of paced connections, -1 ends it */
};

static struct connection connections[MAX_FD];
static int paced = -1;
static int chunks = 50, event_bytes = 0;
static char event[65536], last[65536 + 512], unary[2048];
static int event_length, last_length, unary_length;
static const char stream_head[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void unlink_paced(int fd) {
    struct connection *c = &connections[fd];
    if (c->left == 0) return;
    if (c->prev >= 0) connections[c->prev].next = c->next; else paced = c->next;
    if (c->next >= 0) connections[c->next].prev = c->prev;
    c->left = 0;
}

static void drop(int fd) {
    unlink_paced(fd);
    free(connections[fd].in);
    connections[fd].in = NULL;
    connections[fd].used = 0;
    close(fd);
}

/* Short writes only happen to readers that stall; such a connection is of no use to a measurement. */
static int send_all(int fd, const char *data, int length) {
    if (send(fd, data, length, MSG_NOSIGNAL) == length) return 1;
    drop(fd);
    return 0;
}

static void build(void) {
    char json[65000];
    int pad = event_bytes > 200 ? event_bytes - 200 : 0;
    int n = snprintf(json, sizeof json,
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
        "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word %.*s\"},\"finish_reason\":null}]}\n\n", pad,
        pad ? (char *)memset(malloc(pad + 1), 'x', pad) : "");
    event_length = snprintf(event, sizeof event, "%x\r\n%s\r\n", n, json);
    const char *end =
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
        "\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
        "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
        "\"choices\":[],\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":50,\"total_tokens\":250}}\n\n"
        "data: [DONE]\n\n";
    last_length = snprintf(last, sizeof last, "%zx\r\n%s\r\n0\r\n\r\n", strlen(end), end);
    const char *body =
        "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\",\"choices\":[{\"index\":0,"
        "\"message\":{\"role\":\"assistant\",\"content\":\"Hello, how can I help you today?\"},\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":200,\"completion_tokens\":9,\"total_tokens\":209}}";
    unary_length = snprintf(unary, sizeof unary,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(body), body);
}

static int begin_paced(int fd, int pace_ms) {
    struct connection *c = &connections[fd];
    if (!send_all(fd, stream_head, sizeof stream_head - 1)) return 0;
    c->left = chunks;
    c->pace_ms = pace_ms;
    c->due_ms = now_ms() + pace_ms;
    c->next = paced;
    c->prev = -1;
    if (paced >= 0) connections[paced].prev = fd;
    paced = fd;
    return 1;
}

static int answer(int fd, const char *target, const char *body, int body_length) {
    if (!strncmp(target, "/paced/", 7)) return begin_paced(fd, atoi(target + 7));
    if (strncmp(target, "/stream", 7) && !memmem(body, body_length, "\"stream\":true", 13)
        && !memmem(body, body_length, "\"stream\": true", 14))
        return send_all(fd, unary, unary_length);
    if (!send_all(fd, stream_head, sizeof stream_head - 1)) return 0;
    for (int i = 1; i < chunks; i++)
        if (!send_all(fd, event, event_length)) return 0;
    return send_all(fd, last, last_length);
}

/* One request at the front of the buffer: its length, or 0 while it is not whole. */
static int request_length(struct connection *c, char **body, int *body_length) {
    char *end = memmem(c->in, c->used, "\r\n\r\n", 4);
    if (!end) return 0;
    *body = end + 4;
    *body_length = 0;
    for (char *line = c->in; line < end; line++) {
        line = memchr(line, '\n', end - line);
        if (!line) break;
        if (!strncasecmp(line + 1, "content-length:", 15)) *body_length = atoi(line + 16);
    }
    int whole = (int)(*body - c->in) + *body_length;
    return whole <= c->used ? whole : 0;
}

static void readable(int fd) {
    struct connection *c = &connections[fd];
    if (!c->in) c->in = malloc(IN_BYTES + 1);
    int got = recv(fd, c->in + c->used, IN_BYTES - c->used, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    c->used += got;
    c->in[c->used] = 0;
    char *body;
    int body_length, whole;
    while (c->used && (whole = request_length(c, &body, &body_length))) {
        char *target = strchr(c->in, ' ');
        if (!target || !answer(fd, target + 1, body, body_length)) return;
        memmove(c->in, c->in + whole, c->used - whole);
        c->used -= whole;
        c->in[c->used] = 0;
    }
    if (!c->used) {
        free(c->in);
        c->in = NULL;
    }
}

static void tick(void) {
    int64_t now = now_ms();
    for (int fd = paced, next; fd >= 0; fd = next) {
        struct connection *c = &connections[fd];
        next = c->next;
        if (c->due_ms > now) continue;
        c->due_ms += c->pace_ms;
        if (c->left > 1) {
            if (send_all(fd, event, event_length)) c->left--;
        } else {
            unlink_paced(fd);
            send_all(fd, last, last_length);
        }
    }
}

static void accept_all(int listener, int poll) {
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return;
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        connections[fd] = (struct connection){.next = -1, .prev = -1};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = EPOLLIN, .data.fd = fd});
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: upstream PORT [CHUNKS] [BYTES]\n"), 2;
    if (argc > 2) chunks = atoi(argv[2]);
    if (argc > 3) event_bytes = atoi(argv[3]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    build();
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) return perror("bind"), 1;
    socklen_t length = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poll = epoll_create1(0);
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    struct epoll_event events[512];
    for (;;) {
        int n = epoll_wait(poll, events, 512, paced >= 0 ? 1 : -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener) accept_all(listener, poll);
            else readable(events[i].data.fd);
        }
        if (paced >= 0) tick();
    }
}
