/* JSON that a struct cannot take: messages as upstream words them, limits, hostile text. */
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/types/apiextensions.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/thread.h"
#include "unit/unit.h"

/* From text and, when it is JSON at all, from its tree: the same message. */
static void refuses(uint32_t type, const char *text, const char *message) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval tree;
    void *object = &a;
    assert_fails(api_read_json(&a, &builtin, type, str_from(text), NULL, &object, &err), ERR_INVALID);
    assert_string_equal(err.msg, message);
    assert_ptr_equal(object, &a);
    assert_fails(api_read_json(&a, &builtin, type, str_from(text), NULL, &object, NULL), ERR_INVALID);
    if (json_parse(&a, str_from(text), NULL, NULL, &tree, NULL))
        return;
    assert_fails(api_from_tree(&a, &builtin, type, &tree, NULL, &object, &err), ERR_INVALID);
    assert_string_equal(err.msg, message);
    assert_ptr_equal(object, &a);
}

TEST(test_json_refuse__wrong_types_name_field_and_type) {
    refuses(TY_APPS_DEPLOYMENT, "{\"spec\":{\"replicas\":\"3\"}}",
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32");
    refuses(
        TY_CORE_POD, "{\"spec\":{\"containers\":{}}}",
        "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container");
    refuses(
        TY_CORE_POD, "{\"spec\":{\"containers\":[{},{\"image\":5}]}}",
        "json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string");
    refuses(
        TY_CORE_POD, "{\"spec\":{\"containers\":[\"a\"]}}",
        "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container");
    refuses(
        TY_CORE_POD, "{\"spec\":{\"containers\":[{\"env\":[{\"value\":true}]}]}}",
        "json: cannot unmarshal bool into Go struct field EnvVar.spec.containers.env.value of type string");
    refuses(TY_CORE_POD, "{\"metadata\":{\"labels\":{\"a\":1}}}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string");
    refuses(TY_CORE_POD, "{\"metadata\":{\"labels\":[]}}",
            "json: cannot unmarshal array into Go struct field ObjectMeta.metadata.labels of type "
            "map[string]string");
    refuses(
        TY_CORE_POD, "{\"metadata\":{\"finalizers\":\"x\"}}",
        "json: cannot unmarshal string into Go struct field ObjectMeta.metadata.finalizers of type []string");
    refuses(TY_CORE_POD, "{\"spec\":[]}",
            "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec");
    refuses(TY_CORE_POD, "{\"spec\":{\"securityContext\":\"x\"}}",
            "json: cannot unmarshal string into Go struct field PodSpec.spec.securityContext of type "
            "v1.PodSecurityContext");
    refuses(TY_CORE_POD, "{\"kind\":7}",
            "json: cannot unmarshal number into Go struct field Pod.kind of type string");
    refuses(TY_CORE_POD, "{\"spec\":{\"restartPolicy\":false}}",
            "json: cannot unmarshal bool into Go struct field PodSpec.spec.restartPolicy of type "
            "v1.RestartPolicy");
    refuses(TY_CORE_POD, "{\"spec\":{\"hostNetwork\":\"true\"}}",
            "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool");
    refuses(TY_CORE_POD, "[]", "json: cannot unmarshal array into Go value of type v1.Pod");
    refuses(TY_CORE_POD, "\"x\"", "json: cannot unmarshal string into Go value of type v1.Pod");
    refuses(TY_CORE_POD, "12", "json: cannot unmarshal number into Go value of type v1.Pod");
}

TEST(test_json_refuse__numbers_that_do_not_fit) {
#define REPLICAS(n) "{\"spec\":{\"replicas\":" n "}}"
#define MESSAGE(n)                                                                                           \
    "json: cannot unmarshal number " n " into Go struct field DeploymentSpec.spec.replicas of type int32"
    refuses(TY_APPS_DEPLOYMENT, REPLICAS("1.5"), MESSAGE("1.5"));
    refuses(TY_APPS_DEPLOYMENT, REPLICAS("2147483648"), MESSAGE("2147483648"));
    refuses(TY_APPS_DEPLOYMENT, REPLICAS("-2147483649"), MESSAGE("-2147483649"));
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *object;
    static const struct {
        const char *text, *message;
    } text_only[] = {
        {REPLICAS("1.0"), MESSAGE("1.0")},
        {REPLICAS("1e2"), MESSAGE("1e2")},
        {REPLICAS("1e400"), MESSAGE("1e400")},
        {REPLICAS("99999999999999999999"), MESSAGE("99999999999999999999")},
    };
    for (size_t i = 0; i < sizeof text_only / sizeof *text_only; i++) {
        assert_fails(
            api_read_json(&a, &builtin, TY_APPS_DEPLOYMENT, str_from(text_only[i].text), NULL, &object, &err),
            ERR_INVALID);
        assert_string_equal(err.msg, text_only[i].message);
    }
    assert_fails(api_read_json(&a, &builtin, TY_CORE_POD,
                               S("{\"metadata\":{\"generation\":9223372036854775808}}"), NULL, &object, &err),
                 ERR_INVALID);
    assert_string_equal(err.msg, "json: cannot unmarshal number 9223372036854775808 into Go struct field "
                                 "ObjectMeta.metadata.generation of type int64");
    assert_fails(api_read_json(&a, &builtin, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, S("{\"maximum\":1e400}"),
                               NULL, &object, &err),
                 ERR_INVALID);
    assert_string_equal(
        err.msg,
        "json: cannot unmarshal number 1e400 into Go struct field JSONSchemaProps.maximum of type float64");
}

TEST(test_json_refuse__malformed_leaves_have_their_path) {
    struct {
        uint32_t type;
        const char *text, *path;
    } bad[] = {
        {TY_CORE_POD, "{\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"1x\"}}}]}}",
         "spec.containers[0].resources.limits.cpu: "},
        {TY_CORE_POD, "{\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"\"}}}]}}",
         "spec.containers[0].resources.limits.cpu: "},
        {TY_CORE_POD, "{\"metadata\":{\"creationTimestamp\":\"yesterday\"}}", "metadata.creationTimestamp: "},
        {TY_CORE_POD, "{\"metadata\":{\"creationTimestamp\":\"\"}}", "metadata.creationTimestamp: "},
        {TY_COORDINATION_LEASE, "{\"spec\":{\"renewTime\":\"2026-02-03T04:05:06Z\"}}", "spec.renewTime: "},
        {TY_CORE_SECRET, "{\"data\":{\"a\":\"x!\"}}", "data.a: illegal base64 data at input byte 1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        void *object;
        assert_fails(api_read_json(&a, &builtin, bad[i].type, str_from(bad[i].text), NULL, &object, &err),
                     ERR_INVALID);
        if (!str_has_prefix(str_from(err.msg), str_from(bad[i].path)))
            fail_msg("\"%s\" does not begin with \"%s\"", err.msg, bad[i].path);
    }
}

TEST(test_json_refuse__bad_syntax_comes_before_wrong_types) {
    refuses(TY_CORE_POD, "{\"kind\":7,\"spec\":{\"x\":}}",
            "invalid JSON: '}' at byte 22 where a value is expected");
    refuses(TY_CORE_POD, "{\"kind\":7} x",
            "invalid JSON: 'x' at byte 11 where the end of the text is expected");
    refuses(TY_CORE_POD, "{\"spec\":{}",
            "invalid JSON: the text ends at byte 10 where ',' or '}' is expected");
    refuses(TY_CORE_POD, "{\"spec\":nul}",
            "invalid JSON: '}' at byte 11 where true, false or null is expected");
    refuses(TY_CORE_POD, "{\"foo\":[1,2}", "invalid JSON: '}' at byte 11 where ',' or ']' is expected");
    refuses(TY_CORE_POD, "{}{}", "invalid JSON: '{' at byte 2 where the end of the text is expected");
    refuses(TY_CORE_POD, "", "invalid JSON: the text ends at byte 0 where a value is expected");
}

TEST(test_json_refuse__cut_text_fails_at_every_byte) {
    static const char text[] =
        "{\"kind\":\"Pod\",\"metadata\":{\"labels\":{\"b\":\"1\",\"a\":\"\\u0032\"},\"creationTimestamp\":"
        "null,"
        "\"generation\":-3,\"managedFields\":[{\"fieldsV1\":{\"f:a\":[1,{}]}}]},\"spec\":{\"containers\":"
        "[{\"name\":\"c\",\"resources\":{\"limits\":{\"cpu\":\"1\"}},\"tty\":true}],\"unknown\":[0.5e1]}}";
    for (size_t n = 0; n < sizeof text; n++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        void *object;
        char *cut = malloc(n ? n : 1);
        assert_non_null(cut);
        memcpy(cut, text, n);
        int rc = api_read_json(&a, &builtin, TY_CORE_POD, str_make(cut, n), NULL, &object, &err);
        assert_int_equal(rc, n == sizeof text - 1 ? 0 : ERR_INVALID);
        if (rc)
            assert_true(str_has_prefix(str_from(err.msg), S("invalid JSON: the text ends at byte ")));
        free(cut);
    }
}

/* --- hostile --- */

/* `open` n times, then `inner`, then what closes it all. */
static void nest(struct buf *b, const char *open, size_t n, const char *inner) {
    for (size_t i = 0; i < n; i++)
        buf_str(b, str_from(open));
    buf_str(b, str_from(inner));
    for (size_t i = 0; i < n; i++)
        for (size_t k = strlen(open); k-- > 0;)
            if (open[k] == '{' || open[k] == '[')
                buf_byte(b, open[k] == '{' ? '}' : ']');
}

TEST(test_json_refuse__deep_nesting_is_refused_wherever_it_is) {
    static const char *const before[] = {
        "{\"unknown\":", "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":", "{\"spec\":"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        _cleanup_buf struct buf b = BUF_INIT;
        struct err err = ERR_INIT;
        void *object;
        buf_str(&b, str_from(before[i]));
        nest(&b, i == 2 ? "{\"x\":" : "[", 100000, "");
        assert_fails(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&b), NULL, &object, &err),
                     ERR_TOO_LARGE);
        if (!strstr(err.msg, "JSON is nested deeper than 1000 levels at byte "))
            fail_msg("%s", err.msg);
    }
}

struct deep {
    const struct buf *text;
    char outcome[ERR_MESSAGE_MAX]; /* empty: it went well */
};

/* Everything that walks an object, as a worker of the server does it. */
static void walk_deep(void *arg) {
    struct deep *d = arg;
    const uint32_t type = TY_APIEXTENSIONS_JSON_SCHEMA_PROPS;
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    int rc = api_read_json(&a, &builtin, type, buf_view(d->text), NULL, &object, &err);
    if (rc == 0) {
        struct jval tree = api_to_tree(&a, &builtin, type, api_copy(&a, &builtin, type, object));
        rc = api_from_tree(&a, &builtin, type, &tree, NULL, &object, &err);
    }
    if (rc == 0)
        api_write_json(&out, &builtin, type, object);
    if (rc == 0 && !str_eq(buf_view(&out), buf_view(d->text)))
        err_set(&err, ERR_INTERNAL, "came back differently");
    snprintf(d->outcome, sizeof d->outcome, "%s", err.msg);
}

TEST(test_json_refuse__the_deepest_schema_fits_the_stack_of_a_worker) {
    static const struct {
        const char *open;
        unsigned levels; /* of JSON, each time */
    } nests[] = {{"{\"not\":", 1}, {"{\"items\":", 1}, {"{\"allOf\":[", 2}, {"{\"properties\":{\"x\":", 2}};
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        _cleanup_buf struct buf b = BUF_INIT;
        struct deep d = {.text = &b};
        struct err err = ERR_INIT;
        struct thread t = {0};
        nest(&b, nests[i].open, (API_DEPTH_MAX - 1) / nests[i].levels, "{}");
        assert_ok(thread_start(&t, &(struct thread_options){.name = "deep"}, walk_deep, &d, &err), &err);
        thread_join(&t);
        if (d.outcome[0])
            fail_msg("%s: %s", nests[i].open, d.outcome);
        buf_clear(&b);
        nest(&b, nests[i].open, API_DEPTH_MAX, "{}");
        walk_deep(&d);
        assert_non_null(strstr(d.outcome, "JSON is nested deeper than 400 levels"));
    }
}

