/* product_plan.c - what a write changes: the product that is wanted against the one that is stored
 * and against what other products own. Pure, but for the ids it mints. */
#include "product.h"

#include "chassis/wire.h"
#include "common/str.h"

#include <inttypes.h>
#include <string.h>

const struct error_def VARIANT_NOT_FOUND = {
    STATUS_NOT_FOUND, "VARIANT_NOT_FOUND",
    "leave the variant's id out to add it, or take one that the product has"};
const struct error_def HANDLE_TAKEN = {STATUS_ALREADY_EXISTS, "HANDLE_TAKEN",
                                       "handles are unique; change the product that has it"};
const struct error_def SKU_TAKEN = {
    STATUS_ALREADY_EXISTS, "SKU_TAKEN",
    "a SKU is unique in the installation; another product has a variant with it"};
const struct error_def SLUG_TAKEN = {STATUS_ALREADY_EXISTS, "SLUG_TAKEN",
                                     "slugs are unique per store and locale; leave it empty to "
                                     "have one made from the name"};
const struct error_def UNKNOWN_CATEGORY = {STATUS_FAILED_PRECONDITION, "UNKNOWN_CATEGORY",
                                           "create the category first"};

/* One product on its way from the request to the plan. */
struct planner {
    struct arena *arena;
    const struct plan_input *input;
    struct product_plan *plan;
    Catalog__V1__Product *wanted;
};

static void settle_identity(struct planner *planner);
static bool settle_handle(struct planner *planner);
static bool settle_texts(struct planner *planner);
static bool settle_categories(struct planner *planner);
static bool settle_variants(struct planner *planner);
static bool settle_size(struct planner *planner);
static void settle_options(struct planner *planner);
static void compare(struct planner *planner);
static void settle_publications(struct planner *planner);
static void claim(struct planner *planner);

void product_plan(struct arena *arena, const struct plan_input *input, struct product_plan *plan)
{
    struct planner planner = {
        .arena = arena,
        .input = input,
        .plan = plan,
        .wanted = arena_memdup(arena, plan->request, sizeof *plan->request),
    };

    settle_identity(&planner);
    if (!settle_handle(&planner) || !settle_texts(&planner) || !settle_categories(&planner) ||
        !settle_variants(&planner) || !settle_size(&planner))
        return;
    settle_options(&planner);
    compare(&planner);
    settle_publications(&planner);
    claim(&planner);
    plan->wanted = planner.wanted;
}

bool plan_is_unchanged(const struct product_plan *plan)
{
    return plan->stored != NULL && plan->parts == 0 && plan->published_count == 0;
}

const char *claim_slug(struct arena *arena, const char *store_id, const char *locale,
                       const char *slug)
{
    return arena_printf(arena, "%s %s %s", store_id, locale, slug);
}

static bool refuse(struct planner *planner, const struct problem *problem)
{
    planner->plan->problem = *problem;
    return false;
}

static bool is_taken(struct planner *planner, const struct map *claims, const char *key)
{
    const char *owner = map_get(claims, key);
    return owner != NULL && !str_equal(owner, planner->wanted->id);
}

/* A copy without the fields that our contract does not know: what is compared is what is stored. */
static void *copy(struct arena *arena, const ProtobufCMessage *message)
{
    ProtobufCMessage *copied = arena_memdup(arena, message, message->descriptor->sizeof_message);
    copied->n_unknown_fields = 0;
    copied->unknown_fields = NULL;
    return copied;
}

static bool same(struct arena *arena, const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    size_t length = protobuf_c_message_get_packed_size(a);

    if (length != protobuf_c_message_get_packed_size(b))
        return false;
    uint8_t *left = arena_alloc(arena, length);
    uint8_t *right = arena_alloc(arena, length);
    protobuf_c_message_pack(a, left);
    protobuf_c_message_pack(b, right);
    return memcmp(left, right, length) == 0;
}

static void settle_identity(struct planner *planner)
{
    const Catalog__V1__Product *stored = planner->plan->stored;
    Catalog__V1__Product *wanted = planner->wanted;

    wanted->base.n_unknown_fields = 0;
    wanted->id = stored != NULL ? stored->id : uuid_text(planner->arena, uuid_v7());
    wanted->version = stored != NULL ? stored->version : 0;
    wanted->create_time =
        stored != NULL ? stored->create_time : wire_time(planner->arena, planner->input->now_us);
    wanted->update_time = stored != NULL ? stored->update_time : wanted->create_time;
    wanted->n_publications = stored != NULL ? stored->n_publications : 0;
    wanted->publications = stored != NULL ? stored->publications : NULL;
}

