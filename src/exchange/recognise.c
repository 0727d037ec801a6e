/* What a file is, by its first bytes, and the way in and out. */
#include "exchange/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const names[] = {
    [LW_EXCHANGE_AVRO] = "leeway Avro",        [LW_EXCHANGE_JSON] = "leeway JSON",
    [LW_EXCHANGE_LINEAR] = "linear JSON",      [LW_EXCHANGE_XGBOOST] = "XGBoost JSON",
    [LW_EXCHANGE_XGBOOST_UBJ] = "XGBoost UBJ", [LW_EXCHANGE_LIGHTGBM] = "LightGBM text",
};

const char *lw_exchange_format_name(enum lw_exchange_format format) {
    return names[format];
}

int lw_exchange_format_parse(const char *word) {
    return strcmp(word, "avro") == 0      ? LW_EXCHANGE_AVRO
           : strcmp(word, "xgboost") == 0 ? LW_EXCHANGE_XGBOOST
           : strcmp(word, "json") == 0    ? LW_EXCHANGE_JSON
                                          : -1;
}

/* ---- files of others that cannot be read ---- */

struct foreign_file {
    const char *bytes;
    size_t len;
    const char *what, *instead;
};
#define BYTES(text) (text), sizeof(text) - 1

static const struct foreign_file foreign[] = {
    {BYTES("\x80\x02"), "a Python pickle", NULL},
    {BYTES("\x80\x03"), "a Python pickle", NULL},
    {BYTES("\x80\x04"), "a Python pickle", NULL},
    {BYTES("\x80\x05"), "a Python pickle", NULL},
    {BYTES("PK\x03\x04"), "a zip file (skops, or a Java model)", NULL},
    {BYTES("\x1f\x8b"), "compressed (gzip)", "decompress it"},
    {BYTES("\x78\x9c"), "compressed (zlib, perhaps by joblib)", NULL},
    {BYTES("binf"), "an old binary model of XGBoost",
     "load it with the XGBoost that wrote it and save it as .json or .ubj"},
    {BYTES("CBM1"), "a CatBoost model", NULL},
};
static const char instead[] =
    "load it where it was made and save it with xgboost's save_model(\"x.json\"), "
    "lightgbm's save_model(\"x.txt\"), or examples/export_linear.py for a linear model";

static int refuse_file(const char *what, const char *how, struct lw_err *err) {
    return lw_fail(err, LW_EINPUT, "the file is %s, which leeway does not read: %s", what,
                   how ? how : instead);
}

static bool begins(const char *data, size_t len, const char *with, size_t n) {
    return len >= n && memcmp(data, with, n) == 0;
}

/* ONNX is a protobuf: ir_version (field 1, a small number), then the producer's name
 * (field 2), or a graph (field 7) or opsets (field 8). */
static bool is_onnx(const char *data, size_t len) {
    const unsigned char *b = (const unsigned char *)data;
    return len > 4 && b[0] == 0x08 && b[1] > 0 && b[1] < 32 &&
           (b[2] == 0x12 || b[2] == 0x3a || b[2] == 0x42);
}

static int check_foreign(const char *data, size_t len, struct lw_err *err) {
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (begins(data, len, foreign[i].bytes, foreign[i].len))
            return refuse_file(foreign[i].what, foreign[i].instead, err);
    if (is_onnx(data, len))
        return refuse_file("an ONNX model", NULL, err);
    return 0;
}

static size_t skip_blank(const char *data, size_t len) {
    size_t i = begins(data, len, BYTES("\xef\xbb\xbf")) ? 3 : 0;
    while (i < len && strchr(" \t\r\n", data[i]) && data[i])
        i++;
    return i;
}

static bool has_text(const char *data, size_t len, const char *text) {
    size_t n = strlen(text), most = len < 4096 ? len : 4096;
    for (size_t i = 0; i + n <= most; i++)
        if (memcmp(data + i, text, n) == 0)
            return true;
    return false;
}

/* ---- JSON ---- */

json_t *lw__json_read(const void *data, size_t len, struct lw_err *err) {
    json_error_t where;
    json_t *root = json_loadb(data, len, JSON_REJECT_DUPLICATES, &where);
    if (!root)
        lw_fail(err, LW_EINPUT, "line %d, column %d: it is not JSON: %.120s", where.line,
                where.column, where.text);
    return root;
}

