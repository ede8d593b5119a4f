set(TORG_SANITIZER "" CACHE STRING "address,undefined or thread; empty for none")
if(TORG_SANITIZER)
  add_compile_options(-fsanitize=${TORG_SANITIZER} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TORG_SANITIZER})
endif()

if(TORG_SANITIZER STREQUAL "thread")
  add_subdirectory(${CMAKE_SOURCE_DIR}/tests/tsan)
  link_libraries(c11_threads)
endif()
