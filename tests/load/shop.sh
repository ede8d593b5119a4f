# shop.sh - the shop that is measured: started, filled, asked. Sourced by run after deploy/local's.

# --- start and end -----------------------------------------------------------------------------

shop_start()
{
    say "starting a shop (release build, durable) on ports $port_base to $((port_base + 39))"
    "$root/deploy/local/up" --port-base "$port_base" --settings "$root/tests/load/settings" \
        ${build_given:+--build-dir "$build_given"} >>"$var/log/load-up.log" 2>&1 ||
        show_log load-up "the shop did not start"
    daemons_load
    bin=$(setting bin '')
    gateway=http://127.0.0.1:$(instance_port gateway)
    publishable_key=$(cat "$var/env/publishable-key-eu")
    pg_super torg -c 'CREATE EXTENSION IF NOT EXISTS pg_stat_statements' \
        -c 'CREATE EXTENSION IF NOT EXISTS pg_walinspect'
}

shop_stop()
{
    "$root/deploy/local/down" >>"$var/log/load-up.log" 2>&1 || true
}

mails_forget() # the mail server keeps all that it got in memory, and is busy with nothing else then
{
    curl -fsS -X POST "http://127.0.0.1:$(port mail-api)/api/mail/purge" >/dev/null
}

# --- the admin API -----------------------------------------------------------------------------

admin() # METHOD PATH [CURL ARGUMENT...]
{
    local method=$1 path=$2
    shift 2
    curl -fsS -m 120 -X "$method" -H "Authorization: Bearer $(cat "$var/env/admin-api-key")" \
        "$@" "$gateway/admin/v1$path"
}

admin_json() # METHOD PATH JSON
{
    admin "$1" "$2" -H 'Content-Type: application/json' --data-binary "$3"
}

id_by_code() # COLLECTION LIST_FIELD CODE
{
    local query=
    case $1 in price-lists | warehouses) query='?page_size=100' ;; esac
    admin GET "/$1$query" | jq -r --arg code "$3" ".$2[] | select(.code == \$code) | .id"
}

# --- goods: a thousand products of one to three variants, a million of each in stock --------------

PRODUCTS=1000

goods_csv()
{
    head -n 1 "$root/deploy/demo/products.csv"
    awk -v products=$PRODUCTS 'BEGIN {
        for (i = 1; i <= products; i++) {
            for (v = 0; v <= i % 3; v++) {
                handle = sprintf("load-%04d", i)
                first = v == 0
                printf "%s,%s,%s,Torg,,Mug,%s,%s,Size,%s,,,,,%s-%d,%d,shopify,1000000,deny,manual,", handle,
                    first ? "Load Product " i : "",
                    first ? "\"<p>Thrown by hand, glazed twice, and heavy enough to stay where it is put. Number " i ".</p>\"" : "",
                    first ? "\"clay, kitchen\"" : "", first ? "TRUE" : "", substr("SML", v + 1, 1),
                    toupper(handle), v, 300 + 50 * v
                printf "%d.%02d,,TRUE,TRUE,,%s,%s,,FALSE,,,g,active\n", 5 + i % 40, (i * 7) % 100,
                    first ? "https://images.torg.example/" handle ".jpg" : "", first ? "1" : ""
            }
        }
    }'
}

goods_import()
{
    local id state=
    goods_csv >"$var/goods.csv"
    id=$(admin POST "/imports/products?channel_id=$(id_by_code channels channels eu)&price_list_id=$(id_by_code price-lists priceLists eur-gross)&warehouse_id=$(id_by_code warehouses warehouses hamburg)&locale=en&tax_category_code=standard&file_name=goods.csv" \
        -H 'Content-Type: text/csv' --data-binary "@$var/goods.csv" | jq -r .import.id)
    until [ "$state" = IMPORT_STATE_SUCCEEDED ]; do
        [ "$state" != IMPORT_STATE_FAILED ] || die "importing the goods failed"
        sleep 0.2
        state=$(admin GET "/imports/$id" | jq -r .import.state)
    done
    say "goods: $(admin GET "/imports/$id" | jq -c .import.counts)"
}

# What flows draw: a row of goods.tsv each; pages.tsv has the tokens of all pages of twenty.
goods_values()
{
    local token='' page
    : >"$var/goods.rows"
    while :; do
        admin GET "/products?page_size=100${token:+&page_token=$token}" >"$var/page.json"
        jq -r '.products[] | select(.handle | startswith("load-")) |
            "\(.handle)\t\(.variants[0].id)"' "$var/page.json" >>"$var/goods.rows"
        token=$(jq -r '.page.nextPageToken // empty | @uri' "$var/page.json")
        [ -n "$token" ] || break
    done
    { printf 'slug\tvariant\tvariant_2\n' && paste "$var/goods.rows" <(tac "$var/goods.rows" | cut -f2); } \
        >"$var/goods.tsv"
    {
        echo page
        while :; do
            echo "$token"
            token=$(curl -fsS -H "Torg-Publishable-Key: $publishable_key" \
                "$gateway/store/v1/products?page_size=20&page_token=$token" |
                jq -r '.page.nextPageToken // empty | @uri')
            [ -n "$token" ] || break
        done
    } >"$var/pages.tsv"
    say "$(($(wc -l <"$var/goods.tsv") - 1)) products on $(($(wc -l <"$var/pages.tsv") - 1)) pages"
}

goods_load()
{
    [ ! -f "$var/env/goods-loaded" ] || return 0
    goods_import
    goods_values
    touch "$var/env/goods-loaded"
}

# A product of its own with so many in stock: its variant in $variant.
scarce_item() # STOCK
{
    local handle product
    handle=scarce-$(cut -d- -f1 /proc/sys/kernel/random/uuid)
    admin_json POST /products "{\"handle\":\"$handle\",\"taxCategoryCode\":\"standard\",\"texts\":[{\"locale\":\"en\",\"name\":\"$handle\",\"slug\":\"$handle\"}],\"variants\":[{\"sku\":\"$handle\"}]}" >"$var/page.json"
    product=$(jq -r .product.id "$var/page.json")
    variant=$(jq -r '.product.variants[0].id' "$var/page.json")
    admin_json POST "/price-lists/$(id_by_code price-lists priceLists eur-gross)/prices" \
        "{\"prices\":[{\"variantId\":\"$variant\",\"minQuantity\":\"1\",\"unitPrice\":{\"unscaled\":\"1990\",\"scale\":2}}]}" >/dev/null
    admin_json POST "/products/$product/publications" \
        "{\"channelId\":\"$(id_by_code channels channels eu)\"}" >/dev/null
    admin_json POST /stock/receipts \
        "{\"warehouseId\":\"$(id_by_code warehouses warehouses hamburg)\",\"reference\":\"load\",\"lines\":[{\"variantId\":\"$variant\",\"quantity\":\"$1\"}]}" >/dev/null
}
