/* Bytes that the server sent into objects. See remote_priv.h.
 *
 * All of it comes from a peer: malformed bytes are errors. Objects are decoded into memory that is used again
 * and then copied into an arena of just their size, for they stay.
 */
#include "api/json.h"
#include "api/proto.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/err.h"
#include "client/remote_priv.h"
#include "codec/pbwire.h"

#define KEYS_BYTES 512u /* of the keys in the trees, beside the object */

bool remote_is_proto(struct str content_type) {
    return str_has_prefix(content_type, S(REMOTE_PROTO));
}

static bool has_envelope(struct str bytes) {
    return str_has_prefix(bytes, ((struct str){"k8s\0", 4}));
}

/* -- one object -- */

static size_t used_bytes(const struct arena *a) {
    return a->total_bytes - (size_t)(a->end - a->next);
}

/* A body of the kind from its own encoding or an envelope around it. */
static int read_body(struct arena *a, const struct kind *k, bool proto, struct str bytes, void **ret,
                     struct err *err) {
    if (!proto)
        return api_read_json(a, k->set, k->type, bytes, &(struct json_read_options){.borrow = true}, ret,
                             err);
    struct proto_envelope e = {.raw = bytes};
    if (has_envelope(bytes)) {
        int rc = proto_envelope_read(bytes, &e, err);
        if (rc)
            return rc;
    }
    return api_read_proto(a, k->set, k->type, e.raw, true, ret, err);
}

/* Items of lists say neither. */
static void name_kind(const struct kind *k, void *body) {
    const struct ty_field *version = ty_find(k->set, k->type, S("apiVersion"));
    const struct ty_field *kind = ty_find(k->set, k->type, S("kind"));
    if (version && kind) {
        *(struct str *)((char *)body + version->offset) = kind_api_version(k);
        *(struct str *)((char *)body + kind->offset) = k->name;
    }
}

/* Bytes of the texts that go with it. */
static size_t drop_managed_fields(struct meta_object_meta *m) {
    size_t n = 0;
    for (uint32_t i = 0; i < m->managed_fields.n; i++)
        n += m->managed_fields.v[i].fields_v1.n;
    n += m->managed_fields.n * sizeof *m->managed_fields.v;
    m->managed_fields.v = NULL;
    m->managed_fields.n = 0;
    return n;
}

int remote_read_object(const struct kind *k, bool proto, bool trim, struct str bytes, struct mirror_item *ret,
                       struct err *err) {
    _cleanup_arena struct arena scratch;
    arena_init_sized(&scratch, 4 * bytes.n + 1024);
    void *body;
    int rc = read_body(&scratch, k, proto, bytes, &body, err);
    if (rc)
        return rc;
    if (!object_meta_in(k, body)->name.n)
        return err_set(err, ERR_INVALID, "an object of %.*s without a name", STR_ARG(k->plural));
    name_kind(k, body);
    struct arena exact;
    /* texts lie in the bytes, all else in the scratch */
    size_t less = trim ? drop_managed_fields(object_meta_in(k, body)) : 0;
    arena_init_sized(&exact, used_bytes(&scratch) + bytes.n - less + KEYS_BYTES);
    *ret = mirror_freeze(k, api_copy(&exact, k->set, k->type, body), &exact);
    return 0;
}

/* -- lists -- */

static int fault(enum pb_fault f, struct err *err) {
    return f ? err_set(err, ERR_INVALID, "malformed list: %s", pb_fault_text(f)) : 0;
}

static int read_item(const struct kind *k, bool proto, bool trim, struct str bytes, remote_item_fn each,
                     void *arg, struct err *err) {
    struct mirror_item item;
    int rc = remote_read_object(k, proto, trim, bytes, &item, err);
    return rc ? rc : each(arg, &item);
}

static void list_meta(struct arena *a, const struct meta_list_meta *m, struct remote_list_meta *ret) {
    *ret = (struct remote_list_meta){
        .resource_version = arena_str(a, m->resource_version),
        .continue_token = arena_str(a, m->continue_),
        .remaining = m->remaining_item_count.set ? m->remaining_item_count.v : 0,
    };
}

