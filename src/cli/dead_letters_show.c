/* leeway dead-letters show: one dead letter in full, and whether it can be read now. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/dead_letters.h"
#include "engine/intake.h"

struct dead_letters_view {
    const struct lw_dead_letters *letters;
    int shown;
};

/* All bytes as text, unprintable ones escaped. */
static const char *bytes_text(struct lw_buf *out, const void *bytes, size_t len) {
    size_t size = 10 * len + 4;
    char *shown = lw_malloc(size);
    lw_buf_clear(out);
    if (bytes)
        lw_buf_put(out, shown, lw_text_show(shown, size, bytes, len));
    else
        lw_buf_printf(out, "null");
    free(shown);
    return lw_buf_str(out);
}

static void hex_dump(const uint8_t *data, size_t len) {
    for (size_t at = 0; at < len; at += 16) {
        size_t n = len - at < 16 ? len - at : 16;
        printf("  %08zx ", at);
        for (size_t i = 0; i < 16; i++)
            if (i < n)
                printf(" %02x", data[at + i]);
            else
                printf("   ");
        printf("  |");
        for (size_t i = 0; i < n; i++)
            putchar(data[at + i] >= 0x20 && data[at + i] <= 0x7e ? data[at + i] : '.');
        printf("|\n");
    }
}

static void cell_text(const struct lw_field *field, const struct lw_cell *cell,
                      struct lw_buf *out) {
    char text[32];
    lw_buf_clear(out);
    if (!cell->present)
        lw_buf_printf(out, "null");
    else if (cell->text)
        bytes_text(out, cell->text, cell->len);
    else if (field->kind == LW_TIMESTAMP)
        lw_buf_printf(out, "%s", lw_format_time(text, sizeof text, (int64_t)cell->key));
    else if (field->kind == LW_NUMERIC)
        lw_buf_printf(out, "%s", lw_format_f64(text, sizeof text, cell->num));
    else
        lw_buf_printf(out, "%" PRId64, (int64_t)cell->key);
}

/* Decodes the message, waiting for the registry up to its timeout. */
static int decode_message(const struct lw_config *config, struct lw_intake *in,
                          const rd_kafka_message_t *m, struct lw_cell *cells,
                          struct lw_err *why) {
    int64_t until = lw_mono_ms() + config->source.registry.timeout_ms;
    while (lw_intake_decode(in, m, cells, why)) {
        if (why->code != LW_EAGAIN || lw_mono_ms() > until)
            return -1;
        lw_err_clear(why);
        lw_sleep_ms(10);
    }
    return 0;
}

static json_t *cells_json(const struct lw_config *config, struct lw_intake *in,
                          const rd_kafka_message_t *m, struct lw_err *why) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_row row;
    const struct lw_fields *fields = &config->spec.event.fields;
    if (decode_message(config, in, m, cells, why) ||
        lw_event_row(&config->spec.event, cells, lw_intake_message_time(m), &row, why) <
            0)
        return NULL;
    struct lw_buf text = {0};
    json_t *o = json_object();
    for (size_t i = 0; i < fields->n; i++) {
        cell_text(&fields->field[i], &cells[i], &text);
        json_object_set_new(o, fields->field[i].name,
                            cells[i].present ? json_string(lw_buf_str(&text))
                                             : json_null());
    }
    lw_buf_fini(&text);
    return o;
}

/* The fields as JSON, or NULL with why. */
static json_t *read_now(const struct lw_config *config, const rd_kafka_message_t *m,
                        struct lw_err *why) {
    struct lw_registry_options o = config->source.registry;
    bool wanted = config->source.framing == LW_FRAMING_CONFLUENT;
    o.missing_wait_ms = 0; /* do not wait for unknown schemas */
    struct lw_registry *registry = wanted ? lw_registry_new(&o, why) : NULL;
    struct lw_intake *in =
        wanted && !registry ? NULL : lw_intake_new(config, registry, why);
    json_t *fields = in ? cells_json(config, in, m, why) : NULL;
    lw_intake_free(in);
    lw_registry_free(registry);
    return fields;
}