static struct lw_model *json_import(const struct lw_exchange *to, const json_t *root,
                                    enum lw_exchange_format *format, struct lw_err *err) {
    if (json_object_get(root, "learner")) {
        *format = LW_EXCHANGE_XGBOOST;
        return lw__xgboost_read(to, root, err);
    }
    if (json_object_get(root, "format")) {
        *format = LW_EXCHANGE_JSON;
        return lw__record_model(root, err);
    }
    if (json_object_get(root, "terms")) {
        *format = LW_EXCHANGE_LINEAR;
        return lw__linear_read(to, root, err);
    }
    lw_fail(
        err, LW_EINPUT,
        "it is JSON without `learner` (XGBoost), `format` (leeway) or `terms` (a linear "
        "model: docs/models.md)");
    return NULL;
}

static struct lw_model *tree_import(const struct lw_exchange *to, json_t *root,
                                    enum lw_exchange_format *format, struct lw_err *err) {
    struct lw_model *m = root ? json_import(to, root, format, err) : NULL;
    json_decref(root);
    return m;
}

static struct lw_model *ubj_import(const struct lw_exchange *to, const void *data,
                                   size_t len, enum lw_exchange_format *format,
                                   struct lw_err *err) {
    struct lw_model *m = tree_import(to, lw__ubj_read(data, len, err), format, err);
    *format = LW_EXCHANGE_XGBOOST_UBJ;
    return m;
}

/* A `{` begins both. In UBJSON the length of a name follows, in JSON a quote or blank. */
static bool is_ubj(const char *data, size_t len) {
    return len > 2 && data[0] == '{' && data[1] && strchr("iUIlL$#", data[1]);
}

static struct lw_model *file_read(const struct lw_exchange *to, const char *data,
                                  size_t len, enum lw_exchange_format *format,
                                  struct lw_err *err) {
    size_t at = skip_blank(data, len);
    if (begins(data, len, "Obj\x01", 4)) {
        *format = LW_EXCHANGE_AVRO;
        return lw_model_decode(data, len, err);
    }
    if (len > LW_EXCHANGE_BYTES_MAX)
        lw_fail(err, LW_EINPUT, "the file has more than %zu MiB",
                LW_EXCHANGE_BYTES_MAX >> 20);
    if (len > LW_EXCHANGE_BYTES_MAX || check_foreign(data, len, err))
        return NULL;
    if (is_ubj(data, len))
        return ubj_import(to, data, len, format, err);
    if (at < len && data[at] == '{')
        return tree_import(to, lw__json_read(data + at, len - at, err), format, err);
    if (begins(data + at, len - at, "tree\n", 5) ||
        begins(data + at, len - at, "tree\r\n", 6)) {
        *format = LW_EXCHANGE_LIGHTGBM;
        return lw__lightgbm_read(to, data + at, len - at, err);
    }
    if (at < len && data[at] == '<' && has_text(data, len, "PMML"))
        refuse_file("a PMML model", NULL, err);
    lw_fail(
        err, LW_EINPUT,
        "the file is not a model that leeway reads (leeway Avro or JSON, XGBoost JSON or "
        "UBJ, LightGBM text, a linear model as JSON)");
    return NULL;
}

struct lw_model *lw_exchange_import(const struct lw_exchange *to, const void *data,
                                    size_t len, enum lw_exchange_format *format,
                                    struct lw_err *err) {
    struct lw_err why = {0};
    *format = LW_EXCHANGE_AVRO;
    struct lw_model *m = file_read(to, data, len, format, &why);
    if (m && lw_model_bind(m, to->fields, &why) == 0 && lw__frame_fits(to, m, &why) == 0)
        return m;
    lw_model_free(m);
    lw_fail(err, why.code, "%s", why.msg);
    return NULL;
}

static int json_export(const struct lw_model *m, struct lw_buf *out, struct lw_err *err) {
    json_t *o = lw__record_json(m, err);
    char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(o);
    if (!text)
        return -1;
    lw_buf_put(out, text, strlen(text));
    lw_buf_u8(out, '\n');
    free(text);
    return 0;
}

int lw_exchange_export(const struct lw_model *m, enum lw_exchange_format format,
                       struct lw_buf *out, struct lw_err *err) {
    switch (format) {
    case LW_EXCHANGE_AVRO:
        return lw_model_encode(m, out, err);
    case LW_EXCHANGE_JSON:
        return json_export(m, out, err);
    case LW_EXCHANGE_XGBOOST:
        return lw__xgboost_write(m, out, err);
    default:
        return lw_fail(err, LW_EINPUT, "models are not written as %s", names[format]);
    }
}
