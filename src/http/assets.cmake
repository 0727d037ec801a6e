# Turns the page's files into one C file with the table of assets.h.
#   cmake -DOUT=assets.c "-DFILES=name|type|path;..." -P assets.cmake
# The first file is the page itself, served at "/". The others lie in one directory whose name is the hash of
# them all, /assets/<hash>/<name>, so that browsers may keep them for good, and the modules among them find
# each other beside them. Where the page says @HASH@ it gets that name.
set(all "")
foreach(entry IN LISTS FILES)
  string(REGEX REPLACE "^.*\\|" "" path "${entry}")
  file(SHA256 "${path}" hash)
  string(APPEND all "${hash}")
endforeach()
string(SHA256 all "${all}")
string(SUBSTRING "${all}" 0 16 all)

set(bytes "")
set(rows "")
set(i 0)
foreach(entry IN LISTS FILES)
  string(REPLACE "|" ";" entry "${entry}")
  list(GET entry 0 name)
  list(GET entry 1 type)
  list(GET entry 2 path)
  set(url "/assets/${all}/${name}")
  if(i EQUAL 0)
    file(READ "${path}" text)
    string(REPLACE "@HASH@" "${all}" text "${text}")
    set(url "/")
    set(path "${OUT}.page")
    file(WRITE "${path}" "${text}")
  endif()
  file(READ "${path}" hex HEX)
  file(SHA256 "${path}" hash)
  file(SIZE "${path}" size)
  string(SUBSTRING "${hash}" 0 16 hash)
  # Lines of 32 bytes, then bytes.
  string(REGEX REPLACE "................................................................" "\\0\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND bytes "static const unsigned char asset_${i}[] = { /* ${name} */\n${hex}0x00};\n")
  string(APPEND rows "    {\"${url}\", \"${type}; charset=utf-8\", asset_${i}, ${size}, \"\\\"${hash}\\\"\"},\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}" "/* Made by assets.cmake. */\n#include \"http/assets.h\"\n\n${bytes}\n"
  "const struct lw_asset lw_assets[] = {\n${rows}};\n"
  "const size_t lw_nassets = sizeof lw_assets / sizeof *lw_assets;\n")
