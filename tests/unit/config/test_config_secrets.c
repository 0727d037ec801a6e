/* No block of memory is freed while it contains a secret: every call of free and realloc
 * in our code is checked (libcurl, librdkafka and hiredis manage their own memory). The
 * secrets come from every source (files, the environment, addresses), are used, and are
 * wiped. */
#include "alert/deliver.h"
#include "alert/post.h"
#include "support.h"

#include <malloc.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/render.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/text.h"
#include "store/conn.h"

#define SECRET "hush-3f9c51d07b"

void __real_free(void *p);
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void __wrap_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);

/* registry_private.h and core/ each have a struct lw_reference. */
struct lw_connection;
struct lw_connection *lw__connection_new(const struct lw_registry_options *o,
                                         struct lw_err *err);
void lw__connection_free(struct lw_connection *a);

static size_t freed, unwiped;

static bool holds_secret(const void *p, size_t len) {
    const char *at = p, *end = at + len;
    size_t n = sizeof SECRET - 1;
    while (at && (size_t)(end - at) >= n &&
           (at = memchr(at, SECRET[0], (size_t)(end - at))))
        if ((size_t)(end - at) >= n && memcmp(at, SECRET, n) == 0)
            return true;
        else
            at++;
    return false;
}

static void look_for_secret(void *p) {
    freed += p != NULL;
    unwiped += p && holds_secret(p, malloc_usable_size(p));
}

void __wrap_free(void *p) {
    look_for_secret(p);
    __real_free(p);
}

/* Memory that a library has freed must not count as ours. */
static void *blank_from(void *p, size_t from) {
    size_t size = p ? malloc_usable_size(p) : 0;
    if (from < size)
        memset((char *)p + from, 0, size - from);
    return p;
}

void *__wrap_malloc(size_t size) {
    return blank_from(__real_malloc(size), 0);
}

void *__wrap_calloc(size_t n, size_t size) {
    return blank_from(__real_calloc(n, size), 0);
}

void *__wrap_realloc(void *p, size_t size) {
    size_t had = p ? malloc_usable_size(p) : 0;
    look_for_secret(p);
    return blank_from(__real_realloc(p, size), had);
}

static char dir[64];

