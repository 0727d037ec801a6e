/* POST /api/v1/predict: from memory, in libmicrohttpd's threads.
 *
 * A request keeps the version that was champion when it began, and how its predictions
 * were tracked then, so one version answers all of its records alike, and a promotion
 * meanwhile fails none. Records are decoded and validated
 * by the same code as events; only the target is not needed, and fields that the model
 * does not read may be left out. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "base/time.h"
#include "event/container.h"
#include "event/decoder.h"
#include "event/file.h"
#include "http/metrics.h"
#include "http/private.h"
#include "http/serve.h"

struct batch {
    struct lw_call *call;
    const struct lw_event_spec *event;
    const struct lw_champion *champion;
    bool tracks; /* predictions, by this */
    struct lw_tracking tracking;
    bool single; /* one record, not a list */
    size_t n;
    struct lw_decoder_scratch scratch;
};

static const char *number_text(char out[40], double v) {
    return isfinite(v) ? lw_format_f64(out, 40, v) : "null";
}

static void put_prediction(struct batch *b, double v) {
    char answer[40], plain[40];
    double p = b->tracks ? lw_tracking_apply(&b->tracking, b->call->server->spec, v) : v;
    lw_buf_printf(&b->call->out,
                  "%s{\"prediction\":%s,\"untracked\":%s,\"model_version\":%u}",
                  b->n ? "," : "", number_text(answer, p), number_text(plain, v),
                  b->champion->version);
    b->n++;
}

static void batch_refuse(struct batch *b, const char *why) {
    lw_buf_clear(&b->call->out);
    lw_call_fail(b->call, MHD_HTTP_BAD_REQUEST, "record %zu: %s", b->n, why);
}

/* The time of an event is often not known yet (a trip's end), but an Avro record must
 * contain a value. It matters only where the model reads it. */
static bool take_time(struct batch *b, const struct lw_cell *cells, struct lw_row *row) {
    const struct lw_event_spec *event = b->event;
    struct lw_err err = {0};
    int at = event->time_field;
    if (at < 0 || !cells[at].present)
        return true;
    int64_t ms = (int64_t)cells[at].key;
    bool right =
        lw_event_time(event->fields.field[at].name, event->time_unit, ms, &err) == 0;
    if (right)
        row->time_ms = ms;
    else if (b->champion->needed[at])
        batch_refuse(b, err.msg);
    return right || !b->champion->needed[at];
}

/* One record's cells; false: refused, and the answer says which record and why. */
static bool batch_predict(struct batch *b, const struct lw_cell *cells) {
    const struct lw_event_spec *event = b->event;
    struct lw_row row = {.cells = cells, .time_ms = lw_wall_ms(), .target = NAN};
    if (b->n == LW_RECORDS_MAX) {
        lw_buf_clear(&b->call->out);
        lw_call_fail(b->call, MHD_HTTP_CONTENT_TOO_LARGE,
                     "a request may contain at most %d records", LW_RECORDS_MAX);
        return false;
    }
    if (!take_time(b, cells, &row))
        return false;
    int reason = lw_event_check(event, cells);
    if (reason != LW_GOOD) {
        char why[2 * LW_NAME_MAX + 60];
        snprintf(why, sizeof why, "it must satisfy %s", lw_event_reason(event, reason));
        batch_refuse(b, why);
        return false;
    }
    put_prediction(b, lw_model_predict(b->champion->model, &row));
    return true;
}

/* One encoded record; false: refused. */
static bool predict_record(struct batch *b, const struct lw_decoder *decoder,
                           const struct lw_encoded_record *record) {
    struct lw_cell cells[LW_FIELDS_MAX];
    struct lw_err err = {0};
    if (lw_decoder_decode(decoder, record, &b->scratch, cells, &err) == 0)
        return batch_predict(b, cells);
    batch_refuse(b, err.msg);
    return false;
}

/* ---- JSON ---- */

static bool predict_object(struct batch *b, const json_t *json) {
    struct lw_encoded_record record = {.json = json, .needed = b->champion->needed};
    return predict_record(b, b->call->server->json, &record);
}

static void predict_json(struct batch *b) {
    struct lw_call *c = b->call;
    json_error_t at;
    json_t *root = json_loadb((const char *)c->body.data, c->body.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
    if (!root) {
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "not valid JSON: line %d, column %d: %s",
                     at.line, at.column, at.text);
        return;
    }
    bool ok = true;
    size_t i;
    const json_t *record;
    b->single = json_is_object(root);
    if (b->single)
        predict_object(b, root);
    else {
        lw_buf_printf(&c->out, "{\"predictions\":[");
        json_array_foreach(root, i, record) {
            ok = ok && predict_object(b, record);
        }
        if (ok)
            lw_buf_printf(&c->out, "]}");
    }
    json_decref(root);
}

