/* Events of Avro files as text, for the test of embedding:
 *
 *   rows_tsv CONFIG FILE... > records.tsv
 *
 * The first line names the configuration's fields; then there is one line per event, in
 * the same order and number as the output of `leeway score`. Numbers have all their
 * digits. */
#include <inttypes.h>
#include <stdio.h>

#include "config/config.h"
#include "engine/feed.h"

static void print_cell(const struct lw_cell *cell, enum lw_kind kind) {
    if (!cell->present)
        return;
    if (cell->text)
        printf("%.*s", (int)cell->len, cell->text);
    else if (kind == LW_NUMERIC)
        printf("%.17g", cell->num);
    else
        printf("%" PRId64, (int64_t)cell->key);
}

static void print_rows(const struct lw_config *config, struct lw_event_feed *feed,
                       struct lw_err *err) {
    const struct lw_fields *fields = &config->spec.event.fields;
    struct lw_feed_event event;
    for (size_t i = 0; i < fields->n; i++)
        printf("%s%s", i ? "\t" : "", fields->field[i].name);
    printf("\n");
    while (lw_feed_next(feed, &event, err) > 0) {
        if (event.reason < 0)
            continue;
        for (size_t i = 0; i < fields->n; i++) {
            printf("%s", i ? "\t" : "");
            print_cell(&event.row.cells[i], fields->field[i].kind);
        }
        printf("\n");
    }
}

int main(int argc, char **argv) {
    struct lw_err err = {0};
    if (argc < 3)
        return 2;
    struct lw_config *config = lw_config_load(argv[1], &err);
    struct lw_event_feed *feed =
        config ? lw_feed_open(config, argv + 2, (size_t)argc - 2, &err) : NULL;
    if (feed)
        print_rows(config, feed, &err);
    lw_feed_close(feed);
    lw_config_free(config);
    if (err.code)
        fprintf(stderr, "rows_tsv: %s\n", err.msg);
    return err.code ? 1 : 0;
}