TEST(test_json_refuse__what_is_kept_as_text_may_be_deeper) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    buf_lit(&b, "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":");
    nest(&b, "[", JSON_DEPTH_MAX - 4, "");
    buf_lit(&b, "}]},\"unknown\":");
    nest(&b, "{\"x\":", JSON_DEPTH_MAX - 1, "1");
    buf_byte(&b, '}');
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&b), NULL, &object, &err), &err);
}

TEST(test_json_refuse__lists_of_nothing_may_not_take_much_memory) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    buf_lit(&b, "{\"spec\":{\"containers\":[{}");
    for (int i = 0; i < 1000000; i++)
        buf_lit(&b, ",{}");
    buf_lit(&b, "]}}");
    assert_fails(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&b), NULL, &object, &err), ERR_TOO_LARGE);
    assert_string_equal(err.msg, "the object would take too much memory for its size");
    assert_true(arena_total_bytes(&a) < 3 * (size_t)JSON_SIZE_MAX);
}

TEST(test_json_refuse__small_objects_may_take_what_they_need) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *object;
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD_LIST, S("{\"items\":[{},{},{},{},{},{},{},{},{},{}]}"),
                            NULL, &object, &err),
              &err);
    assert_int_equal(((struct core_pod_list *)object)->items.n, 10);
}

