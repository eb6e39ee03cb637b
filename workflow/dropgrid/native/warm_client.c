/* Passes a job to the run's warm server: `warm_client PYTHON SUB-COMMAND ARGUMENTS...`

It does the same as dropgrid/jobs/warm_client.py, where the reasons are, in a tenth of the time: Python
takes seven milliseconds to start. If no server answers, PYTHON runs the sub-command in the place of
this process. `warm_client --sources` prints a digest of the sources it was compiled from. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE 60 /* seconds to wait for a server to accept */
#define KILLED 137  /* exit code in a shell of a process ended by SIGKILL */
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

extern char **environ;
static int server = -1;
static volatile sig_atomic_t received = 0;

static void pass_signal_on(int number)
{
    int before = errno;
    char byte = (char)number;
    if (!received)
        received = number;
    if (send(server, &byte, 1, MSG_NOSIGNAL) < 0) { /* the job has ended: end too */
    }
    errno = before;
}

/* Connect to this user's server; return -1 if there is none. */
static int connected(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {PATIENCE, 0};
    struct stat folder;
    const char *name = strrchr(path, '/');
    int connection;

    if (!name || name == path || strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, name - path);
    if (lstat(address.sun_path, &folder) || folder.st_uid != geteuid() || folder.st_mode & 077)
        return -1; /* anyone who can write there could listen there */
    strcpy(address.sun_path, path);
    connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connection < 0)
        return -1;
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) == 0)
        return connection;
    close(connection);
    return -1;
}

static int send_all(const char *data, size_t left)
{
    while (left) {
        ssize_t sent = send(server, data, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return -1;
        data += sent;
        left -= (size_t)sent;
    }
    return 0;
}

/* Send the counts of bytes, arguments and variables, niceness, the streams and the folder. */
static int send_head(uint32_t length, uint32_t words, uint32_t held)
{
    struct { uint32_t length, words, held; int32_t niceness; } head = {length, words, held, 0};
    struct iovec data = {&head, sizeof head};
    union { struct cmsghdr align; char room[CMSG_SPACE(4 * sizeof(int))]; } control_room;
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
    struct cmsghdr *control;
    int descriptors[4] = {0, 1, 2, open(".", O_RDONLY)};

    if (descriptors[3] < 0)
        return -1;
    head.niceness = getpriority(PRIO_PROCESS, 0);
    memset(&control_room, 0, sizeof control_room);
    message.msg_control = control_room.room;
    message.msg_controllen = sizeof control_room.room;
    control = CMSG_FIRSTHDR(&message);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(sizeof descriptors);
    memcpy(CMSG_DATA(control), descriptors, sizeof descriptors);
    return sendmsg(server, &message, MSG_NOSIGNAL) == (ssize_t)sizeof head ? 0 : -1;
}

/* Send all that the job needs; return whether a process was started for it. */
static int accepted(char **words)
{
    size_t length = 0, counts[2] = {0, 0};
    char **lists[2] = {words, environ}, *body, *end, answer = 0;

    for (int list = 0; list < 2; list++)
        for (char **text = lists[list]; *text; text++, counts[list]++)
            length += strlen(*text) + 1;
    body = end = malloc(length);
    if (!body || length > UINT32_MAX)
        return 0;
    for (int list = 0; list < 2; list++)
        for (char **text = lists[list]; *text; text++)
            end = stpcpy(end, *text) + 1; /* separated by NUL */
    return send_all(words[0], 1) == 0 /* sent before the server starts a process */
        && send_head((uint32_t)(length - 1), (uint32_t)counts[0], (uint32_t)counts[1]) == 0
        && send_all(body, length - 1) == 0
        && recv(server, &answer, 1, 0) == 1 && answer == '\n';
}

/* Wait for the job's process, passing on signals to it; return its exit code. */
static int result(void)
{
    static const int forwarded[] = {SIGHUP, SIGINT, SIGTERM};
    struct timeval for_ever = {0, 0};
    struct sigaction ours = {.sa_handler = pass_signal_on}, before;
    unsigned char code;
    ssize_t got;

    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        if (sigaction(forwarded[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(forwarded[i], &ours, NULL);
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof for_ever);
    while ((got = recv(server, &code, 1, 0)) < 0 && errno == EINTR)
        ;
    if (got == 1)
        return code;
    return received ? 128 + received : KILLED;
}

int main(int count, char **arguments)
{
    const char *path = getenv("DROPGRID_SERVER");
    char **command;

    if (count == 2 && strcmp(arguments[1], "--sources") == 0)
        return puts(SOURCE) < 0;
    if (count < 3) {
        fputs("usage: warm_client PYTHON SUB-COMMAND ARGUMENTS...\n", stderr);
        return 2;
    }
    if (path && (server = connected(path)) >= 0 && accepted(arguments + 2))
        _exit(result());
    command = calloc((size_t)count + 3, sizeof *command);
    if (!command)
        return 75;
    command[0] = arguments[1];
    command[1] = "-P";
    command[2] = "-m";
    command[3] = "dropgrid";
    memcpy(command + 4, arguments + 2, (size_t)(count - 2) * sizeof *command);
    execv(command[0], command);
    perror(command[0]);
    return 127;
}
