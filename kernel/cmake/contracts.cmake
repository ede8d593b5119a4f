# Contracts: what is generated from proto/, and which package may see which.
#
# Each target has a generation root of its own, so a module sees the messages of the targets it
# names and of no others. Generated code lives in the build tree only, is compiled without warnings,
# cheaply, and its headers are system headers.
#
#   events_<d>_v1    messages and schemas of events.proto: for any consumer        layer proto
#   commands_<d>_v1  the same for commands.proto                                   layer proto
#   types_<d>_v1     the same for types.proto, which those two may share           layer proto
#   proto_<d>_v1     the rest of the package, and the above                        layer proto
#   client_<d>_v1    typed synchronous clients of service.proto                    layer wired
#   serve_contracts  compiles the method tables of service.proto into a daemon

set(CONTRACT_DOMAINS catalog pricing inventory marketing cart order customer platform gateway)

# Besides common and google, a package may use the messages of these. What it publishes (types,
# events, commands) may not: anybody may consume an event without learning a domain's methods.
set(CONTRACT_IMPORTS_cart catalog pricing marketing)
set(CONTRACT_IMPORTS_order cart)
set(CONTRACT_IMPORTS_gateway catalog pricing inventory marketing cart order customer platform)

set(CONTRACT_ROOT ${CMAKE_SOURCE_DIR}/proto)
pkg_get_variable(PROTOBUF_INCLUDE_DIR protobuf includedir) # google/protobuf/*.proto
pkg_get_variable(PROTOBUF_C_INCLUDE_DIR libprotobuf-c includedir) # protobuf-c/protobuf-c.proto
find_program(PROTOC protoc REQUIRED)

# add_contract_library(target DIR dir PROTOS file... [USES target...] [FOREIGN])
# Messages and schemas of files below dir; USES names the targets of the files they import. FOREIGN
# is for contracts that are not ours: our own rules are relaxed, and `optional` becomes a presence
# oneof.
function(add_contract_library target)
  cmake_parse_arguments(C "FOREIGN" "DIR" "PROTOS;USES" ${ARGN})
  set(root ${CMAKE_CURRENT_BINARY_DIR}/contracts/${target})
  if(C_FOREIGN)
    naturalize(${root}/foreign ${C_DIR} ${C_PROTOS})
    set(C_DIR ${root}/foreign)
  endif()
  generate_contract(${root} DIR ${C_DIR} PROTOS ${C_PROTOS} KINDS messages schema USES ${C_USES}
                    FOREIGN ${C_FOREIGN})
  add_library(${target} STATIC ${generated})
  set_target_properties(${target} PROPERTIES LAYER proto CONTRACT_FILES "${inputs}"
                        CONTRACT_DIR ${C_DIR})
  target_include_directories(${target} SYSTEM PUBLIC ${root})
  target_compile_options(${target} PRIVATE -w -O1 -g0)
  target_link_libraries(${target} PUBLIC proto_schema ${C_USES})
endfunction()

# Copies foreign contracts with what protobuf-c and we need: presence as a oneof (the same on the
# wire), constant strings.
set(CONST_STRINGS
  "import \"protobuf-c/protobuf-c.proto\";\noption (pb_c_file).const_strings = true;")

function(naturalize to from)
  foreach(proto IN LISTS ARGN)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${from}/${proto})
    file(READ ${from}/${proto} text)
    string(REGEX REPLACE "\n( *)optional ([^=\n]+) ([a-z0-9_]+) = ([^;\n]+;)"
           "\n\\1oneof \\3_presence { \\2 \\3 = \\4 }" text "${text}")
    string(REGEX REPLACE "\n(package [^;]+;)" "\n\\1\n${CONST_STRINGS}" text "${text}")
    file(WRITE ${to}/${proto}.new "${text}")
    file(COPY_FILE ${to}/${proto}.new ${to}/${proto} ONLY_IF_DIFFERENT)
  endforeach()
endfunction()