/* Very many members of an object: labels, unknown fields, or always the same (which costs more: each is
 * reported). */
static void million(const char *before, const char *after, bool same, size_t want_strict) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct strict_errors strict = {.arena = &a};
    struct json_read_options options = {.strict = &strict};
    struct err err = ERR_INIT;
    void *object;
    buf_str(&b, str_from(before));
    for (uint64_t i = 0; i < (same ? 100000 : 1000000); i++) {
        char member[] = ",\"kxxxxx\":\"\"";
        uint64_t key = same ? 7 : i * 7919 % 1048573;
        for (int k = 0; k < 5; k++, key /= 16)
            member[3 + k] = "0123456789abcdef"[key % 16];
        buf_put(&b, member + (i == 0), sizeof member - 1 - (i == 0));
    }
    buf_str(&b, str_from(after));
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&b), &options, &object, &err), &err);
    assert_int_equal(strict.n, want_strict);
    assert_true(arena_total_bytes(&a) < 3 * (size_t)JSON_SIZE_MAX);
}

TEST(test_json_refuse__a_million_members_take_linear_time) {
    million("{\"metadata\":{\"labels\":{", "}}}", false, 0);
    million("{\"metadata\":{\"labels\":{", "}}}", true, 1);
    million("{", "}", false, STRICT_MAX);
    million("{", "}", true, 1);
}

