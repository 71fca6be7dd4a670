/* api/validation: metadata of all kinds, conditions, label selectors. */
#include "api/validation/meta.h"

#include "api/types/core.h"
#include "base/arena.h"
#include "valid.h"

static const char map[] =
    "{'metadata':{'name':'m','namespace':'ns','uid':'u','creationTimestamp':'2026-01-01T00:00:00Z'}}";
static const char namespace_[] =
    "{'metadata':{'name':'n','uid':'u'},'spec':{'finalizers':['kubernetes']},'status':{'phase':'Active'}}";

#define CREATE(edits, expected) assert_create(KIND_CORE_CONFIG_MAP, map, edits, expected)
#define UPDATE(old_edits, new_edits, expected)                                                               \
    assert_update(KIND_CORE_CONFIG_MAP, map, old_edits, new_edits, expected)

TEST(test_meta__plain_metadata_is_fine) {
    CREATE("", "");
    UPDATE("", "", "");
}

TEST(test_meta__name_is_required) {
    CREATE("metadata.name = ''", "metadata.name: Required value: name or generateName is required");
}

TEST(test_meta__name_must_be_a_path_segment) {
    CREATE("metadata.name = '..'", "metadata.name: Invalid value: \"..\": *");
    CREATE("metadata.name = 'a/b'", "metadata.name: Invalid value: \"a/b\": *");
    CREATE("metadata.name = 'a%b'", "metadata.name: Invalid value: \"a%b\": *");
}

TEST(test_meta__name_has_the_format_of_its_kind) {
    CREATE("metadata.name = 'a.b'", "");
    CREATE("metadata.name = 'A'", "metadata.name: Invalid value: \"A\": *");
}

TEST(test_meta__generate_name_may_end_in_a_dash) {
    CREATE("metadata.generateName = 'a-'", "");
    CREATE("metadata.generateName = 'Abc-'", "metadata.generateName: Invalid value: \"Abc-\": *");
}

TEST(test_meta__namespace_is_required_and_a_label) {
    CREATE("metadata.namespace = ''", "metadata.namespace: Required value");
    CREATE("metadata.namespace = 'a.b'", "metadata.namespace: Invalid value: \"a.b\": *");
}

TEST(test_meta__namespace_is_forbidden_for_cluster_kinds) {
    assert_create(KIND_CORE_NODE, "{'metadata':{'name':'n'}}", "metadata.namespace = 'x'",
                  "metadata.namespace: Forbidden: not allowed on this type");
}

TEST(test_meta__namespace_is_that_of_the_request) {
    const struct meta_object_meta none = {0}, a = {.namespace = S("a")};
    assert_true(namespace_fits_request(&none, S("a")));
    assert_true(namespace_fits_request(&a, S("a")));
    assert_false(namespace_fits_request(&a, S("b")));
    assert_false(namespace_fits_request(&a, S("")));
}

TEST(test_meta__generation_does_not_go_back) {
    CREATE("metadata.generation = -1",
           "metadata.generation: Invalid value: -1: must be greater than or equal to 0");
    UPDATE("metadata.generation = 2", "metadata.generation = 1",
           "metadata.generation: Invalid value: 1: must not be decremented");
    UPDATE("metadata.generation = 2", "metadata.generation = 3", "");
}

TEST(test_meta__labels_have_their_formats) {
    CREATE("metadata.labels[a/b] = 'c'", "");
    CREATE("metadata.labels[a b] = 'c'", "metadata.labels: Invalid value: \"a b\": *");
    CREATE("metadata.labels[a] = 'c d'", "metadata.labels: Invalid value: \"c d\": *");
    CREATE("metadata.labels[a] = '0123456789012345678901234567890123456789012345678901234567890123'",
           "metadata.labels: Invalid value: "
           "\"0123456789012345678901234567890123456789012345678901234567890123\": *");
}

TEST(test_meta__annotation_keys_are_label_keys_of_any_case) {
    CREATE("metadata.annotations[Example.COM/a] = 'any text'", "");
    CREATE("metadata.annotations[a b] = ''", "metadata.annotations: Invalid value: \"a b\": *");
}