/* ---- Avro ---- */

static void predict_datum(struct batch *b) {
    struct lw_encoded_record record = {.data = b->call->body.data,
                                       .len = b->call->body.len};
    b->single = true;
    predict_record(b, b->call->server->avro, &record);
}

static bool predict_file(struct batch *b, struct lw_file *file,
                         const struct lw_decoder *decoder, struct lw_err *err) {
    struct lw_encoded_record record = {0};
    int rc;
    while ((rc = lw_file_next(file, &record.data, &record.len, err)) == 1)
        if (!predict_record(b, decoder, &record))
            return false;
    return rc == 0;
}

/* An object container has its own schema. Its records may be compressed, so their size
 * has a separate limit: a body of zeros inflates a thousandfold. */
static void predict_container(struct batch *b) {
    struct lw_call *c = b->call;
    const struct lw_server *s = c->server;
    struct lw_err err = {0};
    FILE *stream = fmemopen(c->body.data, c->body.len, "rb");
    struct lw_file *file = stream ? lw_file_open_stream(stream, "the body", &err) : NULL;
    struct lw_decoder *decoder =
        file ? lw_file_decoder(file, s->config->source.schema, &b->event->fields, &err)
             : NULL;
    if (file)
        lw_file_limit(file, LW_INFLATE_MAX * s->config->http.body_max);
    lw_buf_printf(&c->out, "{\"predictions\":[");
    if (decoder && predict_file(b, file, decoder, &err))
        lw_buf_printf(&c->out, "]}");
    else if (!stream)
        lw_call_fail(c, MHD_HTTP_INTERNAL_SERVER_ERROR, "%s", strerror(errno));
    else if (file && lw_file_exceeded(file))
        lw_call_fail(c, MHD_HTTP_CONTENT_TOO_LARGE,
                     "the body inflates to more than %d times http.body_max (%lld bytes)",
                     LW_INFLATE_MAX, (long long)s->config->http.body_max);
    else
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "%s", err.msg);
    lw_decoder_free(decoder);
    lw_file_close(file);
}

/* ---- the request ---- */

static bool type_is(const char *header, const char *type) {
    size_t n = strlen(type);
    return header && strncasecmp(header, type, n) == 0 &&
           (!header[n] || header[n] == ';' || header[n] == ' ');
}

static void batch_answer(struct batch *b) {
    struct lw_call *c = b->call;
    const char *type =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Content-Type");
    const char *coding =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Content-Encoding");
    bool json = type_is(type, "application/json"), datum = type_is(type, "avro/binary");
    bool file = type_is(type, "application/vnd.apache.avro");
    if (coding && strcasecmp(coding, "identity") != 0)
        lw_call_fail(c, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                     "Content-Encoding is not supported: send the body uncompressed");
    else if (!json && !datum && !file)
        lw_call_fail(c, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                     "Content-Type must be application/json, avro/binary (one record) or "
                     "application/vnd.apache.avro (an object container)");
    else if (c->body.len == 0)
        lw_call_fail(c, MHD_HTTP_BAD_REQUEST, "the body is empty");
    else if (json)
        predict_json(b);
    else if (datum)
        predict_datum(b);
    else
        predict_container(b);
}

/* The newest numbers, as a pane that begins now would use them. */
static void batch_track(struct batch *b) {
    struct lw_snapshot *n = lw_watch_snapshot(b->call->server);
    const struct lw_tracking *t =
        n && n->tracking.served ? lw_tracking_find(&n->tracking, b->champion->version)
                                : NULL;
    b->tracks = t != NULL;
    if (t)
        b->tracking = *t;
    lw_watch_snapshot_put(n);
}

void lw_serve_predict(struct lw_call *c) {
    if (!lw_spec_trains(c->server->spec)) {
        lw_call_fail(
            c, MHD_HTTP_NOT_FOUND,
            "this stream has no model here: its configuration has no candidates");
        return;
    }
    struct lw_champion *champion = lw_watch_champion(c->server);
    if (!champion) {
        lw_call_fail(c, MHD_HTTP_SERVICE_UNAVAILABLE,
                     "there is no champion yet: no model has been promoted");
        return;
    }
    struct batch b = {.call = c, .event = &c->server->spec->event, .champion = champion};
    batch_track(&b);
    batch_answer(&b);
    lw_decoder_scratch_fini(&b.scratch);
    lw_watch_champion_put(champion);
    if (!c->answered) {
        lw_buf_u8(&c->out, '\n');
        c->answered = true;
        atomic_fetch_add_explicit(&c->server->predictions, b.n, memory_order_relaxed);
    }
    lw_metrics_latency_add(&c->server->latency, lw_mono_us() - c->began_us);
}