/* A product without a handle keeps the one it has, or gets one of its first name. */
static bool settle_handle(struct planner *planner)
{
    const struct map *handles = planner->input->claims->handles;
    Catalog__V1__Product *wanted = planner->wanted;
    bool is_derived = *wanted->handle == '\0';

    if (is_derived && planner->input->mode == WRITE_UPSERT)
        return refuse(planner, &(struct problem){&INVALID_PRODUCT, "handle", "", "not empty", -1});
    if (is_derived && planner->plan->stored != NULL) {
        wanted->handle = planner->plan->stored->handle;
    } else if (is_derived) {
        wanted->handle = slug_derive(planner->arena, wanted->texts[0]->name, "", wanted->id);
        if (is_taken(planner, handles, wanted->handle))
            wanted->handle =
                arena_printf(planner->arena, "%.240s-%s", wanted->handle, wanted->id + 24);
    }
    if (is_taken(planner, handles, wanted->handle))
        return refuse(planner, &(struct problem){&HANDLE_TAKEN, "handle", wanted->handle,
                                                 "a handle that no other product has", -1});
    return true;
}

static const char *stored_slug(const Catalog__V1__Product *stored,
                               const Catalog__V1__ProductText *text)
{
    for (size_t i = 0; stored != NULL && i < stored->n_texts; i++)
        if (str_equal(stored->texts[i]->locale, text->locale) &&
            str_equal(stored->texts[i]->store_id, text->store_id))
            return stored->texts[i]->slug;
    return "";
}

/* A text without a slug keeps the one it has, so that a new name breaks no link, or gets one of its
 * name: only such a slug steps aside for another's. */
/* What an upsert does not speak of stays: the languages it does not name, what the back office put
 * into categories. */
static const Catalog__V1__Product *kept_from(const struct planner *planner)
{
    return planner->input->mode == WRITE_UPSERT ? planner->plan->stored : NULL;
}

static bool names_text(const Catalog__V1__Product *product, const Catalog__V1__ProductText *text)
{
    for (size_t i = 0; i < product->n_texts; i++)
        if (str_equal(product->texts[i]->locale, text->locale) &&
            str_equal(product->texts[i]->store_id, text->store_id))
            return true;
    return false;
}

static void keep_texts(struct planner *planner)
{
    const Catalog__V1__Product *stored = kept_from(planner);
    for (size_t i = 0; stored && i < stored->n_texts; i++)
        if (!names_text(planner->plan->request, stored->texts[i]))
            planner->wanted->texts[planner->wanted->n_texts++] = stored->texts[i];
}

static bool settle_texts(struct planner *planner)
{
    const struct map *slugs = planner->input->claims->slugs;
    Catalog__V1__Product *wanted = planner->wanted;
    struct arena *arena = planner->arena;
    size_t kept = kept_from(planner) ? kept_from(planner)->n_texts : 0;
    size_t named = wanted->n_texts;

    wanted->texts = arena_array(arena, Catalog__V1__ProductText *, named + kept);
    for (size_t i = 0; i < named; i++) {
        Catalog__V1__ProductText *text = copy(arena, &planner->plan->request->texts[i]->base);
        wanted->texts[i] = text;
        if (*text->slug == '\0')
            text->slug = stored_slug(planner->plan->stored, text);
        if (*text->slug == '\0') {
            const char *base = slug_derive(arena, text->name, wanted->handle, wanted->id);
            const char *place = arena_printf(arena, "%s %s", text->store_id, text->locale);
            text->slug = slug_free(arena, slugs, place, base, wanted->id);
        } else if (is_taken(planner, slugs,
                            claim_slug(arena, text->store_id, text->locale, text->slug))) {
            return refuse(planner, &(struct problem){
                                       &SLUG_TAKEN, arena_printf(arena, "texts[%zu].slug", i),
                                       text->slug, "a slug that no other product has there", -1});
        }
    }
    keep_texts(planner);
    return true;
}

