/* api/validation: CustomResourceDefinition, its schemas, APIService. */
#include "base/buf.h"
#include "valid.h"

#define SCHEMA                                                                                               \
    "'schema':{'openAPIV3Schema':{'type':'object','properties':{'spec':{'type':'object','properties':{"      \
    "'a':{'type':'string'},'n':{'type':'integer'}}}}}}"
static const char crd[] =
    "{'metadata':{'name':'foos.example.com'},'spec':{'group':'example.com','scope':'Namespaced','names':{"
    "'plural':'foos','singular':'foo','kind':'Foo','listKind':'FooList'},'conversion':{'strategy':'None'},"
    "'versions':[{'name':'v1','served':true,'storage':true," SCHEMA "}]},'status':{'storedVersions':['v1']}}";

#define CRD(edits, expected)                                                                                 \
    assert_create(KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, crd, edits, expected)
#define CRD_UPDATE(old, new, expected)                                                                       \
    assert_update(KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, crd, old, new, expected)
#define V "spec.versions[0]"

TEST(test_crd__name_is_plural_and_group) {
    CRD("", "");
    CRD("metadata.name = 'bars.example.com'", "metadata.name: Invalid value: \"bars.example.com\": *");
}

TEST(test_crd__group_is_a_domain_and_stays) {
    CRD("spec.group = '' ;; metadata.name = 'foos.'", "metadata.name*\nspec.group: Required value");
    CRD("spec.group = 'example' ;; metadata.name = 'foos.example'",
        "spec.group: Invalid value: \"example\": *");
    CRD("spec.group = 'A.b' ;; metadata.name = 'foos.a.b'",
        "metadata.name: Invalid value: *\nspec.group: Invalid value: \"A.b\": *");
    CRD_UPDATE("", "spec.group = 'other.com'",
               "metadata.name: *\nspec.group: Invalid value: \"other.com\": *");
}

TEST(test_crd__scope_is_known_and_stays) {
    CRD("spec.scope = ''", "spec.scope: Required value");
    CRD("spec.scope = 'x'", "spec.scope: Unsupported value: \"x\": *");
    CRD_UPDATE("", "spec.scope = 'Cluster'", "");
    CRD_UPDATE("status.conditions = [{'type':'Established','status':'True'}]",
               "spec.scope = 'Cluster' ;; spec.names.kind = 'Bar'",
               "spec.scope: Invalid value: \"Cluster\": *\nspec.names.kind: Invalid value: \"Bar\": *");
}

TEST(test_crd__names_are_labels) {
    CRD("spec.names = {'plural':'foos','kind':''}", "spec.names.singular: Required value\n"
                                                    "spec.names.kind: Required value\n"
                                                    "spec.names.listKind: Required value");
    CRD("spec.names.kind = 'A_b' ;; spec.names.singular = 'A'",
        "spec.names.singular: Invalid value: \"A\": *\nspec.names.kind: Invalid value: *");
    CRD("spec.names.listKind = 'Foo'", "spec.names.listKind: Invalid value: \"Foo\": *");
    CRD("spec.names.shortNames = ['A'] ;; spec.names.categories = ['B']",
        "spec.names.shortNames[0]: Invalid value: \"A\": *\nspec.names.categories[0]: Invalid value: \"B\": "
        "*");
}

TEST(test_crd__versions_are_unique_with_one_stored) {
    CRD(V ".name = 'V1'",
        V ".name: Invalid value: \"V1\": *\nstatus.storedVersions[0]: Invalid value: \"v1\": *\n"
          "status.storedVersions: Invalid value: \"v1\": *");
    CRD("spec.versions[1] = {'name':'v1','served':true,'storage':false," SCHEMA "}",
        "spec.versions: Invalid value: 2: must contain unique *");
    CRD("spec.versions[1] = {'name':'v2','served':true,'storage':true," SCHEMA "}",
        "spec.versions: Invalid value: 2: must have exactly one *");
    CRD(V ".storage = false", "spec.versions: Invalid value: 1: *\nstatus.storedVersions: Invalid value: *");
}

TEST(test_crd__every_version_has_a_schema) {
    CRD(V ".schema = -", V ".schema.openAPIV3Schema: Required value: *");
    CRD("spec.preserveUnknownFields = true", "spec.preserveUnknownFields: Invalid value: true: *");
}

