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

TEST(test_object__body_and_encoding_share_their_texts) {
    struct arena scratch = ARENA_INIT, a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct json_read_options options = {.borrow = true};
    struct str text = str_from(pod_json);
    void *body = NULL;
    assert_ok(api_read_json(&scratch, &builtin, TY_CORE_POD, text, &options, &body, &err), &err);
    struct object_encoding *e = object_encoding_in(&a, text.n);
    char *bytes = object_encoding_bytes(e);
    memcpy(bytes, text.p, text.n);
    body = api_copy_onto(&a, &builtin, TY_CORE_POD, body, text, bytes);
    arena_fini(&scratch);
    struct object *o = object_freeze(pod_kind(), body, &a);
    object_adopt_form(o, FORM_JSON, e, str_make(bytes, text.n));
    assert_str(o->meta->name, "a");
    assert_ptr_equal(o->meta->name.p, bytes + str_find(text, S("\"a\"")) + 1);
    assert_ptr_equal(object_form(o, FORM_JSON).p, bytes);
    assert_int_equal(object_memory_bytes(o), sizeof *o + arena_total_bytes(&o->arena));
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
