/* Reading protobuf: what a message may look like, and what is refused with which words. */
#include "proto_test.h"

#include "api/json.h"
#include "api/types/apiextensions.h"
#include "api/types/apps.h"
#include "api/types/authentication.h"
#include "api/types/coordination.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "codec/pbwire.h"

#define READ(a, type, hex) proto_read((a), (type), proto_hex((a), (hex)))
#define REFUSAL(a, type, hex) proto_refusal((a), (type), proto_hex((a), (hex)), ERR_INVALID)

/* --- order, repetition, unknown fields --- */

TEST(test_proto_read__takes_fields_in_any_order) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container_port *p = READ(&a, TY_CORE_CONTAINER_PORT, "2203554450 1835 0a03646e73 1002");
    assert_str(p->name, "dns");
    assert_str(p->protocol, "UDP");
    assert_int_equal(p->container_port, 53);
    assert_int_equal(p->host_port, 2);
}

TEST(test_proto_read__last_scalar_wins) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container_port *p =
        READ(&a, TY_CORE_CONTAINER_PORT, "1801 0a0161 1802 0a0162 0a0163 1803 0a00");
    assert_int_equal(p->container_port, 3);
    assert_str(p->name, NULL);
}

TEST(test_proto_read__empty_message_is_a_zero_object) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map *c = READ(&a, TY_CORE_CONFIG_MAP, "");
    assert_null(c->data.v);
    assert_false(c->immutable.set);
    c = proto_read(&a, TY_CORE_CONFIG_MAP, STR_NONE);
    assert_null(c->data.v);
}

TEST(test_proto_read__skips_unknown_numbers_of_every_wire_type) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container_port *p =
        READ(&a, TY_CORE_CONTAINER_PORT,
             "1835 30ff01 31 0102030405060708 3203616263 35 01020304 33 0801 34 fa3f00 f8ffffff0f07 0a0161");
    assert_int_equal(p->container_port, 0x35);
    assert_str(p->name, "a");
    assert_string_equal(REFUSAL(&a, TY_CORE_CONTAINER_PORT, "1835 33 0801"), "protobuf: truncated");
}

TEST(test_proto_read__unknown_numbers_between_known_ones_are_skipped) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct apps_replica_set_spec;
    /* types with gaps: JSONSchemaProps has none, ObjectMeta has 16 and more missing, APIResource lacks some
     */
    struct meta_object_meta *m = READ(&a, TY_META_OBJECT_META, "8001 01 7a0178 0a0161");
    assert_str(m->name, "a");
}

TEST(test_proto_read__merges_plain_and_optional_messages) {
    _cleanup_arena struct arena a = ARENA_INIT;
    /* metadata twice: name, then namespace and a finalizer, then another finalizer */
    struct core_config_map *c = READ(&a, TY_CORE_CONFIG_MAP, "0a03 0a0161 0a06 1a0162 720178 0a03 720179");
    assert_str(c->metadata.name, "a");
    assert_str(c->metadata.namespace, "b");
    assert_int_equal(c->metadata.finalizers.n, 2);
    assert_str(c->metadata.finalizers.v[1], "y");
    /* valueFrom twice: fieldRef, then secretKeyRef */
    struct core_env_var *e = READ(&a, TY_CORE_ENV_VAR, "1a05 0a03 120170 1a05 2203 120171");
    assert_str(e->value_from->field_ref->field_path, "p");
    assert_str(e->value_from->secret_key_ref->key, "q");
}

/* --- maps --- */

TEST(test_proto_read__sorts_maps_and_keeps_the_last_of_equal_keys) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map *c = READ(&a, TY_CORE_CONFIG_MAP,
                                     "1206 0a0163 120131  1206 0a0161 120132  1206 0a0162 120133"
                                     "1206 0a0161 120134  0a00  1206 0a0162 120135  1206 0a0164 120136");
    assert_int_equal(c->data.n, 4);
    const char *const keys[] = {"a", "b", "c", "d"}, *const values[] = {"4", "5", "1", "6"};
    for (int i = 0; i < 4; i++) {
        assert_str(c->data.v[i].key, keys[i]);
        assert_str(c->data.v[i].value, values[i]);
    }
}

