/* Frozen objects: counting, encodings, many readers. */
#include <pthread.h>

#include "api/json.h"
#include "api/object.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "unit/unit.h"

static const struct kind *pod_kind(void) {
    return &kinds[KIND_CORE_POD];
}

static struct object *pod_from(const char *json) {
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    void *body = NULL;
    assert_ok(api_read_json(&a, &builtin, TY_CORE_POD, str_from(json), NULL, &body, &err), &err);
    return object_freeze(pod_kind(), body, &a);
}

static const char pod_json[] =
    "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
    "\"resourceVersion\":\"42\"},\"spec\":{\"containers\":null},\"status\":{}}";

TEST(test_object__metadata_and_version_are_at_hand) {
    struct object *o = pod_from(pod_json);
    assert_str(o->meta->name, "a");
    assert_int_equal(o->rv, 42);
    object_unref(o);
}

TEST(test_object__json_form_is_made_once_and_kept) {
    struct object *o = pod_from(pod_json);
    struct str first = object_form(o, FORM_JSON), second = object_form(o, FORM_JSON);
    assert_str(first, pod_json);
    assert_ptr_equal(first.p, second.p);
    object_unref(o);
}

TEST(test_object__protobuf_form_has_the_envelope) {
    struct object *o = pod_from(pod_json);
    struct str bytes = object_form(o, FORM_PROTO);
    assert_true(bytes.n > 4);
    assert_memory_equal(bytes.p, "k8s", 4);
    object_unref(o);
}

TEST(test_object__given_form_is_used_and_a_second_one_is_not) {
    struct object *o = pod_from(pod_json);
    object_set_form(o, FORM_JSON, S("{\"first\":1}"));
    object_set_form(o, FORM_JSON, S("{\"second\":1}"));
    assert_str(object_form(o, FORM_JSON), "{\"first\":1}");
    object_unref(o);
}

TEST(test_object__lives_until_the_last_reference_goes) {
    struct object *o = pod_from(pod_json), *second = object_ref(o);
    object_unref(o);
    assert_str(second->meta->name, "a");
    object_unref(second);
    object_unref(NULL);
    assert_null(object_ref(NULL));
}

static void *read_forms(void *arg) {
    const struct object *o = arg;
    for (int i = 0; i < 200; i++) {
        struct object *mine = object_ref(o);
        check(object_form(mine, FORM_JSON).n == sizeof pod_json - 1);
        check(object_form(mine, FORM_PROTO).n > 4);
        object_unref(mine);
    }
    return NULL;
}

TEST(test_object__many_threads_read_one_object) {
    struct object *o = pod_from(pod_json);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_forms, o), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&o->refs), 1);
    object_unref(o);
}
