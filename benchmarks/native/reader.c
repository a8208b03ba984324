/* The crowd: thousands of WebSocket clients in one thread, which count what they get and do nothing else.
 *
 *   reader PORT CLIENTS [--header LINE] [--answer PREFIX TEXT] [--path PATH [--say TEXT]... [--ready TEXT]]...
 *
 * Each path makes a kind of clients; client i is of kind i modulo their number. It asks for its path, with this header
 * beside those of the handshake. After the upgrade it says each TEXT, and is ready when a frame holds the ready text
 * (without one: when it is upgraded). A text frame that begins with PREFIX is answered. An event is an occurrence of
 * EVENT_MARK, or a compressed frame, which is counted unread; the nanoseconds behind STAMP_MARK are when it was published.
 *
 * Prints a line of JSON when all are ready. Then it heeds lines on standard input, each answered by one line of JSON:
 *   until N      when N events have come in all
 *   latencies    percentiles of those that came since this was last asked
 * `least` and `most` are the events of the clients that have fewest and most, of each kind. `segments` is how many TCP
 * segments with data came (TCP_INFO): on loopback each write that was not joined to another is one, so it says how many
 * writes of the server brought the events.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENT_MARK "\"thing_happened\""
#define STAMP_MARK "\"at\":"
#define COMPRESSED 0x40 /* RFC 7692, section 6. Nothing small is, so that it is an event. */
#define MOST_KINDS 8
#define MOST_WORDS 8
#define CONNECTING_AT_ONCE 200
#define BUFFER_BYTES (1 << 20)
#define MOST_LATENCIES (1 << 22)

struct kind {
    const char *path, *words[MOST_WORDS], *ready_text;
    int word_count;
};

struct client {
    int fd;
    bool upgraded, ready;
    uint32_t events;
    uint32_t kept; /* bytes of a frame that has not come whole */
    uint32_t room;
    unsigned char *rest;
};

static int port, clients, epoll_fd;
static const char *header_line, *answer_to, *answer_text;
static struct kind kinds[MOST_KINDS] = {{.path = "/ws"}};
static int kind_count = 1;

static struct client *crowd;
static int begun, ready_count, closed_count;
static uint64_t events, bytes, awaited;
static bool is_awaited;
static uint64_t *latencies;
static size_t latency_count;
static unsigned char buffer[BUFFER_BYTES];

static uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static struct kind *kind_of(struct client *client) {
    return &kinds[(client - crowd) % kind_count];
}

/* Writing. A client says little, and its socket has room for it. */

static void put(struct client *client, const void *data, size_t size) {
    if (send(client->fd, data, size, MSG_NOSIGNAL) != (ssize_t)size && errno != EPIPE && errno != ECONNRESET)
        fail("send");
}

static void say(struct client *client, int opcode, const void *text, size_t size) {
    unsigned char frame[4096 + 8];
    size_t header = 6;
    if (size > 4096) fail("a text that is too long");
    frame[0] = (unsigned char)(0x80 | opcode);
    if (size < 126) {
        frame[1] = (unsigned char)(0x80 | size);
    } else {
        frame[1] = 0x80 | 126;
        frame[2] = (unsigned char)(size >> 8);
        frame[3] = (unsigned char)size;
        header = 8;
    }
    memset(frame + header - 4, 0, 4); /* a mask of zeros is one, too */
    memcpy(frame + header, text, size);
    put(client, frame, header + size);
}

static void ask_for_upgrade(struct client *client) {
    char request[4096];
    int size = snprintf(request, sizeof request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s\r\n",
        kind_of(client)->path, port, header_line ? header_line : "", header_line ? "\r\n" : "");
    put(client, request, (size_t)size);
}

static void connect_one(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct epoll_event event = {.events = EPOLLIN};
    struct client *client = &crowd[begun++];
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (client->fd < 0) fail("socket");
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    event.data.ptr = client;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0) fail("epoll_ctl");
    ask_for_upgrade(client);
}

/* Reading. */

static void becomes_ready(struct client *client) {
    client->ready = true;
    ready_count++;
}

