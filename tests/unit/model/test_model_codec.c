/* The model file: a round trip changes no bit of a prediction; libavro can read it; every
 * damaged file is refused or harmless. */
#include "model_test.h"

#include <avro.h>

#include "event/codec.h"
#include "model/parts.h"
#include "model/schema_text.h"
#include "model/wire.h"

static struct lw_model *rich_model(struct bench *t) {
    static const char *const terms[] = {"a",
                                        "a * b",
                                        "s",
                                        "s * hour(t)",
                                        "x",
                                        "a * sqrt(x)",
                                        "zero(x) * impute(x, a, s)",
                                        "impute(z, b)",
                                        "qbins(x, 6)",
                                        "bins(z, -1, 1)"};
    lw_bench_init(t, LW_FIT_RIDGE, 1);
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        lw_bench_rare(t, terms[i], 1 + (double)i / 4, i == 3 ? 4 : 0);
    lw_bench_random(t, 31, 800);
    t->spec.clip_lo = 1;
    t->spec.clip_hi = INFINITY;
    t->spec.half_life_ms = LW_DAY;
    return lw_bench_fit(t, 60 * LW_DAY, NULL);
}

static void a_round_trip_changes_nothing(void **state) {
    (void)state;
    struct bench t;
    struct lw_err err = {0};
    struct lw_buf first = {0}, second = {0};
    struct lw_model *m = rich_model(&t);
    assert_int_equal(lw_model_encode(m, &first, &err), 0);
    struct lw_model *copy = lw_model_decode(first.data, first.len, &err);
    if (!copy)
        fail_msg("%s", err.msg);
    assert_int_equal(lw_model_encode(copy, &second, &err), 0);
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    assert_true(lw_model_fingerprint(m) == lw_model_fingerprint(copy));
    assert_string_equal(lw_model_name(copy), "test");
    assert_string_equal(lw_model_kind(copy), "ridge");
    assert_int_equal(lw_model_coefficients(copy), lw_model_coefficients(m));
    assert_int_equal(lw_model_bind_plan(copy, t.plan, &err), 0);
    assert_int_equal(lw_model_bind(copy, &t.fields, &err), 0);
    double p[800], q[800];
    lw_model_predict_rows(m, t.ds, 0, 800, p);
    lw_model_predict_rows(copy, t.ds, 0, 800, q);
    assert_memory_equal(p, q, sizeof p);
    lw_buf_fini(&first);
    lw_buf_fini(&second);
    lw_model_free(copy);
    lw_model_free(m);
    lw_bench_fini(&t);
}

static void different_models_have_different_fingerprints(void **state) {
    (void)state;
    struct bench t;
    struct lw_model *m = rich_model(&t);
    uint64_t before = lw_model_fingerprint(m);
    lw_copy(t.spec.name, sizeof t.spec.name, "another name");
    struct lw_model *same = lw_bench_fit(&t, 60 * LW_DAY, NULL);
    assert_true(lw_model_fingerprint(same) == before); /* the name does not matter */
    t.spec.clip_lo = 2;
    struct lw_model *clipped = lw_bench_fit(&t, 60 * LW_DAY, NULL);
    assert_true(lw_model_fingerprint(clipped) != before);
    lw_model_free(m);
    lw_model_free(same);
    lw_model_free(clipped);
    lw_bench_fini(&t);
}

