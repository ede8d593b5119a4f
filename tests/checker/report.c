/* report.c - prints a report. */
#include "report.h"

#include "common/json.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const VERDICTS[] = {[VERDICT_OK] = "ok",
                                       [VERDICT_BROKEN] = "BROKEN",
                                       [VERDICT_SKIPPED] = "skipped",
                                       [VERDICT_UNKNOWN] = "UNKNOWN"};

size_t report_broken(const struct report *report)
{
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += report->results[i].verdict == VERDICT_BROKEN ||
                 report->results[i].verdict == VERDICT_UNKNOWN;
    return count;
}

static size_t shown(const struct findings *findings)
{
    return findings->kept_count < KEYS_SHOWN ? findings->kept_count : KEYS_SHOWN;
}

void report_print(const struct report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct result *result = &report->results[i];
        const struct findings *findings = &result->findings;
        printf("%-26s %9" PRId64 " checked %6" PRId64 " broken  %s\n", result->invariant->name,
               findings->checked, findings->broken, VERDICTS[result->verdict]);
        if (result->why != NULL)
            printf("    %s\n", result->why);
        if (result->verdict != VERDICT_BROKEN)
            continue;
        printf("    must hold: %s\n", result->invariant->meaning);
        for (size_t k = 0; k < shown(findings); k++)
            printf("    %s: %s\n", findings->kept[k].key, findings->kept[k].what);
        if (findings->broken > (int64_t)shown(findings))
            printf("    and %" PRId64 " more\n", findings->broken - (int64_t)shown(findings));
    }
    printf("%zu invariants, %zu broken\n", report->count, report_broken(report));
}

static void print_result(struct json_writer *json, const struct result *result)
{
    json_begin_object(json);
    json_key(json, "name");
    json_string(json, result->invariant->name);
    json_key(json, "meaning");
    json_string(json, result->invariant->meaning);
    json_key(json, "verdict");
    json_string(json, VERDICTS[result->verdict]);
    json_key(json, "checked");
    json_int(json, result->findings.checked);
    json_key(json, "broken");
    json_int(json, result->findings.broken);
    if (result->why != NULL) {
        json_key(json, "why");
        json_string(json, result->why);
    }
    json_key(json, "findings");
    json_begin_array(json);
    for (size_t i = 0; i < shown(&result->findings); i++) {
        json_begin_object(json);
        json_key(json, "key");
        json_string(json, result->findings.kept[i].key);
        json_key(json, "what");
        json_string(json, result->findings.kept[i].what);
        json_end_object(json);
    }
    json_end_array(json);
    json_end_object(json);
}

void report_print_json(const struct report *report, struct arena *arena)
{
    struct json_writer json;
    struct buffer out;

    buffer_init(&out, arena, 1 << 16);
    json_writer_init(&json, &out);
    json_begin_object(&json);
    json_key(&json, "window");
    json_string(&json, report->window);
    json_key(&json, "live");
    json_bool(&json, report->is_live);
    json_key(&json, "waitedMs");
    json_int(&json, report->waited_ms);
    json_key(&json, "broken");
    json_int(&json, (int64_t)report_broken(report));
    json_key(&json, "invariants");
    json_begin_array(&json);
    for (size_t i = 0; i < report->count; i++)
        print_result(&json, &report->results[i]);
    json_end_array(&json);
    json_end_object(&json);
    puts(out.data);
}
