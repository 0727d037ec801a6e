/* The text of schemas/model.avsc, put into the library by the build. */
#ifndef LW_MODEL_SCHEMA_TEXT_H
#define LW_MODEL_SCHEMA_TEXT_H

extern const char lw_model_schema[];

#endif
