/* schema_test.c - the tables that the plugin generates say what kinds.proto says. */
#include "common/v1/money.schema.h"
#include "google/protobuf/timestamp.schema.h"
#include "kinds/v1/kinds.schema.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct field_schema *field_of(const struct message_schema *schema, const char *name)
{
    for (unsigned i = 0; i < schema->descriptor->n_fields; i++)
        if (strcmp(schema->descriptor->fields[i].name, name) == 0)
            return &schema->fields[i];
    ck_abort_msg("%s has no field %s", schema->descriptor->name, name);
    return NULL;
}

#define RULES &kinds__v1__rules__schema
#define TREE &kinds__v1__tree__schema
#define NUMBERS &kinds__v1__numbers__schema

static const struct {
    const struct message_schema *schema;
    const char *field;
    const char *json_name;
    uint32_t flags;
    uint32_t max_length;
    uint32_t max_items;
    int64_t min;
    int64_t max;
} FACTS[] = {
    {RULES, "sku", "sku", FIELD_REQUIRED, 64, 0, 0, 0},
    {RULES, "id", "id", FIELD_REQUIRED | FIELD_UUID, 36, 0, 0, 0},
    {RULES, "email", "email", FIELD_PERSONAL, FIELD_LENGTH_DEFAULT, 0, 0, 0},
    {RULES, "blob", "blob", 0, 10, 0, 0, 0},
    {RULES, "quantity", "quantity", FIELD_HAS_MIN | FIELD_HAS_MAX, 0, 0, -5, 1000},
    {RULES, "lowest", "lowest", FIELD_HAS_MIN, 0, 0, INT64_MIN, 0},
    {RULES, "zero_floor", "zeroFloor", FIELD_HAS_MIN, 0, 0, 0, 0},
    {RULES, "tags", "tags", 0, 8, 3, 0, 0},
    {RULES, "counts", "counts", 0, 0, FIELD_ITEMS_DEFAULT, 0, 0},
    {RULES, "note", "note", FIELD_PRESENCE, FIELD_LENGTH_DEFAULT, 0, 0, 0},
    {RULES, "card", "card", 0, FIELD_LENGTH_DEFAULT, 0, 0, 0},
    {RULES, "voucher", "voucher", 0, 0, 0, 0, 0},
    {RULES, "colour", "colour", FIELD_REQUIRED, 0, 0, 0, 0},
    {RULES, "snake_case_name", "snakeCaseName", 0, FIELD_LENGTH_DEFAULT, 0, 0, 0},
    {RULES, "named", "otherName", 0, FIELD_LENGTH_DEFAULT, 0, 0, 0},
    {RULES, "late", "late", 0, FIELD_LENGTH_DEFAULT, 0, 0, 0},
    {TREE, "leaf", "leaf", FIELD_REQUIRED, 0, 0, 0, 0},
    {TREE, "leaves", "leaves", 0, 0, 2, 0, 0},
    {TREE, "totals", "totals", FIELD_MAP, 0, 4, 0, 0},
    {TREE, "by_name", "byName", FIELD_MAP, 0, FIELD_ITEMS_DEFAULT, 0, 0},
    {TREE, "labels", "labels", FIELD_MAP | FIELD_REQUIRED, 0, FIELD_ITEMS_DEFAULT, 0, 0},
    {TREE, "created_at", "createdAt", 0, 0, 0, 0, 0},
    {TREE, "colours", "colours", 0, 0, FIELD_ITEMS_DEFAULT, 0, 0},
    {NUMBERS, "int32_value", "int32Value", 0, 0, 0, 0, 0},
    {NUMBERS, "double_value", "doubleValue", 0, 0, 0, 0, 0},
    /* A map's rules hold for its values; its keys are short. */
    {&kinds__v1__tree__totals_entry__schema, "key", "key", 0, 256, 0, 0, 0},
    {&kinds__v1__tree__totals_entry__schema, "value", "value", FIELD_HAS_MIN, 0, 0, 0, 0},
    {&kinds__v1__tree__labels_entry__schema, "value", "value", 0, 16, 0, 0, 0},
};