/* CONFORMS: every list has its metadata as field 1 and its items as field 2. */
static int read_proto_list(struct arena *a, const struct kind *k, bool trim, struct str bytes,
                           struct remote_list_meta *ret, remote_item_fn each, void *arg, struct err *err) {
    struct pb_in in = pb_in_init(bytes);
    while (pb_left(&in)) {
        struct pb_tag tag;
        struct pb_in piece = {0};
        int rc = fault(pb_get_tag(&in, &tag), err);
        if (rc == 0 && tag.wire != PB_LEN)
            rc = fault(pb_skip(&in, tag), err);
        else if (rc == 0)
            rc = fault(pb_get_piece(&in, &piece), err);
        if (rc)
            return rc;
        if (tag.wire == PB_LEN && tag.number == 2) {
            rc = read_item(k, true, trim, pb_rest(&piece), each, arg, err);
        } else if (tag.wire == PB_LEN && tag.number == 1) {
            void *meta;
            rc = api_read_proto(a, &builtin, TY_META_LIST_META, pb_rest(&piece), false, &meta, err);
            if (rc == 0)
                list_meta(a, meta, ret);
        }
        if (rc)
            return rc;
    }
    return 0;
}

static int read_json_list(struct arena *a, const struct kind *k, bool trim, struct str text,
                          struct remote_list_meta *ret, remote_item_fn each, void *arg, struct err *err) {
    _cleanup_arena struct arena scratch = ARENA_INIT;
    struct json_limits limits = {.size_bytes = REMOTE_ANSWER_MAX};
    struct jval tree;
    int rc = json_parse(&scratch, text, &limits, NULL, &tree, err);
    if (rc)
        return rc;
    const struct jval *meta = jval_get(&tree, S("metadata")), *items = jval_get(&tree, S("items"));
    void *m;
    if (meta && api_from_tree(a, &builtin, TY_META_LIST_META, meta, NULL, &m, NULL) == 0)
        list_meta(a, m, ret);
    for (uint32_t i = 0; items && items->kind == J_ARRAY && i < items->n; i++) {
        _cleanup_buf struct buf one = BUF_INIT;
        json_write(&one, &items->items[i]);
        rc = read_item(k, false, trim, buf_view(&one), each, arg, err);
        if (rc)
            return rc;
    }
    return 0;
}

int remote_read_list(struct arena *a, const struct kind *k, bool proto, bool trim, struct str body,
                     struct remote_list_meta *ret, remote_item_fn each, void *arg, struct err *err) {
    *ret = (struct remote_list_meta){0};
    if (!proto)
        return read_json_list(a, k, trim, body, ret, each, arg, err);
    struct proto_envelope e;
    int rc = proto_envelope_read(body, &e, err);
    return rc ? rc : read_proto_list(a, k, trim, e.raw, ret, each, arg, err);
}

/* -- answers -- */

const struct meta_status *remote_read_status(struct arena *a, bool proto, struct str bytes) {
    void *status;
    if (proto) {
        struct proto_envelope e;
        if (proto_envelope_read(bytes, &e, NULL) || !str_eq(e.kind, S("Status")) ||
            api_read_proto(a, &builtin, TY_META_STATUS, e.raw, false, &status, NULL))
            return NULL;
        return status;
    }
    struct str version, kind, copy = arena_str(a, bytes);
    if (api_peek_json(copy, &version, &kind, NULL) || !str_eq(kind, S("Status")) ||
        api_read_json(a, &builtin, TY_META_STATUS, copy, NULL, &status, NULL))
        return NULL;
    return status;
}

struct collected {
    struct client_answer *answer;
    VEC(struct object *) items;
};

static int collect(void *arg, const struct mirror_item *item) {
    struct collected *c = arg;
    vec_push(&c->items, item->object);
    return 0;
}

static int read_items(const struct kind *k, bool proto, struct str body, struct client_answer *answer,
                      struct err *err) {
    struct collected c = {.answer = answer};
    struct remote_list_meta meta;
    int rc = remote_read_list(&answer->arena, k, proto, false, body, &meta, collect, &c, err);
    answer->items = arena_new_n(&answer->arena, c.items.n + 1, struct object *);
    if (c.items.n)
        memcpy(answer->items, c.items.v, c.items.n * sizeof *c.items.v);
    answer->n_items = (uint32_t)c.items.n;
    vec_fini(&c.items);
    answer->resource_version = meta.resource_version;
    answer->continue_token = meta.continue_token;
    answer->remaining = meta.remaining;
    return rc;
}