TEST(test_proto_read__sorts_maps_of_messages_that_are_merged_later) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map *c =
        READ(&a, TY_CORE_CONFIG_MAP,
             "0a08 5a06 0a0163 120131  0a08 5a06 0a0162 120132  0a08 5a06 0a0161 120133"
             "0a08 5a06 0a0162 120134");
    assert_int_equal(c->metadata.labels.n, 3);
    assert_str(str_map_get(c->metadata.labels, S("a")), "3");
    assert_str(str_map_get(c->metadata.labels, S("b")), "4");
    assert_str(str_map_get(c->metadata.labels, S("c")), "1");
}

TEST(test_proto_read__sorts_maps_within_list_items) {
    _cleanup_arena struct arena a = ARENA_INIT;
    /* two config maps with labels out of order; the list grows between them */
    const char *item = "1214 0a12 5a06 0a0162 120131 5a06 0a0161 120132 0a00";
    char hex[256];
    snprintf(hex, sizeof hex, "%s 0a00 %s 0a00 %s", item, item, item);
    struct core_config_map_list *l = READ(&a, TY_CORE_CONFIG_MAP_LIST, hex);
    assert_int_equal(l->items.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(l->items.v[i].metadata.labels.n, 2);
        assert_str(l->items.v[i].metadata.labels.v[0].key, "a");
        assert_str(l->items.v[i].metadata.labels.v[1].key, "b");
    }
}

TEST(test_proto_read__map_entries_may_lack_key_and_value) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map *c = READ(&a, TY_CORE_CONFIG_MAP, "1200 1203 0a0161 1a00 1a05 0a0162 1801");
    assert_int_equal(c->data.n, 2);
    assert_str(c->data.v[0].key, "");
    assert_str(c->data.v[0].value, "");
    assert_str(c->data.v[1].key, "a");
    assert_str(c->data.v[1].value, "");
    assert_int_equal(c->binary_data.n, 2);
    struct core_resource_quota_spec *q = READ(&a, TY_CORE_RESOURCE_QUOTA_SPEC, "0a03 0a0161");
    assert_true(q->hard.v[0].value.set);
    assert_int_equal(q->hard.v[0].value.units, 0);
}

TEST(test_proto_read__map_entries_skip_what_they_do_not_know) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_config_map *c = READ(&a, TY_CORE_CONFIG_MAP, "120e 1a0178 0a0161 20ff01 120162 0a00");
    assert_str(c->data.v[0].key, "");
    assert_str(c->data.v[0].value, "b");
}

TEST(test_proto_read__aliases_in_maps) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct authentication_user_info *u =
        READ(&a, TY_AUTHENTICATION_USER_INFO, "220b 0a0161 1206 0a0178 0a0179 2203 0a0162");
    assert_int_equal(u->extra.n, 2);
    assert_int_equal(u->extra.v[0].value.items.n, 2);
    assert_str(u->extra.v[0].value.items.v[1], "y");
    assert_int_equal(u->extra.v[1].value.items.n, 0);
}

/* --- lists --- */

TEST(test_proto_read__lists_in_pieces) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct pb_out w;
    char *at = pb_out_init(&w, &b);
    for (uint32_t i = 1000; i-- > 0;) { /* finalizers and owner references by turns */
        char text[32];
        at = pb_put_str(&w, at, 13, S("\x1a\1n"));
        at = pb_put_str(&w, at, 14, str_make(text, (size_t)snprintf(text, sizeof text, "%u", i)));
    }
    pb_out_done(&w, at);
    struct meta_object_meta *m = proto_read(&a, TY_META_OBJECT_META, buf_view(&b));
    assert_int_equal(m->finalizers.n, 1000);
    assert_int_equal(m->owner_references.n, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        int64_t number;
        assert_true(str_to_i64(m->finalizers.v[i], &number) && number == i);
        assert_str(m->owner_references.v[i].name, "n");
    }
}

