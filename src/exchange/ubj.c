/* Universal Binary JSON (https://ubjson.org), as far as XGBoost writes it: every value
 * takes at least one byte of the file, so its length bounds the memory. Numbers are
 * big-endian. */
#include "exchange/private.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"

#define DEPTH_MAX 64

struct ubj_reader {
    struct lw_reader in;
    const uint8_t *begin;
    struct lw_err *err;
};

static int ubj_fail(struct ubj_reader *r, const char *what) {
    return lw_fail(r->err, LW_EINPUT, "byte %zu: %s", (size_t)(r->in.at - r->begin),
                   what);
}

static json_t *ubj_value(struct ubj_reader *r, int marker, int depth);

static int next_marker(struct ubj_reader *r) {
    int c;
    do
        c = lw_reader_u8(&r->in);
    while (c == 'N' && !r->in.bad); /* no operation */
    return r->in.bad ? -1 : c;
}

static uint64_t big_endian(struct ubj_reader *r, size_t bytes) {
    uint64_t v = 0;
    for (size_t i = 0; i < bytes; i++)
        v = v << 8 | lw_reader_u8(&r->in);
    return v;
}

/* Bytes of an integer or a number; 0: it is neither. */
static size_t marker_size(int marker) {
    switch (marker) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static int64_t whole_value(struct ubj_reader *r, int marker) {
    switch (marker) {
    case 'i':
        return (int8_t)big_endian(r, 1);
    case 'U':
        return (int64_t)big_endian(r, 1);
    case 'I':
        return (int16_t)big_endian(r, 2);
    case 'l':
        return (int32_t)big_endian(r, 4);
    default:
        return (int64_t)big_endian(r, 8);
    }
}

static json_t *real_value(struct ubj_reader *r, int marker) {
    double v;
    if (marker == 'd') {
        uint32_t bits = (uint32_t)big_endian(r, 4);
        float f;
        memcpy(&f, &bits, sizeof f);
        v = (double)f;
    } else {
        uint64_t bits = big_endian(r, 8);
        memcpy(&v, &bits, sizeof v);
    }
    if (r->in.bad || isfinite(v))
        return json_real(v);
    ubj_fail(r, "the number is not finite");
    return NULL;
}

/* A length: an integer, at most what is left of the file. -1 after an error. */
static int64_t ubj_length(struct ubj_reader *r) {
    int marker = next_marker(r);
    size_t size = marker_size(marker);
    if (size == 0 || marker == 'd' || marker == 'D')
        return ubj_fail(r, "a length is expected");
    int64_t n = whole_value(r, marker);
    if (r->in.bad || n < 0 || (uint64_t)n > lw_reader_left(&r->in))
        return ubj_fail(r, "a length is larger than the rest of the file");
    return n;
}

static const char *ubj_text(struct ubj_reader *r, size_t *len) {
    int64_t n = ubj_length(r);
    if (n < 0)
        return NULL;
    *len = (size_t)n;
    return lw_reader_bytes(&r->in, *len);
}

static json_t *text_value(struct ubj_reader *r) {
    size_t len;
    const char *text = ubj_text(r, &len);
    json_t *v = text ? json_stringn(text, len) : NULL;
    if (text && !v)
        ubj_fail(r, "a text is not UTF-8");
    return v;
}

/* The head of a list or object: `$` type, `#` count. */
struct ubj_head {
    int type;  /* 0: each value has its own */
    int64_t n; /* -1: until the end marker */
};

static int ubj_head(struct ubj_reader *r, struct ubj_head *h) {
    *h = (struct ubj_head){0, -1};
    if (lw_reader_left(&r->in) && *r->in.at == '$') {
        lw_reader_u8(&r->in);
        h->type = lw_reader_u8(&r->in);
        if (h->type != 'S' && h->type != 'C' && marker_size(h->type) == 0)
            return ubj_fail(r, "a list of this type is not supported");
    }
    if (lw_reader_left(&r->in) && *r->in.at == '#') {
        lw_reader_u8(&r->in);
        h->n = ubj_length(r);
        return h->n < 0 ? -1 : 0;
    }
    return h->type ? ubj_fail(r, "a list with a type needs a length") : 0;
}

/* 1: another item follows, whose marker is *marker; 0: the end; -1: error. */
static int ubj_more(struct ubj_reader *r, const struct ubj_head *h, int64_t i, int end,
                    int *marker) {
    if (h->n >= 0 && i >= h->n)
        return 0;
    *marker = h->type;
    if (h->type && end == ']')
        return 1;
    if (h->n < 0 && lw_reader_left(&r->in) && *r->in.at == end) {
        lw_reader_u8(&r->in);
        return 0;
    }
    if (end == '}') /* a key comes first, which has no marker */
        return lw_reader_left(&r->in) ? 1 : ubj_fail(r, "the file ends in an object");
    *marker = next_marker(r);
    return *marker < 0 ? ubj_fail(r, "the file ends in a list") : *marker != end;
}

static json_t *ubj_list(struct ubj_reader *r, int depth) {
    json_t *list = json_array();
    struct ubj_head h;
    int marker, more = ubj_head(r, &h);
    for (int64_t i = 0; more >= 0 && (more = ubj_more(r, &h, i, ']', &marker)) > 0; i++) {
        json_t *v = ubj_value(r, marker, depth + 1);
        more = v && json_array_append_new(list, v) == 0 ? 1 : -1;
    }
    if (more == 0)
        return list;
    json_decref(list);
    return NULL;
}

static int ubj_member(struct ubj_reader *r, json_t *object, int marker, int depth) {
    size_t len;
    const char *text = ubj_text(r, &len);
    if (!text || memchr(text, 0, len))
        return ubj_fail(r, "a name is expected");
    char *key = lw_malloc(len + 1);
    memcpy(key, text, len);
    key[len] = 0;
    int rc = json_object_get(object, key) ? ubj_fail(r, "a name appears twice") : 0;
    json_t *v = rc ? NULL : ubj_value(r, marker ? marker : next_marker(r), depth + 1);
    if (v && json_object_set_new(object, key, v))
        rc = ubj_fail(r, "a name is not UTF-8");
    free(key);
    return v ? rc : -1;
}

static json_t *ubj_object(struct ubj_reader *r, int depth) {
    json_t *object = json_object();
    struct ubj_head h;
    int marker, more = ubj_head(r, &h);
    for (int64_t i = 0; more >= 0 && (more = ubj_more(r, &h, i, '}', &marker)) > 0; i++)
        more = ubj_member(r, object, marker, depth) ? -1 : 1;
    if (more == 0)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *plain_value(struct ubj_reader *r, int marker) {
    switch (marker) {
    case 'd':
    case 'D':
        return real_value(r, marker);
    case 'S':
        return text_value(r);
    case 'C':
        return json_integer(lw_reader_u8(&r->in));
    case 'T':
        return json_true();
    case 'F':
        return json_false();
    case 'Z':
        return json_null();
    default:
        if (marker_size(marker))
            return json_integer(whole_value(r, marker));
        ubj_fail(r, "this is not a value of UBJSON");
        return NULL;
    }
}

static json_t *ubj_value(struct ubj_reader *r, int marker, int depth) {
    if (depth > DEPTH_MAX) {
        ubj_fail(r, "values are nested too deeply");
        return NULL;
    }
    json_t *v = marker == '['   ? ubj_list(r, depth)
                : marker == '{' ? ubj_object(r, depth)
                                : plain_value(r, marker);
    if (!r->in.bad)
        return v;
    ubj_fail(r, "the file is truncated");
    json_decref(v);
    return NULL;
}

json_t *lw__ubj_read(const void *data, size_t len, struct lw_err *err) {
    struct ubj_reader r = {lw_reader_of(data, len), data, err};
    json_t *root = ubj_value(&r, next_marker(&r), 0);
    if (!root || lw_reader_left(&r.in) == 0)
        return root;
    ubj_fail(&r, "bytes follow the model");
    json_decref(root);
    return NULL;
}
