/* api/validation: ResourceQuota and LimitRange. */
#include "base/arena.h"
#include "base/buf.h"
#include "valid.h"

static const char quota[] = "{'metadata':{'name':'q','namespace':'ns'},'spec':{'hard':{'pods':'10'}}}";
static const char limits[] =
    "{'metadata':{'name':'l','namespace':'ns'},'spec':{'limits':[{'type':'Container'}]}}";

#define QUOTA(edits, expected) assert_create(KIND_CORE_RESOURCE_QUOTA, quota, edits, expected)
#define LIMIT(json, expected)                                                                                \
    assert_create(KIND_CORE_LIMIT_RANGE, limits, "spec.limits = [" json "]", expected)

TEST(test_quota__name_is_a_subdomain) {
    QUOTA("", "");
    QUOTA("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_quota__resources_are_known) {
    static const char *const names[] = {"cpu",
                                        "memory",
                                        "ephemeral-storage",
                                        "requests.cpu",
                                        "requests.memory",
                                        "requests.storage",
                                        "requests.ephemeral-storage",
                                        "limits.cpu",
                                        "limits.memory",
                                        "limits.ephemeral-storage",
                                        "pods",
                                        "resourcequotas",
                                        "services",
                                        "replicationcontrollers",
                                        "secrets",
                                        "persistentvolumeclaims",
                                        "configmaps",
                                        "services.nodeports",
                                        "services.loadbalancers",
                                        "hugepages-2Mi",
                                        "requests.hugepages-2Mi",
                                        "count/jobs.batch",
                                        "requests.nvidia.com/gpu"};
    _cleanup_arena struct arena a = ARENA_INIT;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        QUOTA(arena_printf(&a, "spec.hard = {'%s':'1'}", names[i]).p, "");
    QUOTA("spec.hard = {'storage':'1'}",
          "spec.hard[storage]: Invalid value: \"storage\": must be a standard resource for quota");
    QUOTA("spec.hard = {'a b':'1'}", "spec.hard[a b]: Invalid value: \"a b\": *");
}

TEST(test_quota__amounts_fit_the_resource) {
    QUOTA("spec.hard = {'cpu':'-1','pods':'1500m','example.com/x':'1m'}",
          "spec.hard[cpu]: Invalid value: \"-1\": *\nspec.hard[example.com/x]: Invalid value: \"1m\": must "
          "be an integer\n"
          "spec.hard[pods]: Invalid value: \"1500m\": must be an integer");
}

TEST(test_quota__scopes_are_known) {
    QUOTA("spec.scopes = ['Terminating','NotBestEffort','PriorityClass','CrossNamespacePodAffinity']", "");
    QUOTA("spec.scopes = ['x']", "spec.scopes: Invalid value: \"x\": unsupported scope");
    QUOTA("spec.scopes = ['BestEffort','NotBestEffort']",
          "spec.scopes: Invalid value: [\"BestEffort\",\"NotBestEffort\"]: conflicting scopes");
    QUOTA("spec.scopes = ['Terminating','NotTerminating']", "spec.scopes: Invalid value: *");
}

TEST(test_quota__scopes_stay) {
    assert_update(KIND_CORE_RESOURCE_QUOTA, quota, "spec.scopes = ['Terminating','NotBestEffort']",
                  "spec.scopes = ['NotBestEffort','Terminating']", "");
    assert_update(KIND_CORE_RESOURCE_QUOTA, quota, "", "spec.scopes = ['Terminating']",
                  "spec.scopes: Invalid value: [\"Terminating\"]: field is immutable");
}

TEST(test_quota__scopes_suit_the_resources) {
    QUOTA("spec.hard = {'cpu':'1','limits.memory':'1','count/x.y':'1'} ;; spec.scopes = ['NotTerminating']",
          "");
    QUOTA("spec.hard = {'services':'1'} ;; spec.scopes = ['NotTerminating']",
          "spec.scopes: Invalid value: \"NotTerminating\": unsupported scope applied to resource");
    QUOTA("spec.hard = {'cpu':'1'} ;; spec.scopes = ['BestEffort']",
          "spec.scopes: Invalid value: \"BestEffort\": *");
    QUOTA("spec.hard = {'requests.storage':'1','persistentvolumeclaims':'1'} ;; spec.scopes = "
          "['VolumeAttributesClass']",
          "");
    QUOTA("spec.scopes = ['VolumeAttributesClass']",
          "spec.scopes: Invalid value: \"VolumeAttributesClass\": *");
}

#define SELECT(json, expected) QUOTA("spec.scopeSelector = {'matchExpressions':[" json "]}", expected)
#define M0 "spec.scopeSelector.matchExpressions[0]"

TEST(test_quota__selectors_have_values_by_operator) {
    SELECT("{'scopeName':'PriorityClass','operator':'In','values':['high']},{'scopeName':'BestEffort','"
           "operator':'Exists'}",
           "");
    SELECT("{'scopeName':'x','operator':'y'}",
           M0 ".scopeName: Invalid value: \"x\": unsupported scope\n" M0
              ".operator: Invalid value: \"y\": not a valid selector operator");
    SELECT("{'scopeName':'PriorityClass','operator':'NotIn'}", M0 ".values: Required value: *");
    SELECT("{'scopeName':'PriorityClass','operator':'DoesNotExist','values':['x']}",
           M0 ".values: Invalid value: 1: *");
    SELECT("{'scopeName':'Terminating','operator':'In','values':['x']}",
           M0 ".operator: Invalid value: \"In\": must be 'Exists' for this scope");
    SELECT("{'scopeName':'BestEffort','operator':'Exists'},{'scopeName':'NotBestEffort','operator':'Exists'}",
           "spec.scopeSelector: Invalid value: *");
    SELECT("{'scopeName':'VolumeAttributesClass','operator':'Exists'}",
           "spec.scopeSelector: Invalid value: \"VolumeAttributesClass\": *");
}

TEST(test_quota__status_is_of_resources) {
    assert_status_update(KIND_CORE_RESOURCE_QUOTA, quota, "",
                         "status = {'hard':{'pods':'1'},'used':{'pods':'0'}}", "");
    assert_status_update(
        KIND_CORE_RESOURCE_QUOTA, quota, "", "status = {'hard':{'x':'1'},'used':{'pods':'-1'}}",
        "status.hard[x]: Invalid value: \"x\": *\nstatus.used[pods]: Invalid value: \"-1\": *");
}

TEST(test_quota__long_lists_cost_no_more_than_their_length) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf hard = BUF_INIT, scopes = BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        buf_printf(&hard, "%s'count/x%d.y':'1'", i ? "," : "", i);
        buf_printf(&scopes, "%s'Terminating'", i ? "," : "");
    }
    QUOTA(arena_printf(&a, "spec.hard = {%s} ;; spec.scopes = [%s]", buf_cstr(&hard), buf_cstr(&scopes)).p,
          "");
}

