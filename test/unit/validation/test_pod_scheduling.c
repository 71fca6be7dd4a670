/* api/validation: where a pod may run, what it needs there. */
#include "base/arena.h"
#include "base/buf.h"
#include "pods.h"

#define A "spec.affinity."
#define REQ "requiredDuringSchedulingIgnoredDuringExecution"
#define PREF "preferredDuringSchedulingIgnoredDuringExecution"

/* ---- node affinity ---- */

#define NODES(json, expected) POD(A "nodeAffinity." REQ " = {'nodeSelectorTerms':[" json "]}", expected)
#define N A "nodeAffinity." REQ ".nodeSelectorTerms[0]"

TEST(test_node_affinity__has_terms) {
    NODES("", A "nodeAffinity." REQ ".nodeSelectorTerms: Required value: *");
    NODES("{}", "");
}

TEST(test_node_affinity__expressions_have_values) {
    NODES("{'matchExpressions':[{'key':'a/"
          "b','operator':'In','values':['x']},{'key':'a','operator':'Exists'},{'key':'a','operator':'Gt','"
          "values':['1']}]}",
          "");
    NODES("{'matchExpressions':[{'key':'a b','operator':'In'}]}",
          N ".matchExpressions[0].values: Required value: *\n" N
            ".matchExpressions[0].key: Invalid value: \"a b\": *");
    NODES("{'matchExpressions':[{'key':'a','operator':'NotIn'}]}",
          N ".matchExpressions[0].values: Required value: *");
    NODES("{'matchExpressions':[{'key':'a','operator':'DoesNotExist','values':['x']}]}",
          N ".matchExpressions[0].values: Forbidden: *");
    NODES("{'matchExpressions':[{'key':'a','operator':'Lt','values':['1','2']}]}",
          N ".matchExpressions[0].values: Required value: *");
    NODES("{'matchExpressions':[{'key':'a','operator':'x'}]}",
          N ".matchExpressions[0].operator: Invalid value: \"x\": *");
    NODES("{'matchExpressions':[{'key':'a','operator':'In','values':['x y']}]}",
          N ".matchExpressions[0].values[0]: Invalid value: \"x y\": *");
}

TEST(test_node_affinity__odd_values_may_stay) {
    POD_UPDATE(
        A "nodeAffinity." REQ
          " = {'nodeSelectorTerms':[{'matchExpressions':[{'key':'a','operator':'In','values':['x y']}]}]}",
        "", "");
}

TEST(test_node_affinity__fields_are_the_name) {
    NODES("{'matchFields':[{'key':'metadata.name','operator':'In','values':['n']}]}", "");
    NODES("{'matchFields':[{'key':'metadata.name','operator':'Exists'}]}",
          N ".matchFields[0].operator: Invalid value: \"Exists\": *");
    NODES("{'matchFields':[{'key':'metadata.name','operator':'In','values':['a','b']}]}",
          N ".matchFields[0].values: Required value: *");
    NODES("{'matchFields':[{'key':'metadata.uid','operator':'In','values':['a']}]}",
          N ".matchFields[0].key: Invalid value: \"metadata.uid\": *");
    NODES("{'matchFields':[{'key':'metadata.name','operator':'NotIn','values':['A']}]}",
          N ".matchFields[0].values[0]: Invalid value: \"A\": *");
}

TEST(test_affinity__weights_are_1_to_100) {
    POD(A "nodeAffinity." PREF " = [{'weight':100,'preference':{}},{'weight':0,'preference':{}}]",
        A "nodeAffinity." PREF "[1].weight: Invalid value: 0: must be in the range 1-100");
    POD(A "podAffinity." PREF " = [{'weight':101,'podAffinityTerm':{'topologyKey':'k'}}]",
        A "podAffinity." PREF "[0].weight: Invalid value: 101: *");
    POD(A "podAntiAffinity." PREF " = [{'weight':-1,'podAffinityTerm':{'topologyKey':'k'}}]",
        A "podAntiAffinity." PREF "[0].weight: Invalid value: -1: *");
}

/* ---- pod affinity ---- */

#define PODS(json, expected) POD(A "podAffinity." REQ " = [" json "]", expected)
#define T A "podAffinity." REQ "[0]"

TEST(test_pod_affinity__has_a_topology_key) {
    PODS("{'topologyKey':'a/b','labelSelector':{},'namespaces':['n'],'namespaceSelector':{}}", "");
    PODS("{'topologyKey':''}", T ".topologyKey: Required value: can not be empty");
    POD(A "podAntiAffinity." REQ " = [{'topologyKey':'a b'}]",
        A "podAntiAffinity." REQ "[0].topologyKey: Invalid value: \"a b\": *");
}