static void libavro_reads_it(void **state) {
    (void)state;
    struct bench t;
    struct lw_buf file = {0};
    avro_file_reader_t reader;
    avro_value_t record, intercept, terms, term, text;
    struct lw_model *m = rich_model(&t);
    lw_model_encode(m, &file, NULL);
    FILE *f = fmemopen(file.data, file.len, "rb");
    assert_int_equal(avro_file_reader_fp(f, "model", 0, &reader), 0);
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_generic_value_new(iface, &record);
    assert_int_equal(avro_file_reader_read_value(reader, &record), 0);
    double v = 0;
    avro_value_get_by_name(&record, "intercept", &intercept, NULL);
    avro_value_get_double(&intercept, &v);
    assert_near(v, lw_model_intercept(m), 0);
    size_t n = 0;
    const char *s = NULL;
    avro_value_get_by_name(&record, "terms", &terms, NULL);
    avro_value_get_size(&terms, &n);
    assert_int_equal(n, 10);
    avro_value_get_by_index(&terms, 5, &term, NULL);
    avro_value_get_by_name(&term, "text", &text, NULL);
    avro_value_get_string(&text, &s, NULL);
    assert_string_equal(s, "a * sqrt(x)");
    avro_value_decref(&record);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
    fclose(f);
    lw_buf_fini(&file);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* Decodes an exact copy, so that ASan detects a read past the end. */
static struct lw_model *decode(const uint8_t *data, size_t len, struct lw_err *err) {
    uint8_t *copy = lw_malloc(len + 1);
    memcpy(copy, data, len);
    copy = lw_realloc(copy, len ? len : 1, 1);
    struct lw_model *m = lw_model_decode(copy, len, err);
    free(copy);
    return m;
}

static void refused(const void *data, size_t len, const char *says) {
    struct lw_err err = {0};
    struct lw_model *m = decode(data, len, &err);
    if (m)
        fail_msg("a file was accepted; expected the error \"%s\"", says);
    assert_int_equal(err.code, LW_EINPUT);
    if (!strstr(err.msg, says))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, says);
}

