/* api/convert */
#include "api/convert.h"

#include "api/equal.h"
#include "api/json.h"
#include "api/kind.h"
#include "api/types/core.h"
#include "api/types/events.h"
#include "api/types/ids.h"
#include "api/types/resource.h"
#include "unit/api/fill.h"
#include "unit/api/patch_test.h"

static void *convert(struct arena *a, uint32_t from_type, const void *from, uint32_t to_type) {
    struct err err = ERR_INIT;
    void *to;
    assert_ok(api_convert(a, &builtin, from_type, from, to_type, &to, &err), &err);
    return to;
}

/* Text of one version as text of another. */
static void converts(uint32_t from_type, const char *from, uint32_t to_type, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval in = tree(&a, from);
    void *object;
    assert_ok(api_from_tree(&a, &builtin, from_type, &in, NULL, &object, &err), &err);
    struct jval out = api_to_tree(&a, &builtin, to_type, convert(&a, from_type, object, to_type));
    assert_tree(&a, &out, expected);
}

/* And back. */
static void both_ways(uint32_t left_type, const char *left, uint32_t right_type, const char *right) {
    converts(left_type, left, right_type, right);
    converts(right_type, right, left_type, left);
}

static bool is_autoscaler(uint32_t type) {
    struct str name = ty_name(&builtin, builtin.types[type].name);
    return str_eq(name, S("HorizontalPodAutoscaler")) || str_eq(name, S("HorizontalPodAutoscalerList"));
}

/* Conversion sets apiVersion, which the filler makes up: takes it out of an object and the items of a list.
 */
static void clear_versions(uint32_t type, char *object) {
    const struct ty_field *items = ty_find(&builtin, type, S("items"));
    *(struct str *)(void *)(object + ty_find(&builtin, type, S("apiVersion"))->offset) = STR_NONE;
    if (!(builtin.types[type].flags & TYPE_LIST))
        return;
    const struct any_array *list = (const struct any_array *)(const void *)(object + items->offset);
    for (uint32_t i = 0; i < list->n; i++)
        clear_versions(items->type, (char *)list->v + i * ty_item_size(&builtin, items));
}

/* What the old version cannot tell from absent. */
static void clear_false(uint32_t type, void *object) {
    struct resource_resource_slice_list *list = object;
    struct resource_resource_slice *slices = object;
    uint32_t n = type == TY_RESOURCE_RESOURCE_SLICE;
    if (type == TY_RESOURCE_RESOURCE_SLICE_LIST) {
        slices = list->items.v;
        n = list->items.n;
    }
    for (uint32_t i = 0; i < n; i++)
        slices[i].spec.all_nodes.set = slices[i].spec.all_nodes.v;
}

/* A filled object there and back is the same. */
static void round_trip(uint32_t from, uint32_t to, const struct fill_options *options) {
    _cleanup_arena struct arena a = ARENA_INIT;
    void *object = fill_object(&a, &builtin, from, options);
    clear_versions(from, object);
    clear_false(from, object);
    void *back = convert(&a, to, convert(&a, from, object, to), from);
    if (api_equal(&builtin, from, object, back))
        return;
    struct buf had = BUF_INIT, has = BUF_INIT;
    api_write_json(&had, &builtin, from, object);
    api_write_json(&has, &builtin, from, back);
    print_error("%.*s\n%.*s\n", STR_ARG(buf_view(&had)), STR_ARG(buf_view(&has)));
    fail_msg("type %u by way of type %u", from, to);
}

/* All kinds with more than one version, in both directions. */
static uint32_t round_trips(const struct fill_options *options, bool shapes_only) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_kinds; i++) {
        const struct kind *k = &kinds[i], *hub = k->hub;
        bool reshaped = str_eq(k->group, S("resource.k8s.io")) && str_eq(k->version, S("v1beta1"));
        if (hub == k || is_autoscaler(k->type) || (shapes_only && reshaped))
            continue;
        round_trip(k->type, hub->type, options);
        round_trip(hub->type, k->type, options);
        if (k->list_type && hub->list_type)
            round_trip(k->list_type, hub->list_type, options);
        n++;
    }
    return n;
}

TEST(test_convert__filled_objects_come_back_whole) {
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct fill_options options = {.seed = seed, .depth = 12, .presence = 1, .emptiness = 0};
        assert_true(round_trips(&options, false) >= 10);
    }
}

