/* Schemas on disk: written schemas are read back, and anything else is not trusted. */
#include "support.h"

static char dir[] = "/tmp/lw-registry-disk-XXXXXX";

static struct lw_registry_options disk_options(void) {
    struct lw_registry_options o = {.url = "http://registry.example:8081"};
    snprintf(o.cache_dir, sizeof o.cache_dir, "%s/cache", dir);
    return o;
}

static struct lw_schema *parse_schema(void) {
    const char *text = REC("R", ZONE);
    return lw_schema_parse(text, strlen(text), NULL);
}

/* Saves id 7 in a new directory; returns the path of the only file. */
static void disk_save(char *path, size_t size) {
    struct lw_registry_options o = disk_options();
    struct lw_frame id = by_id(7);
    struct lw_err err = {0};
    struct lw_schema *s = parse_schema();
    remove_dir(o.cache_dir);
    if (lw__disk_save(&o, &id, s, &err))
        fail_msg("%s", err.msg);
    lw_schema_free(s);
    only_file(o.cache_dir, path, size);
}

static enum lw_errc disk_load(const struct lw_registry_options *o,
                              const struct lw_frame *f) {
    struct lw_err err = {0};
    struct lw_schema *s = lw__disk_load(o, f, &err);
    assert_true((s != NULL) == (err.code == LW_OK));
    if (s)
        assert_string_equal(lw_schema_json(s), REC("R", ZONE));
    lw_schema_free(s);
    return err.code;
}

static void written_schemas_are_read_back(void **state) {
    (void)state;
    char path[600];
    struct lw_registry_options o = disk_options();
    struct lw_frame id = by_id(7), other = by_id(8);
    struct lw_frame guid = {.by = LW_SCHEMA_GUID, .guid = {0x89, 0x79, 1}};
    disk_save(path, sizeof path);
    assert_int_equal(disk_load(&o, &id), LW_OK);
    assert_int_equal(disk_load(&o, &other), LW_ENOTFOUND);
    assert_int_equal(disk_load(&o, &guid), LW_ENOTFOUND);
    struct lw_schema *s = parse_schema();
    assert_int_equal(lw__disk_save(&o, &guid, s, NULL), 0);
    lw_schema_free(s);
    assert_int_equal(disk_load(&o, &guid), LW_OK);
    snprintf(o.url, sizeof o.url, "http://another.example");
    assert_int_equal(disk_load(&o, &id), LW_ENOTFOUND); /* ids belong to a registry */
}

/* Every byte of the file changed, and every prefix of it: the original schema, or
 * none. */
static void damage_is_detected(void **state) {
    (void)state;
    char path[600];
    struct lw_registry_options o = disk_options();
    struct lw_frame id = by_id(7);
    size_t len, refused = 0;
    disk_save(path, sizeof path);
    char *text = lw_read_file(path, 1 << 20, &len, NULL);
    for (size_t i = 0; i < len; i++) {
        char kept = text[i];
        text[i] ^= 1;
        assert_int_equal(lw_write_file(path, text, len, NULL), 0);
        enum lw_errc code = disk_load(&o, &id);
        assert_true(code == LW_EINPUT || code == LW_OK); /* white space may change */
        refused += code == LW_EINPUT;
        text[i] = kept;
        assert_int_equal(lw_write_file(path, text, i, NULL), 0);
        assert_int_equal(disk_load(&o, &id), LW_EINPUT);
    }
    assert_true(refused > len * 9 / 10);
    free(text);
}

/* The file of one id under the name of another is refused. */
static void a_file_of_another_id_is_refused(void **state) {
    (void)state;
    char path[600], other[600];
    struct lw_registry_options o = disk_options();
    struct lw_frame id = by_id(8);
    disk_save(path, sizeof path);
    snprintf(other, sizeof other, "%s", path);
    char *at = strstr(other, "id-7");
    assert_non_null(at);
    at[3] = '8';
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(disk_load(&o, &id), LW_EINPUT);
}

static void an_impossible_directory_is_an_error(void **state) {
    (void)state;
    struct lw_registry_options o = disk_options();
    struct lw_frame id = by_id(7);
    struct lw_err err = {0};
    struct lw_schema *s = parse_schema();
    snprintf(o.cache_dir, sizeof o.cache_dir, "/proc/none/such");
    assert_int_equal(lw__disk_save(&o, &id, s, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "/proc/none/such"));
    lw_schema_free(s);
}

static int dir_begin(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int dir_end(void **state) {
    (void)state;
    struct lw_registry_options o = disk_options();
    remove_dir(o.cache_dir);
    remove_dir(dir);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(written_schemas_are_read_back),
        cmocka_unit_test(damage_is_detected),
        cmocka_unit_test(a_file_of_another_id_is_refused),
        cmocka_unit_test(an_impossible_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, dir_begin, dir_end);
}
