/* Splits a message value into the schema's identity and the datum.
 *
 * Confluent's serialisers put a magic byte before the datum: 0 with the registry's
 * 4-byte id (big-endian), and, newer, 1 with the schema's 16-byte GUID. The newest put
 * the same bytes into the record header __value_schema_id and only the datum into the
 * value. Avro's own single-object encoding is C3 01 and the CRC-64-AVRO fingerprint,
 * little-endian (Avro 1.11, "Single-object encoding"). Raw has no prefix. Schemas are
 * not looked up here. */
#include "event/framing.h"

#include <string.h>

#include "base/varint.h"

/* Reads the magic byte and the id after it; returns the bytes used, or 0 without a
 * prefix. */
static size_t parse_magic(const uint8_t *data, size_t len, struct lw_frame *frame) {
    if (len >= 5 && data[0] == 0) {
        frame->by = LW_SCHEMA_ID;
        frame->id = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 |
                    (uint32_t)data[3] << 8 | data[4];
        return 5;
    }
    if (len >= 17 && data[0] == 1) {
        frame->by = LW_SCHEMA_GUID;
        memcpy(frame->guid, data + 1, sizeof frame->guid);
        return 17;
    }
    return 0;
}

static int no_confluent(const uint8_t *data, size_t len, struct lw_err *err) {
    if (len > 0 && data[0] <= 1)
        return lw_fail(err, LW_EINPUT,
                       "%zu bytes are too few for Confluent framing with magic byte %d",
                       len, data[0]);
    if (len > 0)
        return lw_fail(err, LW_EINPUT,
                       "not Confluent framing: the first byte is 0x%02x, not 0 or 1; is "
                       "the topic raw Avro?",
                       data[0]);
    return lw_fail(err, LW_EINPUT, "not Confluent framing: the value is empty");
}

static int parse_single(const uint8_t *data, size_t len, struct lw_frame *frame,
                        struct lw_err *err) {
    if (len < 10 || data[0] != 0xc3 || data[1] != 0x01)
        return lw_fail(
            err, LW_EINPUT,
            "not Avro single-object encoding: the value does not begin with C3 "
            "01 and 8 bytes of fingerprint");
    frame->by = LW_SCHEMA_CRC64;
    frame->crc64 = lw_le64(data + 2);
    frame->payload = data + 10;
    frame->len = len - 10;
    return 0;
}

int lw_framing_parse(enum lw_framing framing, const uint8_t *data, size_t len,
                     struct lw_frame *frame, struct lw_err *err) {
    *frame = (struct lw_frame){.by = LW_SCHEMA_CONFIGURED, .payload = data, .len = len};
    if (framing == LW_FRAMING_RAW)
        return 0;
    if (framing == LW_FRAMING_SINGLE)
        return parse_single(data, len, frame, err);
    size_t used = parse_magic(data, len, frame);
    if (used == 0)
        return no_confluent(data, len, err);
    frame->payload = data + used;
    frame->len = len - used;
    return 0;
}

int lw_framing_parse_header(const uint8_t *header, size_t header_len, const uint8_t *data,
                            size_t len, struct lw_frame *frame, struct lw_err *err) {
    *frame = (struct lw_frame){.by = LW_SCHEMA_CONFIGURED, .payload = data, .len = len};
    size_t used = parse_magic(header, header_len, frame);
    if (used == 0 || used != header_len)
        return lw_fail(
            err, LW_EINPUT,
            "header %s: %zu bytes are not a schema id (magic 0 and 4 bytes, or magic 1 and 16)",
            LW_FRAMING_HEADER, header_len);
    return 0;
}
