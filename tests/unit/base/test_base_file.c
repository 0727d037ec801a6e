/* Whole files: limits, files without a size, and atomic writes. */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static int make_dir(void **state) {
    static char dir[64];
    strcpy(dir, "/tmp/leeway-test-XXXXXX");
    *state = mkdtemp(dir);
    return *state ? 0 : -1;
}

static int remove_dir(void **state) {
    return rmdir(*state);
}

static const char *in(void **state, const char *name, char *out, size_t size) {
    snprintf(out, size, "%s/%s", (const char *)*state, name);
    return out;
}

static void written_files_are_read_back(void **state) {
    char path[128];
    size_t len;
    struct lw_err err = {0};
    char bytes[10000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31);
    in(state, "f", path, sizeof path);
    assert_int_equal(lw_write_file(path, bytes, sizeof bytes, &err), 0);
    char *got =
        lw_read_file(path, sizeof bytes, &len, &err); /* exactly the limit is allowed */
    assert_non_null(got);
    assert_int_equal(len, sizeof bytes);
    assert_memory_equal(got, bytes, len);
    assert_int_equal(got[len], '\0');
    free(got);
    assert_int_equal(lw_write_file(path, "", 0, &err), 0); /* replaced, not appended */
    got = lw_read_file(path, 10, &len, &err);
    assert_non_null(got);
    assert_int_equal(len, 0);
    assert_string_equal(got, "");
    free(got);
    unlink(path);
}

static void a_larger_file_is_refused(void **state) {
    char path[128];
    size_t len;
    struct lw_err err = {0};
    in(state, "large", path, sizeof path);
    assert_int_equal(lw_write_file(path, "0123456789", 10, &err), 0);
    assert_null(lw_read_file(path, 9, &len, &err));
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "larger than the 9 bytes"));
    unlink(path);
    lw_err_clear(&err);
    assert_null(lw_read_file("/dev/zero", 100000, &len, &err)); /* endless */
    assert_int_equal(err.code, LW_EINPUT);
}

static void directories_and_absent_files_are_refused_by_name(void **state) {
    size_t len;
    struct lw_err err = {0};
    assert_null(lw_read_file(*state, 100, &len, &err));
    assert_non_null(strstr(err.msg, "is a directory"));
    assert_non_null(strstr(err.msg, *state));
    lw_err_clear(&err);
    assert_null(lw_read_file("/no/such/file", 100, &len, &err));
    assert_string_equal(err.msg, "cannot open /no/such/file: No such file or directory");
    lw_err_clear(&err);
    assert_int_equal(lw_write_file("/no/such/file", "x", 1, &err), -1);
    assert_string_equal(err.msg, "cannot write /no/such/file: No such file or directory");
}

static void files_without_a_size_are_read(void **state) {
    (void)state;
    size_t len;
    struct lw_err err = {0};
    char *got = lw_read_file("/proc/self/status", 1 << 20, &len, &err);
    assert_non_null(got);
    assert_memory_equal(got, "Name:", 5);
    assert_int_equal(len, strlen(got));
    free(got);
}

/* A failed write leaves the old file and no temporary one (rmdir at the end would
 * fail). */
static void a_failed_write_leaves_nothing_behind(void **state) {
    char path[128];
    struct lw_err err = {0};
    in(state, "busy", path, sizeof path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(lw_write_file(path, "x", 1, &err),
                     -1); /* cannot replace a directory */
    assert_int_equal(err.code, LW_EINPUT);
    assert_int_equal(rmdir(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_files_are_read_back),
        cmocka_unit_test(a_larger_file_is_refused),
        cmocka_unit_test(directories_and_absent_files_are_refused_by_name),
        cmocka_unit_test(files_without_a_size_are_read),
        cmocka_unit_test(a_failed_write_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