TEST(test_crd__deprecation_has_a_short_text) {
    CRD(V ".deprecated = true ;; " V ".deprecationWarning = 'old'", "");
    CRD(V ".deprecationWarning = 'old'", V ".deprecationWarning: Invalid value: \"old\": *");
    CRD(V ".deprecated = true ;; " V ".deprecationWarning = 'a\\nb'",
        V ".deprecationWarning: Invalid value: *");
    CRD(V ".deprecated = true ;; " V ".deprecationWarning = ''",
        V ".deprecationWarning: Invalid value: \"\": *");
}

TEST(test_crd__columns_have_a_form) {
#define C V ".additionalPrinterColumns"
    CRD(C " = [{'name':'a','type':'date','format':'int32','jsonPath':'.spec.a'}]", "");
    CRD(C " = [{'name':'','type':'','jsonPath':''}]",
        C "[0].name: Required value\n" C "[0].type: Required value\n" C "[0].jsonPath: Required value");
    CRD(C " = [{'name':'a','type':'x','format':'y','jsonPath':'z'}]",
        C "[0].type: Invalid value: \"x\": *\n" C "[0].format: Invalid value: \"y\": *\n" C
          "[0].jsonPath: Invalid value: \"z\": *");
#undef C
}

TEST(test_crd__selectable_fields_are_in_the_schema) {
#define F V ".selectableFields"
    CRD(F " = [{'jsonPath':'.spec.a'},{'jsonPath':'.spec.n'}]", "");
    CRD(F " = [{'jsonPath':''},{'jsonPath':'.metadata.name'},{'jsonPath':'.spec'},{'jsonPath':'.spec.b'},"
          "{'jsonPath':'.spec.a'},{'jsonPath':'.spec.a'}]",
        F "[0].jsonPath: Required value\n" F "[1].jsonPath: Invalid value: \".metadata.name\": *\n" F
          "[2].jsonPath: Invalid value: \".spec\": *\n" F "[3].jsonPath: Invalid value: \".spec.b\": *\n" F
          "[5].jsonPath: Duplicate value: \".spec.a\"");
    CRD(F " = [{'jsonPath':'.spec.a'},{},{},{},{},{},{},{},{}]", F
        ": Too many: 9: *\n" F "[1].jsonPath: Required value\n" F "[2].jsonPath: Required value\n" F
        "[3].jsonPath: Required value\n" F "[4].jsonPath: Required value\n" F
        "[5].jsonPath: Required value\n" F "[6].jsonPath: Required value\n" F "[7].jsonPath: Required value");
#undef F
}

TEST(test_crd__scale_paths_are_simple) {
#define P V ".subresources.scale"
    CRD(P
        " = {'specReplicasPath':'.spec.n','statusReplicasPath':'.status.n','labelSelectorPath':'.status.s'}",
        "");
    CRD(P " = {}", P ".specReplicasPath: Required value\n" P ".statusReplicasPath: Required value");
    CRD(P " = {'specReplicasPath':'.status.n','statusReplicasPath':'.status','labelSelectorPath':'.x.y'}",
        P ".specReplicasPath: Invalid value: \".status.n\": *\n" P
          ".statusReplicasPath: Invalid value: \".status\": *\n" P
          ".labelSelectorPath: Invalid value: \".x.y\": *");
    CRD(P " = {'specReplicasPath':'.spec.a[0]','statusReplicasPath':'.status..n'}",
        P ".specReplicasPath: Invalid value: *\n" P ".statusReplicasPath: Invalid value: *");
#undef P
}

