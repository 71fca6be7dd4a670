/* Structs to JSON text: what is left out and what is null, field by field of SCHEMA's table of presence. */
#include <stdlib.h>

#include "api/json.h"
#include "api/types/apiextensions.h"
#include "api/types/apps.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "api/types/policy.h"
#include "base/arena.h"
#include "base/buf.h"
#include "unit/unit.h"

static void writes(uint32_t type, const void *object, const char *expected) {
    _cleanup_buf struct buf b = BUF_INIT;
    buf_lit(&b, "before");
    api_write_json(&b, &builtin, type, object);
    assert_str(str_from_byte(buf_view(&b), 6), expected);
}

TEST(test_json_write__empty_objects) {
    struct core_pod pod = {0};
    writes(TY_CORE_POD, &pod, "{\"metadata\":{},\"spec\":{\"containers\":null},\"status\":{}}");
    struct core_config_map map = {0};
    writes(TY_CORE_CONFIG_MAP, &map, "{\"metadata\":{}}");
}

TEST(test_json_write__plain_values) {
    struct meta_list_meta m = {0}; /* all omitempty */
    writes(TY_META_LIST_META, &m, "{}");
    m.resource_version = S("");
    m.continue_ = S("x");
    writes(TY_META_LIST_META, &m, "{\"continue\":\"x\"}");
    struct core_service_port p = {0}; /* port and targetPort are always there */
    writes(TY_CORE_SERVICE_PORT, &p, "{\"port\":0,\"targetPort\":0}");
    p.port = -1;
    p.node_port = 30000;
    writes(TY_CORE_SERVICE_PORT, &p, "{\"port\":-1,\"targetPort\":0,\"nodePort\":30000}");
    struct core_container_status s = {0}; /* ready, restartCount, image, imageID always; plain structs too */
    writes(TY_CORE_CONTAINER_STATUS, &s,
           "{\"name\":\"\",\"state\":{},\"lastState\":{},\"ready\":false,\"restartCount\":0,\"image\":\"\","
           "\"imageID\":\"\"}");
}

TEST(test_json_write__optional_values_are_there_when_set) {
    struct apps_deployment_spec s = {0};
    writes(
        TY_APPS_DEPLOYMENT_SPEC, &s,
        "{\"selector\":null,\"template\":{\"metadata\":{},\"spec\":{\"containers\":null}},\"strategy\":{}}");
    struct meta_label_selector selector = {0};
    s.selector = &selector;
    s.replicas = (struct opt_i32){0, true};
    writes(TY_APPS_DEPLOYMENT_SPEC, &s,
           "{\"replicas\":0,\"selector\":{},\"template\":{\"metadata\":{},\"spec\":{\"containers\":null}},"
           "\"strategy\":{}}");
    struct core_service_spec service = {.internal_traffic_policy = S("")};
    writes(TY_CORE_SERVICE_SPEC, &service, "{\"internalTrafficPolicy\":\"\"}");
}

TEST(test_json_write__lists_and_maps) {
    struct core_container none;
    struct core_pod_spec spec = {0}; /* containers is there always, the others when not empty */
    spec.containers.v = &none;
    spec.init_containers.v = &none;
    spec.node_selector.v = (struct str_entry *)&none;
    writes(TY_CORE_POD_SPEC, &spec, "{\"containers\":[]}");
    struct str items[] = {STR_INIT("a"), {NULL, 0}, STR_INIT("")};
    struct str_entry entries[] = {{STR_INIT("a"), STR_INIT("1")}, {STR_INIT("b"), {NULL, 0}}};
    struct core_config_map map = {.data = {entries, 2}, .metadata.finalizers = {items, 3}};
    writes(TY_CORE_CONFIG_MAP, &map,
           "{\"metadata\":{\"finalizers\":[\"a\",\"\",\"\"]},\"data\":{\"a\":\"1\",\"b\":\"\"}}");
}

TEST(test_json_write__bytes) {
    struct str_entry entries[] = {
        {STR_INIT("a"), STR_INIT("hello")}, {STR_INIT("b"), STR_INIT("")}, {STR_INIT("c"), {NULL, 0}}};
    struct core_secret s = {.data = {entries, 3}};
    writes(TY_CORE_SECRET, &s, "{\"metadata\":{},\"data\":{\"a\":\"aGVsbG8=\",\"b\":\"\",\"c\":null}}");
}

TEST(test_json_write__times) {
    struct meta_object_meta m = {.creation_timestamp = {1770091506, 0, true},
                                 .deletion_timestamp = {0, 0, true}};
    writes(TY_META_OBJECT_META, &m,
           "{\"creationTimestamp\":\"2026-02-03T04:05:06Z\",\"deletionTimestamp\":\"1970-01-01T00:00:00Z\"}");
    struct core_pod_condition c = {.type = S("Ready"), .status = S("True")}; /* plain, omitempty: null */
    writes(TY_CORE_POD_CONDITION, &c,
           "{\"type\":\"Ready\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":null}");
    struct core_event e = {.event_time = {1770091506, 1000, true}};
    writes(
        TY_CORE_EVENT, &e,
        "{\"metadata\":{},\"involvedObject\":{},\"source\":{},\"firstTimestamp\":null,\"lastTimestamp\":null,"
        "\"eventTime\":\"2026-02-03T04:05:06.000001Z\",\"reportingComponent\":\"\",\"reportingInstance\":"
        "\"\"}");
}

