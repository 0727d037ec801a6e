/* Container files: fastavro's with every codec, our own, and damaged ones. */
#include "support.h"

#include <stdio.h>
#include <unistd.h>

#include <avro.h>

#include "base/buf.h"
#include "base/text.h"
#include "event/container.h"
#include "event/file.h"

/* All records of a file one after another, with their lengths; fails the test on error.
 */
static size_t read_all(const char *path, struct lw_buf *out) {
    struct lw_err err = {0};
    struct lw_file *file = lw_file_open(path, &err);
    const uint8_t *data;
    size_t len, n = 0;
    if (!file)
        fail_msg("%s", err.msg);
    int rc;
    while ((rc = lw_file_next(file, &data, &len, &err)) == 1) {
        lw_buf_blob(out, data, len);
        n++;
    }
    if (rc < 0)
        fail_msg("%s", err.msg);
    assert_true(lw_file_progress(file) > 0.999);
    lw_file_close(file);
    return n;
}

static void every_codec_gives_the_same_records(void **state) {
    (void)state;
    struct lw_buf null = {0}, deflate = {0}, snappy = {0};
    assert_int_equal(read_all(EVENT_DATA "small_null.avro", &null), 40);
    assert_int_equal(read_all(EVENT_DATA "small_deflate.avro", &deflate), 40);
    assert_int_equal(read_all(EVENT_DATA "small_snappy.avro", &snappy), 40);
    assert_int_equal(null.len, deflate.len);
    assert_int_equal(null.len, snappy.len);
    assert_memory_equal(null.data, deflate.data, null.len);
    assert_memory_equal(null.data, snappy.data, null.len);
    lw_buf_fini(&null);
    lw_buf_fini(&deflate);
    lw_buf_fini(&snappy);
}

static void the_schema_keeps_its_text(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_file *file = lw_file_open(EVENT_DATA "green_sample.avro", &err);
    assert_non_null(file);
    const char *json = lw_file_schema_json(file);
    assert_non_null(strstr(json, "\"logicalType\": \"local-timestamp-millis\""));
    assert_non_null(strstr(json, "\"default\": null"));
    assert_true(lw_file_progress(file) == 0);
    lw_file_close(file);
}

/* Compares the value of libavro's generic reader with our cell. */
static void same_value(avro_value_t *record, const char *name,
                       const struct lw_cell *cell) {
    avro_value_t value = {0}, branch;
    assert_int_equal(avro_value_get_by_name(record, name, &value, NULL), 0);
    branch = value;
    if (avro_value_get_type(&value) == AVRO_UNION)
        assert_int_equal(avro_value_get_current_branch(&value, &branch), 0);
    int32_t i = 0;
    int64_t l = 0;
    double d = 0;
    const char *s = NULL;
    size_t len = 0;
    switch (avro_value_get_type(&branch)) {
    case AVRO_NULL:
        assert_false(cell->present);
        break;
    case AVRO_INT32:
        avro_value_get_int(&branch, &i);
        assert_true(cell->num == i && (int64_t)cell->key == i);
        break;
    case AVRO_INT64:
        avro_value_get_long(&branch, &l);
        assert_true(cell->num == (double)l && (int64_t)cell->key == l);
        break;
    case AVRO_DOUBLE:
        avro_value_get_double(&branch, &d);
        assert_true(cell->present && cell->num == d);
        break;
    default:
        assert_int_equal(avro_value_get_string(&branch, &s, &len), 0);
        assert_int_equal(cell->len, len - 1);
        assert_memory_equal(cell->text, s, len - 1);
    }
}

static const char *const trip_fields =
    "trip_id:text,VendorID:category,lpep_pickup_datetime:timestamp,"
    "lpep_dropoff_datetime:timestamp,store_and_fwd_flag:category,RatecodeID:category,"
    "PULocationID:category,DOLocationID:category,passenger_count:numeric,"
    "trip_distance:numeric,fare_amount:numeric,tip_amount:numeric,tolls_amount:numeric,"
    "total_amount:numeric,payment_type:category,trip_type:category";