TEST(test_crd__conversion_has_a_webhook_or_not) {
#define C "spec.conversion"
    CRD(C " = {'strategy':''}", C ".strategy: Required value");
    CRD(C " = {'strategy':'x'}", C ".strategy: Unsupported value: \"x\": *");
    CRD(C ".webhook = {}", C ".webhook: Forbidden: *");
    CRD(C " = {'strategy':'Webhook'}", C ".webhook.clientConfig: Required value: *");
    CRD(C
        " = "
        "{'strategy':'Webhook','webhook':{'clientConfig':{'url':'https://a.b/c'},'conversionReviewVersions':"
        "['v1']}}",
        "");
    CRD(C " = {'strategy':'Webhook','webhook':{'clientConfig':{},'conversionReviewVersions':[]}}",
        C ".webhook.clientConfig: Required value: *\n" C
          ".webhook.conversionReviewVersions: Required value: *");
    CRD(C
        " = {'strategy':'Webhook','webhook':{'clientConfig':{'url':'http://u@a.b/c?d#e','service':{'name':'',"
        "'namespace':'','path':'a','port':0}},'conversionReviewVersions':['v2','V']}}",
        C ".webhook.clientConfig: Required value: *\n" C ".webhook.clientConfig.url: Invalid value: *\n" C
          ".webhook.clientConfig.url: Invalid value: *\n" C ".webhook.clientConfig.url: Invalid value: *\n" C
          ".webhook.clientConfig.url: Invalid value: *\n" C
          ".webhook.clientConfig.service.name: Required value\n" C
          ".webhook.clientConfig.service.namespace: Required value\n" C
          ".webhook.clientConfig.service.path: Invalid value: \"a\": *\n" C
          ".webhook.clientConfig.service.port: Invalid value: 0: *\n" C
          ".webhook.conversionReviewVersions[1]: Invalid value: \"V\": *\n" C
          ".webhook.conversionReviewVersions: Invalid value: *");
#undef C
}

TEST(test_crd__stored_versions_are_versions) {
    CRD("status.storedVersions = []", "status.storedVersions: Invalid value: []: *");
    CRD("status.storedVersions = ['v2']",
        "status.storedVersions[0]: Invalid value: \"v2\": *\nstatus.storedVersions: Invalid value: *");
    assert_status_update(KIND_APIEXTENSIONS_CUSTOM_RESOURCE_DEFINITION, crd, "",
                         "status.storedVersions = ['v1','v0']",
                         "status.storedVersions[1]: Invalid value: \"v0\": *");
}

TEST(test_crd__community_groups_are_approved) {
#define K "metadata.name = 'foos.x.k8s.io' ;; spec.group = 'x.k8s.io'"
#define A "metadata.annotations[api-approved.kubernetes.io]"
    CRD(K, A ": Required value: *");
    CRD(K " ;; " A " = 'x'", A ": Invalid value: \"x\": *");
    CRD(K " ;; " A " = 'https://example.com/1'", "");
    CRD(K " ;; " A " = 'unapproved, a test'", "");
#undef A
#undef K
}

/* ---- schemas ---- */

#define ROOT V ".schema.openAPIV3Schema"
#define X ROOT ".properties[x]"
#define X_IN ROOT ".properties.x"

TEST(test_crd_schema__types_are_known) {
    CRD(X_IN " = {'type':'null'}", X ".type: Forbidden: *");
    CRD(X_IN " = {'type':'y'}", X ".type: Unsupported value: \"y\": *");
    CRD(X_IN " = {}", X ".type: Required value: *");
    CRD(X_IN " = {'x-kubernetes-int-or-string':true,'anyOf':[{'type':'integer'},{'type':'string'}]}", "");
    CRD(X_IN " = {'x-kubernetes-preserve-unknown-fields':true}", "");
    CRD(X_IN " = {'type':'array'}", X ".items: Required value: *");
    CRD(ROOT " = {'type':'string'}", ROOT ".type: Invalid value: \"string\": *");
}

TEST(test_crd_schema__some_words_are_not_supported) {
    CRD(X_IN
        " = "
        "{'type':'string','id':'i','$ref':'r','uniqueItems':true,'definitions':{'d':{}},'patternProperties':"
        "{'p':{}},'additionalItems':true,'dependencies':{'d':['e']}}",
        X ".id: Forbidden: *\n" X ".additionalItems: Forbidden: *\n" X ".patternProperties: Forbidden: *\n" X
          ".definitions: Forbidden: *\n" X ".dependencies: Forbidden: *\n" X ".$ref: Forbidden: *\n" X
          ".uniqueItems: Forbidden: *");
    CRD(X_IN " = {'type':'array','items':[{'type':'string'}]}", X ".items: Forbidden: *");
    CRD(ROOT ".nullable = true", ROOT ".nullable: Forbidden: *");
}