TEST(test_proto_read__numbers_packed_and_not) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_pod_security_context *s =
        READ(&a, TY_CORE_POD_SECURITY_CONTEXT, "2001 2002 2203 03ac02 2200 2001 20ffffffffffffffffff01");
    const int64_t expected[] = {1, 2, 3, 300, 1, -1};
    assert_int_equal(s->supplemental_groups.n, 6);
    assert_memory_equal(s->supplemental_groups.v, expected, sizeof expected);
    assert_string_equal(REFUSAL(&a, TY_CORE_POD_SECURITY_CONTEXT, "2202 0180"),
                        "protobuf: supplementalGroups[1]: truncated");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD_SECURITY_CONTEXT, "2201 80"),
                        "protobuf: supplementalGroups[0]: truncated");
}

TEST(test_proto_read__refuses_more_items_than_the_input_can_pay_for) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    for (int i = 0; i < 100000; i++)
        buf_put(&b, "\x12\0", 2); /* containers without anything */
    const char *text = proto_refusal(&a, TY_CORE_POD_SPEC, buf_view(&b), ERR_TOO_LARGE);
    assert_string_equal(text, "protobuf: containers[0]: too many items for a message of this size");
    assert_true(arena_total_bytes(&a) < 1 << 20);
}

/* --- leaf values --- */

static struct timestamp renew_time(struct arena *a, const char *hex) {
    struct coordination_lease_spec *s = READ(a, TY_COORDINATION_LEASE_SPEC, hex);
    return s->renew_time;
}

TEST(test_proto_read__times) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct meta_object_meta *m = READ(&a, TY_META_OBJECT_META, "4208 08cda1e6bb04 1005 4a00");
    assert_true(m->creation_timestamp.set);
    assert_int_equal(m->creation_timestamp.sec, 1199149261);
    assert_int_equal(m->creation_timestamp.nsec, 0); /* whole seconds only */
    assert_false(m->deletion_timestamp.set);
    m = READ(&a, TY_META_OBJECT_META, "420b 088092b8c398feffffff01");
    assert_false(m->creation_timestamp.set); /* Go's zero time */
    m = READ(&a, TY_META_OBJECT_META, "4202 1000");
    assert_true(m->creation_timestamp.set);
    assert_int_equal(m->creation_timestamp.sec, 0);
}

TEST(test_proto_read__micro_times) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct timestamp t = renew_time(&a, "2205 0801 10b960"); /* 12345 ns */
    assert_true(t.set && t.sec == 1 && t.nsec == 12000);
    t = renew_time(&a, "220d 0801 10ffffffffffffffffff01"); /* -1 ns */
    assert_true(t.set && t.sec == 0 && t.nsec == 999999000);
    t = renew_time(&a, "2208 0801 1080a8d6b907"); /* 2 s in ns */
    assert_true(t.set && t.sec == 3 && t.nsec == 0);
    assert_string_equal(REFUSAL(&a, TY_COORDINATION_LEASE_SPEC, "2210 08ffffffffffffffff7f 1080a8d6b907"),
                        "protobuf: renewTime: time out of range");
}

TEST(test_proto_read__quantities) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_resource_quota_spec *q =
        READ(&a, TY_CORE_RESOURCE_QUOTA_SPEC, "0a0d 0a03637075 1206 0a04313530 30"); /* cpu: 1500 */
    assert_int_equal(q->hard.v[0].value.units, 1500);
    assert_string_equal(REFUSAL(&a, TY_CORE_RESOURCE_QUOTA_SPEC, "0a0a 0a03637075 1203 0a0178"),
                        "protobuf: hard: not a quantity");
}