TEST(test_json_refuse__a_field_that_repeats_a_million_times) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    void *object;
    buf_lit(&b, "{\"spec\":{");
    for (int i = 0; i < 300000; i++)
        buf_lit(&b, "\"nodeName\":\"x\",");
    buf_lit(&b, "\"nodeName\":\"y\"}}");
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, buf_view(&b), NULL, &object, &err), &err);
    assert_str(((struct core_pod *)object)->spec.node_name, "y");
}

TEST(test_json_refuse__raw_values_that_no_tree_could_hold) {
    refuses(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "{\"default\":{\"a\":[1e400]}}",
            "default: json: cannot unmarshal number 1e400 into Go value of type float64");
    refuses(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "{\"enum\":[1e308,-1E+309]}",
            "enum[1]: json: cannot unmarshal number -1E+309 into Go value of type float64");
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *object;
    _cleanup_buf struct buf digits = BUF_INIT; /* no exponent, but too many digits */
    buf_lit(&digits, "{\"default\":");
    for (int i = 0; i < 310; i++)
        buf_byte(&digits, '9');
    buf_byte(&digits, '}');
    assert_fails(api_read_json(&a, &builtin, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, buf_view(&digits), NULL,
                               &object, &err),
                 ERR_INVALID);
    struct str small = S("{\"default\":1e-400,\"unknown\":1e400,\"example\":1e308}");
    assert_ok(api_read_json(&a, &builtin, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, small, NULL, &object, &err),
              &err);
}

TEST(test_json_refuse__invalid_text_in_strings_and_raw_values) {
    static const char *const bad[] = {
        "{\"metadata\":{\"name\":\"\xff\"}}",
        "{\"metadata\":{\"labels\":{\"\xc0\x80\":\"\"}}}",
        "{\"metadata\":{\"managedFields\":[{\"fieldsV1\":{\"a\":\"\xed\xa0\x80\"}}]}}",
        "{\"metadata\":{\"name\":\"a\nb\"}}",
        "{\"metadata\":{\"name\":\"\\u12\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        void *object;
        assert_fails(api_read_json(&a, &builtin, TY_CORE_POD, str_from(bad[i]), NULL, &object, &err),
                     ERR_INVALID);
        assert_true(str_has_prefix(str_from(err.msg), S("invalid JSON: ")));
    }
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *object;
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, S("{\"metadata\":{\"name\":\"\\ud800x\"}}"), NULL,
                            &object, &err),
              &err);
    assert_str(((struct core_pod *)object)->metadata.name, "\ufffdx");
}

TEST(test_json_refuse__size_limits_hold) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct json_read_options options = {.limits = {.size_bytes = 10, .depth = 2}};
    struct err err = ERR_INIT;
    void *object;
    assert_fails(api_read_json(&a, &builtin, TY_CORE_POD, S("{\"spec\":{}}"), &options, &object, &err),
                 ERR_TOO_LARGE);
    options.limits.size_bytes = 100;
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, S("{\"spec\":{}}"), &options, &object, &err), &err);
    assert_fails(
        api_read_json(&a, &builtin, TY_CORE_POD, S("{\"spec\":{\"volumes\":[]}}"), &options, &object, &err),
        ERR_TOO_LARGE);
    assert_fails(api_read_json(&a, &builtin, TY_CORE_POD, S("{\"x\":{\"y\":[]}}"), &options, &object, &err),
                 ERR_TOO_LARGE);
}