# serve_foreign_contract(core target file): the method tables of a foreign file of `target`; its
# streaming methods are left out.
function(serve_foreign_contract core target proto)
  set(root ${CMAKE_CURRENT_BINARY_DIR}/contracts/${core})
  get_target_property(dir ${target} CONTRACT_DIR)
  generate_contract(${root} DIR ${dir} PROTOS ${proto} KINDS handlers USES ${target} FOREIGN ON)
  set_source_files_properties(${generated} PROPERTIES COMPILE_OPTIONS "-w;-O1;-g0")
  target_sources(${core} PRIVATE ${generated})
  target_include_directories(${core} SYSTEM PRIVATE ${root})
endfunction()

# serve_contracts(core domain|file...): a method without a handler does not link, a handler with
# another signature does not compile. A domain stands for its service.proto.
function(serve_contracts core)
  foreach(served IN LISTS ARGN)
    string(REGEX REPLACE "/.*" "" domain ${served})
    set(proto ${served})
    if(NOT served MATCHES "\\.proto$")
      set(proto ${domain}/v1/service.proto)
    endif()
    set(root ${CMAKE_CURRENT_BINARY_DIR}/contracts/${core})
    generate_contract(${root} DIR ${CONTRACT_ROOT} PROTOS ${proto} KINDS handlers
                      USES proto_${domain}_v1)
    set_source_files_properties(${generated} PROPERTIES COMPILE_OPTIONS "-w;-O1;-g0")
    target_sources(${core} PRIVATE ${generated})
    get_target_property(layer ${core} LAYER)
    if(layer STREQUAL daemon) # main.c and tests name the method table
      target_include_directories(${core} SYSTEM PUBLIC ${root})
    else()
      target_include_directories(${core} SYSTEM PRIVATE ${root})
    endif()
    target_link_libraries(${core} PUBLIC proto_${domain}_v1 chassis)
  endforeach()
endfunction()

# add_domain_contracts(domain): the targets of proto/<domain>/v1.
set(CONTRACT_PUBLISHED types events commands)