TEST(test_pod_affinity__selectors_are_checked) {
    PODS("{'topologyKey':'k','labelSelector':{'matchLabels':{'a "
         "b':''}},'namespaceSelector':{'matchLabels':{'c d':''}},'namespaces':['A']}",
         T ".labelSelector.matchLabels: Invalid value: \"a b\": *\n" T
           ".namespaceSelector.matchLabels: Invalid value: \"c d\": *\n" T
           ".namespaces[0]: Invalid value: \"A\": *");
}

TEST(test_pod_affinity__label_keys_go_with_a_selector) {
    PODS("{'topologyKey':'k','labelSelector':{},'matchLabelKeys':['a'],'mismatchLabelKeys':['b']}", "");
    PODS("{'topologyKey':'k','matchLabelKeys':['a'],'mismatchLabelKeys':['b']}",
         T ".matchLabelKeys: Forbidden: *\n" T ".mismatchLabelKeys: Forbidden: *");
    PODS("{'topologyKey':'k','labelSelector':{},'matchLabelKeys':['a b']}",
         T ".matchLabelKeys[0]: Invalid value: \"a b\": *");
}

TEST(test_pod_affinity__label_keys_are_used_once) {
    PODS("{'topologyKey':'k','labelSelector':{},'matchLabelKeys':['a'],'mismatchLabelKeys':['a']}",
         T ".matchLabelKeys[0]: Invalid value: \"a\": exists in both matchLabelKeys and mismatchLabelKeys");
    /* the server merges a key as one expression */
    PODS("{'topologyKey':'k','labelSelector':{'matchExpressions':[{'key':'a','operator':'In','values':['x']}]"
         "},'matchLabelKeys':['a']}",
         "");
    PODS("{'topologyKey':'k','labelSelector':{'matchLabels':{'a':'x'},'matchExpressions':[{'key':'a','"
         "operator':'In','values':['x']}]},'matchLabelKeys':['a']}",
         T ".matchLabelKeys[0]: Invalid value: \"a\": *");
    PODS("{'topologyKey':'k','labelSelector':{'matchExpressions':[{'key':'a','operator':'Exists'},{'key':'a',"
         "'operator':'NotIn','values':['x']}]},'mismatchLabelKeys':['a']}",
         T ".mismatchLabelKeys[0]: Invalid value: \"a\": *");
}

/* ---- tolerations ---- */

#define TOLERATE(json, expected) POD("spec.tolerations = [" json "]", expected)

TEST(test_tolerations__keys_are_label_keys) {
    TOLERATE("{'key':'a/b','operator':'Exists'},{'operator':'Exists'}", "");
    TOLERATE("{'key':'a b','operator':'Exists'}", "spec.tolerations[0].key: Invalid value: \"a b\": *");
    TOLERATE("{'operator':'Equal'}", "spec.tolerations[0].operator: Invalid value: \"Equal\": *");
    TOLERATE("{}", "spec.tolerations[0].operator: Invalid value: \"\": *");
}

TEST(test_tolerations__operators_are_known) {
    TOLERATE("{'key':'a','operator':'Equal','value':'x'},{'key':'a','value':'x'}", "");
    TOLERATE(
        "{'key':'a','operator':'Lt','value':'1'}",
        "spec.tolerations[0].operator: Unsupported value: \"Lt\": supported values: \"Equal\", \"Exists\"");
}

TEST(test_tolerations__values_are_label_values) {
    TOLERATE("{'key':'a','value':'x y'}", "spec.tolerations[0].operator: Invalid value: \"x y\": *");
    TOLERATE("{'key':'a','operator':'Exists','value':'x'}", "spec.tolerations[0].operator: Invalid value: *");
}

