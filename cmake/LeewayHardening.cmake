# What Debian builds its own packages with, so that a bug has the least to work with, on each compiler as far
# as it knows the flag. A sanitizer does its own checking and disagrees with some of these, so its builds
# have none. tests/cli/test_hardening.py looks at what comes out, built and installed.
#
# Where libraries are loaded from is the loader's affair alone: no RUNPATH, in the build directory neither.
# CMake would write one for each link directory that a pkg-config file names, and pads what it wants to
# rewrite at installation with `:`, which means "the current directory" to the loader. Who builds
# against a library in a place of its own names that place: -DCMAKE_INSTALL_RPATH=/opt/x/lib
# (docs/dependencies.md).
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)

set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH OFF)
foreach(dir IN LISTS CMAKE_INSTALL_RPATH)
  if(NOT dir MATCHES "^(/|\\$ORIGIN)")
    message(FATAL_ERROR "CMAKE_INSTALL_RPATH: '${dir}' is relative, so that whoever chooses the current "
      "directory chooses the libraries; give an absolute path")
  endif()
endforeach()

# No path of the machine that builds, in assertions and in debugging symbols: a build says the same everywhere.
target_compile_options(lw_flags INTERFACE -ffile-prefix-map=${PROJECT_BINARY_DIR}=build
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
target_compile_options(lw_flags INTERFACE -Wformat-security)

# Position independent: a library of this project may also end in a shared one, if its builder asks for that.
target_compile_options(lw_flags INTERFACE
  $<$<NOT:$<BOOL:$<TARGET_PROPERTY:POSITION_INDEPENDENT_CODE>>>:-fPIE>)
target_link_options(lw_flags INTERFACE
  $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>
  -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)

if(NOT LEEWAY_SANITIZE)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection
      -mbranch-protection=standard)
    string(MAKE_C_IDENTIFIER "LEEWAY_HAS${flag}" has)
    # -Werror: clang only warns of a flag that means nothing for this processor.
    set(CMAKE_REQUIRED_FLAGS -Werror)
    check_c_compiler_flag(${flag} ${has})
    unset(CMAKE_REQUIRED_FLAGS)
    if(${has})
      target_compile_options(lw_flags INTERFACE ${flag})
    endif()
  endforeach()

  # Level 3 also bounds what is allocated at run time; older headers know level 2 only, and say so. Without
  # optimisation there is none.
  set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3")
  check_c_source_compiles("
    #include <string.h>
    #if !defined __USE_FORTIFY_LEVEL || __USE_FORTIFY_LEVEL < 3
    #error level 3 is not known
    #endif
    int main(void) { return 0; }" LEEWAY_HAS_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  set(fortify 2)
  if(LEEWAY_HAS_FORTIFY_3)
    set(fortify 3)
  endif()
  set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
  target_compile_options(lw_flags INTERFACE
    $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=${fortify}>)
endif()