function(add_domain_contracts domain)
  set(here ${domain}/v1)
  file(GLOB protos CONFIGURE_DEPENDS RELATIVE ${CONTRACT_ROOT}
       ${CONTRACT_ROOT}/${here}/*.proto)
  foreach(published IN LISTS CONTRACT_PUBLISHED)
    set(proto ${here}/${published}.proto)
    if(proto IN_LIST protos)
      list(REMOVE_ITEM protos ${proto})
      contract_uses(uses ${proto} MAY ${here}/types.proto)
      add_contract_library(${published}_${domain}_v1 DIR ${CONTRACT_ROOT}
                           PROTOS ${proto} USES ${uses})
    endif()
  endforeach()
  if(NOT protos)
    return()
  endif()
  contract_uses(uses ${protos} MAY ${domain} ${CONTRACT_IMPORTS_${domain}})
  foreach(published IN LISTS CONTRACT_PUBLISHED)
    if(TARGET ${published}_${domain}_v1)
      list(APPEND uses ${published}_${domain}_v1)
    endif()
  endforeach()
  list(REMOVE_DUPLICATES uses)
  add_contract_library(proto_${domain}_v1 DIR ${CONTRACT_ROOT} PROTOS ${protos} USES ${uses})
  if(${here}/service.proto IN_LIST protos)
    add_contract_client(${domain})
  endif()
endfunction()

# Built only when somebody calls the domain. add_contract_client(domain [file]): service.proto else.
function(add_contract_client domain)
  set(target client_${domain}_v1)
  set(root ${CMAKE_CURRENT_BINARY_DIR}/contracts/${target})
  set(proto ${domain}/v1/service.proto)
  if(ARGC GREATER 1)
    set(proto ${ARGV1})
  endif()
  generate_contract(${root} DIR ${CONTRACT_ROOT} PROTOS ${proto} KINDS client
                    USES proto_${domain}_v1)
  add_library(${target} STATIC EXCLUDE_FROM_ALL ${generated})
  set_target_properties(${target} PROPERTIES LAYER wired)
  target_include_directories(${target} SYSTEM PUBLIC ${root})
  target_compile_options(${target} PRIVATE -w -O1 -g0)
  target_link_libraries(${target} PUBLIC proto_${domain}_v1 chassis)
endfunction()

# contract_uses(ret proto... MAY package|file...): the targets behind the imports; an import that is
# not allowed stops the configure step.
function(contract_uses ret)
  cmake_parse_arguments(U "" "" "MAY" ${ARGN})
  set(protos ${U_UNPARSED_ARGUMENTS})
  set(uses proto_common_v1 proto_google)
  foreach(proto IN LISTS protos)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CONTRACT_ROOT}/${proto})
    file(STRINGS ${CONTRACT_ROOT}/${proto} imports REGEX "^import ")
    foreach(line IN LISTS imports)
      string(REGEX REPLACE "^import[^\"]*\"(.*)\".*" "\\1" import "${line}")
      string(REGEX REPLACE "/.*" "" package ${import})
      if(import IN_LIST protos OR package MATCHES "^(common|google|protobuf-c)$")
        continue()
      elseif(NOT (package IN_LIST U_MAY OR import IN_LIST U_MAY))
        message(FATAL_ERROR "${proto} may not import ${import} (may: common google ${U_MAY})")
      endif()
      get_filename_component(stem ${import} NAME_WE)
      if(NOT stem IN_LIST CONTRACT_PUBLISHED)
        set(stem proto)
      endif()
      list(APPEND uses ${stem}_${package}_v1)
    endforeach()
  endforeach()
  list(REMOVE_DUPLICATES uses)
  set(${ret} ${uses} PARENT_SCOPE)
endfunction()

# protobuf-c writes callback stubs of services, which nobody uses and which do not compile for an
# rpc named like a C keyword (Register). They are cut off.
set(CUT_SERVICES_H "/^.. --- services --- ..$/,/^.. --- descriptors --- ..$/d")
set(CUT_SERVICES_C "/^static const ProtobufCMethodDescriptor /,$d")

# One protoc run per file. Sets in the caller's scope `generated`, the C files, and `inputs`, the
# .proto files behind them. Headers are outputs too, so that whoever includes them waits for them.
function(generate_contract root)
  cmake_parse_arguments(G "" "DIR;FOREIGN" "PROTOS;KINDS;USES" ${ARGN})
  file(MAKE_DIRECTORY ${root})
  list(TRANSFORM G_PROTOS PREPEND ${G_DIR}/ OUTPUT_VARIABLE inputs)
  foreach(used IN LISTS G_USES)
    get_target_property(files ${used} CONTRACT_FILES)
    list(APPEND inputs ${files})
  endforeach()
  list(REMOVE_DUPLICATES inputs)
  set(all)
  foreach(proto IN LISTS G_PROTOS)
    string(REGEX REPLACE "\\.proto$" "" stem ${root}/${proto})
    set(flags)
    set(sources)
    set(headers)
    set(plugin_kinds)
    set(cut)
    foreach(kind IN LISTS G_KINDS)
      if(kind STREQUAL messages)
        list(APPEND flags --c_out=${root})
        list(APPEND sources ${stem}.pb-c.c)
        list(APPEND headers ${stem}.pb-c.h)
        set(cut COMMAND sed -i ${CUT_SERVICES_H} ${stem}.pb-c.h
                COMMAND sed -i ${CUT_SERVICES_C} ${stem}.pb-c.c)
      else()
        list(APPEND plugin_kinds ${kind})
        list(APPEND sources ${stem}.${kind}.c)
        list(APPEND headers ${stem}.${kind}.h)
      endif()
    endforeach()
    if(G_FOREIGN)
      list(APPEND plugin_kinds foreign)
    endif()
    list(JOIN plugin_kinds "," parameter)
    add_custom_command(
      OUTPUT ${sources} ${headers}
      COMMAND ${PROTOC} -I${G_DIR} -I${CONTRACT_ROOT}
              -I${PROTOBUF_INCLUDE_DIR} -I${PROTOBUF_C_INCLUDE_DIR}
              --plugin=protoc-gen-torg=$<TARGET_FILE:protoc-gen-torg>
              --torg_out=${parameter}:${root}
              ${flags} ${proto}
      ${cut}
      DEPENDS protoc-gen-torg ${inputs} ${CONTRACT_ROOT}/common/v1/options.proto
      COMMENT "Contract ${proto}" VERBATIM)
    list(APPEND all ${sources})
  endforeach()
  set(generated ${all} PARENT_SCOPE)
  set(inputs ${inputs} PARENT_SCOPE)
endfunction()