TEST(test_convert__objects_with_gaps_come_back_with_the_same_gaps) {
    for (uint64_t seed = 1; seed <= 24; seed++) {
        struct fill_options options = {.seed = seed, .depth = 6, .presence = 0.5, .emptiness = 0.3};
        assert_true(round_trips(&options, true) >= 8);
    }
}

TEST(test_convert__every_kind_can_become_its_hub) {
    for (uint32_t i = 0; i < n_kinds; i++)
        if (!api_convertible(&builtin, kinds[i].type, kinds[i].hub->type))
            fail_msg("%.*s %.*s", STR_ARG(kinds[i].api_version), STR_ARG(kinds[i].name));
}

TEST(test_convert__to_the_same_version_copies_the_top) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_event e = {.reason = S("r"), .count = 3};
    struct core_event *copy = convert(&a, TY_CORE_EVENT, &e, TY_CORE_EVENT);
    assert_ptr_not_equal(copy, &e);
    assert_ptr_equal(copy->reason.p, e.reason.p);
    assert_int_equal(copy->count, 3);
}

TEST(test_convert__refuses_other_kinds) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct core_event e = {0};
    void *to = NULL;
    assert_fails(api_convert(&a, &builtin, TY_CORE_EVENT, &e, TY_CORE_POD, &to, &err), ERR_UNSUPPORTED);
    assert_string_equal(err.msg, "Event is no version of Pod");
    assert_null(to);
}

TEST(test_convert__sets_api_version_where_there_was_one) {
    both_ways(TY_COORDINATION_V1BETA1_LEASE,
              "{'apiVersion':'coordination.k8s.io/v1beta1','kind':'Lease','metadata':{'name':'l'},'spec':{}}",
              TY_COORDINATION_LEASE,
              "{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'l'},'spec':{}}");
    both_ways(TY_COORDINATION_V1BETA1_LEASE, "{'metadata':{'name':'l'},'spec':{}}", TY_COORDINATION_LEASE,
              "{'metadata':{'name':'l'},'spec':{}}");
}

TEST(test_convert__sets_api_version_of_list_items) {
    both_ways(
        TY_COORDINATION_V1BETA1_LEASE_LIST,
        "{'apiVersion':'coordination.k8s.io/v1beta1','metadata':{},'items':["
        "{'apiVersion':'coordination.k8s.io/v1beta1','metadata':{},'spec':{}},{'metadata':{},'spec':{}}]}",
        TY_COORDINATION_LEASE_LIST,
        "{'apiVersion':'coordination.k8s.io/v1','metadata':{},'items':["
        "{'apiVersion':'coordination.k8s.io/v1','metadata':{},'spec':{}},{'metadata':{},'spec':{}}]}");
}

/* Events. */

TEST(test_convert__events_of_both_groups) {
    both_ways(
        TY_CORE_EVENT,
        "{'apiVersion':'v1','kind':'Event','metadata':{'name':'e'},'involvedObject':{'kind':'Pod','name':'p'}"
        ","
        "'reason':'r','message':'m','source':{'component':'c','host':'h'},'firstTimestamp':'2024-01-01T00:00:"
        "00Z',"
        "'lastTimestamp':'2024-01-02T00:00:00Z','count':3,'type':'Normal','eventTime':'2024-01-01T00:00:00."
        "000001Z',"
        "'series':{'count':2,'lastObservedTime':'2024-01-01T00:00:00.000002Z'},'action':'a',"
        "'related':{'kind':'Node'},'reportingComponent':'rc','reportingInstance':'ri'}",
        TY_EVENTS_EVENT,
        "{'apiVersion':'events.k8s.io/v1','kind':'Event','metadata':{'name':'e'},"
        "'eventTime':'2024-01-01T00:00:00.000001Z',"
        "'series':{'count':2,'lastObservedTime':'2024-01-01T00:00:00.000002Z'},'reportingController':'rc',"
        "'reportingInstance':'ri','action':'a','reason':'r','regarding':{'kind':'Pod','name':'p'},"
        "'related':{'kind':'Node'},'note':'m','type':'Normal','deprecatedSource':{'component':'c','host':'h'}"
        ","
        "'deprecatedFirstTimestamp':'2024-01-01T00:00:00Z','deprecatedLastTimestamp':'2024-01-02T00:00:00Z',"
        "'deprecatedCount':3}");
}

TEST(test_convert__lists_of_events) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct core_event events[] = {{.message = S("one")}, {.message = S("two")}};
    struct core_event_list list = {.items = {events, 2}};
    struct events_event_list *out = convert(&a, TY_CORE_EVENT_LIST, &list, TY_EVENTS_EVENT_LIST);
    assert_int_equal(out->items.n, 2);
    assert_str(out->items.v[1].note, "two");
}