TEST(test_proto_read__int_or_string) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_service_port *p = READ(&a, TY_CORE_SERVICE_PORT, "2206 0800 1050 1a00");
    assert_true(p->target_port.set && !p->target_port.is_str);
    assert_int_equal(p->target_port.i, 80);
    p = READ(&a, TY_CORE_SERVICE_PORT, "220a 0801 1000 1a0468747470");
    assert_true(p->target_port.is_str);
    assert_str(p->target_port.s, "http");
    p = READ(&a, TY_CORE_SERVICE_PORT, "220d 0800 10ffffffffffffffffff01");
    assert_int_equal(p->target_port.i, -1);
    p = READ(&a, TY_CORE_SERVICE_PORT, "2202 0801 2203 1a0178"); /* merged */
    assert_str(p->target_port.s, "x");
    p = READ(&a, TY_CORE_SERVICE_PORT, "2200");
    assert_true(p->target_port.set && !p->target_port.is_str && p->target_port.i == 0);
    p = READ(&a, TY_CORE_SERVICE_PORT, "2202 0801");
    assert_str(p->target_port.s, "");
}

TEST(test_proto_read__raw_values_are_checked_and_made_compact) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct apiextensions_json_schema_props *p =
        READ(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "4209 0a07 205b 312c 2032 5d");
    assert_str(p->default_, "[1,2]");
    p = READ(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "4200");
    assert_str(p->default_, "null");
    p = READ(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "a201 03 0a0131 a201 02 0a00 a201 00");
    assert_int_equal(p->enum_.n, 3);
    assert_str(p->enum_.v[0], "1");
    assert_str(p->enum_.v[1], "null");
    assert_str(p->enum_.v[2], "null");
    struct apps_controller_revision *c = READ(&a, TY_APPS_CONTROLLER_REVISION, "1200");
    assert_str(c->data, NULL);
    assert_string_equal(REFUSAL(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "4203 0a01 5b"),
                        "protobuf: default: invalid JSON: the text ends at byte 1 where a value is expected");
    assert_string_equal(
        REFUSAL(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "4205 0a03 317d7d"),
        "protobuf: default: invalid JSON: '}' at byte 1 where the end of the text is expected");
    assert_string_equal(
        REFUSAL(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "4207 0a05 3165343030"),
        "protobuf: default: json: cannot unmarshal number 1e400 into Go value of type float64");
}

TEST(test_proto_read__watch_events_may_hold_protobuf) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct meta_watch_event *e = READ(&a, TY_META_WATCH_EVENT, "0a05 4144444544 1208 0a06 6b3873 00 ff 22");
    assert_str(e->type, "ADDED");
    assert_str_equal(e->object, S("k8s\0\xff\""));
}

TEST(test_proto_read__bytes_and_optional_strings_tell_absent_from_empty) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_service_port *p = READ(&a, TY_CORE_SERVICE_PORT, "");
    assert_str(p->app_protocol, NULL);
    p = READ(&a, TY_CORE_SERVICE_PORT, "3200");
    assert_str(p->app_protocol, "");
}

TEST(test_proto_read__alias_that_is_there_is_an_empty_list) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct meta_api_resource *r = READ(&a, TY_META_API_RESOURCE, "0a0178");
    assert_null(r->verbs.items.v);
    proto_same_bytes(TY_META_API_RESOURCE, r, proto_hex(&a, "0a0178 1000 1a00 3200 4200 4a00 5200"));
    r = READ(&a, TY_META_API_RESOURCE, "2200");
    assert_non_null(r->verbs.items.v);
    assert_int_equal(r->verbs.items.n, 0);
    r = READ(&a, TY_META_API_RESOURCE, "2200 2205 0a03676574");
    assert_int_equal(r->verbs.items.n, 1);
    proto_same_bytes(TY_META_API_RESOURCE, READ(&a, TY_META_API_RESOURCE, "2200"),
                     proto_hex(&a, "0a00 1000 1a00 2200 3200 4200 4a00 5200"));
}

