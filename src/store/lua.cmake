# Turns the Lua scripts into one C file with a `struct lw_script` for each.
#   cmake -DOUT=lua.c -DDIR=lua "-DNAMES=claim;flush;..." -P lua.cmake
# A line `-- include "part.lua"` is replaced by that file. The resolved scripts are also written to the directory
# `lua` beside OUT, where a test runs luac over them.
get_filename_component(where "${OUT}" DIRECTORY)
set(bytes "")
set(rows "")
foreach(name IN LISTS NAMES)
  file(READ "${DIR}/${name}.lua" text)
  while(text MATCHES "-- include \"([a-z_]+)\\.lua\"\n")
    set(line "${CMAKE_MATCH_0}")
    file(READ "${DIR}/${CMAKE_MATCH_1}.lua" part)
    string(REPLACE "${line}" "${part}" text "${text}")
  endwhile()
  file(WRITE "${where}/lua/${name}.lua" "${text}")
  file(READ "${where}/lua/${name}.lua" hex HEX)
  string(REGEX REPLACE "................................................................" "\\0\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  string(APPEND bytes "static const char text_${name}[] = {\n${hex}0x00};\n")
  string(APPEND rows "const struct lw_script lw_script_${name} = {\"${name}\", text_${name}};\n")
endforeach()
file(WRITE "${OUT}" "/* Made by lua.cmake. */\n#include \"store/scripts.h\"\n\n${bytes}\n${rows}")
