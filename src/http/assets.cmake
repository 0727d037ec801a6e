# Turns files into one C file with the table of assets.h.
#   cmake -DOUT=assets.c "-DFILES=url|type|path;url|type|path..." -P assets.cmake
set(bytes "")
set(rows "")
set(i 0)
foreach(entry IN LISTS FILES)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 url)
  list(GET entry 1 type)
  list(GET entry 2 path)
  if(type MATCHES "^text/")
    string(APPEND type "; charset=utf-8") # not in FILES, where it would end the entry
  endif()
  file(READ "${path}" hex HEX)
  file(SHA256 "${path}" hash)
  file(SIZE "${path}" size)
  string(SUBSTRING "${hash}" 0 16 hash)
  # Lines of 32 bytes, then bytes.
  string(REGEX REPLACE "................................................................" "\\0\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND bytes "static const unsigned char asset_${i}[] = {\n${hex}0x00};\n")
  string(APPEND rows "    {\"${url}\", \"${type}\", asset_${i}, ${size}, \"\\\"${hash}\\\"\"},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}" "/* Made by assets.cmake. */\n#include \"http/assets.h\"\n\n${bytes}\n"
  "const struct lw_asset lw_assets[] = {\n${rows}};\n"
  "const size_t lw_nassets = sizeof lw_assets / sizeof *lw_assets;\n")