TEST(test_crd_schema__additional_properties_stand_alone) {
    CRD(X_IN " = {'type':'object','additionalProperties':{'type':'string'}}", "");
    CRD(X_IN
        " = {'type':'object','additionalProperties':{'type':'string'},'properties':{'a':{'type':'string'}}}",
        X ".additionalProperties: Forbidden: *");
    CRD(X_IN " = {'type':'object','additionalProperties':false}", X ".additionalProperties: Forbidden: *");
}

TEST(test_crd_schema__extensions_fit_the_type) {
    CRD(X_IN " = {'type':'object','x-kubernetes-preserve-unknown-fields':false}",
        X ".x-kubernetes-preserve-unknown-fields: Invalid value: false: *");
    CRD(X_IN " = {'type':'object','x-kubernetes-map-type':'atomic'}", "");
    CRD(X_IN " = {'type':'string','x-kubernetes-map-type':'y'}",
        X ".x-kubernetes-map-type: Unsupported value: \"y\": *\n" X ".type: Invalid value: \"string\": *");
    CRD(X_IN " = {'type':'string','x-kubernetes-embedded-resource':true}",
        X ".type: Invalid value: \"string\": *\n" X ".properties: Required value: *");
}

TEST(test_crd_schema__list_types_fit_the_items) {
#define LIST(rest) X_IN " = {'type':'array'," rest "}"
    CRD(LIST("'items':{'type':'string'},'x-kubernetes-list-type':'set'"), "");
    CRD(LIST("'items':{'type':'string'},'x-kubernetes-list-type':'y'"),
        X ".x-kubernetes-list-type: Unsupported value: \"y\": *");
    CRD(LIST("'items':{'type':'string','nullable':true},'x-kubernetes-list-type':'set'"),
        X ".items.nullable: Forbidden: *");
    CRD(LIST("'items':{'type':'object'},'x-kubernetes-list-type':'set'"),
        X ".items.x-kubernetes-map-type: Invalid value: *");
    CRD(X_IN " = {'type':'string','x-kubernetes-list-type':'atomic'}",
        X ".type: Invalid value: \"string\": *\n" X ".items: Required value: *");
}

TEST(test_crd_schema__list_keys_are_properties) {
#define MAP(keys, items)                                                                                     \
    LIST("'x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':[" keys "],'items':" items)
#define K X ".x-kubernetes-list-map-keys"
    CRD(MAP("'k'", "{'type':'object','required':['k'],'properties':{'k':{'type':'string'}}}"), "");
    CRD(MAP("'k'", "{'type':'object','properties':{'k':{'type':'string','default':'a'}}}"), "");
    CRD(MAP("", "{'type':'object'}"), K ": Required value: *");
    CRD(MAP("'k'", "{'type':'object','properties':{'k':{'type':'string'}}}"),
        X ".items.properties[k].default: Required value: *");
    CRD(MAP("'k','k','j'",
            "{'type':'object','required':['k'],'properties':{'k':{'type':'object','nullable':true}}}"),
        X ".items.properties[k].type: Invalid value: \"object\": *\n" X
          ".items.properties[k].nullable: Forbidden: *\n" K "[1]: Invalid value: \"k\": *\n" X
          ".items.properties[k].type: Invalid value: \"object\": *\n" X
          ".items.properties[k].nullable: Forbidden: *\n" K "[2]: Invalid value: \"j\": *");
    CRD(LIST("'x-kubernetes-list-map-keys':['k'],'items':{'type':'object'}"),
        X ".x-kubernetes-list-type: Required value: *");
#undef K
#undef MAP
#undef LIST
}

TEST(test_crd_schema__rules_have_texts) {
#define R X ".x-kubernetes-validations[0]"
#define RULE(json) X_IN " = {'type':'string','x-kubernetes-validations':[" json "]}"
    CRD(RULE("{'rule':'self == 1','message':'m','reason':'FieldValueInvalid','fieldPath':'.a'}"), "");
    CRD(RULE("{'rule':' '}"), R ".rule: Required value: *");
    CRD(RULE("{'rule':'a','message':' '}"), R ".message: Invalid value: \" \": *");
    CRD(RULE("{'rule':'a','message':'a\\nb'}"), R ".message: Invalid value: *");
    CRD(RULE("{'rule':'a\\nb'}"), R ".message: Required value: *");
    CRD(RULE("{'rule':'a','reason':'x','messageExpression':' ','fieldPath':'a'}"),
        R ".messageExpression: Required value: *\n" R ".reason: Unsupported value: \"x\": *\n" R
          ".fieldPath: Invalid value: \"a\": *");
#undef RULE
#undef R
}