/* Something that is neither the kind's object nor a list. */
static int read_other(uint16_t type, bool proto, struct str raw, struct client_answer *answer,
                      struct err *err) {
    void *body;
    int rc = proto ? api_read_proto(&answer->arena, &builtin, type, raw, false, &body, err)
                   : api_read_json(&answer->arena, &builtin, type, raw, NULL, &body, err);
    if (rc)
        return rc;
    answer->body = body;
    answer->type = type;
    if (type == TY_META_STATUS)
        answer->status = body;
    return 0;
}

static int read_own(const struct kind *k, bool proto, struct str raw, struct client_answer *answer,
                    struct err *err) {
    struct mirror_item item;
    int rc = remote_read_object(k, proto, false, raw, &item, err);
    if (rc == 0)
        answer->object = item.object;
    return rc;
}

int remote_read_answer(const struct kind *k, struct str content_type, struct str body,
                       struct client_answer *answer, struct err *err) {
    bool proto = remote_is_proto(content_type);
    struct str version, name, raw = body, group, v;
    struct proto_envelope e;
    int rc = proto ? proto_envelope_read(body, &e, err) : api_peek_json(body, &version, &name, err);
    if (rc)
        return rc;
    if (proto) {
        version = e.api_version;
        name = e.kind;
        raw = e.raw;
    }
    if (!api_version_split(version, &group, &v))
        return err_set(err, ERR_INVALID, "the answer has no apiVersion");
    bool ours = str_eq(group, k->group) && str_eq(v, k->version);
    if (ours && name.n == k->name.n + 4 && str_has_prefix(name, k->name) && str_has_suffix(name, S("List")))
        return read_items(k, proto, body, answer, err);
    if (ours && str_eq(name, k->name) && !k->virtual_)
        return read_own(k, proto, raw, answer, err);
    if (str_eq(name, S("Status")) && str_eq(version, S("v1")))
        return read_other(TY_META_STATUS, proto, raw, answer, err);
    const struct kind *row = kind_find(group, v, name);
    if (!row || row->set != &builtin)
        return err_set(err, ERR_INVALID, "the answer is a %.*s", STR_ARG(name));
    return read_other(row->type, proto, raw, answer, err);
}

/* -- events -- */

static int read_proto_event(struct str frame, struct remote_event *ret, struct err *err) {
    struct pb_in in = pb_in_init(frame);
    while (pb_left(&in)) {
        struct pb_tag tag;
        struct pb_in piece;
        if (pb_get_tag(&in, &tag) || tag.wire != PB_LEN || pb_get_piece(&in, &piece))
            return err_set(err, ERR_INVALID, "malformed watch event");
        if (tag.number == 1)
            ret->type = pb_rest(&piece);
        while (tag.number == 2 && pb_left(&piece)) {
            struct pb_tag inner;
            struct pb_in raw;
            if (pb_get_tag(&piece, &inner) || inner.wire != PB_LEN || pb_get_piece(&piece, &raw))
                return err_set(err, ERR_INVALID, "malformed watch event");
            if (inner.number == 1)
                ret->object = pb_rest(&raw);
        }
    }
    return 0;
}

int remote_read_event(struct arena *a, bool proto, struct str frame, struct remote_event *ret,
                      struct err *err) {
    *ret = (struct remote_event){.type = S(""), .object = S("")};
    if (proto)
        return read_proto_event(frame, ret, err);
    struct jval tree;
    int rc = json_parse(a, frame, NULL, NULL, &tree, err);
    if (rc)
        return rc;
    struct str type = jval_get_str(&tree, S("type"));
    const struct jval *object = jval_get(&tree, S("object"));
    if (!type.p || !object)
        return err_set(err, ERR_INVALID, "malformed watch event");
    _cleanup_buf struct buf text = BUF_INIT;
    json_write(&text, object);
    ret->type = type;
    ret->object = buf_to_arena(&text, a);
    return 0;
}
