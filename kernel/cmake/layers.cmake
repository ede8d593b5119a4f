# Who may use whom. A module names what it uses; an edge that does not point to a lower layer stops
# the configure step, and a module sees the headers of what it named and of nothing else.
set(LAYERS proto common library chassis wired daemon)

# add_module(name LAYER layer SOURCES ... USES module... EXTERNAL library...)
function(add_module name)
  cmake_parse_arguments(M "" "LAYER" "SOURCES;USES;EXTERNAL" ${ARGN})
  add_library(${name} STATIC ${M_SOURCES})
  set_target_properties(${name} PROPERTIES LAYER ${M_LAYER})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/*.h)
  target_sources(${name} PUBLIC FILE_SET api TYPE HEADERS BASE_DIRS include FILES ${headers})
  target_link_libraries(${name} PUBLIC ${M_USES} PRIVATE ${M_EXTERNAL})
  require_downward(${name} ${M_USES})
endfunction()

# add_daemon(name SERVES domain... SOURCES ... USES module... [EXTERNAL library...])
# SERVES compiles the generated method tables of <domain>_v1 in: a missing handler does not link.
# migrations/*.sql become <NAME>_MIGRATIONS, scripts/*.lua become SCRIPT_<NAME> (see embed.cmake).
# The files besides main.c form <name>_core, so that tests can link them; no other daemon can,
# because _core sits in the top layer.
function(add_daemon name)
  cmake_parse_arguments(D "" "" "SERVES;SOURCES;USES;EXTERNAL" ${ARGN})
  set(core ${name}_core)
  add_library(${core} STATIC ${D_SOURCES})
  set_target_properties(${core} PROPERTIES LAYER daemon)
  target_include_directories(${core} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${core} PUBLIC ${D_USES} PRIVATE ${D_EXTERNAL})
  require_downward(${core} ${D_USES})
  serve_contracts(${core} ${D_SERVES})
  embed_files(${core} ${name})
  # For tests: the service that main.c describes, without its main(). The struct is not static.
  string(MAKE_C_IDENTIFIER ${name} stem)
  add_library(${name}_service STATIC EXCLUDE_FROM_ALL main.c)
  target_compile_definitions(${name}_service PRIVATE main=${stem}_main)
  target_compile_options(${name}_service PRIVATE -Wno-missing-prototypes)
  target_link_libraries(${name}_service PUBLIC ${core})
  add_executable(${name} main.c)
  target_link_libraries(${name} PRIVATE ${core})
endfunction()

function(require_downward name)
  get_target_property(own ${name} LAYER)
  list(FIND LAYERS ${own} own_rank)
  foreach(used IN LISTS ARGN)
    get_target_property(layer ${used} LAYER)
    list(FIND LAYERS "${layer}" used_rank)
    if(used_rank LESS 0 OR NOT used_rank LESS own_rank)
      message(FATAL_ERROR "${name} (${own}) may not use ${used} (${layer})")
    endif()
  endforeach()
endfunction()