TEST(test_crd_schema__restrictions_only_restrict) {
    CRD(X_IN " = {'type':'object','properties':{'a':{'type':'string'}},'anyOf':[{'required':['a']},"
             "{'properties':{'a':{'minLength':1}}}]}",
        "");
    CRD(X_IN " = {'type':'object','allOf':[{'type':'object','description':'d','default':1,'nullable':true,"
             "'additionalProperties':{}}]}",
        X ".allOf[0].type: Forbidden: *\n" X ".allOf[0].description: Forbidden: *\n" X
          ".allOf[0].default: Forbidden: *\n" X ".allOf[0].nullable: Forbidden: *\n" X
          ".allOf[0].additionalProperties: Forbidden: *");
    CRD(X_IN " = {'type':'object','not':{'x-kubernetes-map-type':'atomic'}}",
        X ".not.x-kubernetes-map-type: Forbidden: *");
}

TEST(test_crd_schema__depth_is_bounded) {
    _cleanup_buf struct buf edits = BUF_INIT;
    buf_lit(&edits, X_IN " = ");
    for (int i = 0; i < 110; i++)
        buf_lit(&edits, "{'type':'array','items':");
    buf_lit(&edits, "{'type':'string'}");
    for (int i = 0; i < 110; i++)
        buf_byte(&edits, '}');
    CRD(buf_cstr(&edits), X ".items*");
}

/* ---- APIService ---- */

static const char service[] =
    "{'metadata':{'name':'v1.a.b'},'spec':{'group':'a.b','version':'v1','groupPriorityMinimum':100,"
    "'versionPriority':10,'service':{'namespace':'ns','name':'s','port':443},'insecureSkipTLSVerify':true}}";
#define SERVICE(edits, expected) assert_create(KIND_APIREGISTRATION_API_SERVICE, service, edits, expected)

TEST(test_api_service__name_is_version_and_group) {
    SERVICE("", "");
    SERVICE("metadata.name = 'v1.' ;; spec.group = ''", "");
    SERVICE("metadata.name = 'v2.a.b'", "metadata.name: Invalid value: \"v2.a.b\": *");
    SERVICE("metadata.name = 'v2.' ;; spec.group = '' ;; spec.version = 'v2'",
            "spec.group: Required value: *");
    SERVICE("metadata.name = 'V.A' ;; spec.group = 'A' ;; spec.version = 'V'",
            "spec.group: Invalid value: \"A\": *\nspec.version: Invalid value: \"V\": *");
}

TEST(test_api_service__priorities_are_bounded) {
    SERVICE("spec.groupPriorityMinimum = 20000 ;; spec.versionPriority = 1000", "");
    SERVICE(
        "spec.groupPriorityMinimum = 20001 ;; spec.versionPriority = 1001",
        "spec.groupPriorityMinimum: Invalid value: 20001: *\nspec.versionPriority: Invalid value: 1001: *");
    SERVICE("spec.groupPriorityMinimum = 0 ;; spec.versionPriority = 0",
            "spec.groupPriorityMinimum: Invalid value: 0: *\nspec.versionPriority: Invalid value: 0: *");
}

TEST(test_api_service__tls_goes_with_a_service) {
    SERVICE("spec.service = -", "spec.insecureSkipTLSVerify: Invalid value: true: *");
    SERVICE("spec.service = - ;; spec.insecureSkipTLSVerify = false ;; spec.caBundle = 'AA=='",
            "spec.caBundle: Invalid value: *");
    SERVICE("spec.caBundle = 'AA=='", "spec.insecureSkipTLSVerify: Invalid value: true: *");
    SERVICE("spec.service = {'port':0}",
            "spec.service.namespace: Required value\nspec.service.name: Required value\n"
            "spec.service.port: Invalid value: 0: *");
    assert_status_update(KIND_APIREGISTRATION_API_SERVICE, service, "",
                         "status.conditions = [{'type':'Available','status':'x'}]",
                         "status.conditions[0].status: Unsupported value: \"x\": *");
}
