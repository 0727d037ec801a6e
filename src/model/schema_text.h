/* The text of schemas/model.avsc, embedded by the build. */
#ifndef LW_MODEL_SCHEMA_TEXT_H
#define LW_MODEL_SCHEMA_TEXT_H

extern const char lw_model_schema[];

#endif
