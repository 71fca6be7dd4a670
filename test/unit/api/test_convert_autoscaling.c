/* api/convert: autoscalers between versions 1 and 2 */
#include "api/convert.h"
#include "api/equal.h"
#include "api/json.h"
#include "api/types/autoscaling.h"
#include "unit/api/default_test.h"
#include "unit/api/fill.h"

#define V1 TY_AUTOSCALING_V1_HORIZONTAL_POD_AUTOSCALER
#define V2 TY_AUTOSCALING_HORIZONTAL_POD_AUTOSCALER

static struct jval converted(struct arena *a, uint32_t from, const char *text, uint32_t to) {
    struct err err = ERR_INIT;
    struct jval in = tree(a, text);
    void *object, *out;
    assert_ok(api_from_tree(a, &builtin, from, &in, NULL, &object, &err), &err);
    assert_ok(api_convert(a, &builtin, from, object, to, &out, &err), &err);
    return api_to_tree(a, &builtin, to, out);
}

/* What an object of one version has at a pointer as an object of the other. NULL: nothing. */
static void becomes(uint32_t from, const char *text, const char *pointer, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval out = converted(&a, from, text, from == V1 ? V2 : V1);
    const struct jval *v = pointed(&a, &out, str_from(pointer));
    if (!expected)
        assert_null(v);
    else if (!v)
        fail_msg("%s has nothing at %s", text, pointer);
    else
        assert_tree(&a, v, expected);
}

/* An annotation of the old version, whose text is JSON. */
static void annotates(const char *v2, const char *name, const char *expected) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval out = converted(&a, V2, v2, V1);
    const struct jval *v = pointed(
        &a, &out, arena_printf(&a, "/metadata/annotations/autoscaling.alpha.kubernetes.io~1%s", name));
    if (!expected) {
        assert_null(v);
        return;
    }
    assert_non_null(v);
    struct str want = arena_str(&a, str_from(expected));
    for (size_t i = 0; i < want.n; i++)
        if (want.p[i] == '\'')
            ((char *)(uintptr_t)want.p)[i] = '"';
    assert_str_equal(jval_as_str(v), want);
}

/* There and back nothing changes. */
static void comes_back(const char *v2) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct jval in = tree(&a, v2);
    void *object, *old, *back;
    assert_ok(api_from_tree(&a, &builtin, V2, &in, NULL, &object, &err), &err);
    assert_ok(api_convert(&a, &builtin, V2, object, V1, &old, &err), &err);
    assert_ok(api_convert(&a, &builtin, V1, old, V2, &back, &err), &err);
    struct jval before = api_to_tree(&a, &builtin, V2, object), after = api_to_tree(&a, &builtin, V2, back);
    struct buf want = BUF_INIT;
    json_write(&want, &before);
    struct buf have = BUF_INIT;
    json_write(&have, &after);
    struct str want_text = buf_to_arena(&want, &a), have_text = buf_to_arena(&have, &a);
    buf_fini(&want);
    buf_fini(&have);
    assert_str_equal(have_text, want_text);
}

#define CPU50                                                                                                \
    "{'type':'Resource','resource':{'name':'cpu','target':{'type':'Utilization','averageUtilization':50}}}"
#define CPU80                                                                                                \
    "{'type':'Resource','resource':{'name':'cpu','target':{'type':'Utilization','averageUtilization':80}}}"
#define MEMORY                                                                                               \
    "{'type':'Resource','resource':{'name':'memory','target':{'type':'AverageValue','averageValue':'1Gi'}}}"

TEST(test_convert_autoscaling__cpu_share_is_a_field_in_version_1) {
    becomes(V2, "{'spec':{'metrics':[" CPU50 "]}}", "/spec/targetCPUUtilizationPercentage", "50");
    annotates("{'spec':{'metrics':[" CPU50 "]}}", "metrics", NULL);
    becomes(V1, "{'spec':{'targetCPUUtilizationPercentage':50}}", "/spec/metrics", "[" CPU50 "]");
}