/* Dynamic resource allocation. */

TEST(test_convert__exact_device_requests_move) {
    both_ways(
        TY_RESOURCE_V1BETA1_RESOURCE_CLAIM_SPEC,
        "{'devices':{'requests':[{'name':'r','deviceClassName':'c','allocationMode':'ExactCount','count':2}]}"
        "}",
        TY_RESOURCE_RESOURCE_CLAIM_SPEC,
        "{'devices':{'requests':[{'name':'r','exactly':{'deviceClassName':'c','allocationMode':'ExactCount',"
        "'count':2}}]}}");
}

TEST(test_convert__alternative_device_requests_stay) {
    both_ways(
        TY_RESOURCE_V1BETA1_RESOURCE_CLAIM_SPEC,
        "{'devices':{'requests':[{'name':'r','deviceClassName':'','firstAvailable':"
        "[{'name':'s','deviceClassName':'c'}]}]}}",
        TY_RESOURCE_RESOURCE_CLAIM_SPEC,
        "{'devices':{'requests':[{'name':'r','firstAvailable':[{'name':'s','deviceClassName':'c'}]}]}}");
}

TEST(test_convert__devices_lose_their_wrapping) {
    both_ways(
        TY_RESOURCE_V1BETA1_RESOURCE_SLICE_SPEC,
        "{'driver':'d','pool':{'name':'p','generation':1,'resourceSliceCount':1},'nodeName':'n','devices':"
        "[{'name':'x','basic':{'attributes':{'a':{'int':1}},'capacity':{'m':{'value':'1Gi'}}}}]}",
        TY_RESOURCE_RESOURCE_SLICE_SPEC,
        "{'driver':'d','pool':{'name':'p','generation':1,'resourceSliceCount':1},'nodeName':'n','devices':"
        "[{'name':'x','attributes':{'a':{'int':1}},'capacity':{'m':{'value':'1Gi'}}}]}");
}

TEST(test_convert__plain_zero_becomes_absent) {
    converts(TY_RESOURCE_V1BETA1_RESOURCE_SLICE_SPEC, "{'driver':'d','nodeName':'','allNodes':false}",
             TY_RESOURCE_RESOURCE_SLICE_SPEC,
             "{'driver':'d','pool':{'name':'','generation':0,'resourceSliceCount':0}}");
    both_ways(TY_RESOURCE_V1BETA1_RESOURCE_SLICE_SPEC,
              "{'driver':'d','allNodes':true,'pool':{'name':'','generation':0,'resourceSliceCount':0}}",
              TY_RESOURCE_RESOURCE_SLICE_SPEC,
              "{'driver':'d','allNodes':true,'pool':{'name':'','generation':0,'resourceSliceCount':0}}");
}

/* Others. */

TEST(test_convert__ingress_backends) {
    both_ways(TY_NETWORKING_V1BETA1_INGRESS_SPEC,
              "{'backend':{'serviceName':'s','servicePort':80},'rules':[{'http':{'paths':[{'path':'/',"
              "'backend':{'serviceName':'t','servicePort':'web'}}]}}]}",
              TY_NETWORKING_INGRESS_SPEC,
              "{'defaultBackend':{'service':{'name':'s','port':{'number':80}}},'rules':[{'http':{'paths':["
              "{'path':'/','pathType':null,'backend':{'service':{'name':'t','port':{'name':'web'}}}}]}}]}");
    both_ways(TY_NETWORKING_V1BETA1_INGRESS_SPEC,
              "{'backend':{'resource':{'apiGroup':null,'kind':'k','name':'n'},'servicePort':0}}",
              TY_NETWORKING_INGRESS_SPEC,
              "{'defaultBackend':{'resource':{'apiGroup':null,'kind':'k','name':'n'}}}");
}

TEST(test_convert__signer_names) {
    both_ways(TY_CERTIFICATES_V1BETA1_CERTIFICATE_SIGNING_REQUEST_SPEC, "{'request':null,'signerName':'s'}",
              TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST_SPEC, "{'request':null,'signerName':'s'}");
    both_ways(TY_CERTIFICATES_V1BETA1_CERTIFICATE_SIGNING_REQUEST_SPEC, "{'request':null}",
              TY_CERTIFICATES_CERTIFICATE_SIGNING_REQUEST_SPEC, "{'request':null,'signerName':''}");
}