TEST(test_tolerations__effects_are_known) {
    TOLERATE("{'key':'a','effect':'NoExecute','tolerationSeconds':5},{'key':'a','effect':'PreferNoSchedule'}",
             "");
    TOLERATE("{'key':'a','effect':'x'}", "spec.tolerations[0].effect: Unsupported value: \"x\": supported "
                                         "values: \"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\"");
    TOLERATE("{'key':'a','effect':'NoSchedule','tolerationSeconds':5}",
             "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": *");
}

/* ---- topology spread ---- */

#define SPREAD(json, expected) POD("spec.topologySpreadConstraints = [" json "]", expected)
#define GOOD "'maxSkew':1,'topologyKey':'k','whenUnsatisfiable':'DoNotSchedule'"
#define C "spec.topologySpreadConstraints[0]"

TEST(test_topology_spread__skew_is_positive) {
    SPREAD("{" GOOD "}", "");
    SPREAD("{" GOOD ",'maxSkew':0}", C ".maxSkew: Invalid value: 0: must be greater than 0");
}

TEST(test_topology_spread__has_a_key) {
    SPREAD("{" GOOD ",'topologyKey':''}", C ".topologyKey: Required value: can not be empty");
    SPREAD("{" GOOD ",'topologyKey':'a b'}", C ".topologyKey: Invalid value: \"a b\": *");
}

TEST(test_topology_spread__actions_are_known) {
    SPREAD("{" GOOD ",'whenUnsatisfiable':'x'}", C ".whenUnsatisfiable: Unsupported value: \"x\": supported "
                                                   "values: \"DoNotSchedule\", \"ScheduleAnyway\"");
}

TEST(test_topology_spread__pairs_are_unique) {
    SPREAD("{" GOOD "},{" GOOD ",'whenUnsatisfiable':'ScheduleAnyway'}", "");
    SPREAD("{" GOOD "},{" GOOD ",'maxSkew':2}",
           "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}: Duplicate value: \"{k, "
           "DoNotSchedule}\"");
}

TEST(test_topology_spread__min_domains_go_with_not_scheduling) {
    SPREAD("{" GOOD ",'minDomains':1}", "");
    SPREAD("{" GOOD ",'minDomains':0}", C ".minDomains: Invalid value: 0: must be greater than 0");
    SPREAD("{" GOOD ",'minDomains':1,'whenUnsatisfiable':'ScheduleAnyway'}",
           C ".minDomains: Invalid value: 1: *");
}

TEST(test_topology_spread__inclusion_policies_are_known) {
    SPREAD("{" GOOD ",'nodeAffinityPolicy':'Ignore','nodeTaintsPolicy':'Honor'}", "");
    SPREAD("{" GOOD ",'nodeAffinityPolicy':'x','nodeTaintsPolicy':'y'}",
           C ".nodeAffinityPolicy: Unsupported value: \"x\": supported values: \"Honor\", \"Ignore\"\n" C
             ".nodeTaintsPolicy: Unsupported value: \"y\": supported values: \"Honor\", \"Ignore\"");
}

TEST(test_topology_spread__label_keys_go_with_a_selector) {
    SPREAD("{" GOOD ",'labelSelector':{'matchExpressions':[{'key':'a','operator':'In','values':['x']}]},'"
           "matchLabelKeys':['a']}",
           "");
    SPREAD("{" GOOD ",'matchLabelKeys':['a']}", C ".matchLabelKeys: Forbidden: *");
    SPREAD("{" GOOD ",'labelSelector':{'matchLabels':{'a':'x'},'matchExpressions':[{'key':'a','operator':'In'"
           ",'values':['x']}]},'matchLabelKeys':['a']}",
           C ".matchLabelKeys[0]: Invalid value: \"a\": *");
}

TEST(test_topology_spread__selectors_are_checked) {
    SPREAD("{" GOOD ",'labelSelector':{'matchLabels':{'a b':''}}}",
           C ".labelSelector.matchLabels: Invalid value: \"a b\": *");
    POD_UPDATE("spec.topologySpreadConstraints = [{" GOOD
               ",'labelSelector':{'matchExpressions':[{'key':'a','operator':'In','values':['x y']}]}}]",
               "", "");
}

TEST(test_scheduling__hostile_lists_cost_no_more_than_their_length) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf keys = BUF_INIT, expressions = BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        buf_printf(&keys, "%s'a%d'", i ? "," : "", i);
        buf_printf(&expressions, "%s{'key':'b%d','operator':'Exists'}", i ? "," : "", i);
    }
    struct str edit = arena_printf(&a,
                                   "spec.topologySpreadConstraints = [{" GOOD
                                   ",'labelSelector':{'matchExpressions':[%s]},'matchLabelKeys':[%s]}]",
                                   buf_cstr(&expressions), buf_cstr(&keys));
    POD(edit.p, "");
}

/* ---- claims and resources of the pod ---- */

#define CLAIMS(json, expected) POD("spec.resourceClaims = [" json "]", expected)

