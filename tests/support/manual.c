/* See manual.h. */
#include "support/manual.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

char *manual_text(const struct manual *m, size_t *len) {
    char *text = NULL;
    FILE *out = open_memstream(&text, len);
    assert_non_null(out);
    m->write(out);
    fclose(out);
    return text;
}

void manual_is_up_to_date(const struct manual *m) {
    size_t want_len, got_len;
    struct lw_err err = {0};
    char *want = manual_text(m, &want_len);
    char *got = lw_read_file(m->path, 1 << 20, &got_len, &err);
    if (!got)
        fail_msg("%s", err.msg);
    else if (got_len != want_len || memcmp(got, want, want_len) != 0)
        fail_msg("%s differs from the tables: run %s --write", m->path, m->test);
    free(want);
    free(got);
}

int manual_write(const struct manual *m, int argc, char **argv) {
    size_t len;
    struct lw_err err = {0};
    if (argc < 2 || strcmp(argv[1], "--write") != 0)
        return -1;
    char *text = manual_text(m, &len);
    int failed = lw_write_file(m->path, text, len, &err);
    if (failed)
        fprintf(stderr, "%s\n", err.msg);
    free(text);
    return failed ? 1 : 0;
}
