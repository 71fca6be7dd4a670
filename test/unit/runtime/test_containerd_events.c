/* runtime/containerd_events */
#include "base/buf.h"
#include "runtime/containerd_events.h"
#include "unit/unit.h"

static void put(struct buf *b, unsigned number, struct str text) {
    buf_byte(b, (char)(number << 3 | 2));
    buf_byte(b, (char)text.n);
    buf_str(b, text);
}

/* An envelope; `process` goes to the field of that number, 0: none. */
static bool parse(const char *ns, const char *topic, unsigned process_field, const char *process,
                  struct str *id, int32_t *type) {
    static struct buf envelope;
    _cleanup_buf struct buf event = BUF_INIT, any = BUF_INIT;
    buf_fini(&envelope);
    envelope = (struct buf)BUF_INIT;
    put(&event, 1, S("c1"));
    if (process_field)
        put(&event, process_field, str_from(process));
    put(&any, 1, S("type"));
    put(&any, 2, buf_view(&event));
    put(&envelope, 2, str_from(ns));
    put(&envelope, 3, str_from(topic));
    put(&envelope, 4, buf_view(&any));
    return containerd_event_parse(buf_view(&envelope), id, type);
}

TEST(test_containerd_events__tell_of_containers) {
    struct str id;
    int32_t type;
    assert_true(parse("k8s.io", "/tasks/start", 0, "", &id, &type));
    assert_str(id, "c1");
    assert_int_equal(type, 1);
    assert_true(parse("k8s.io", "/tasks/exit", 2, "c1", &id, &type));
    assert_int_equal(type, 2);
    assert_true(parse("k8s.io", "/containers/delete", 0, "", &id, &type));
    assert_int_equal(type, 3);
    /* an exec ends, another namespace, another topic */
    assert_false(parse("k8s.io", "/tasks/exit", 2, "exec-1", &id, &type));
    assert_false(parse("k8s.io", "/tasks/delete", 5, "exec-1", &id, &type));
    assert_false(parse("moby", "/tasks/start", 0, "", &id, &type));
    assert_false(parse("k8s.io", "/images/create", 0, "", &id, &type));
    parse("", "", 0, "", &id, &type); /* frees the last */
}

TEST(test_containerd_events__malformed_messages_are_passed_over) {
    struct str id;
    int32_t type;
    assert_false(containerd_event_parse(S(""), &id, &type));
    assert_false(containerd_event_parse(S("\x12\x7f"
                                          "k8s"),
                                        &id, &type));
    assert_false(containerd_event_parse(S("\xff\xff\xff\xff\xff\xff"), &id, &type));
    assert_false(
        containerd_event_parse(S("\x12\x06k8s.io\x1a\x0c/tasks/start\x22\x03\x12\x7fx"), &id, &type));
}

TEST(test_containerd_events__request_names_every_topic) {
    _cleanup_buf struct buf b = BUF_INIT;
    containerd_events_request(&b);
    assert_true(str_find(buf_view(&b), S("namespace==k8s.io,topic==\"/tasks/exit\"")) > 0);
    assert_true(str_find(buf_view(&b), S("topic==\"/containers/delete\"")) > 0);
}
