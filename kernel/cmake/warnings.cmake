# Warnings are errors on both compilers. Asserts stay on in every build type.
add_compile_options(
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wconversion -Wno-sign-conversion -Wvla -Wformat=2 -Wundef -Wcast-qual -Wimplicit-fallthrough)
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