enum { FACT_COUNT = sizeof FACTS / sizeof FACTS[0] };

START_TEST(a_field_is_what_its_contract_says)
{
    const struct field_schema *field = field_of(FACTS[_i].schema, FACTS[_i].field);

    ck_assert_str_eq(field->json_name, FACTS[_i].json_name);
    ck_assert_uint_eq(field->flags, FACTS[_i].flags);
    ck_assert_uint_eq(field->max_length, FACTS[_i].max_length);
    ck_assert_uint_eq(field->max_items, FACTS[_i].max_items);
    ck_assert_int_eq(field->min, FACTS[_i].min);
    ck_assert_int_eq(field->max, FACTS[_i].max);
}
END_TEST

START_TEST(a_message_field_knows_its_message)
{
    ck_assert_ptr_eq(field_of(TREE, "leaf")->message, &kinds__v1__leaf__schema);
    ck_assert_ptr_eq(field_of(TREE, "leaves")->message, &kinds__v1__leaf__schema);
    ck_assert_ptr_eq(field_of(TREE, "totals")->message, &kinds__v1__tree__totals_entry__schema);
    ck_assert_ptr_eq(field_of(TREE, "inner")->message, &kinds__v1__tree__inner__schema);
    ck_assert_ptr_eq(field_of(TREE, "price")->message, &common__v1__money__schema);
    ck_assert_ptr_eq(field_of(TREE, "created_at")->message, &google__protobuf__timestamp__schema);
    ck_assert_ptr_null(field_of(TREE, "colours")->message);
    ck_assert_ptr_null(field_of(RULES, "sku")->message);
}
END_TEST

START_TEST(comments_become_one_line_of_doc)
{
    ck_assert_str_eq((RULES)->doc, "Rules of \"all\" kinds, on two lines.");
    ck_assert_str_eq(field_of(RULES, "late")->doc,
                     "Declared first, numbered last: tables follow the number.");
    ck_assert_str_eq(field_of(RULES, "email")->doc, "where a receipt goes");
    ck_assert_str_eq(field_of(RULES, "sku")->doc, "");
}
END_TEST

START_TEST(tables_run_parallel_to_descriptors)
{
    const struct message_schema *schemas[] = {RULES, TREE, NUMBERS, &kinds__v1__leaf__schema};
    for (size_t i = 0; i < sizeof schemas / sizeof schemas[0]; i++)
        for (unsigned k = 0; k < schemas[i]->descriptor->n_fields; k++) {
            const ProtobufCFieldDescriptor *field = &schemas[i]->descriptor->fields[k];
            const struct message_schema *message = schemas[i]->fields[k].message;
            ck_assert_int_eq(field->type == PROTOBUF_C_TYPE_MESSAGE, message != NULL);
            if (message != NULL)
                ck_assert_ptr_eq(field->descriptor, message->descriptor);
        }
    ck_assert_ptr_null(kinds__v1__nothing__schema.fields);
    ck_assert_uint_eq(kinds__v1__nothing__schema.descriptor->n_fields, 0);
}
END_TEST

START_TEST(well_known_types_are_marked)
{
    ck_assert_int_eq(google__protobuf__timestamp__schema.well_known, WELL_KNOWN_TIMESTAMP);
    ck_assert_int_eq((TREE)->well_known, WELL_KNOWN_NONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema_tables");
    TCase *tables = tcase_create("tables");
    tcase_add_loop_test(tables, a_field_is_what_its_contract_says, 0, FACT_COUNT);
    tcase_add_test(tables, a_message_field_knows_its_message);
    tcase_add_test(tables, comments_become_one_line_of_doc);
    tcase_add_test(tables, tables_run_parallel_to_descriptors);
    tcase_add_test(tables, well_known_types_are_marked);
    suite_add_tcase(suite, tables);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
