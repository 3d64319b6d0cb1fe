// Kills the process at one of its messages through the pipe between a parent and a child, for tests.
//
// The variable KILL_AT has the form <parent|child>:<before-send|after-send|receive>:<n>. Messages with counters of the
// run are not counted, because their number depends on the time that the run takes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int counted_sends, counted_receives;

static int is_child(void) {
    char line[65536];
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t length = fread(line, 1, sizeof line, file);
    fclose(file);
    return memmem(line, length, "--supervised", strlen("--supervised")) != NULL;
}

static int is_message(int fd, const void *bytes, size_t length) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (length == 0 || *(const char *)bytes != '{' || getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
        address.ss_family != AF_UNIX) {
        return 0;
    }
    return memmem(bytes, length, "\"question\"", 10) || memmem(bytes, length, "\"reply\"", 7);
}

static void kill_at(const char *event, int number) {
    const char *wanted = getenv("KILL_AT");
    char here[64];
    snprintf(here, sizeof here, "%s:%s:%d", is_child() ? "child" : "parent", event, number);
    if (wanted != NULL && strcmp(wanted, here) == 0) {
        kill(getpid(), SIGKILL);
        pause();
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define SENDING(fd, bytes, length, call)                                                                               \
    int counts = is_message(fd, bytes, length);                                                                        \
    int number = counts ? ++counted_sends : 0;                                                                         \
    if (counts) {                                                                                                      \
        kill_at("before-send", number);                                                                                \
    }                                                                                                                  \
    ssize_t done = call;                                                                                               \
    if (counts) {                                                                                                      \
        kill_at("after-send", number);                                                                                 \
    }                                                                                                                  \
    return done;

#define RECEIVING(fd, bytes, call)                                                                                     \
    ssize_t done = call;                                                                                               \
    if (done > 0 && is_message(fd, bytes, (size_t)done)) {                                                             \
        kill_at("receive", ++counted_receives);                                                                        \
    }                                                                                                                  \
    return done;

ssize_t write(int fd, const void *bytes, size_t length) { SENDING(fd, bytes, length, REAL(write)(fd, bytes, length)) }

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    SENDING(fd, bytes, length, REAL(send)(fd, bytes, length, flags))
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    SENDING(fd, parts[0].iov_base, parts[0].iov_len, REAL(writev)(fd, parts, count))
}

ssize_t read(int fd, void *bytes, size_t length) { RECEIVING(fd, bytes, REAL(read)(fd, bytes, length)) }

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
    RECEIVING(fd, bytes, REAL(recv)(fd, bytes, length, flags))
}