static int make_dir(void **state) {
    (void)state;
    strcpy(dir, "/tmp/leeway-test-XXXXXX");
    freed = unwiped = 0;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static char *write_file(const char *name, const char *text, char *path, size_t size) {
    snprintf(path, size, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    setvbuf(f, NULL, _IONBF, 0); /* else its buffer would be found in a later block */
    fputs(text, f);
    fclose(f);
    return path;
}

static void all_wiped(void) {
    assert_true(freed > 0);
    assert_int_equal(unwiped, 0);
}

static void an_unwiped_secret_is_detected(void **state) {
    (void)state;
    char *text = lw_strdup(SECRET);
    free(text);
    assert_int_equal(unwiped, 1);
    text = lw_strdup(SECRET);
    lw_secret_free(text, strlen(text));
    assert_int_equal(unwiped, 1);
}

static void reading_a_file_leaves_no_copy(void **state) {
    (void)state;
    char path[128];
    struct lw_err err = {0};
    struct lw_buf text = {0};
    size_t len;
    for (int i = 0; i < 5000; i++) /* read in several steps */
        lw_buf_put(&text, SECRET "\n", sizeof SECRET);
    char *got = lw_read_file(write_file("s", lw_buf_str(&text), path, sizeof path),
                             1 << 20, &len, &err);
    assert_non_null(got);
    assert_int_equal(len, text.len);
    lw_secret_free(got, len);
    assert_null(lw_read_file(path, 10000, &len, &err));
    lw_buf_wipe(&text);
    all_wiped();
}

static void the_configuration_wipes_its_secrets(void **state) {
    (void)state;
    char path[128], name[200];
    struct lw_err err = {0};
    size_t len;
    setenv("LW_TEST_SECRET", SECRET, 1);
    setenv("LEEWAY_REDIS", "redis://user:" SECRET "@localhost:1", 1);
    write_file("password", SECRET "\nmore\n", path, sizeof path);
    snprintf(name, sizeof name, "%s/configs/nyc-green.yaml", LW_SOURCE_DIR);
    char *bundled = lw_read_file(name, 1 << 20, &len, &err);
    assert_non_null(bundled);
    const char *kafka = strstr(bundled, "kafka:");
    assert_non_null(kafka);
    struct lw_buf whole = {0};
    const char *line = strchr(kafka, '\n') + 1;
    lw_buf_put(&whole, bundled, (size_t)(line - bundled));
    lw_buf_printf(&whole,
                  "  sasl.password_file: %s\n  ssl.key.password: ${LW_TEST_SECRET}\n",
                  path);
    lw_buf_put(&whole, line, strlen(line));
    struct lw_config *config =
        lw_config_parse((const char *)whole.data, whole.len, name, &err);
    if (!config)
        fail_msg("%s", err.msg);
    /* Every new client reads it from the file; it is not kept. */
    assert_string_equal(lw_kafka_property(&config->kafka, "sasl.password"), "");
    assert_string_equal(lw_kafka_property(&config->kafka, "ssl.key.password"), SECRET);
    assert_non_null(strstr(config->redis.url, SECRET));
    lw_config_free(config);
    lw_buf_fini(&whole);
    free(bundled);
    all_wiped();
}

/* A socket that accepts connections and never answers. */
static int silent_socket(int *port) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static void the_redis_password_is_wiped(void **state) {
    (void)state;
    char path[128];
    int port, fd = silent_socket(&port);
    struct lw_err err = {0};
    struct lw_redis_options options = {.timeout_ms = 20};
    for (int from_file = 0; from_file < 2; from_file++) {
        snprintf(options.url, sizeof options.url, "redis://user%s@127.0.0.1:%d",
                 from_file ? "" : ":" SECRET, port);
        if (from_file)
            lw_copy(options.password_file, sizeof options.password_file,
                    write_file("password", SECRET "\n", path, sizeof path));
        struct lw_redis *r = lw_redis_new(&options, &err);
        assert_non_null(r);
        assert_int_equal(lw_conn_ensure(r, &err), -1); /* AUTH is not answered */
        if (from_file) /* a secret that can be read again is not kept */
            assert_false(holds_secret(r, sizeof *r));
        lw_redis_free(r);
    }
    close(fd);
    all_wiped();
}

static void secrets_of_receivers_are_wiped(void **state) {
    (void)state;
    char path[128], url[128], text[200];
    int port, fd = silent_socket(&port);
    size_t len;
    char *message = NULL;
    struct lw_err err = {0};
    message = lw_read_file(LW_SOURCE_DIR "/tests/data/alert/message_firing.json", 1 << 20,
                           &len, &err);
    if (!message)
        fail_msg("%s", err.msg);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/" SECRET "\n", port);
    for (int format = 0; format < LW_FORMATS; format++) {
        struct lw_receiver r = lw_receiver_defaults();
        struct lw_post_result result;
        lw_copy(r.name, sizeof r.name, "r");
        r.format = (enum lw_format)format;
        r.timeout_ms = 20;
        lw_copy(r.url_file, sizeof r.url_file, write_file("url", url, path, sizeof path));
        lw_copy(r.token_file, sizeof r.token_file,
                write_file("token", SECRET "\n", path, sizeof path));
        snprintf(text, sizeof text, "X-Key: %s\n# %s\n", SECRET, SECRET);
        lw_copy(r.headers_file, sizeof r.headers_file,
                write_file("headers", text, path, sizeof path));
        lw_copy(r.template_file, sizeof r.template_file,
                write_file("template", "{\"key\": \"" SECRET "\"}", path, sizeof path));
        lw_deliver(&r, message, len, 0, &result);
        assert_int_equal(result.verdict,
                         LW_POST_RETRY); /* the request reached the network */
        assert_non_null(strstr(result.reason, "no answer"));
    }
    free(message);
    close(fd);
    all_wiped();
}

static void secrets_of_the_registry_are_wiped(void **state) {
    (void)state;
    char path[128];
    struct lw_err err = {0};
    struct lw_registry_options o = {.timeout_ms = 20};
    lw_copy(o.url, sizeof o.url, "http://127.0.0.1:1");
    lw_copy(o.token_file, sizeof o.token_file,
            write_file("token", SECRET "\n", path, sizeof path));
    struct lw_connection *a = lw__connection_new(&o, &err);
    assert_non_null(a);
    lw__connection_free(a);
    all_wiped();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_unwiped_secret_is_detected, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(reading_a_file_leaves_no_copy, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(the_configuration_wipes_its_secrets, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(the_redis_password_is_wiped, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(secrets_of_receivers_are_wiped, make_dir,
                                        remove_dir),
        cmocka_unit_test_setup_teardown(secrets_of_the_registry_are_wiped, make_dir,
                                        remove_dir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