/* ---- limit ranges ---- */

TEST(test_limits__name_is_a_subdomain) {
    assert_create(KIND_CORE_LIMIT_RANGE, limits, "metadata.name = 'A'",
                  "metadata.name: Invalid value: \"A\": *");
}

TEST(test_limits__types_are_known_and_unique) {
    LIMIT("{'type':'Pod'},{'type':'Container'},{'type':'example.com/x'}", "");
    LIMIT("{'type':'x'}",
          "spec.limits[0].type: Invalid value: \"x\": must be a standard limit type or fully qualified");
    LIMIT("{'type':'a b'}", "spec.limits[0].type: Invalid value: \"a b\": *");
    LIMIT("{'type':'Pod'},{'type':'Pod'}", "spec.limits[1].type: Duplicate value: \"Pod\"");
}

TEST(test_limits__resources_suit_the_type) {
    LIMIT("{'type':'Container','max':{'cpu':'1'},'min':{'cpu':'1'},'maxLimitRequestRatio':{'example.com/"
          "x':'1'}}",
          "");
    LIMIT("{'type':'Container','max':{'storage':'1'},'min':{'pods':'1'},'default':{'x':'1'},'defaultRequest':"
          "{'y':'1'},'maxLimitRequestRatio':{'z':'1'}}",
          "spec.limits[0].max[storage]: Invalid value: \"storage\": *\nspec.limits[0].min[pods]: Invalid "
          "value: \"pods\": *\n"
          "spec.limits[0].default[x]: Invalid value: \"x\": *\nspec.limits[0].defaultRequest[y]: Invalid "
          "value: \"y\": *\n"
          "spec.limits[0].maxLimitRequestRatio[z]: Invalid value: \"z\": *");
    LIMIT("{'type':'example.com/x','max':{'pods':'1'}}", "");
    LIMIT("{'type':'example.com/x','max':{'x':'1'}}", "spec.limits[0].max[x]: Invalid value: \"x\": *");
}