static bool settle_categories(struct planner *planner)
{
    const Catalog__V1__Product *request = planner->plan->request;
    Catalog__V1__Product *wanted = planner->wanted;
    struct map *seen = map_create(planner->arena, request->n_category_ids);
    const Catalog__V1__Product *stored = kept_from(planner);
    size_t kept = stored ? stored->n_category_ids : 0;

    wanted->category_ids =
        arena_array(planner->arena, const char *, request->n_category_ids + kept);
    wanted->n_category_ids = 0;
    for (size_t i = 0; i < request->n_category_ids; i++) {
        const char *id = request->category_ids[i];
        if (map_get(planner->input->claims->categories, id) == NULL)
            return refuse(planner,
                          &(struct problem){&UNKNOWN_CATEGORY,
                                            arena_printf(planner->arena, "categoryIds[%zu]", i), id,
                                            "the id of a category", -1});
        if (map_get(seen, id) == NULL)
            wanted->category_ids[wanted->n_category_ids++] = id;
        map_set(seen, id, seen);
    }
    for (size_t i = 0; i < kept; i++)
        if (map_get(seen, stored->category_ids[i]) == NULL)
            wanted->category_ids[wanted->n_category_ids++] = stored->category_ids[i];
    return true;
}

/* Which of the stored variants the request means: by id where ids count, else by SKU. */
static const Catalog__V1__Variant *match(const struct planner *planner,
                                         const Catalog__V1__Variant *asked)
{
    const Catalog__V1__Product *stored = planner->plan->stored;
    bool by_id = planner->input->mode == WRITE_REPLACE && *asked->id != '\0';

    for (size_t i = 0; stored != NULL && i < stored->n_variants; i++)
        if (by_id ? str_equal(stored->variants[i]->id, asked->id)
                  : str_equal(stored->variants[i]->sku, asked->sku))
            return stored->variants[i];
    return NULL;
}

/* Adds one variant to the wanted ones; its version moves when it differs from `before`. */
static void put_variant(struct planner *planner, const Catalog__V1__Variant *asked,
                        const Catalog__V1__Variant *before)
{
    struct product_plan *plan = planner->plan;
    Catalog__V1__Product *wanted = planner->wanted;
    Catalog__V1__Variant *variant = copy(planner->arena, &asked->base);
    size_t index = wanted->n_variants++;

    wanted->variants[index] = variant;
    variant->id = before != NULL ? before->id : uuid_text(planner->arena, uuid_v7());
    variant->product_id = wanted->id;
    variant->position = (int32_t)index;
    variant->version = before != NULL ? before->version : 1;
    if (before == NULL) {
        plan->added[plan->added_count++] = index;
    } else if (!same(planner->arena, &variant->base, &before->base)) {
        variant->version++;
        plan->changed[plan->changed_count++] = index;
    }
}

/* What becomes of the stored variants that the request does not name. */
static bool settle_unnamed(struct planner *planner, const struct map *named)
{
    const Catalog__V1__Product *stored = planner->plan->stored;
    struct product_plan *plan = planner->plan;

    for (size_t i = 0; stored != NULL && i < stored->n_variants; i++) {
        const Catalog__V1__Variant *variant = stored->variants[i];
        if (map_get(named, variant->id) != NULL)
            continue;
        if (planner->input->mode == WRITE_REPLACE) {
            plan->removed[plan->removed_count++] = variant;
            continue;
        }
        if (variant->n_option_values != planner->wanted->n_options)
            return refuse(planner,
                          &(struct problem){&INVALID_PRODUCT, "options", variant->sku,
                                            "as many options as the variants that stay have", -1});
        if (planner->wanted->n_variants == VARIANTS_MAX)
            return refuse(planner, &(struct problem){&INVALID_PRODUCT, "variants", variant->sku,
                                                     "at most 250, those that stay included", -1});
        put_variant(planner, variant, variant);
    }
    return true;
}

