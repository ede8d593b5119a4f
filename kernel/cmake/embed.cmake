# Files compiled into the module that owns them. Run by CMake itself at build time (see the end).

# embed_files(target name): what lies beside the target's CMakeLists.txt.
#   migrations/*.sql  ->  <name>_migrations.h: extern const struct db_migration <NAME>_MIGRATIONS[]
#   scripts/*.lua     ->  <name>_scripts.h:    extern const char SCRIPT_<FILE>[]
# `{schema}` in the migrations of chassis and wired modules is replaced when they are applied.
function(embed_files target name)
  string(MAKE_C_IDENTIFIER ${name} stem)
  embed_kind(${target} ${stem} migrations sql)
  embed_kind(${target} ${stem} scripts lua)
endfunction()

function(embed_kind target stem kind extension)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${kind}/*.${extension})
  if(NOT files)
    return()
  endif()
  set(root ${CMAKE_CURRENT_BINARY_DIR}/embedded)
  set(out ${root}/${stem}_${kind})
  set(script ${CMAKE_SOURCE_DIR}/kernel/cmake/embed.cmake)
  add_custom_command(
    OUTPUT ${out}.c ${out}.h
    COMMAND ${CMAKE_COMMAND} -DSTEM=${stem} -DKIND=${kind} -DOUT=${out} "-DFILES=${files}"
            -P ${script}
    DEPENDS ${files} ${script}
    COMMENT "Embedding ${kind} of ${stem}" VERBATIM)
  target_sources(${target} PRIVATE ${out}.c)
  get_target_property(layer ${target} LAYER)
  if(layer STREQUAL daemon)
    target_include_directories(${target} PUBLIC ${root})
  else()
    target_include_directories(${target} PRIVATE ${root})
  endif()
endfunction()

# A C string literal, one source line per line of the file.
function(embed_literal ret file)
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "?" "\\?" text "${text}")
  string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
  set(${ret} "\"${text}\"" PARENT_SCOPE)
endfunction()

function(embed_migrations)
  string(TOUPPER ${STEM} table)
  set(rows)
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    embed_literal(sql ${file})
    string(APPEND rows "    {\"${name}\",\n    ${sql}},\n")
  endforeach()
  file(WRITE ${OUT}.h "#pragma once\n\n#include \"chassis/db.h\"\n\n"
                      "/* Ends with name NULL. */\n"
                      "extern const struct db_migration ${table}_MIGRATIONS[];\n")
  file(WRITE ${OUT}.c "#include \"${STEM}_migrations.h\"\n\n"
                      "const struct db_migration ${table}_MIGRATIONS[] = {\n${rows}    {0},\n};\n")
endfunction()

function(embed_scripts)
  set(declarations)
  set(definitions)
  foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME_WE)
    string(MAKE_C_IDENTIFIER ${name} name)
    string(TOUPPER ${name} name)
    embed_literal(text ${file})
    string(APPEND declarations "extern const char SCRIPT_${name}[];\n")
    string(APPEND definitions "\nconst char SCRIPT_${name}[] =\n    ${text};\n")
  endforeach()
  file(WRITE ${OUT}.h "#pragma once\n\n${declarations}")
  file(WRITE ${OUT}.c "#include \"${STEM}_scripts.h\"\n${definitions}")
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  if(KIND STREQUAL migrations)
    embed_migrations()
  else()
    embed_scripts()
  endif()
endif()
