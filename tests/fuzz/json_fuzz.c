/* json_fuzz.c - the JSON reader: what it takes it writes, and reads the same again.
 *
 * Input: a byte that chooses the message, then the text. */
#include "fuzz.h"

#include "cart/v1/service.schema.h"
#include "common/json.h"
#include "kinds.schema.h"

#include <string.h>

static const struct message_schema *const SCHEMAS[] = {
    &torg__test__v1__kinds__schema,
    &torg__test__v1__strict__schema,
    &cart__v1__create_cart_request__schema,
    &cart__v1__get_cart_response__schema,
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

static void write_node(struct json_writer *writer, const struct json_node *node)
{
    if (node->kind == JSON_STRING)
        json_string_n(writer, node->text, node->length);
    else if (node->kind == JSON_NUMBER)
        json_raw(writer, node->text, node->length);
    else if (node->kind == JSON_NULL)
        json_null(writer);
    else
        json_bool(writer, node->kind == JSON_TRUE);
}

/* Depth is bounded by JSON_DEPTH_MAX, so recursion is fine here. */
static void write_tree(struct json_writer *writer, const struct json_node *node)
{
    if (node->kind != JSON_OBJECT && node->kind != JSON_ARRAY) {
        write_node(writer, node);
        return;
    }
    if (node->kind == JSON_OBJECT)
        json_begin_object(writer);
    else
        json_begin_array(writer);
    for (const struct json_node *child = node->child; child; child = child->next) {
        if (node->kind == JSON_OBJECT)
            json_key(writer, child->key);
        write_tree(writer, child);
    }
    if (node->kind == JSON_OBJECT)
        json_end_object(writer);
    else
        json_end_array(writer);
}

static struct buffer written(struct arena *arena, const struct json_node *root)
{
    struct buffer out;
    struct json_writer writer;

    buffer_init(&out, arena, 64);
    json_writer_init(&writer, &out);
    write_tree(&writer, root);
    return out;
}

/* Reads without a schema; written and read again it is written the same. */
static bool check_tree(struct arena *arena, const char *text, size_t length)
{
    const struct json_node *root, *again;
    struct status status = json_parse(arena, text, length, &root);

    ALWAYS(status.code == STATUS_OK || status.violations != NULL);
    if (status.code != STATUS_OK)
        return false;
    struct buffer first = written(arena, root);
    ALWAYS(json_parse(arena, first.data, first.length, &again).code == STATUS_OK);
    struct buffer second = written(arena, again);
    ALWAYS(fuzz_same(first.data, first.length, second.data, second.length));
    return true;
}

static void check_round_trip(struct arena *arena, const struct message_schema *schema,
                             const ProtobufCMessage *message, bool with_defaults)
{
    struct buffer first, second;
    ProtobufCMessage *again;

    buffer_init(&first, arena, 64);
    buffer_init(&second, arena, 64);
    json_encode(&first, schema, message, with_defaults);
    ALWAYS(json_decode(arena, schema, first.data, first.length, false, &again).code == STATUS_OK);
    json_encode(&second, schema, again, with_defaults);
    ALWAYS(fuzz_same(first.data, first.length, second.data, second.length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    const struct message_schema *schema = SCHEMAS[fuzz_byte(&input) % ARRAY_LEN(SCHEMAS)];
    struct arena *arena = arena_create(FUZZ_ARENA_MAX);
    ProtobufCMessage *message;
    size_t length;
    const char *text = (const char *)fuzz_rest(arena, &input, &length);

    bool is_json = check_tree(arena, text, length);
    struct status strict = json_decode(arena, schema, text, length, false, &message);
    if (strict.code == STATUS_OK) {
        ALWAYS(is_json);
        (void)fuzz_is_valid(schema, message);
        check_round_trip(arena, schema, message, false);
        check_round_trip(arena, schema, message, true);
    }
    struct status lenient = json_decode(arena, schema, text, length, true, &message);
    ALWAYS(strict.code != STATUS_OK || lenient.code == STATUS_OK);
    arena_destroy(arena);
    return 0;
}