static void becomes_upgraded(struct client *client) {
    struct kind *kind = kind_of(client);
    client->upgraded = true;
    for (int i = 0; i < kind->word_count; i++) say(client, 1, kind->words[i], strlen(kind->words[i]));
    if (!kind->ready_text) becomes_ready(client);
}

static void count_event(struct client *client) {
    client->events++;
    events++;
}

static void take_text(struct client *client, unsigned char *text, size_t size) {
    unsigned char *at = text, *end = text + size;
    const char *ready_text = kind_of(client)->ready_text;
    if (answer_to && size >= strlen(answer_to) && !memcmp(text, answer_to, strlen(answer_to)))
        say(client, 1, answer_text, strlen(answer_text));
    if (!client->ready && ready_text && memmem(text, size, ready_text, strlen(ready_text))) becomes_ready(client);
    while ((at = memmem(at, (size_t)(end - at), EVENT_MARK, sizeof EVENT_MARK - 1))) {
        at += sizeof EVENT_MARK - 1;
        count_event(client);
        unsigned char *stamp = memmem(at, (size_t)(end - at), STAMP_MARK, sizeof STAMP_MARK - 1);
        if (stamp && latency_count < MOST_LATENCIES) {
            uint64_t due = strtoull((char *)stamp + sizeof STAMP_MARK - 1, NULL, 10), now = now_ns();
            latencies[latency_count++] = now > due ? now - due : 0; /* a publisher may be early by its timer's grain */
        }
    }
}

static size_t take_frame(struct client *client, unsigned char *data, size_t size) {
    size_t header = 2, length;
    if (size < 2) return 0;
    length = data[1] & 0x7f;
    if (length == 126) {
        if (size < 4) return 0;
        length = (size_t)data[2] << 8 | data[3];
        header = 4;
    } else if (length == 127) {
        if (size < 10) return 0;
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | data[i];
        header = 10;
    }
    if (size < header + length) return 0;
    if ((data[0] & 0x0f) == 9) say(client, 10, data + header, length);
    else if (data[0] & COMPRESSED) count_event(client);
    else if ((data[0] & 0x0f) < 8) take_text(client, data + header, length);
    return header + length;
}

static size_t take(struct client *client, unsigned char *data, size_t size) {
    size_t at = 0, taken;
    if (!client->upgraded) {
        unsigned char *end = memmem(data, size, "\r\n\r\n", 4);
        if (!end) return 0;
        if (!memmem(data, size, " 101 ", 5)) {
            fprintf(stderr, "refused: %.*s\n", (int)size, data);
            exit(1);
        }
        at = (size_t)(end + 4 - data);
        becomes_upgraded(client);
    }
    while (at < size && (taken = take_frame(client, data + at, size - at))) at += taken;
    return at;
}

static void keep(struct client *client, unsigned char *data, size_t size) {
    if (size > client->room) {
        client->room = (uint32_t)(size * 2);
        client->rest = realloc(client->rest, client->room);
        if (!client->rest) fail("realloc");
    }
    memcpy(client->rest, data, size);
    client->kept = (uint32_t)size;
}

static void becomes_closed(struct client *client) {
    close(client->fd);
    client->fd = -1;
    closed_count++;
}

static void receive(struct client *client) {
    size_t had = client->kept, used;
    memcpy(buffer, client->rest, had);
    ssize_t got = recv(client->fd, buffer + had, sizeof buffer - had, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
        becomes_closed(client);
        return;
    }
    bytes += (uint64_t)got;
    had += (size_t)got;
    used = take(client, buffer, had);
    keep(client, buffer + used, had - used);
}

/* Telling. */

static uint64_t segments(void) {
    uint64_t sum = 0;
    for (int i = 0; i < clients; i++) {
        struct tcp_info info;
        socklen_t size = sizeof info;
        if (crowd[i].fd >= 0 && !getsockopt(crowd[i].fd, IPPROTO_TCP, TCP_INFO, &info, &size))
            sum += info.tcpi_data_segs_in;
    }
    return sum;
}

