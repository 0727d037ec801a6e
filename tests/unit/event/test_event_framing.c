/* Framings: the messages that each accepts, and the errors for others. */
#include "support.h"

#include "event/framing.h"

static const uint8_t guid[] = {1, 0xde, 0xad, 2,  3,  4,  5,  6,  7,
                               8, 9,    10,   11, 12, 13, 14, 15, 42};

static void raw_is_all_payload(void **state) {
    (void)state;
    struct lw_frame frame;
    const uint8_t data[] = {0, 0, 0, 0, 1, 9};
    assert_int_equal(lw_framing_parse(LW_FRAMING_RAW, data, 6, &frame, NULL), 0);
    assert_int_equal(frame.by, LW_SCHEMA_CONFIGURED);
    assert_ptr_equal(frame.payload, data);
    assert_int_equal(frame.len, 6);
    assert_int_equal(lw_framing_parse(LW_FRAMING_RAW, NULL, 0, &frame, NULL), 0);
    assert_int_equal(frame.len, 0);
}

static void confluent_id_is_big_endian(void **state) {
    (void)state;
    struct lw_frame frame;
    const uint8_t data[] = {0, 0x80, 1, 2, 3, 9, 8};
    assert_int_equal(lw_framing_parse(LW_FRAMING_CONFLUENT, data, 7, &frame, NULL), 0);
    assert_int_equal(frame.by, LW_SCHEMA_ID);
    assert_int_equal(frame.id, 0x80010203);
    assert_ptr_equal(frame.payload, data + 5);
    assert_int_equal(frame.len, 2);
}

static void confluent_guid_is_16_bytes(void **state) {
    (void)state;
    struct lw_frame frame;
    assert_int_equal(
        lw_framing_parse(LW_FRAMING_CONFLUENT, guid, sizeof guid, &frame, NULL), 0);
    assert_int_equal(frame.by, LW_SCHEMA_GUID);
    assert_memory_equal(frame.guid, guid + 1, 16);
    assert_int_equal(frame.len, 1);
    assert_int_equal(frame.payload[0], 42);
}

static void the_header_carries_id_or_guid(void **state) {
    (void)state;
    struct lw_frame frame;
    struct lw_err err = {0};
    const uint8_t datum[] = {2, 4}, id[] = {0, 0, 0, 0, 77};
    assert_int_equal(lw_framing_parse_header(guid, 17, datum, 2, &frame, NULL), 0);
    assert_int_equal(frame.by, LW_SCHEMA_GUID);
    assert_memory_equal(frame.guid, guid + 1, 16);
    assert_ptr_equal(frame.payload, datum);
    assert_int_equal(frame.len, 2);
    assert_int_equal(lw_framing_parse_header(id, 5, datum, 2, &frame, NULL), 0);
    assert_int_equal(frame.by, LW_SCHEMA_ID);
    assert_int_equal(frame.id, 77);
    assert_int_equal(lw_framing_parse_header(guid, 18, datum, 2, &frame, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    assert_int_equal(lw_framing_parse_header(guid, 0, datum, 2, &frame, NULL), -1);
}

static void single_object_fingerprint_is_little_endian(void **state) {
    (void)state;
    struct lw_frame frame;
    const uint8_t data[] = {0xc3, 1, 1, 2, 3, 4, 5, 6, 7, 8, 99};
    assert_int_equal(lw_framing_parse(LW_FRAMING_SINGLE, data, 11, &frame, NULL), 0);
    assert_int_equal(frame.by, LW_SCHEMA_CRC64);
    assert_true(frame.crc64 == UINT64_C(0x0807060504030201));
    assert_int_equal(frame.len, 1);
}

static void refused(enum lw_framing framing, const char *hex, const char *because) {
    struct lw_frame frame;
    struct lw_err err = {0};
    size_t len;
    uint8_t *data = from_hex(hex, &len);
    assert_int_equal(lw_framing_parse(framing, data, len, &frame, &err), -1);
    assert_int_equal(err.code, LW_EINPUT);
    if (!strstr(err.msg, because))
        fail_msg("\"%s\" does not say \"%s\"", err.msg, because);
    free(data);
}

static void foreign_bytes_are_refused(void **state) {
    (void)state;
    refused(LW_FRAMING_CONFLUENT, "", "empty");
    refused(LW_FRAMING_CONFLUENT, "00000001", "too few");
    refused(LW_FRAMING_CONFLUENT, "01000000000000000000000000000000", "too few");
    refused(LW_FRAMING_CONFLUENT, "02000000010000", "0x02");
    refused(LW_FRAMING_CONFLUENT, "7b22612231", "is the topic raw Avro");
    refused(LW_FRAMING_SINGLE, "", "C3");
    refused(LW_FRAMING_SINGLE, "c301010203040506", "C3");
    refused(LW_FRAMING_SINGLE, "c302010203040506070800", "C3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_is_all_payload),
        cmocka_unit_test(confluent_id_is_big_endian),
        cmocka_unit_test(confluent_guid_is_16_bytes),
        cmocka_unit_test(the_header_carries_id_or_guid),
        cmocka_unit_test(single_object_fingerprint_is_little_endian),
        cmocka_unit_test(foreign_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