TEST(test_convert_autoscaling__without_metrics_the_cpu_share_is_80) {
    becomes(V1, "{}", "/spec/metrics", "[" CPU80 "]");
    becomes(V1, "{'metadata':{'annotations':{'autoscaling.alpha.kubernetes.io/metrics':'[]'}}}",
            "/spec/metrics", "[" CPU80 "]");
}

TEST(test_convert_autoscaling__other_metrics_are_an_annotation) {
    annotates("{'spec':{'metrics':[" CPU50 "," MEMORY "]}}", "metrics",
              "[{'type':'Resource','resource':{'name':'memory','targetAverageValue':'1Gi'}}]");
    becomes(V2, "{'spec':{'metrics':[" MEMORY "]}}", "/spec/targetCPUUtilizationPercentage", NULL);
}

TEST(test_convert_autoscaling__annotated_metrics_come_before_the_cpu_share) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct jval v1 = converted(&a, V2, "{'spec':{'metrics':[" CPU50 "," MEMORY "]}}", V1);
    struct buf text = BUF_INIT;
    json_write(&text, &v1);
    const char *v1_text = arena_strz(&a, buf_view(&text));
    buf_fini(&text);
    struct err err = ERR_INIT;
    struct jval in;
    void *object, *out;
    assert_ok(json_parse(&a, str_from(v1_text), NULL, NULL, &in, &err), &err);
    assert_ok(api_from_tree(&a, &builtin, V1, &in, NULL, &object, &err), &err);
    assert_ok(api_convert(&a, &builtin, V1, object, V2, &out, &err), &err);
    struct jval v2 = api_to_tree(&a, &builtin, V2, out);
    assert_tree(&a, pointed(&a, &v2, S("/spec/metrics")), "[" MEMORY "," CPU50 "]");
    assert_null(pointed(&a, &v2, S("/metadata/annotations")));
}

TEST(test_convert_autoscaling__second_cpu_share_is_not_lost) {
    annotates("{'spec':{'metrics':[" CPU50 "," CPU80 "]}}", "metrics",
              "[{'type':'Resource','resource':{'name':'cpu','targetAverageUtilization':80}}]");
}

TEST(test_convert_autoscaling__every_metric_source_comes_back) {
    comes_back(
        "{'spec':{'metrics':[{'type':'Object','object':{'describedObject':{'kind':'k','name':'n','apiVersion'"
        ":"
        "'v'},'metric':{'name':'m','selector':{'matchLabels':{'a':'b'}}},'target':{'type':'Value','value':"
        "'3'}}}]}}");
    comes_back("{'spec':{'metrics':[{'type':'Object','object':{'describedObject':{'kind':'k','name':'n'},"
               "'metric':{'name':'m'},'target':{'type':'AverageValue','averageValue':'3'}}}]}}");
    comes_back("{'spec':{'metrics':[{'type':'Pods','pods':{'metric':{'name':'m','selector':{'matchLabels':{'"
               "a':'b'}}},"
               "'target':{'type':'AverageValue','averageValue':'100m'}}}]}}");
    comes_back(
        "{'spec':{'metrics':[{'type':'Resource','resource':{'name':'memory','target':{'type':'Utilization',"
        "'averageUtilization':60}}}]}}");
    comes_back(
        "{'spec':{'metrics':[{'type':'ContainerResource','containerResource':{'name':'cpu','container':'c',"
        "'target':{'type':'AverageValue','averageValue':'1'}}}]}}");
    comes_back("{'spec':{'metrics':[{'type':'External','external':{'metric':{'name':'m','selector':{}},"
               "'target':{'type':'Value','value':'9'}}},{'type':'External','external':{'metric':{'name':'m'},"
               "'target':{'type':'AverageValue','averageValue':'9'}}}]}}");
}

