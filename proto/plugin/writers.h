/* writers.h - one writer per kind of generated file pair; the plugin's parameter names them. */
#pragma once

#include "contract.h"

/* Writes <stem>.<kind>.h and <stem>.<kind>.c of one file. */
typedef void contract_writer(const struct contract *contract, const FileProto *file,
                             struct text *header, struct text *source);

contract_writer write_schema;
contract_writer write_handlers;
contract_writer write_client;

/* For the service writers: "INVENTORY_V1_SERVICE", or with the service's name in between when the
 * file has several. */
const char *service_table_name(const struct contract *contract, const FileProto *file,
                               const ServiceProto *service);
bool method_is_unary(const MethodProto *method);
bool method_is_idempotent(const MethodProto *method);
/* "inventory/v1/service.proto" -> `#include "inventory/v1/service.<suffix>.h"` for each file that
 * the requests and replies come from. */
void add_method_includes(const struct contract *contract, const FileProto *file, const char *suffix,
                         struct text *text);
