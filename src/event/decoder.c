#include "event/decoder.h"

struct lw_decoder *lw_decoder_new(enum lw_encoding encoding,
                                  const struct lw_schema *writer,
                                  const struct lw_schema *reader,
                                  const struct lw_fields *fields, struct lw_err *err) {
    return encoding == LW_ENCODING_JSON
               ? lw_decoder_new_json(reader, fields, err)
               : lw_decoder_new_avro(writer, reader, fields, err);
}

void lw_decoder_scratch_fini(struct lw_decoder_scratch *scratch) {
    lw_buf_fini(&scratch->room);
    json_decref(scratch->document);
    scratch->document = NULL;
}