TEST(test_meta__annotations_have_a_total_size) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char value[ANNOTATIONS_BYTES_MAX];
    memset(value, 'x', sizeof value);
    struct str_entry entry = {.key = S("a"), .value = {value, sizeof value}};
    const struct str_map annotations = {&entry, 1};
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    check_annotations(&e, at_field(NULL, "metadata.annotations"), &annotations);
    assert_errors(&e, "metadata.annotations: Too long: may not be more than 262144 bytes", __FILE__,
                  __LINE__);
    entry.value.n--;
    e.n = 0;
    check_annotations(&e, at_field(NULL, "metadata.annotations"), &annotations);
    assert_errors(&e, "", __FILE__, __LINE__);
}

static const char owner[] =
    "metadata.ownerReferences = [{'apiVersion':'apps/v1','kind':'X','name':'o','uid':'1'}]";

TEST(test_meta__owner_references_are_complete) {
    CREATE(owner, "");
    CREATE("metadata.ownerReferences = [{'apiVersion':'','kind':'','name':'','uid':''}]",
           "metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty\n"
           "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty\n"
           "metadata.ownerReferences.name: Invalid value: \"\": must not be empty\n"
           "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty");
    CREATE("metadata.ownerReferences = [{'apiVersion':'apps/','kind':'X','name':'o','uid':'1'}]",
           "metadata.ownerReferences.apiVersion: Invalid value: \"apps/\": version must not be empty");
}

TEST(test_meta__events_own_nothing) {
    CREATE("metadata.ownerReferences = [{'apiVersion':'v1','kind':'Event','name':'o','uid':'1'}]",
           "metadata.ownerReferences: Invalid value: *");
}

TEST(test_meta__at_most_one_owner_controls) {
    CREATE(
        "metadata.ownerReferences = [{'apiVersion':'v1','kind':'X','name':'a','uid':'1','controller':true},"
        "{'apiVersion':'v1','kind':'X','name':'b','uid':'2','controller':false}]",
        "");
    CREATE(
        "metadata.ownerReferences = [{'apiVersion':'v1','kind':'X','name':'a','uid':'1','controller':true},"
        "{'apiVersion':'v1','kind':'X','name':'b','uid':'2','controller':true}]",
        "metadata.ownerReferences: Invalid value: *");
}

TEST(test_meta__finalizers_have_their_format) {
    CREATE("metadata.finalizers = ['example.com/x','orphan','kubernetes']", "");
    CREATE("metadata.finalizers = ['a b/c']", "metadata.finalizers: Invalid value: \"a b/c\": *");
    CREATE("metadata.finalizers = ['orphan','foregroundDeletion']", "metadata.finalizers: Invalid value: *");
}

TEST(test_meta__finalizers_without_domain_are_the_systems) {
    CREATE("metadata.finalizers = ['mine']", "metadata.finalizers[0]: Invalid value: \"mine\": *");
}

TEST(test_meta__deleted_objects_get_no_finalizers) {
    const char *deleted =
        "metadata.deletionTimestamp = '2026-01-01T00:00:00Z' ;; metadata.finalizers = ['a.b/c','a.b/d']";
    UPDATE(deleted, "metadata.finalizers = ['a.b/d']", "");
    UPDATE(deleted, "metadata.finalizers[2] = 'a.b/e'", "metadata.finalizers: Forbidden: *");
}

TEST(test_meta__managed_fields_have_their_form) {
    CREATE("metadata.managedFields = "
           "[{'operation':'Apply','manager':'m','fieldsType':'FieldsV1'},{'operation':'Update'}]",
           "");
    CREATE("metadata.managedFields = [{'operation':'Patch'}]",
           "metadata.managedFields[0].operation: Invalid value: \"Patch\": must be `Apply` or `Update`");
    CREATE("metadata.managedFields = [{'operation':'Apply','fieldsType':'FieldsV2'}]",
           "metadata.managedFields[0].fieldsType: Invalid value: \"FieldsV2\": must be `FieldsV1`");
}

TEST(test_meta__managers_are_short_and_printable) {
    CREATE("metadata.managedFields = [{'operation':'Apply','manager':'a\\tb'}]",
           "metadata.managedFields[0].manager: Invalid value: \"a\\tb\": must only contain printable "
           "characters");
    CREATE("metadata.managedFields = [{'operation':'Apply','manager':'"
           "0123456789012345678901234567890123456789012345678901234567890123"
           "01234567890123456789012345678901234567890123456789012345678901234'}]",
           "metadata.managedFields[0].manager: Too long: may not be more than 128 bytes");
}

