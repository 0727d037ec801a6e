# lw_add_layer(NAME SOURCES ... DEPS ...): one folder of src/ as one static library lw_NAME that links
# only the layers below it. lw_add_test(NAME LABEL label LINK libs...): one source file, one process,
# one ctest entry; exit code 77 is a skip.
function(lw_add_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(lw_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(lw_${name} PUBLIC lw_flags ${ARG_DEPS})
  set_target_properties(lw_${name} PROPERTIES C_EXTENSIONS OFF)
endfunction()

function(lw_add_test name)
  cmake_parse_arguments(ARG "" "LABEL;TIMEOUT" "LINK;SOURCES" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${name}.c ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} lw_flags PkgConfig::CMOCKA)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE LW_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES C_EXTENSIONS OFF)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
    SKIP_RETURN_CODE 77)
endfunction()