static void foreign_files_are_refused(void **state) {
    (void)state;
    struct bench t;
    struct lw_buf file = {0};
    struct lw_model *m = rich_model(&t);
    lw_model_encode(m, &file, NULL);
    refused("", 0, "not an Avro container file");
    refused("PK\x03\x04 something else", 20, "not an Avro container file");
    for (size_t len = 0; len < file.len; len += len < 300 ? 1 : 211) {
        struct lw_err err = {0};
        assert_null(decode(file.data, len, &err));
        assert_int_equal(err.code, LW_EINPUT);
    }
    lw_buf_u8(&file, 0);
    refused(file.data, file.len, "more than one record");
    struct lw_buf other = {0}, record = {0};
    lw_wire_text(&record, "hello");
    lw_wire_wrap(&other,
                 "{\"type\":\"record\",\"name\":\"M\",\"fields\":["
                 "{\"name\":\"x\",\"type\":\"string\"}]}",
                 &record, NULL);
    refused(other.data, other.len, "its schema is not");
    lw_buf_fini(&other);
    lw_buf_fini(&record);
    lw_buf_fini(&file);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* The uncompressed record with flipped bits and wrong lengths: every accepted one must
 * still score. */
static void damaged_records_are_refused_or_harmless(void **state) {
    (void)state;
    struct bench t;
    struct lw_buf file = {0}, record = {0};
    struct lw_rng rng;
    struct lw_model *m = rich_model(&t);
    size_t taken = 0, tried = 0;
    lw_model_encode(m, &file, NULL);
    assert_int_equal(lw_wire_unwrap(file.data, file.len, lw_model_schema, &record, NULL),
                     0);
    lw_rng_seed(&rng, 32);
    for (size_t at = 0; at < record.len; at += 1 + lw_rng_below(&rng, 5), tried++) {
        struct lw_buf bad = {0};
        struct lw_err err = {0};
        uint8_t was = record.data[at];
        record.data[at] ^= (uint8_t)(1u << lw_rng_below(&rng, 8));
        if (lw_rng_below(&rng, 4) == 0)
            record.data[at] = 0xFF;
        lw_wire_wrap(&bad, lw_model_schema, &record, NULL);
        record.data[at] = was;
        struct lw_model *x = decode(bad.data, bad.len, &err);
        if (!x)
            assert_true(err.code == LW_EINPUT || err.code == LW_ECONFIG);
        if (x && lw_model_bind(x, &t.fields, NULL) == 0) {
            struct sample s;
            lw_sample(&s, 0, 8, 3, 1, 1, 0);
            assert_true(isfinite(lw_model_predict(x, &s.row)));
        }
        taken += x != NULL;
        lw_model_free(x);
        lw_buf_fini(&bad);
    }
    assert_true(taken > 0 && taken < tried);
    lw_buf_fini(&file);
    lw_buf_fini(&record);
    lw_model_free(m);
    lw_bench_fini(&t);
}

/* A few bytes that claim to be gigabytes. */
static void small_files_cannot_claim_much_memory(void **state) {
    (void)state;
    struct lw_buf record = {0}, file = {0};
    lw_varint_put_long(&record, LW_MODEL_FORMAT);
    lw_varint_put_long(&record, INT64_MAX / 2); /* the length of the name */
    lw_wire_wrap(&file, lw_model_schema, &record, NULL);
    refused(file.data, file.len, "its name");
    lw_buf_clear(&record);
    lw_buf_clear(&file);
    lw_varint_put_long(&record, LW_MODEL_FORMAT);
    lw_wire_text(&record, "name");
    lw_wire_text(&record, "ridge");
    lw_varint_put_long(&record, INT64_MAX / 2); /* that many parameters */
    lw_wire_wrap(&file, lw_model_schema, &record, NULL);
    refused(file.data, file.len, "damaged");
    lw_buf_fini(&record);
    lw_buf_fini(&file);
}

static void inflation_is_bounded(void **state) {
    (void)state;
    struct lw_buf zeros = {0}, packed = {0}, out = {0};
    struct lw_err err = {0};
    memset(lw_buf_extend(&zeros, 1 << 20), 0, 1 << 20);
    struct lw_codec *codec = lw_codec_new("deflate", &err);
    lw_codec_pack(codec, zeros.data, zeros.len, &packed);
    assert_true(packed.len < 2048);
    assert_int_equal(lw_codec_unpack(codec, packed.data, packed.len, 1 << 20, &out, &err),
                     0);
    assert_int_equal(out.len, 1 << 20);
    assert_int_equal(
        lw_codec_unpack(codec, packed.data, packed.len, (1 << 20) - 1, &out, &err), -2);
    assert_non_null(strstr(err.msg, "decompresses to more than"));
    lw_err_clear(&err);
    assert_int_equal(
        lw_codec_unpack(codec, packed.data, packed.len - 1, 1 << 20, &out, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    lw_codec_free(codec);
    lw_buf_fini(&zeros);
    lw_buf_fini(&packed);
    lw_buf_fini(&out);
}

static void wire_numbers_round_trip(void **state) {
    (void)state;
    static const int64_t v[] = {0, -1, 1, 63, -64, 64, INT32_MAX, INT64_MAX, INT64_MIN};
    struct lw_buf out = {0};
    for (size_t i = 0; i < 9; i++)
        lw_varint_put_long(&out, v[i]);
    assert_memory_equal(out.data, "\x00\x01\x02\x7E\x7F\x80\x01", 7);
    struct lw_reader in = lw_reader_of(out.data, out.len);
    for (size_t i = 0; i < 9; i++)
        assert_true(lw_varint_get_long(&in) == v[i]);
    assert_false(in.bad);
    in = lw_reader_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11);
    lw_varint_get_long(&in);
    assert_true(in.bad);
    lw_buf_fini(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wire_numbers_round_trip),
        cmocka_unit_test(inflation_is_bounded),
        cmocka_unit_test(a_round_trip_changes_nothing),
        cmocka_unit_test(different_models_have_different_fingerprints),
        cmocka_unit_test(libavro_reads_it),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(damaged_records_are_refused_or_harmless),
        cmocka_unit_test(small_files_cannot_claim_much_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