TEST(test_limits__pods_have_no_defaults) {
    LIMIT("{'type':'Pod','default':{'cpu':'1'},'defaultRequest':{'cpu':'1'}}",
          "spec.limits[0].default: Forbidden: may not be specified when `type` is "
          "'Pod'\nspec.limits[0].defaultRequest: Forbidden: *");
}

TEST(test_limits__claims_are_limited_by_size) {
    LIMIT("{'type':'PersistentVolumeClaim','min':{'storage':'1'}}", "");
    LIMIT("{'type':'PersistentVolumeClaim','max':{'cpu':'1'}}", "spec.limits[0].limits: Required value: *");
}

TEST(test_limits__amounts_are_in_order) {
    LIMIT("{'type':'Container','min':{'cpu':'1'},'defaultRequest':{'cpu':'2'},'default':{'cpu':'3'},'max':{'"
          "cpu':'4'},'maxLimitRequestRatio':{'cpu':'4'}}",
          "");
    LIMIT("{'type':'Container','min':{'cpu':'5'},'max':{'cpu':'4'}}",
          "spec.limits[0].min[cpu]: Invalid value: \"5\": min value 5 is greater than max value 4");
    LIMIT("{'type':'Container','min':{'cpu':'3'},'defaultRequest':{'cpu':'2'}}",
          "spec.limits[0].defaultRequest[cpu]: Invalid value: \"2\": *");
    LIMIT("{'type':'Container','defaultRequest':{'cpu':'5'},'max':{'cpu':'4'}}",
          "spec.limits[0].defaultRequest[cpu]: Invalid value: \"5\": *");
    LIMIT("{'type':'Container','defaultRequest':{'cpu':'5'},'default':{'cpu':'4'}}",
          "spec.limits[0].defaultRequest[cpu]: Invalid value: \"5\": *");
    LIMIT("{'type':'Container','min':{'cpu':'5'},'default':{'cpu':'4'}}",
          "spec.limits[0].default[cpu]: Invalid value: \"4\": *");
    LIMIT("{'type':'Container','default':{'cpu':'5'},'max':{'cpu':'4'}}",
          "spec.limits[0].default[cpu]: Invalid value: \"5\": *");
}

TEST(test_limits__ratios_fit_the_amounts) {
    LIMIT("{'type':'Container','maxLimitRequestRatio':{'cpu':'500m'}}",
          "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"500m\": ratio is less than 1");
    LIMIT("{'type':'Container','min':{'cpu':'1'},'max':{'cpu':'4'},'maxLimitRequestRatio':{'cpu':'5'}}",
          "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"5\": ratio is greater than max/min = "
          "4.000000");
}

TEST(test_limits__defaults_are_equal_where_nothing_is_overcommitted) {
    LIMIT("{'type':'Container','default':{'example.com/x':'2'},'defaultRequest':{'example.com/x':'2'}}", "");
    LIMIT("{'type':'Container','default':{'example.com/x':'2'},'defaultRequest':{'example.com/x':'1'}}",
          "spec.limits[0].defaultRequest[example.com/x]: Invalid value: \"1\": *");
}