static void real_trips_equal_libavro(void **state) {
    (void)state;
    struct lw_err err = {0};
    struct lw_file *file = lw_file_open(EVENT_DATA "green_sample.avro", &err);
    assert_non_null(file);
    const char *json = lw_file_schema_json(file);
    struct lw_decoder *d = decoder_of(json, NULL, trip_fields, &err);
    struct lw_fields fields = fields_of_text(trip_fields);
    avro_schema_t schema;
    assert_int_equal(avro_schema_from_json_length(json, strlen(json), &schema), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value;
    avro_generic_value_new(iface, &value);
    const uint8_t *data;
    size_t len, n = 0, nulls = 0;
    while (lw_file_next(file, &data, &len, &err) == 1) {
        struct lw_cell cells[16];
        if (lw_decoder_decode_bytes(d, data, len, cells, &err) < 0)
            fail_msg("%s", err.msg);
        avro_reader_t reader = avro_reader_memory((const char *)data, (int64_t)len);
        assert_int_equal(avro_value_read(reader, &value), 0);
        for (size_t i = 0; i < fields.n; i++)
            same_value(&value, fields.field[i].name, &cells[i]);
        avro_reader_free(reader);
        nulls += !cells[1].present;
        n++;
    }
    assert_true(n > 2000 && nulls >= 100);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    lw_decoder_free(d);
    lw_file_close(file);
}

static char *temp_path(char *out, size_t size) {
    snprintf(out, size, "/tmp/lw_test_file_%ld.avro", (long)getpid());
    return out;
}

/* Copies a file with our writer; the copy must have the same records and schema, and
 * libavro must read it. */
static void written_files_read_back(void **state) {
    (void)state;
    char path[64];
    struct lw_err err = {0};
    struct lw_buf in = {0}, out = {0};
    const uint8_t *data;
    size_t len;
    struct lw_file *file = lw_file_open(EVENT_DATA "green_sample.avro", &err);
    struct lw_file_writer *w =
        lw_file_create(temp_path(path, sizeof path), lw_file_schema_json(file), &err);
    assert_non_null(w);
    for (int again = 0; again < 3; again++) { /* several blocks */
        while (lw_file_next(file, &data, &len, &err) == 1)
            assert_int_equal(lw_file_append(w, data, len, &err), 0);
        lw_file_close(file);
        file = lw_file_open(EVENT_DATA "green_sample.avro", &err);
        read_all(EVENT_DATA "green_sample.avro", &in);
    }
    assert_int_equal(lw_file_append(w, (const uint8_t *)"no trip", 7, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    lw_err_clear(&err);
    if (lw_file_finish(w, &err) < 0)
        fail_msg("%s", err.msg);
    size_t n = read_all(path, &out);
    assert_int_equal(in.len, out.len);
    assert_memory_equal(in.data, out.data, in.len);
    struct lw_file *copy = lw_file_open(path, &err);
    assert_string_equal(lw_file_schema_json(copy), lw_file_schema_json(file));
    lw_file_close(copy);
    lw_file_close(file);
    avro_file_reader_t reader;
    assert_int_equal(avro_file_reader(path, &reader), 0);
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value;
    avro_generic_value_new(iface, &value);
    size_t read = 0;
    while (avro_file_reader_read_value(reader, &value) == 0)
        read++;
    assert_int_equal(read, n);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
    unlink(path);
    lw_buf_fini(&in);
    lw_buf_fini(&out);
}

/* Reads bytes as a file; returns the number of records, or -1 with err. */
static long read_bytes(const void *bytes, size_t len, struct lw_err *err) {
    const uint8_t *data;
    size_t n;
    long records = 0;
    char *copy = malloc(len + 1); /* fmemopen needs writable memory */
    memcpy(copy, bytes, len);
    FILE *stream = fmemopen(copy, len, "rb");
    assert_non_null(stream);
    *err = (struct lw_err){0};
    struct lw_file *file = lw_file_open_stream(stream, "these bytes", err);
    int rc = file ? 1 : -1;
    while (rc == 1 && (rc = lw_file_next(file, &data, &n, err)) == 1)
        records++;
    if (rc < 0) {
        assert_int_equal(err->code, LW_EINPUT);
        assert_non_null(strstr(err->msg, "these bytes"));
        struct lw_err again = {0};
        if (file) { /* an error is final */
            assert_int_equal(lw_file_next(file, &data, &n, &again), -1);
            assert_string_equal(again.msg, err->msg);
        }
    }
    if (file)
        lw_file_close(file);
    free(copy);
    return rc < 0 ? -1 : records;
}

/* The size of a file on disk is known before anything is read. */
static void a_block_larger_than_the_file_is_refused_at_once(void **state) {
    (void)state;
    char path[64];
    size_t len, n;
    struct lw_err err = {0};
    const uint8_t *data;
    char *bytes = lw_read_file(EVENT_DATA "small_deflate.avro", 1 << 20, &len, &err);
    FILE *out = fopen(temp_path(path, sizeof path), "wb");
    assert_int_equal(fwrite(bytes, 1, len - 1, out), len - 1);
    fclose(out);
    struct lw_file *file = lw_file_open(path, &err);
    assert_non_null(file);
    int rc;
    while ((rc = lw_file_next(file, &data, &n, &err)) == 1)
        assert_true(lw_file_progress(file) > 0 && lw_file_progress(file) < 1);
    assert_int_equal(rc, -1);
    assert_non_null(strstr(err.msg, path));
    assert_non_null(strstr(err.msg, "ends in the middle of a block"));
    lw_file_close(file);
    unlink(path);
    free(bytes);
}

/* A file may end after any whole block; everything else is cut short. */
static void a_file_cut_short_is_an_error(void **state) {
    (void)state;
    static const char *const names[] = {"small_null.avro", "small_deflate.avro",
                                        "small_snappy.avro"};
    struct lw_err err = {0};
    for (int i = 0; i < 3; i++) {
        char path[512];
        size_t len, whole = 0;
        snprintf(path, sizeof path, EVENT_DATA "%s", names[i]);
        char *bytes = lw_read_file(path, 1 << 20, &len, &err);
        assert_non_null(bytes);
        for (size_t cut = 1; cut < len; cut++)
            whole += read_bytes(bytes, cut, &err) >= 0;
        assert_true(whole >= 1 && whole <= 5); /* the header alone, and between blocks */
        assert_int_equal(read_bytes(bytes, len - 1, &err), -1);
        assert_non_null(strstr(err.msg, "ends in the middle of a block"));
        assert_int_equal(read_bytes(bytes, len, &err), 40);
        free(bytes);
    }
}

static void errors_name_the_record(void **state) {
    (void)state;
    struct lw_err err = {0};
    size_t len;
    char *bytes = lw_read_file(EVENT_DATA "small_null.avro", 1 << 20, &len, &err);
    assert_int_equal(read_bytes(bytes, len - 20, &err), -1);
    const char *at = strstr(err.msg, "record ");
    assert_non_null(at);
    long record = strtol(at + 7, NULL, 10);
    assert_true(record > 1 && record <= 40);
    free(bytes);
}

static void damaged_files_are_refused_or_harmless(void **state) {
    (void)state;
    static const char *const names[] = {"small_null.avro", "small_deflate.avro",
                                        "small_snappy.avro"};
    struct lw_err err = {0};
    for (int i = 0; i < 3; i++) {
        char path[512];
        size_t len, refused = 0, flips = 0;
        snprintf(path, sizeof path, EVENT_DATA "%s", names[i]);
        char *bytes = lw_read_file(path, 1 << 20, &len, &err);
        for (size_t at = 0; at < len; at += 3, flips++) {
            bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
            refused += read_bytes(bytes, len, &err) < 0;
            bytes[at] = (char)(bytes[at] ^ (1 << at % 8));
        }
        assert_true(refused > flips / 4);
        free(bytes);
    }
}

static void refused(const void *bytes, size_t len, const char *because) {
    struct lw_err err = {0};
    assert_int_equal(read_bytes(bytes, len, &err), -1);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
}

/* One kind of damage for each check. */
static void each_kind_of_block_damage_is_refused(void **state) {
    (void)state;
    struct lw_err err = {0};
    size_t len;
    char *bytes = lw_read_file(EVENT_DATA "small_null.avro", 1 << 20, &len, &err);
    bytes[len - 1] = (char)(bytes[len - 1] ^ 1);
    refused(bytes, len, "no sync marker");
    free(bytes);
    bytes = lw_read_file(EVENT_DATA "small_snappy.avro", 1 << 20, &len, &err);
    bytes[len - 17] = (char)(bytes[len - 17] ^ 1); /* the checksum */
    refused(bytes, len, "snappy data is damaged");
    free(bytes);
#define INTS                                                                             \
    "Obj\001\002\026avro.schema\210\001{\"type\":\"record\",\"name\":\"R\",\"fields\":[" \
    "{\"name\":\"a\",\"type\":\"int\"}]}   \0000123456789abcdef"
    assert_int_equal(
        read_bytes(INTS "\004\004\002\0020123456789abcdef", sizeof INTS - 1 + 20, &err),
        2);
    assert_int_equal(
        read_bytes(INTS "\000\0000123456789abcdef", sizeof INTS - 1 + 18, &err),
        0); /* an empty block is valid and has no records */
    refused(INTS "\002\0000123456789abcdef", sizeof INTS - 1 + 18, "not a record");
    refused(INTS "\002\004\002\0020123456789abcdef\002\002\0020123456789abcdef",
            sizeof INTS - 1 + 20 + 19, "bytes are left");
    refused(INTS "\006\004\002\0020123456789abcdef", sizeof INTS - 1 + 20,
            "not a record");
    refused(INTS "\001\004\002\0020123456789abcdef", sizeof INTS - 1 + 20, "is invalid");
    refused(INTS "\004\001\002\0020123456789abcdef", sizeof INTS - 1 + 20, "is invalid");
    refused(INTS "\004\200\200\200\200\020\0020123456789abcdef", sizeof INTS - 1 + 22,
            "is invalid");
}

static void endless_metadata_is_refused(void **state) {
    (void)state;
    size_t len = 6 * 1024 * 1024;
    char *bytes = calloc(len, 1);
    memcpy(bytes, "Obj\001\376\377\377\377\377\377\377\377\001", 14);
    refused(bytes, len, "damaged");
    free(bytes);
}

static void foreign_files_are_refused(void **state) {
    (void)state;
    struct lw_err err = {0};
    refused("O", 1, "not an Avro container");
    refused("PAR1PAR1PAR1", 12, "not an Avro container");
    refused("Obj\001\000", 5, "no avro.schema");
    refused("Obj\001\002\024avro.codec\014brotli\000", 24, "no avro.schema");
    refused("Obj\001\002\026avro.schema\012\"int\"\000", 24, "must be a record");
    refused("Obj\001\002\376\377\377\377\377\377\377\377\377\001x", 16, "damaged");
    refused("Obj\001\376\377\377\377\377\377\377\377\377\001\000\000", 16, "damaged");
#define HEAD "Obj\001\004\024avro.codec"
#define R1   "{\"type\":\"record\",\"name\":\"R\",\"fields\":[]}"
    refused(HEAD "\006lzo\026avro.schema\120" R1 "\0000123456789abcdef",
            sizeof HEAD - 1 + 4 + 12 + 1 + sizeof R1 - 1 + 17,
            "\"lzo\" is not supported");
    refused(HEAD "\010null\026avro.schema\120" R1 "\0000123456789abcdef",
            sizeof HEAD - 1 + 5 + 12 + 1 + sizeof R1 - 1 + 17, "no fields");
    assert_null(lw_file_open("/nonexistent/x.avro", &err));
    assert_non_null(strstr(err.msg, "/nonexistent/x.avro"));
    lw_err_clear(&err);
    assert_null(lw_file_open("/tmp", &err));
    assert_int_equal(err.code, LW_EINPUT);
}

static void an_unwritable_path_is_an_error(void **state) {
    (void)state;
    struct lw_err err = {0};
    const char *schema =
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"}]}";
    assert_null(lw_file_create("/nonexistent/x.avro", schema, &err));
    assert_non_null(strstr(err.msg, "/nonexistent/x.avro"));
    lw_err_clear(&err);
    assert_null(lw_file_create("/tmp/x.avro", "{}", &err));
    assert_int_equal(err.code, LW_ECONFIG);
    lw_err_clear(&err);
    struct lw_file_writer *w = lw_file_create("/dev/full", schema, &err);
    assert_non_null(w); /* the header is still in the stream's buffer */
    assert_int_equal(lw_file_append(w, (const uint8_t *)"\002", 1, &err), 0);
    assert_int_equal(lw_file_finish(w, &err), -1);
    assert_int_equal(err.code, LW_ESTOP);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_gives_the_same_records),
        cmocka_unit_test(the_schema_keeps_its_text),
        cmocka_unit_test(real_trips_equal_libavro),
        cmocka_unit_test(written_files_read_back),
        cmocka_unit_test(a_block_larger_than_the_file_is_refused_at_once),
        cmocka_unit_test(a_file_cut_short_is_an_error),
        cmocka_unit_test(errors_name_the_record),
        cmocka_unit_test(damaged_files_are_refused_or_harmless),
        cmocka_unit_test(each_kind_of_block_damage_is_refused),
        cmocka_unit_test(endless_metadata_is_refused),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(an_unwritable_path_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