TEST(test_proto_read__keeps_bytes_that_are_not_utf8) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_container_port *p = READ(&a, TY_CORE_CONTAINER_PORT, "0a02 ff22");
    assert_str(p->name, "\xff\"");
    _cleanup_buf struct buf json = BUF_INIT;
    struct jval v;
    api_write_json(&json, &builtin, TY_CORE_CONTAINER_PORT, p);
    assert_ok(json_parse(&a, buf_view(&json), NULL, NULL, &v, NULL), NULL);
    assert_str(jval_get_str(&v, S("name")), "\xef\xbf\xbd\"");
}

TEST(test_proto_read__copies_unless_told_to_borrow) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char bytes[] = "\x0a\x03"
                   "abc";
    struct str text = {bytes, 5};
    void *object;
    assert_ok(api_read_proto(&a, &builtin, TY_CORE_CONTAINER_PORT, text, true, &object, NULL), NULL);
    assert_ptr_equal(((struct core_container_port *)object)->name.p, bytes + 2);
    assert_ok(api_read_proto(&a, &builtin, TY_CORE_CONTAINER_PORT, text, false, &object, NULL), NULL);
    bytes[2] = 'x';
    assert_str(((struct core_container_port *)object)->name, "abc");
}

/* --- refusals --- */

TEST(test_proto_read__faults_name_the_field) {
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "1206 1200 1202 0a05"),
                        "protobuf: spec.containers[1].name: length past the end");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "1204 1202 0806"),
                        "protobuf: spec.containers[0].name: wrong wire type");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "0a03 5a01 0a"), "protobuf: metadata.labels: truncated");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "1202 0000"), "protobuf: spec: invalid field number");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "00"), "protobuf: invalid field number");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "0f"), "protobuf: invalid wire type");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "0c"), "protobuf: end of a group that is not open");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "0a03 3880"), "protobuf: metadata: length past the end");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "0a0c 38 ffffffffffffffffffff01"),
                        "protobuf: metadata.generation: varint of more than 64 bits");
    assert_string_equal(REFUSAL(&a, TY_CORE_POD, "0a ffffffffffffffffff01"),
                        "protobuf: metadata: length past the end");
}

TEST(test_proto_read__refuses_wrong_wire_types_of_every_leaf) {
    static const struct {
        uint32_t type;
        const char *hex;
    } wrong[] = {
        {TY_CORE_CONTAINER_PORT, "0d00000000"}, /* string */
        {TY_CORE_CONTAINER_PORT, "1a00"},       /* int32 */
        {TY_CORE_CONTAINER_PORT, "1d00000000"},
        {TY_CORE_CONTAINER_PORT, "19 0000000000000000"},
        {TY_CORE_CONTAINER_PORT, "1b1c"},
        {TY_CORE_CONFIG_MAP, "2200"},                         /* bool */
        {TY_CORE_CONFIG_MAP, "1001"},                         /* map */
        {TY_CORE_CONFIG_MAP, "12020801"},                     /* its key */
        {TY_CORE_CONFIG_MAP, "12021001"},                     /* its value */
        {TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, "4801"},         /* double */
        {TY_CORE_POD_SECURITY_CONTEXT, "2500000000"},         /* list of numbers */
        {TY_META_OBJECT_META, "7001"},                        /* list of strings */
        {TY_META_OBJECT_META, "4001"},                        /* time */
        {TY_META_OBJECT_META, "42020a00"},                    /* its seconds */
        {TY_CORE_RESOURCE_QUOTA_SPEC, "0a06 0a00 1202 0801"}, /* text of a quantity */
        {TY_CORE_SERVICE_PORT, "22020a00"},                   /* type of an int-or-string */
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_non_null(strstr(REFUSAL(&a, wrong[i].type, wrong[i].hex), "wrong wire type"));
}

/* n schemas within each other, under "not". */
static struct str nested_schemas(struct buf *b, unsigned n) {
    struct pb_out w;
    char *at = pb_out_init(&w, b);
    for (unsigned i = 1; i < n; i++)
        at = pb_put_head(&w, at, 28, pb_written(&w, at));
    pb_out_done(&w, at);
    return buf_view(b);
}

TEST(test_proto_read__bounds_depth) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf fits = BUF_INIT, deeper = BUF_INIT;
    proto_read(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, nested_schemas(&fits, PROTO_DEPTH_MAX));
    struct str bytes = nested_schemas(&deeper, PROTO_DEPTH_MAX + 1);
    const char *text = proto_refusal(&a, TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, bytes, ERR_TOO_LARGE);
    assert_true(str_has_prefix(str_from(text), S("protobuf: not.not.not.")));
    assert_true(str_has_suffix(str_from(text), S("…: nested too deep")));
    assert_true(strlen(text) < 200);
}

