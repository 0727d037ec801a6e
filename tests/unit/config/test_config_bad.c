/* Every file in tests/data/config/bad has one typical mistake; its first line is the
 * complete message: `# expect: 16:47: key 'rules[0].window': ...`. A new case is a new
 * file. */
#include "support.h"

#include <dirent.h>

#include "config/keys.h"
#include "support/toy_task.h"

#define BAD_DIR DATA_DIR "bad/"

/* Removes the directory from the message, because it differs between machines. */
static void drop_directory(char *text) {
    size_t len = strlen(BAD_DIR);
    for (char *at; (at = strstr(text, BAD_DIR)) != NULL;)
        memmove(at, at + len, strlen(at + len) + 1);
}

/* The text after "# expect: ", or NULL. */
static char *expected_error(const char *path, char *line, size_t size) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    bool got = fgets(line, (int)size, file) != NULL;
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    return got && strncmp(line, "# expect: ", 10) == 0 ? line + 10 : NULL;
}

static int check_file(const char *name) {
    char path[512], line[1024], wanted[1200];
    struct lw_err err = {0};
    snprintf(path, sizeof path, BAD_DIR "%s", name);
    const char *expect = expected_error(path, line, sizeof line);
    assert_non_null(expect);
    snprintf(wanted, sizeof wanted, "%s:%s", name, expect);
    struct lw_config *config = lw_config_load(path, &err);
    drop_directory(err.msg);
    bool right = !config && err.code == LW_ECONFIG && strcmp(err.msg, wanted) == 0;
    if (!right)
        print_error("wanted: %s\n   got: %s\n", wanted, config ? "(accepted)" : err.msg);
    lw_config_free(config);
    return right ? 0 : 1;
}

static void each_mistake_is_refused_with_its_message(void **state) {
    (void)state;
    DIR *dir = opendir(BAD_DIR);
    assert_non_null(dir);
    int seen = 0, wrong = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        if (!dot || strcmp(dot, ".yaml") != 0)
            continue;
        seen++;
        wrong += check_file(entry->d_name);
    }
    closedir(dir);
    assert_true(seen > 100);
    assert_int_equal(wrong, 0);
}

static void the_message_names_an_unreadable_file(void **state) {
    (void)state;
    struct lw_err err = {0};
    assert_null(lw_config_load(DATA_DIR "no-such.yaml", &err));
    assert_int_equal(err.code, LW_EINPUT);
    assert_non_null(strstr(err.msg, "no-such.yaml"));
    lw_err_clear(&err);
    assert_null(lw_config_load(DATA_DIR, &err));
    assert_int_equal(err.code, LW_EINPUT);
}

/* A valid file that is cut, or has one byte changed, at every third position is either
 * read or refused with a text and a position. It never causes a crash. */
static void damaged_files_never_crash(void **state) {
    (void)state;
    FILE *file = fopen(BIKES, "r");
    assert_non_null(file);
    static char text[8192], copy[8192];
    size_t len = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_in_range(len, 1000, sizeof text - 1);
    for (size_t at = 0; at < len; at += 3) {
        memcpy(copy, text, len);
        copy[at] = (char)("\0:[{\t*&\xff"[at % 8]);
        for (int cut = 0; cut < 2; cut++) {
            struct lw_err err = {0};
            struct lw_config *config = lw_config_parse(copy, cut ? at : len, BIKES, &err);
            if (!config)
                assert_non_null(strstr(err.msg, "bike_share.yaml:"));
            assert_int_equal(config == NULL, err.code == LW_ECONFIG);
            lw_config_free(config);
        }
    }
}

/* There is one task to configure, so the spec is given another. */
static void a_rule_on_another_tasks_figure_is_refused(void **state) {
    (void)state;
    static const char *const refused[] = {"rmse", "rmse_ratio", "mae", "bias"};
    struct lw_err err = {0};
    struct lw_config *config = load_or_fail(BIKES);
    struct lw_spec *spec = &config->spec;
    const struct lw_task *own = spec->task;
    char text[200], why[200];
    for (size_t i = 0; i < 4 + 2; i++) {
        const char *metric = i < 4 ? refused[i] : i == 4 ? "recalibration_gain" : "psi";
        snprintf(text, sizeof text, "- {name: one, metric: %s, window: %s, warn: 2%s}\n",
                 metric, spec->window[0].name, i == 5 ? ", feature: each" : "");
        struct lw_tree *tree = lw_tree_parse(text, strlen(text), "t.yaml", &err);
        struct lw_load load = {.config = config, .tree = tree, .err = &err};
        assert_non_null(tree);
        spec->nrules = 0;
        assert_int_equal(lw_config_read_rules(&load, tree->root), 0);
        spec->nrules = 0;
        spec->task = &toy_task;
        assert_int_equal(lw_config_read_rules(&load, tree->root), i < 4 ? -1 : 0);
        snprintf(why, sizeof why,
                 "t.yaml:1:23: key '[0].metric': '%s' is measured for the task "
                 "regression, and this stream's is toy",
                 metric);
        if (i < 4)
            assert_string_equal(err.msg, why);
        lw_err_clear(&err);
        spec->task = own;
        lw_tree_free(tree);
    }
    lw_config_free(config);
}

int main(void) {
    unsetenv("LEEWAY_TEST_NO_SUCH");
    unsetenv("LEEWAY_TEST");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_refused_with_its_message),
        cmocka_unit_test(the_message_names_an_unreadable_file),
        cmocka_unit_test(damaged_files_never_crash),
        cmocka_unit_test(a_rule_on_another_tasks_figure_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