TEST(test_meta__managed_subresources_are_short) {
    _cleanup_arena struct arena a = ARENA_INIT;
    char text[600];
    memset(text, 's', 257);
    text[257] = 0;
    struct str edit =
        arena_printf(&a, "metadata.managedFields = [{'operation':'Apply','subresource':'%s'}]", text);
    CREATE(edit.p, "metadata.managedFields[0].subresource: Too long: may not be more than 256 bytes");
}

TEST(test_meta__updates_need_a_version_where_the_kind_says_so) {
    UPDATE("", "metadata.resourceVersion = ''", "");
    assert_update(KIND_COORDINATION_LEASE, "{'metadata':{'name':'l','namespace':'n'}}", "",
                  "metadata.resourceVersion = ''",
                  "metadata.resourceVersion: Invalid value: \"\": must be specified for an update");
}

TEST(test_meta__identity_does_not_change) {
    UPDATE("", "metadata.name = 'x'", "metadata.name: Invalid value: \"x\": field is immutable");
    UPDATE("", "metadata.namespace = 'x'", "metadata.namespace: Invalid value: \"x\": field is immutable");
    UPDATE("", "metadata.uid = 'x'", "metadata.uid: Invalid value: \"x\": field is immutable");
    UPDATE("", "metadata.creationTimestamp = '2026-01-01T00:00:01Z'",
           "metadata.creationTimestamp: Invalid value: \"2026-01-01T00:00:01Z\": field is immutable");
    UPDATE("", "metadata.deletionTimestamp = '2026-01-01T00:00:01Z'",
           "metadata.deletionTimestamp: Invalid value: \"2026-01-01T00:00:01Z\": field is immutable");
    UPDATE("", "metadata.deletionGracePeriodSeconds = 5",
           "metadata.deletionGracePeriodSeconds: Invalid value: 5: field is immutable");
}

TEST(test_meta__is_checked_on_all_updates) {
    assert_status_update(KIND_CORE_NAMESPACE, namespace_, "", "metadata.labels[a b] = ''",
                         "metadata.labels: Invalid value: \"a b\": *");
    assert_subresource(KIND_CORE_NAMESPACE, "finalize", namespace_, "", "metadata.labels[a b] = ''",
                       "metadata.labels: Invalid value: \"a b\": *");
}

/* ---- conditions ---- */

#define CONDITION(json, expected)                                                                            \
    do {                                                                                                     \
        _cleanup_arena struct arena a = ARENA_INIT;                                                          \
        struct field_errors e = FIELD_ERRORS_INIT(&a);                                                       \
        const struct core_service_status *s =                                                                \
            valid_read(&a, TY_CORE_SERVICE_STATUS, "{'conditions':" json "}");                               \
        check_conditions(&e, at_field(NULL, "c"), &s->conditions);                                           \
        assert_errors(&e, expected, __FILE__, __LINE__);                                                     \
    } while (0)
#define GOOD "'type':'Ready','status':'True','reason':'Up','lastTransitionTime':'2026-01-01T00:00:00Z'"

TEST(test_conditions__types_are_unique_names) {
    CONDITION("[{" GOOD "}]", "");
    CONDITION("[{" GOOD "},{" GOOD "}]", "c[1].type: Duplicate value: \"Ready\"");
    CONDITION("[{" GOOD ",'type':''}]",
              "c[0].type: Invalid value: \"\": *\nc[0].type: Invalid value: \"\": *");
}

TEST(test_conditions__status_is_one_of_three) {
    CONDITION(
        "[{" GOOD ",'status':'maybe'}]",
        "c[0].status: Unsupported value: \"maybe\": supported values: \"False\", \"True\", \"Unknown\"");
}

TEST(test_conditions__generation_is_not_negative) {
    CONDITION("[{" GOOD ",'observedGeneration':-1}]",
              "c[0].observedGeneration: Invalid value: -1: must be greater than or equal to 0");
}

TEST(test_conditions__time_and_reason_are_required) {
    CONDITION("[{'type':'Ready','status':'True'}]",
              "c[0].lastTransitionTime: Required value\nc[0].reason: Required value");
}