static json_t *headers_json(const rd_kafka_message_t *m) {
    rd_kafka_headers_t *headers = NULL;
    json_t *list = json_array();
    const char *name;
    const void *value;
    size_t len;
    struct lw_buf text = {0};
    if (rd_kafka_message_headers(m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &len);
             i++) {
            json_t *pair = json_array();
            json_array_append_new(pair,
                                  json_string(bytes_text(&text, name, strlen(name))));
            json_array_append_new(pair, value ? json_string(bytes_text(&text, value, len))
                                              : json_null());
            json_array_append_new(list, pair);
        }
    lw_buf_fini(&text);
    return list;
}

static json_t *hex_json(const void *data, size_t len) {
    struct lw_buf hex = {0};
    const uint8_t *bytes = data;
    for (size_t i = 0; bytes && i < len; i++)
        lw_buf_printf(&hex, "%02x", bytes[i]);
    json_t *o = bytes ? json_string(lw_buf_str(&hex)) : json_null();
    lw_buf_fini(&hex);
    return o;
}

static void print_json(const rd_kafka_message_t *m, json_t *headers, json_t *fields,
                       const struct lw_err *why) {
    json_t *o = json_object();
    lw_json_set_int(o, "partition", m->partition);
    lw_json_set_int(o, "offset", m->offset);
    json_object_set(o, "headers", headers);
    lw_json_set(o, "key", hex_json(m->key, m->key_len));
    lw_json_set(o, "value", hex_json(m->payload, m->len));
    lw_json_set_bool(o, "readable", fields != NULL);
    json_object_set(o, "fields", fields ? fields : json_null());
    lw_json_set_text(o, "why", fields ? NULL : why->msg);
    lw_cli_print_json(o);
}

static void print_text(const rd_kafka_message_t *m, json_t *headers, json_t *fields,
                       const struct lw_err *why) {
    char when[32] = "no time";
    struct lw_buf text = {0};
    size_t i;
    json_t *pair, *value;
    const char *name;
    if (lw_dead_letters_time(m) != INT64_MIN)
        lw_format_time(when, sizeof when, lw_dead_letters_time(m));
    printf("dead letter %" PRId32 ":%" PRId64 ", %s\n", m->partition, m->offset, when);
    printf("key    %s\n", bytes_text(&text, m->key, m->key_len));
    printf("headers\n");
    json_array_foreach(headers, i, pair) {
        const char *v = json_string_value(json_array_get(pair, 1));
        printf("  %-38s %s\n", json_string_value(json_array_get(pair, 0)),
               v ? v : "null");
    }
    if (m->payload)
        printf("value, %zu bytes\n", m->len);
    else
        printf("value null\n");
    if (m->payload)
        hex_dump(m->payload, m->len);
    if (fields)
        printf("readable now\n");
    else
        lw_cli_line(stdout, "unreadable: %s", why->msg);
    json_object_foreach(fields, name, value)
        printf("  %-38s %s\n", name,
               json_is_null(value) ? "null" : json_string_value(value));
    lw_buf_fini(&text);
}

static int show_message(void *arg, const rd_kafka_message_t *m,
                        const struct lw_letter *letter) {
    struct dead_letters_view *v = arg;
    struct lw_err why = {0};
    json_t *fields = read_now(v->letters->config, m, &why), *headers = headers_json(m);
    (void)letter; /* messages without its headers are shown too */
    if (v->letters->json)
        print_json(m, headers, fields, &why);
    else
        print_text(m, headers, fields, &why);
    json_decref(headers);
    json_decref(fields);
    v->shown++;
    return 0;
}

int lw_dead_letters_show(const struct lw_dead_letters *l, struct lw_err *err) {
    struct dead_letters_view v = {.letters = l};
    if (lw_dead_letters_read(l, 0, show_message, &v, err))
        return -1;
    if (v.shown == 0)
        return lw_fail(err, LW_ENOTFOUND,
                       "%s has no dead letter %" PRId32 ":%" PRId64
                       "; run 'leeway dead-letters list'",
                       l->config->source.dead_letters, l->partition, l->offset);
    return LW_EXIT_OK;
}
