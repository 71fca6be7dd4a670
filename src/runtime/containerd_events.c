/* Events of containerd. See containerd_events.h. */
#include "runtime/containerd_events.h"

#include "base/buf.h"
#include "codec/pbwire.h"

#define NAMESPACE "k8s.io"

enum { CREATED, STARTED, STOPPED, DELETED }; /* CRI's numbers */

/* Where each topic has the container's id, and the id of a further process when there is one. */
static const struct topic {
    struct str name;
    uint32_t container, process;
    int32_t type;
} topics[] = {
    {STR_INIT("/containers/create"), 1, 0, CREATED},
    {STR_INIT("/tasks/start"), 1, 0, STARTED},
    {STR_INIT("/tasks/exit"), 1, 2, STOPPED},
    /* CRI takes note of the end when the task is deleted, so this one is worth another look */
    {STR_INIT("/tasks/delete"), 1, 5, STOPPED},
    {STR_INIT("/containers/delete"), 1, 0, DELETED},
};
#define TOPIC_COUNT (sizeof topics / sizeof *topics)

static void put_filter(struct buf *out, struct str filter) {
    buf_byte(out, 0x0a); /* field 1, bytes */
    buf_byte(out, (char)filter.n);
    buf_str(out, filter);
}

void containerd_events_request(struct buf *out) {
    for (size_t i = 0; i < TOPIC_COUNT; i++) {
        _cleanup_buf struct buf filter = BUF_INIT;
        buf_printf(&filter, "namespace==" NAMESPACE ",topic==\"%.*s\"", STR_ARG(topics[i].name));
        put_filter(out, buf_view(&filter));
    }
}

/* The last text of this number in a message; false when the message is malformed. */
static bool get_text(struct str message, uint32_t number, struct str *ret) {
    struct pb_in in = pb_in_init(message);
    *ret = S("");
    while (pb_left(&in)) {
        struct pb_tag tag;
        struct pb_in piece = {NULL, NULL};
        if (pb_get_tag(&in, &tag))
            return false;
        if (tag.number != number || tag.wire != PB_LEN) {
            if (pb_skip(&in, tag))
                return false;
            continue;
        }
        if (pb_get_piece(&in, &piece))
            return false;
        *ret = pb_rest(&piece);
    }
    return true;
}

static const struct topic *find_topic(struct str name) {
    for (size_t i = 0; i < TOPIC_COUNT; i++)
        if (str_eq(name, topics[i].name))
            return &topics[i];
    return NULL;
}

bool containerd_event_parse(struct str message, struct str *ret_container, int32_t *ret_type) {
    struct str ns, name, any, event, container, process = S("");
    if (!get_text(message, 2, &ns) || !get_text(message, 3, &name) || !get_text(message, 4, &any) ||
        !get_text(any, 2, &event) || !str_eq(ns, S(NAMESPACE)))
        return false;
    const struct topic *t = find_topic(name);
    if (!t || !get_text(event, t->container, &container) || !container.n ||
        (t->process && !get_text(event, t->process, &process)))
        return false;
    if (process.n && !str_eq(process, container)) /* of an exec */
        return false;
    *ret_container = container;
    *ret_type = t->type;
    return true;
}