TEST(test_convert_autoscaling__current_metrics_are_an_annotation) {
    const char *v2 = "{'status':{'currentMetrics':[{'type':'Resource','resource':{'name':'cpu','current':{"
                     "'averageUtilization':40,'averageValue':'80m'}}}]}}";
    becomes(V2, v2, "/status/currentCPUUtilizationPercentage", "40");
    annotates(v2, "current-metrics",
              "[{'type':'Resource','resource':{'name':'cpu','currentAverageUtilization':40,"
              "'currentAverageValue':'80m'}}]");
    becomes(V1, "{'status':{'currentCPUUtilizationPercentage':40}}", "/status/currentMetrics",
            "[{'type':'Resource','resource':{'name':'cpu','current':{'averageUtilization':40}}}]");
}

TEST(test_convert_autoscaling__every_current_metric_comes_back) {
    comes_back(
        "{'spec':{'metrics':[" CPU50 "]},'status':{'currentMetrics':["
        "{'type':'Object','object':{'describedObject':{'kind':'k','name':'n'},'metric':{'name':'m'},"
        "'current':{'value':'3','averageValue':'2'}}},"
        "{'type':'Pods','pods':{'metric':{'name':'m'},'current':{'averageValue':'2'}}},"
        "{'type':'Resource','resource':{'name':'cpu','current':{'averageValue':'2','averageUtilization':3}}},"
        "{'type':'ContainerResource','containerResource':{'name':'cpu','container':'c',"
        "'current':{'averageValue':'2'}}},"
        "{'type':'External','external':{'metric':{'name':'m'},'current':{'value':'2'}}}]}}");
}

TEST(test_convert_autoscaling__conditions_are_an_annotation) {
    const char *v2 =
        "{'spec':{'metrics':[" CPU50 "]},'status':{'conditions':[{'type':'AbleToScale','status':'True',"
        "'lastTransitionTime':'2024-01-01T00:00:00Z','reason':'r','message':'m'}]}}";
    annotates(
        v2, "conditions",
        "[{'type':'AbleToScale','status':'True','lastTransitionTime':'2024-01-01T00:00:00Z','reason':'r',"
        "'message':'m'}]");
    comes_back(v2);
}

TEST(test_convert_autoscaling__behavior_is_an_annotation_with_internal_names) {
    const char *v2 = "{'spec':{'metrics':[" CPU50 "],'behavior':{'scaleUp':{'stabilizationWindowSeconds':0,"
                     "'selectPolicy':'Max','policies':[{'type':'Pods','value':4,'periodSeconds':15},"
                     "{'type':'Percent','value':100,'periodSeconds':15}],'tolerance':'100m'}}}}";
    annotates(v2, "behavior",
              "{'ScaleUp':{'StabilizationWindowSeconds':0,'SelectPolicy':'Max','Policies':[{'Type':'Pods','"
              "Value':4,"
              "'PeriodSeconds':15},{'Type':'Percent','Value':100,'PeriodSeconds':15}],'Tolerance':'100m'},"
              "'ScaleDown':null}");
    comes_back(v2);
}

TEST(test_convert_autoscaling__empty_scaling_rules_come_back) {
    comes_back("{'spec':{'metrics':[" CPU50 "],'behavior':{'scaleUp':{},'scaleDown':{'policies':[]}}}}");
    annotates(
        "{'spec':{'behavior':{'scaleDown':{}}}}", "behavior",
        "{'ScaleUp':null,'ScaleDown':{'StabilizationWindowSeconds':null,'SelectPolicy':null,'Policies':null,"
        "'Tolerance':null}}");
}

TEST(test_convert_autoscaling__old_annotations_do_not_survive) {
    annotates("{'metadata':{'annotations':{'autoscaling.alpha.kubernetes.io/"
              "metrics':'stale'}},'spec':{'metrics':[" CPU50 "]}}",
              "metrics", NULL);
    becomes(V1, "{'metadata':{'annotations':{'autoscaling.alpha.kubernetes.io/behavior':'x','mine':'y'}}}",
            "/metadata/annotations", "{'mine':'y'}");
}