static void print_of_kinds(const char *name, const uint32_t *of) {
    printf(",\"%s\":[", name);
    for (int i = 0; i < kind_count; i++) printf(i ? ",%u" : "%u", of[i]);
    printf("]");
}

static void tell(double seconds) {
    struct rusage used;
    uint32_t least[MOST_KINDS], most[MOST_KINDS] = {0};
    memset(least, 0xff, sizeof least);
    for (int i = 0; i < clients; i++) {
        int kind = i % kind_count;
        if (crowd[i].events < least[kind]) least[kind] = crowd[i].events;
        if (crowd[i].events > most[kind]) most[kind] = crowd[i].events;
    }
    getrusage(RUSAGE_SELF, &used);
    printf("{\"ready\":%d,\"closed\":%d,\"seconds\":%.6f,\"events\":%lu,\"bytes\":%lu,\"segments\":%lu", ready_count,
        closed_count, seconds, events, bytes, segments());
    print_of_kinds("least", least);
    print_of_kinds("most", most);
    printf(",\"cpu_seconds\":%.6f}\n",
        (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
            (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    fflush(stdout);
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double milliseconds(double share) {
    return (double)latencies[(size_t)(share * (double)(latency_count - 1))] / 1e6;
}

static void tell_latencies(void) {
    qsort(latencies, latency_count, sizeof *latencies, by_size);
    if (latency_count)
        printf("{\"count\":%zu,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"most\":%.4f}\n", latency_count, milliseconds(0.5),
            milliseconds(0.99), milliseconds(0.999), milliseconds(1));
    else
        printf("{\"count\":0}\n");
    fflush(stdout);
    latency_count = 0;
}

static void heed(void) {
    char line[256];
    ssize_t size = read(0, line, sizeof line - 1);
    if (size <= 0) exit(0);
    line[size] = 0;
    if (!strncmp(line, "until ", 6)) {
        awaited = strtoull(line + 6, NULL, 10);
        is_awaited = true;
    } else if (!strncmp(line, "latencies", 9)) {
        tell_latencies();
    }
}

static void read_arguments(int count, char **given) {
    struct kind *kind = kinds;
    int path_count = 0;
    if (count < 3) exit(2);
    port = atoi(given[1]);
    clients = atoi(given[2]);
    for (int i = 3; i + 1 < count; i += 2) {
        if (!strcmp(given[i], "--path") && path_count < MOST_KINDS) {
            kind = &kinds[path_count++];
            kind->path = given[i + 1];
            kind_count = path_count;
        } else if (!strcmp(given[i], "--say") && kind->word_count < MOST_WORDS)
            kind->words[kind->word_count++] = given[i + 1];
        else if (!strcmp(given[i], "--header")) header_line = given[i + 1];
        else if (!strcmp(given[i], "--ready")) kind->ready_text = given[i + 1];
        else if (!strcmp(given[i], "--answer") && i + 2 < count) {
            answer_to = given[i + 1];
            answer_text = given[i + 2];
            i++;
        } else exit(2);
    }
}

int main(int count, char **given) {
    struct epoll_event found[1024], input = {.events = EPOLLIN, .data.ptr = NULL};
    uint64_t began = now_ns();
    bool told = false;
    read_arguments(count, given);
    crowd = calloc((size_t)clients, sizeof *crowd);
    latencies = malloc(MOST_LATENCIES * sizeof *latencies);
    epoll_fd = epoll_create1(0);
    if (!crowd || !latencies || epoll_fd < 0) fail("memory");
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &input);
    for (;;) {
        while (begun < clients && begun - ready_count < CONNECTING_AT_ONCE) connect_one();
        int number = epoll_wait(epoll_fd, found, 1024, -1);
        for (int i = 0; i < number; i++) {
            struct client *client = found[i].data.ptr;
            if (!client) heed();
            else if (client->fd >= 0) receive(client);
        }
        if (!told && ready_count == clients) {
            told = true;
            tell((double)(now_ns() - began) / 1e9);
        }
        if (is_awaited && (events >= awaited || closed_count)) {
            is_awaited = false;
            tell((double)(now_ns() - began) / 1e9);
        }
    }
}
