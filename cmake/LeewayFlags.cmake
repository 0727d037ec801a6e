# Warnings, sanitizers and language level, as one interface library that every target links.
add_library(lw_flags INTERFACE)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
target_compile_definitions(lw_flags INTERFACE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_include_directories(lw_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(lw_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes
  -Wwrite-strings -Wformat=2 -Wundef -Wvla -Wcast-qual
  # clang 19 counts an enumerator in floating-point arithmetic (a size, a count) among -Wconversion.
  -Wno-enum-float-conversion
  -fvisibility=hidden -ffp-contract=off
  $<$<BOOL:${LEEWAY_WERROR}>:-Werror>)
if(LEEWAY_SANITIZE)
  target_compile_options(lw_flags INTERFACE
    -fsanitize=${LEEWAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(lw_flags INTERFACE -fsanitize=${LEEWAY_SANITIZE})
endif()
if(LEEWAY_SANITIZE MATCHES "thread")
  add_library(lw_tsan_threads STATIC ${PROJECT_SOURCE_DIR}/tests/support/tsan_threads.c)
  target_compile_options(lw_tsan_threads PRIVATE -fsanitize=thread)
  target_compile_definitions(lw_tsan_threads PRIVATE _POSIX_C_SOURCE=200809L)
  target_link_libraries(lw_flags INTERFACE lw_tsan_threads)
  # Taken from the archive by every program, and seen by the libraries that it loads.
  target_link_options(lw_flags INTERFACE LINKER:--undefined=thrd_create
    LINKER:--export-dynamic-symbol=thrd_* LINKER:--export-dynamic-symbol=mtx_*
    LINKER:--export-dynamic-symbol=cnd_* LINKER:--export-dynamic-symbol=call_once)
endif()