TEST(test_proto_read__out_of_order_maps_in_many_pieces_are_not_quadratic) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf b = BUF_INIT;
    struct pb_out w;
    char *at = pb_out_init(&w, &b);
    for (uint32_t i = 0; i < 50000; i++) { /* metadata again and again, one label each, falling */
        char text[32];
        size_t before = pb_written(&w, at);
        at = pb_put_str(&w, at, 1, str_make(text, (size_t)snprintf(text, sizeof text, "%05u", i)));
        at = pb_put_head(&w, at, 11, pb_written(&w, at) - before);
        at = pb_put_head(&w, at, 1, pb_written(&w, at) - before);
    }
    pb_out_done(&w, at);
    struct core_config_map *c = proto_read(&a, TY_CORE_CONFIG_MAP, buf_view(&b));
    assert_int_equal(c->metadata.labels.n, 50000);
    for (uint32_t i = 1; i < 50000; i++)
        assert_true(str_cmp(c->metadata.labels.v[i - 1].key, c->metadata.labels.v[i].key) < 0);
}

/* Field sets are checked in a loop of their own: it must accept nothing that is not JSON, and lose nothing.
 */
TEST(test_proto_read__field_sets_are_json) {
    static const char text[] =
        "{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:app\":{}},\"f:x\":{}},\"f:status\":{\"k:{"
        "\\\"type\\\":\\\"Ready\\\"}\":{\".\":{},\"f:y\":{\"f:z\":{}}},\"v:1\":{}}}";
    static const char bytes[] = "{}[]:,\"\\ 1n\n\x01\xff\xc3";
    size_t accepted = 0;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (size_t k = 0; k <= 2 * sizeof bytes; k++) {
            _cleanup_arena struct arena a = ARENA_INIT;
            _cleanup_buf struct buf b = BUF_INIT, json = BUF_INIT;
            struct pb_out w;
            char damaged[sizeof text + 1];
            size_t n = sizeof text - 1, insert = k > sizeof bytes && k < 2 * sizeof bytes;
            memcpy(damaged, text, i);
            memcpy(damaged + i + insert, text + i, n - i);
            if (k < 2 * sizeof bytes)
                damaged[i] = bytes[k % sizeof bytes]; /* replaced, then inserted */
            else
                n = i; /* cut */
            struct str set = {damaged, n + insert};
            char *at = pb_put_str(&w, pb_out_init(&w, &b), 1, set);
            at = pb_put_head(&w, at, 7, pb_written(&w, at));
            pb_out_done(&w, at);
            void *entry;
            bool json_ok = set.n == 0 || json_compact(&json, set, NULL, NULL) == 0;
            int rc =
                api_read_proto(&a, &builtin, TY_META_MANAGED_FIELDS_ENTRY, buf_view(&b), true, &entry, NULL);
            assert_int_equal(rc == 0, json_ok);
            if (rc == 0 && set.n)
                assert_str_equal(((struct meta_managed_fields_entry *)entry)->fields_v1, buf_view(&json));
            accepted += rc == 0;
        }
    }
    assert_true(accepted > 500);
}