TEST(test_conditions__reason_has_a_form) {
    CONDITION("[{" GOOD ",'reason':'A,b:C_9'}]", "");
    CONDITION("[{" GOOD ",'reason':'9a'}]", "c[0].reason: Invalid value: \"9a\": *");
    CONDITION("[{" GOOD ",'reason':'a:'}]", "c[0].reason: Invalid value: \"a:\": *");
}

TEST(test_conditions__texts_are_bounded) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct field_errors e = FIELD_ERRORS_INIT(&a);
    struct core_service_status *s = valid_read(&a, TY_CORE_SERVICE_STATUS, "{'conditions':[{" GOOD "}]}");
    char *text = arena_alloc(&a, 40000);
    memset(text, 'a', 40000);
    s->conditions.v[0].reason = str_make(text, 1024);
    s->conditions.v[0].message = str_make(text, 32768);
    check_conditions(&e, at_field(NULL, "c"), &s->conditions);
    assert_int_equal(e.n, 0);
    s->conditions.v[0].reason.n++;
    s->conditions.v[0].message.n++;
    check_conditions(&e, at_field(NULL, "c"), &s->conditions);
    assert_errors(&e,
                  "c[0].reason: Too long: may not be more than 1024 bytes\n"
                  "c[0].message: Too long: may not be more than 32768 bytes",
                  __FILE__, __LINE__);
}

/* ---- label selectors ---- */

#define SELECTOR(any, json, expected)                                                                        \
    do {                                                                                                     \
        _cleanup_arena struct arena a = ARENA_INIT;                                                          \
        struct field_errors e = FIELD_ERRORS_INIT(&a);                                                       \
        check_label_selector(&e, at_field(NULL, "s"), valid_read(&a, TY_META_LABEL_SELECTOR, json), any);    \
        assert_errors(&e, expected, __FILE__, __LINE__);                                                     \
    } while (0)

TEST(test_label_selector__labels_have_their_formats) {
    SELECTOR(false,
             "{'matchLabels':{'a':'b'},'matchExpressions':[{'key':'k','operator':'In','values':['v','']}]}",
             "");
    SELECTOR(false, "{'matchLabels':{'a b':'c d'}}",
             "s.matchLabels: Invalid value: \"a b\": *\ns.matchLabels: Invalid value: \"c d\": *");
    SELECTOR(false, "{'matchExpressions':[{'key':'k k','operator':'Exists'}]}",
             "s.matchExpressions[0].key: Invalid value: \"k k\": *");
}

TEST(test_label_selector__operators_ask_for_values) {
    SELECTOR(
        false, "{'matchExpressions':[{'key':'k','operator':'In'},{'key':'k','operator':'NotIn'}]}",
        "s.matchExpressions[0].values: Required value: *\ns.matchExpressions[1].values: Required value: *");
    SELECTOR(false,
             "{'matchExpressions':[{'key':'k','operator':'Exists','values':['v']},{'key':'k','operator':'"
             "DoesNotExist','values':['v']}]}",
             "s.matchExpressions[0].values: Forbidden: *\ns.matchExpressions[1].values: Forbidden: *");
}

TEST(test_label_selector__operators_are_known) {
    SELECTOR(false, "{'matchExpressions':[{'key':'k','operator':'Gt','values':['1']}]}",
             "s.matchExpressions[0].operator: Invalid value: \"Gt\": not a valid selector operator");
}

TEST(test_label_selector__odd_values_are_refused_unless_stored) {
    SELECTOR(false, "{'matchExpressions':[{'key':'k','operator':'In','values':['a b']}]}",
             "s.matchExpressions[0].values[0]: Invalid value: \"a b\": *");
    SELECTOR(true, "{'matchExpressions':[{'key':'k','operator':'In','values':['a b']}]}", "");
    _cleanup_arena struct arena a = ARENA_INIT;
    assert_true(label_selector_has_odd_values(valid_read(
        &a, TY_META_LABEL_SELECTOR, "{'matchExpressions':[{'key':'k','operator':'In','values':['a b']}]}")));
    assert_false(label_selector_has_odd_values(valid_read(
        &a, TY_META_LABEL_SELECTOR, "{'matchExpressions':[{'key':'k','operator':'In','values':['a']}]}")));
    assert_false(label_selector_has_odd_values(NULL));
}