TEST(test_convert_autoscaling__other_annotations_stay_in_order) {
    becomes(V2, "{'metadata':{'annotations':{'a':'1','b':'2','z':'3'}},'spec':{'metrics':[" MEMORY "]}}",
            "/metadata/annotations",
            "{'a':'1','autoscaling.alpha.kubernetes.io/metrics':"
            "'[{\\u0022type\\u0022:\\u0022Resource\\u0022,\\u0022resource\\u0022:{\\u0022name\\u0022:"
            "\\u0022memory"
            "\\u0022,\\u0022targetAverageValue\\u0022:\\u00221Gi\\u0022}}]','b':'2','z':'3'}");
}

TEST(test_convert_autoscaling__annotations_that_cannot_be_read_are_dropped) {
    const char *const broken[] = {"x", "{}", "[1]", "[{\\u0022type\\u0022:7}]", "null"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct str text =
            arena_printf(&a,
                         "{'metadata':{'annotations':{'autoscaling.alpha.kubernetes.io/metrics':'%s',"
                         "'autoscaling.alpha.kubernetes.io/behavior':'%s',"
                         "'autoscaling.alpha.kubernetes.io/conditions':'%s'}}}",
                         broken[i], broken[i], broken[i]);
        becomes(V1, text.p, "/spec/metrics", "[" CPU80 "]");
        becomes(V1, text.p, "/status/conditions", NULL);
        becomes(V1, text.p, "/metadata/annotations", NULL);
    }
}

/* Random autoscalers whose targets have the types that their values say. */
static void make_consistent(struct autoscaling_metric_target *t, bool share) {
    if (share && t->average_utilization.set)
        *t = (struct autoscaling_metric_target){.type = S("Utilization"),
                                                .average_utilization = t->average_utilization};
    else
        *t = (struct autoscaling_metric_target){.type = S("AverageValue"), .average_value = t->average_value};
    if (!t->average_utilization.set)
        t->average_value.set = true;
}

TEST(test_convert_autoscaling__random_autoscalers_come_back) {
    for (uint64_t seed = 1; seed <= 50; seed++) {
        _cleanup_arena struct arena a = ARENA_INIT;
        struct err err = ERR_INIT;
        struct fill_options options = {.seed = seed, .depth = 8, .presence = 0.8, .emptiness = 0.1};
        struct autoscaling_horizontal_pod_autoscaler *h = fill_object(&a, &builtin, V2, &options);
        h->type_meta.api_version = S("autoscaling/v2");
        h->status.current_metrics.n = 0; /* current amounts that version 1 must have are tried above */
        h->status.current_metrics.v = NULL;
        if (!h->status.conditions.n)
            h->status.conditions.v = NULL;
        for (uint32_t i = 0; i < h->spec.metrics.n; i++) {
            struct autoscaling_metric_spec *m = &h->spec.metrics.v[i];
            m->type = S("Pods"); /* a share of cpu takes another way, without what has no place there */
            if (m->object)
                make_consistent(&m->object->target, false);
            if (m->pods)
                make_consistent(&m->pods->target, false);
            if (m->resource)
                make_consistent(&m->resource->target, true);
            if (m->container_resource)
                make_consistent(&m->container_resource->target, true);
            if (m->external)
                make_consistent(&m->external->target, false);
        }
        if (!h->spec.metrics.n)
            continue;
        void *old, *back;
        assert_ok(api_convert(&a, &builtin, V2, h, V1, &old, &err), &err);
        assert_ok(api_convert(&a, &builtin, V1, old, V2, &back, &err), &err);
        struct jval before = api_to_tree(&a, &builtin, V2, h), after = api_to_tree(&a, &builtin, V2, back);
        if (!jval_equal(&before, &after)) {
            struct buf text = BUF_INIT;
            json_write(&text, &before);
            buf_byte(&text, '\n');
            json_write(&text, &after);
            fail_msg("seed %d:\n%s", (int)seed, buf_cstr(&text));
        }
    }
}