TEST(test_json_write__quantities_and_int_or_strings) {
    struct core_resource_field_selector f = {.resource = S("limits.cpu")};
    writes(TY_CORE_RESOURCE_FIELD_SELECTOR, &f, "{\"resource\":\"limits.cpu\",\"divisor\":\"0\"}");
    struct policy_pod_disruption_budget_spec b = {
        .min_available = {.is_str = true, .s = S("5%"), .set = true}};
    writes(TY_POLICY_POD_DISRUPTION_BUDGET_SPEC, &b, "{\"minAvailable\":\"5%\"}");
    b.min_available = (struct int_or_string){.i = 0, .set = true};
    writes(TY_POLICY_POD_DISRUPTION_BUDGET_SPEC, &b, "{\"minAvailable\":0}");
}

TEST(test_json_write__raw_values_get_gos_escapes) {
    struct meta_managed_fields_entry e = {.fields_v1 = S("{\"f:a<b\":{\"x\":\"&\\u003c\u2028\"}}")};
    writes(TY_META_MANAGED_FIELDS_ENTRY, &e,
           "{\"fieldsV1\":{\"f:a\\u003cb\":{\"x\":\"\\u0026\\u003c\\u2028\"}}}");
    struct apps_controller_revision r = {0}; /* a plain RawExtension is null when absent */
    writes(TY_APPS_CONTROLLER_REVISION, &r, "{\"metadata\":{},\"data\":null,\"revision\":0}");
    r.data = S("{\"a\":1}");
    writes(TY_APPS_CONTROLLER_REVISION, &r, "{\"metadata\":{},\"data\":{\"a\":1},\"revision\":0}");
}

TEST(test_json_write__schemas_stand_for_one_of_their_fields) {
    struct apiextensions_json_schema_props inner = {.type = S("x")}, list[2] = {inner};
    struct apiextensions_json_schema_props_or_bool no = {0}, yes = {.allows = true},
                                                   schema = {.schema = &inner};
    struct apiextensions_json_schema_props_or_array one = {.schema = &inner},
                                                    many = {.j_son_schemas = {list, 2}};
    struct apiextensions_json_schema_props s = {
        .additional_properties = &no, .additional_items = &yes, .items = &one};
    writes(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, &s,
           "{\"items\":{\"type\":\"x\"},\"additionalProperties\":false,\"additionalItems\":true}");
    s = (struct apiextensions_json_schema_props){.additional_properties = &schema, .items = &many};
    writes(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, &s,
           "{\"items\":[{\"type\":\"x\"},{}],\"additionalProperties\":{\"type\":\"x\"}}");
    struct apiextensions_json_schema_props_or_array neither = {0};
    s = (struct apiextensions_json_schema_props){.items = &neither};
    writes(TY_APIEXTENSIONS_JSON_SCHEMA_PROPS, &s, "{\"items\":null}");
}

TEST(test_json_write__strings_of_every_length) {
    char text[80];
    for (size_t n = 0; n < sizeof text; n++)
        text[n] = (char)('!' + n % 90 == '"' || '!' + n % 90 == '\\' ? 'q' : '!' + n % 90);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = text[i] == '<' || text[i] == '>' || text[i] == '&' ? 'x' : text[i];
    for (size_t n = 1; n < sizeof text; n++) {
        for (size_t from = 0; from < 3 && from < n; from++) {
            /* A heap copy, so that a read past it is seen. */
            char *exact = malloc(n - from);
            assert_non_null(exact);
            memcpy(exact, text + from, n - from);
            struct meta_list_meta m = {.continue_ = str_make(exact, n - from)};
            _cleanup_arena struct arena a = ARENA_INIT;
            writes(TY_META_LIST_META, &m,
                   arena_printf(&a, "{\"continue\":\"%.*s\"}", (int)(n - from), text + from).p);
            exact[n - from - 1] = '<';
            writes(TY_META_LIST_META, &m,
                   arena_printf(&a, "{\"continue\":\"%.*s\\u003c\"}", (int)(n - from - 1), text + from).p);
            free(exact);
        }
    }
}

TEST(test_json_write__a_limit_is_kept_to_the_byte) {
    struct meta_list_meta m = {.resource_version = S("0123456789"), .continue_ = S("abc")};
    static const char whole[] = "{\"resourceVersion\":\"0123456789\",\"continue\":\"abc\"}";
    for (size_t limit = 1; limit <= sizeof whole; limit++) {
        _cleanup_buf struct buf b = {.limit = limit};
        api_write_json(&b, &builtin, TY_META_LIST_META, &m);
        bool fits = limit >= sizeof whole - 1;
        assert_int_equal(b.overflow, !fits);
        assert_int_equal(b.limit, limit);
        assert_str(buf_view(&b), fits ? whole : "");
    }
}

TEST(test_json_write__field_names_are_whole_however_long) {
    struct core_pod_affinity_term none;
    struct core_pod_affinity affinity = {.required_during_scheduling_ignored_during_execution = {&none, 0}};
    writes(TY_CORE_POD_AFFINITY, &affinity, "{}");
    struct core_pod_affinity_term term = {.topology_key = S("zone")};
    affinity.required_during_scheduling_ignored_during_execution =
        (struct core_pod_affinity_term_array){&term, 1};
    writes(TY_CORE_POD_AFFINITY, &affinity,
           "{\"requiredDuringSchedulingIgnoredDuringExecution\":[{\"topologyKey\":\"zone\"}]}");
}
