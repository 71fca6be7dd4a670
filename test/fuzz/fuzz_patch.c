/* Patches of all kinds on a pod.
 *
 * The first byte picks the kind; the rest is a patch, or a document, a line end and a patch. Whatever comes,
 * nothing may crash, take long or need much memory; and what can be said of results must hold: the target
 * stays as it was, and a patch made from two documents turns one into the other.
 */
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/ref.h"
#include "api/strategic.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "codec/json.h"
#include "fuzz/fuzz.h"

#define MEMORY_MAX (512u * 1024 * 1024)

static const char pod[] =
    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"labels\":{\"a\":\"1\",\"b\":"
    "\"2\"},"
    "\"finalizers\":[\"x\",\"y\"],\"ownerReferences\":[{\"uid\":\"u\",\"name\":\"o\"}]},\"spec\":{"
    "\"containers\":["
    "{\"name\":\"c\",\"image\":\"i\",\"args\":[\"1\",\"2\"],\"env\":[{\"name\":\"E\",\"value\":\"1\"},{"
    "\"name\":\"F\"}],"
    "\"ports\":[{\"containerPort\":80},{\"containerPort\":81,\"protocol\":\"UDP\"}]},{\"name\":\"d\"}],"
    "\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}],\"tolerations\":[{\"key\":\"k\"}],\"nodeSelector\":{"
    "\"n\":\"1\"},"
    "\"securityContext\":{\"runAsUser\":1,\"supplementalGroups\":[1,2]}},\"status\":{\"conditions\":["
    "{\"type\":\"Ready\",\"status\":\"True\"}]}}";

struct input {
    struct arena arena;
    struct jval document, patch, before;
    struct pos schema;
};

static int parse(struct input *in, struct str text, struct jval *ret) {
    const struct json_limits limits = {.size_bytes = 1u << 20};
    return json_parse(&in->arena, text, &limits, NULL, ret, NULL);
}

static bool has_null(const struct jval *v) {
    bool found = v->kind == J_NULL;
    for (uint32_t i = 0; i < v->n && !found; i++) {
        if (v->kind == J_OBJECT)
            found = has_null(&v->members[i].value);
        else if (v->kind == J_ARRAY)
            found = has_null(&v->items[i]);
        else
            break;
    }
    return found;
}

static void json_patch_once(struct input *in) {
    struct json_patch p;
    struct jval out;
    struct err err = ERR_INIT;
    if (json_patch_read(&in->arena, &in->patch, &p, &err) == 0)
        (void)json_patch_apply(&in->arena, &p, &in->document, &out, &err);
}

static void merge_patch_once(struct input *in) {
    struct jval out, made, again;
    struct err err = ERR_INIT;
    must(merge_patch_apply(&in->arena, &in->document, &in->patch, &out, &err) == 0);
    must(merge_patch_create(&in->arena, &in->document, &in->patch, &made, &err) == 0);
    must(merge_patch_apply(&in->arena, &in->document, &made, &again, &err) == 0);
    must(has_null(&in->patch) || jval_equal(&again, &in->patch));
    must(merge_patch_create_three_way(&in->arena, &out, &in->patch, &in->document, &made, &err) == 0);
}

static void strategic_once(struct input *in) {
    struct jval out, again;
    struct err err = ERR_INIT;
    if (strategic_apply(&in->arena, in->schema, &in->document, &in->patch, &out, &err) == 0)
        (void)strategic_apply(&in->arena, in->schema, &out, &in->patch, &again, &err);
}

static void strategic_diff_once(struct input *in) {
    struct jval made, out;
    struct err err = ERR_INIT;
    if (strategic_create(&in->arena, in->schema, &in->document, &in->patch, &made, &err))
        return;
    if (jval_equal(&in->document, &in->patch))
        must(made.kind == J_OBJECT && made.n == 0);
    (void)strategic_apply(&in->arena, in->schema, &in->document, &made, &out, &err);
    if (strategic_create_three_way(&in->arena, in->schema, &in->document, &in->patch, &out, false, &made,
                                   &err) == 0)
        (void)strategic_apply(&in->arena, in->schema, &out, &made, &out, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    static void (*const kinds[])(struct input *) = {json_patch_once, merge_patch_once, strategic_once,
                                                    strategic_diff_once};
    if (n < 1)
        return 0;
    struct str text = fuzz_text(data + 1, n - 1), document = str_from(pod), patch;
    if (!str_split(text, '\n', &document, &patch)) {
        document = str_from(pod);
        patch = text;
    }
    struct input in = {.arena = ARENA_INIT, .schema = pos_type(&builtin, TY_CORE_POD)};
    if (parse(&in, document, &in.document) == 0 && parse(&in, patch, &in.patch) == 0) {
        in.before = jval_copy(&in.arena, &in.document);
        kinds[data[0] % (sizeof kinds / sizeof *kinds)](&in);
        must(jval_equal(&in.document, &in.before));
        must(arena_total_bytes(&in.arena) < MEMORY_MAX);
    }
    arena_fini(&in.arena);
    return 0;
}
