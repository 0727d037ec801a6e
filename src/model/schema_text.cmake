# cmake -DIN=model.avsc -DOUT=schema_text.c -P schema_text.cmake: a file as a C array.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1, " bytes "${hex}")
file(WRITE ${OUT} "#include \"model/schema_text.h\"\n\nconst char lw_model_schema[] = {${bytes}0};\n")