static bool settle_variants(struct planner *planner)
{
    const Catalog__V1__Product *request = planner->plan->request;
    const Catalog__V1__Product *stored = planner->plan->stored;
    struct product_plan *plan = planner->plan;
    struct arena *arena = planner->arena;
    size_t stored_count = stored != NULL ? stored->n_variants : 0;
    struct map *named = map_create(arena, request->n_variants);

    plan->removed = arena_array(arena, const Catalog__V1__Variant *, stored_count);
    plan->added = arena_array(arena, size_t, request->n_variants);
    plan->changed = arena_array(arena, size_t, stored_count);
    planner->wanted->n_variants = 0;
    planner->wanted->variants =
        arena_array(arena, Catalog__V1__Variant *, request->n_variants + stored_count);
    for (size_t i = 0; i < request->n_variants; i++) {
        const Catalog__V1__Variant *asked = request->variants[i];
        const Catalog__V1__Variant *before = match(planner, asked);
        bool by_id = planner->input->mode == WRITE_REPLACE && *asked->id != '\0';
        if (by_id && (before == NULL || map_get(named, before->id) != NULL))
            return refuse(planner,
                          &(struct problem){&VARIANT_NOT_FOUND,
                                            arena_printf(arena, "variants[%zu].id", i), asked->id,
                                            "a variant of this product, once", (int32_t)i});
        if (is_taken(planner, planner->input->claims->skus, asked->sku))
            return refuse(planner, &(struct problem){
                                       &SKU_TAKEN, arena_printf(arena, "variants[%zu].sku", i),
                                       asked->sku, "a SKU that no other product has", (int32_t)i});
        if (before != NULL && map_get(named, before->id) != NULL)
            before = NULL; // another variant of the request is it already, by its id
        if (before != NULL)
            map_set(named, before->id, named);
        put_variant(planner, asked, before);
    }
    return settle_unnamed(planner, named);
}

/* Its events have to hold it. */
static bool settle_size(struct planner *planner)
{
    Catalog__V1__Product bare = *planner->wanted;

    bare.n_variants = 0;
    size_t length = protobuf_c_message_get_packed_size(&bare.base);
    if (length <= PRODUCT_BYTES_MAX)
        return true;
    return refuse(planner,
                  &(struct problem){&INVALID_PRODUCT, "texts",
                                    arena_printf(planner->arena, "%zu bytes", length),
                                    "at most 204800 bytes in all, without the variants", -1});
}

/* An option's values: those listed, then what the variants use besides. */
static void settle_options(struct planner *planner)
{
    Catalog__V1__Product *wanted = planner->wanted;
    struct arena *arena = planner->arena;

    wanted->options = arena_array(arena, Catalog__V1__ProductOption *, wanted->n_options);
    for (size_t i = 0; i < wanted->n_options; i++) {
        const Catalog__V1__ProductOption *asked = planner->plan->request->options[i];
        Catalog__V1__ProductOption *option = copy(arena, &asked->base);
        struct map *seen = map_create(arena, asked->n_values + wanted->n_variants);
        option->values = arena_array(arena, const char *, asked->n_values + wanted->n_variants);
        for (size_t j = 0; j < asked->n_values; j++) {
            option->values[j] = asked->values[j];
            map_set(seen, asked->values[j], seen);
        }
        for (size_t j = 0; j < wanted->n_variants; j++) {
            const char *value = wanted->variants[j]->option_values[i];
            if (map_get(seen, value) == NULL)
                option->values[option->n_values++] = value;
            map_set(seen, value, seen);
        }
        wanted->options[i] = option;
    }
}

/* The product without the parts that have tables of their own. */
static Catalog__V1__Product only_row(const Catalog__V1__Product *product)
{
    Catalog__V1__Product row = *product;

    row.n_texts = row.n_options = row.n_images = row.n_category_ids = 0;
    row.n_variants = row.n_publications = 0;
    row.version = 0;
    row.create_time = row.update_time = NULL;
    return row;
}

static uint32_t differing_parts(struct planner *planner)
{
    const Catalog__V1__Product *wanted = planner->wanted;
    const Catalog__V1__Product *stored = planner->plan->stored;
    Catalog__V1__Product before = only_row(stored);
    Catalog__V1__Product after = only_row(wanted);
    uint32_t parts = same(planner->arena, &before.base, &after.base) ? 0 : PART_ROW;
    Catalog__V1__Product none = CATALOG__V1__PRODUCT__INIT;

    before = after = none;
    before.n_texts = stored->n_texts, before.texts = stored->texts;
    after.n_texts = wanted->n_texts, after.texts = wanted->texts;
    parts |= same(planner->arena, &before.base, &after.base) ? 0 : PART_TEXTS;

    before = after = none;
    before.n_options = stored->n_options, before.options = stored->options;
    after.n_options = wanted->n_options, after.options = wanted->options;
    parts |= same(planner->arena, &before.base, &after.base) ? 0 : PART_OPTIONS;

    before = after = none;
    before.n_images = stored->n_images, before.images = stored->images;
    after.n_images = wanted->n_images, after.images = wanted->images;
    parts |= same(planner->arena, &before.base, &after.base) ? 0 : PART_IMAGES;

    before = after = none;
    before.n_category_ids = stored->n_category_ids, before.category_ids = stored->category_ids;
    after.n_category_ids = wanted->n_category_ids, after.category_ids = wanted->category_ids;
    parts |= same(planner->arena, &before.base, &after.base) ? 0 : PART_CATEGORIES;
    return parts;
}

