/* leeway health: requests /healthz or /readyz from the process on this machine, for
 * containers and scripts without an HTTP client. Contacts no other service. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/options.h"

#define TIMEOUT_S  5
#define ANSWER_MAX 65536

/* A wildcard address is reachable through loopback. */
static const char *connect_host(const char *host) {
    if (strcmp(host, "0.0.0.0") == 0 || !*host)
        return "127.0.0.1";
    return strcmp(host, "::") == 0 ? "::1" : host;
}

static int connect_server(const struct lw_config *config, struct lw_err *err) {
    const struct addrinfo want = {.ai_socktype = SOCK_STREAM};
    const struct timeval limit = {.tv_sec = TIMEOUT_S};
    const char *host = connect_host(config->http.host);
    struct addrinfo *found = NULL;
    char port[16];
    snprintf(port, sizeof port, "%d", config->http.port);
    int rc = getaddrinfo(host, port, &want, &found), fd = -1;
    if (rc)
        return lw_fail(err, LW_EAGAIN, "http.listen %s: %s", config->http.listen,
                       gai_strerror(rc));
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        }
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd >= 0 ? fd
                   : lw_fail(err, LW_EAGAIN, "no answer from %s port %d: %s", host,
                             config->http.port, strerror(errno));
}

/* Reads the whole response as text. */
static int http_get(int fd, const char *path, char *out, size_t size,
                    struct lw_err *err) {
    char request[200];
    size_t got = 0;
    ssize_t n =
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
        return lw_fail(err, LW_EAGAIN, "%s: %s", path, strerror(errno));
    while (got + 1 < size && (n = recv(fd, out + got, size - 1 - got, 0)) > 0)
        got += (size_t)n;
    out[got] = '\0';
    if (n < 0)
        return lw_fail(err, LW_EAGAIN, "%s: no answer within %d s", path, TIMEOUT_S);
    return 0;
}

/* "HTTP/1.1 200 OK", headers, an empty line, JSON. */
static int read_answer(const char *answer, bool *well, struct lw_err *err) {
    const char *body = strstr(answer, "\r\n\r\n");
    if (strncmp(answer, "HTTP/1.", 7) != 0 || !body)
        return lw_fail(err, LW_EAGAIN, "the response is not from leeway");
    *well = strncmp(answer + strcspn(answer, " "), " 200 ", 5) == 0;
    lw_cli_line(stdout, "%.*s", (int)strcspn(body + 4, "\r\n"), body + 4);
    return 0;
}

static int health_ask(const struct lw_config *config, const char *path, bool *well,
                      struct lw_err *err) {
    if (!config->http.on)
        return lw_fail(err, LW_ECONFIG, "http.listen is off; set it to use this command");
    int fd = connect_server(config, err);
    if (fd < 0)
        return -1;
    char *answer = lw_malloc(ANSWER_MAX);
    int rc = http_get(fd, path, answer, ANSWER_MAX, err);
    rc = rc ? rc : read_answer(answer, well, err);
    free(answer);
    close(fd);
    return rc;
}

static int health_main(int argc, char **argv) {
    const char *path = NULL;
    bool helped, ready = false, well = false;
    struct lw_err err = {0};
    const struct lw_option options[] = {{'c', LW_OPTION_TEXT, "config", &path},
                                        {0, LW_OPTION_FLAG, "ready", &ready}};
    char **rest = lw_calloc((size_t)argc, sizeof *rest);
    int n =
        lw_options_parse(&lw_cmd_health, LW_OPTIONS(options), argc, argv, rest, &helped);
    int rc = n < 0 ? LW_EXIT_USAGE : LW_EXIT_OK;
    if (n > 0)
        rc = lw_cli_usage(&lw_cmd_health, "unexpected argument \"%s\"", rest[0]);
    free(rest);
    if (n != 0 || helped)
        return rc;
    struct lw_config *config = lw_cli_config(&lw_cmd_health, path);
    if (!config)
        return path ? LW_EXIT_FAILED : LW_EXIT_USAGE;
    rc = health_ask(config, ready ? "/readyz" : "/healthz", &well, &err)
             ? lw_cli_fail(&lw_cmd_health, &err)
         : well ? LW_EXIT_OK
                : LW_EXIT_CONDITION;
    lw_config_free(config);
    return rc;
}

const struct lw_command lw_cmd_health = {
    "health", "-c FILE [--ready]", "Query the health of the process on this machine",
    "  -c, --config FILE   the stream's configuration, for http.listen\n"
    "      --ready         query /readyz instead of /healthz: is the stream making progress too?\n"
    "\n"
    "Prints the response. Exits with 0 if the process is healthy, 3 if it is not, and 1 without\n"
    "a response within 5 seconds. Contacts no other service: `leeway check` tries Kafka, Redis\n"
    "and receivers.\n",
    health_main};