TEST(test_pod_claims__have_a_name_and_a_source) {
    CLAIMS("{'name':'a','resourceClaimName':'c.d'},{'name':'b','resourceClaimTemplateName':'t'}", "");
    CLAIMS("{'name':'','resourceClaimName':'c'}", "spec.resourceClaims[0].name: Required value");
    CLAIMS("{'name':'A','resourceClaimName':'C'}",
           "spec.resourceClaims[0].name: Invalid value: \"A\": *\nspec.resourceClaims[0].resourceClaimName: "
           "Invalid value: \"C\": *");
    CLAIMS("{'name':'a','resourceClaimName':'c'},{'name':'a','resourceClaimName':'c'}",
           "spec.resourceClaims[1].name: Duplicate value: \"a\"");
    CLAIMS("{'name':'a'}", "spec.resourceClaims[0]: Invalid value: {\"name\":\"a\"}: must specify one of: *");
    CLAIMS("{'name':'a','resourceClaimName':'c','resourceClaimTemplateName':'T'}",
           "spec.resourceClaims[0]: Invalid value: *\nspec.resourceClaims[0].resourceClaimTemplateName: "
           "Invalid value: \"T\": *");
}

TEST(test_pod_claims__static_pods_have_none) {
    POD("metadata.annotations[kubernetes.io/config.mirror] = 'x' ;; spec.nodeName = 'n' ;; "
        "spec.resourceClaims = [{'name':'a','resourceClaimName':'c'}]",
        "spec.resourceClaims: Forbidden: *");
}

#define LEVEL(json, expected) POD("spec.resources = " json, expected)

TEST(test_pod_resources__names_are_few) {
    LEVEL("{'limits':{'cpu':'1','hugepages-2Mi':'2Mi'},'requests':{'cpu':'1','hugepages-2Mi':'2Mi'}}", "");
    LEVEL("{'limits':{'ephemeral-storage':'1'}}",
          "spec.resources.limits[ephemeral-storage]: Unsupported value: \"ephemeral-storage\": supported "
          "values: \"cpu\", \"memory\"");
    LEVEL("{'claims':[{'name':'x'}]}", "spec.resources.claims: Forbidden: *");
    POD("spec.os = {'name':'windows'} ;; spec.resources = {}",
        "spec.resources: Forbidden: may not be set for a windows pod");
}

TEST(test_pod_resources__requests_hold_those_of_all_containers) {
    const char *both =
        CA "resources.requests = {'cpu':'1'} ;; spec.containers[1].resources.requests = {'cpu':'500m'} ;; ";
    _cleanup_arena struct arena a = ARENA_INIT;
    POD(arena_printf(&a, "%sspec.resources = {'requests':{'cpu':'1500m'}}", both).p, "");
    POD(arena_printf(&a, "%sspec.resources = {'requests':{'cpu':'1400m'}}", both).p,
        "spec.resources.requests[cpu]: Invalid value: \"1400m\": must be greater than or equal to aggregate "
        "container requests of 1500m");
    /* sidecars run beside the containers, other init containers before them */
    POD(arena_printf(&a,
                     "%sspec.initContainers[1].resources.requests = {'cpu':'1'} ;; "
                     "spec.initContainers[0].resources.requests = {'cpu':'2'} ;; "
                     "spec.resources = {'requests':{'cpu':'2500m'}}",
                     both)
            .p,
        "");
    POD(arena_printf(&a,
                     "%sspec.initContainers[0].resources.requests = {'cpu':'2'} ;; spec.resources = "
                     "{'requests':{'cpu':'1500m'}}",
                     both)
            .p,
        "spec.resources.requests[cpu]: Invalid value: \"1500m\": must be greater than or equal to aggregate "
        "container requests of 2");
}

TEST(test_pod_resources__limits_bound_those_of_each_container) {
    POD("spec.resources = {'limits':{'cpu':'1'}} ;; " CA "resources.limits = {'cpu':'1'}", "");
    POD("spec.resources = {'limits':{'cpu':'1'}} ;; " CA "resources.limits = {'cpu':'2'}",
        "spec.containers[0].resources.limits[cpu]: Invalid value: \"2\": must be less than or equal to pod "
        "limits of 1");
    POD("spec.resources = {'limits':{'cpu':'1','hugepages-2Mi':'2Mi'}} ;; " CA
        "resources.limits = {'cpu':'1','hugepages-2Mi':'2Mi'} ;; "
        "spec.containers[1].resources.limits = {'cpu':'1','hugepages-2Mi':'2Mi'}",
        "spec.resources.limits[hugepages-2Mi]: Invalid value: \"2Mi\": must be greater than or equal to "
        "aggregate container limits of 4Mi");
}

TEST(test_pod_resources__requests_are_within_limits) {
    LEVEL("{'limits':{'cpu':'1'},'requests':{'cpu':'2'}}",
          "spec.resources.requests: Invalid value: \"2\": *");
}