static void compare(struct planner *planner)
{
    struct product_plan *plan = planner->plan;
    Catalog__V1__Product *wanted = planner->wanted;

    plan->parts = PART_ROW | PART_TEXTS | PART_OPTIONS | PART_IMAGES | PART_CATEGORIES;
    if (plan->stored != NULL)
        plan->parts = differing_parts(planner);
    if (plan->added_count + plan->changed_count + plan->removed_count > 0)
        plan->parts |= PART_VARIANTS;
    if (plan->parts != 0) {
        wanted->version++;
        wanted->update_time = wire_time(planner->arena, planner->input->now_us);
    }
    plan->content_version = wanted->version;
}

static void settle_publications(struct planner *planner)
{
    const Catalog__V1__Product *request = planner->plan->request;
    struct product_plan *plan = planner->plan;

    if (planner->input->mode != WRITE_UPSERT)
        return;
    plan->published =
        arena_array(planner->arena, Catalog__V1__ProductPublication *, request->n_publications);
    for (size_t i = 0; i < request->n_publications; i++) {
        Catalog__V1__ProductPublication *changed = product_set_publication(
            planner->arena, planner->wanted, request->publications[i], planner->input->now_us);
        if (changed != NULL)
            plan->published[plan->published_count++] = changed;
    }
}

/* In channel order, as they are read. */
static void put_publication(struct arena *arena, Catalog__V1__Product *product,
                            Catalog__V1__ProductPublication *publication)
{
    Catalog__V1__ProductPublication **all =
        arena_array(arena, Catalog__V1__ProductPublication *, product->n_publications + 1);
    size_t count = 0;
    size_t i = 0;

    for (; i < product->n_publications; i++) {
        if (strcmp(product->publications[i]->channel_id, publication->channel_id) >= 0)
            break;
        all[count++] = product->publications[i];
    }
    all[count++] = publication;
    for (; i < product->n_publications; i++)
        if (!str_equal(product->publications[i]->channel_id, publication->channel_id))
            all[count++] = product->publications[i];
    product->publications = all;
    product->n_publications = count;
}

Catalog__V1__ProductPublication *
product_set_publication(struct arena *arena, Catalog__V1__Product *product,
                        const Catalog__V1__ProductPublication *asked, int64_t now_us)
{
    Catalog__V1__ProductPublication *wanted = copy(arena, &asked->base);
    bool publishes = asked->state == CATALOG__V1__PUBLICATION_STATE__PUBLICATION_STATE_PUBLISHED;
    int64_t before_us = 0; // since when it is published; 0: it is a draft
    int64_t wanted_us = wire_time_us(asked->publish_time);

    for (size_t i = 0; i < product->n_publications; i++)
        if (str_equal(product->publications[i]->channel_id, asked->channel_id))
            before_us = wire_time_us(product->publications[i]->publish_time);
    if (!publishes)
        wanted_us = 0;
    else if (wanted_us == 0)
        wanted_us = before_us != 0 && before_us <= now_us ? before_us : now_us;
    if (wanted_us == before_us)
        return NULL;

    wanted->publish_time = wire_time(arena, wanted_us);
    put_publication(arena, product, wanted);
    product->version++;
    product->update_time = wire_time(arena, now_us);
    return wanted;
}

static void claim(struct planner *planner)
{
    const struct claims *claims = planner->input->claims;
    const Catalog__V1__Product *wanted = planner->wanted;
    char *owner = arena_strdup(planner->arena, wanted->id);

    map_set(claims->handles, wanted->handle, owner);
    for (size_t i = 0; i < wanted->n_variants; i++)
        map_set(claims->skus, wanted->variants[i]->sku, owner);
    for (size_t i = 0; i < wanted->n_texts; i++)
        map_set(claims->slugs,
                claim_slug(planner->arena, wanted->texts[i]->store_id, wanted->texts[i]->locale,
                           wanted->texts[i]->slug),
                owner);
}
