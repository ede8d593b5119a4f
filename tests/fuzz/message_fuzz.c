/* message_fuzz.c - a binary message, as one daemon takes it from another: decoded, validated, and
 * if it is valid, through JSON and back without a loss.
 *
 * Input: a byte that chooses the message, then its bytes. */
#include "fuzz.h"

#include "cart/v1/service.schema.h"
#include "common/json.h"
#include "common/v1/context.schema.h"
#include "common/v1/rule.schema.h"
#include "kinds.schema.h"

#include <string.h>

static const struct message_schema *const SCHEMAS[] = {
    &torg__test__v1__kinds__schema,    &torg__test__v1__strict__schema,
    &cart__v1__cart__schema,           &cart__v1__add_lines_request__schema,
    &cart__v1__quote__schema,          &common__v1__condition__schema,
    &common__v1__call_context__schema,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const struct message_schema *const ANY[] = {&torg__test__v1__line__schema,
                                                       &torg__test__v1__party__schema};

    (void)argc;
    (void)argv;
    json_set_any_types(ANY, ARRAY_LEN(ANY));
    return 0;
}

/* Whatever it holds, what comes out is JSON. */
static struct buffer encoded(struct arena *arena, const struct message_schema *schema,
                             const ProtobufCMessage *message)
{
    struct buffer out;
    const struct json_node *root;

    buffer_init(&out, arena, 64);
    json_encode(&out, schema, message, true);
    ALWAYS(json_parse(arena, out.data, out.length, &root).code == STATUS_OK);
    out.length = 0;
    json_encode(&out, schema, message, false);
    return out;
}

/* A NaN comes back as a NaN, not with the same bits; an Any of a type that nobody named does not
 * come back at all. Contracts have neither. */
static void drop_what_changes(ProtobufCMessage *message)
{
    Torg__Test__V1__Kinds *kinds = (Torg__Test__V1__Kinds *)(void *)message;

    kinds->f_double = 0;
    kinds->f_float = 0;
    kinds->n_doubles = kinds->n_floats = 0;
    kinds->any = NULL;
    kinds->n_anys = 0;
    for (size_t i = 0; i < kinds->n_lines_by_number; i++)
        if (kinds->lines_by_number[i]->value == NULL) // JSON says the empty message for it
            kinds->n_lines_by_number = 0;
}

static void check_no_loss(struct arena *arena, const struct message_schema *schema,
                          struct buffer json)
{
    ProtobufCMessage *again;

    ALWAYS(json_decode(arena, schema, json.data, json.length, false, &again).code == STATUS_OK);
    /* Compared as JSON: on the wire a map's entry may lack its value or hold what nobody knows. */
    const struct buffer again_json = encoded(arena, schema, again);
    ALWAYS(fuzz_same(json.data, json.length, again_json.data, again_json.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const struct message_schema *schema = SCHEMAS[fuzz_byte(&input) % ARRAY_LEN(SCHEMAS)];
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    ProtobufCMessage *message =
        protobuf_c_message_unpack(schema->descriptor, arena_protobuf(arena), input.left, input.at);

    if (message != NULL) {
        if (schema == &torg__test__v1__kinds__schema)
            drop_what_changes(message);
        bool is_valid = fuzz_is_valid(schema, message);
        struct buffer json = encoded(arena, schema, message);
        if (is_valid)
            check_no_loss(arena, schema, json);
    }
    arena_destroy(arena);
    return 0;
}
