/* The floor: what the system asks for a frame on each of many sockets. One send(2) per frame, and nothing else.
 *
 *   floor PORT
 *
 * Any request is answered with an upgrade, and follows the topics that stand in it, or all. A line "run EVENTS BURST" on
 * standard input sends so many events to each client: the first BURST of them to all, each with a send of its own, and
 * so on; then it prints "ran DELIVERIES". "mixed EVENTS" sends each to those who follow the next of the topics, and
 * prints "ran EVENTS". The frame is the one that our own server sends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CLIENTS 20000
#define TOPICS 7

static const char accepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static const char *topics[TOPICS] = {"events", "topic0", "topic1", "topic2", "topic3", "topic4", "topic5"};
static const unsigned all_topics = (1u << TOPICS) - 1;

static int clients[MOST_CLIENTS], client_count, epoll_fd, listener;
/* A bit for each topic that it follows. */
static unsigned followed[MOST_CLIENTS];
static long long sequence = 1750000000000000;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static size_t make_frame(unsigned char *frame, long long at) {
    char text[512], stamp[64] = "";
    if (at) snprintf(stamp, sizeof stamp, "\"at\":%lld,", at);
    int size = snprintf(text, sizeof text,
        "{\"topic\":\"events\",\"event\":\"thing_happened\",\"data\":{%s\"text\":\"%.64s\"},\"_seq\":%lld,"
        "\"id\":\"0123456789abcdef0123456\",\"ts\":1750000000000}",
        stamp, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ++sequence);
    frame[0] = 0x81;
    frame[1] = 126;
    frame[2] = (unsigned char)(size >> 8);
    frame[3] = (unsigned char)size;
    memcpy(frame + 4, text, (size_t)size);
    return (size_t)size + 4;
}

static void send_to(unsigned who, long long at) {
    unsigned char frame[600];
    size_t size = make_frame(frame, at);
    for (int i = 0; i < client_count; i++)
        if (followed[i] & who && send(clients[i], frame, size, MSG_NOSIGNAL) != (ssize_t)size) fail("send");
}

static long long now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* One event at a time, at this rate, each with the moment at which it was due to be published. */
static void pace(double per_second, int events) {
    long long step = (long long)(1e9 / per_second), due = now_ns();
    for (int i = 0; i < events; i++, due += step) {
        struct timespec until = {due / 1000000000, due % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        send_to(all_topics, due);
    }
}

static void heed(void) {
    char line[256];
    double first;
    int second;
    ssize_t size = read(0, line, sizeof line - 1);
    if (size <= 0) exit(0);
    line[size] = 0;
    if (sscanf(line, "run %lf %d", &first, &second) == 2) {
        for (int i = 0; i < (int)first; i++) send_to(all_topics, 0);
        printf("ran %d\n", (int)first * client_count);
    } else if (sscanf(line, "pace %lf %d", &first, &second) == 2) {
        pace(first, second);
        printf("ran %d\n", second * client_count);
    } else if (sscanf(line, "mixed %d", &second) == 1) {
        for (int i = 0; i < second; i++) send_to(1u << i % TOPICS, 0);
        printf("ran %d\n", second);
    }
    fflush(stdout);
}

static void let_in(void) {
    struct epoll_event event = {.events = EPOLLIN};
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0) fail("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    event.data.fd = fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static void let_go(int fd) {
    for (int i = 0; i < client_count; i++)
        if (clients[i] == fd) {
            client_count--;
            clients[i] = clients[client_count];
            followed[i--] = followed[client_count];
        }
    close(fd);
}

static void heed_client(int fd) {
    char request[4096];
    ssize_t size = recv(fd, request, sizeof request - 1, 0);
    if (size <= 0) {
        let_go(fd);
        return;
    }
    request[size] = 0;
    if (!memcmp(request, "GET", 3) && client_count < MOST_CLIENTS) {
        send(fd, accepted, sizeof accepted - 1, MSG_NOSIGNAL);
        followed[client_count] = 0;
        for (int i = 0; i < TOPICS; i++)
            if (strstr(request, topics[i])) followed[client_count] |= 1u << i;
        if (!followed[client_count]) followed[client_count] = all_topics;
        clients[client_count++] = fd;
    }
}

int main(int count, char **given) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct epoll_event found[256], event = {.events = EPOLLIN};
    int on = 1;
    if (count != 2) return 2;
    address.sin_port = htons((unsigned short)atoi(given[1]));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    epoll_fd = epoll_create1(0);
    listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 2048) < 0) fail("listen");
    event.data.fd = listener;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
    event.data.fd = 0;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        int number = epoll_wait(epoll_fd, found, 256, -1);
        for (int i = 0; i < number; i++) {
            if (found[i].data.fd == listener) let_in();
            else if (found[i].data.fd == 0) heed();
            else heed_client(found[i].data.fd);
        }
    }
}
