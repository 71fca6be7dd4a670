/* OpenAPI as protobuf. See openapi_proto.h.
 *
 * One table of messages, walked from the last field to the first, since lengths are known only then. Where
 * the message of a field only wraps another one, the row names the numbers in between.
 */
#include "api/openapi_proto.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"
#include "codec/pbwire.h"

enum message { M_DOCUMENT, M_INFO, M_PATH_ITEM, M_OPERATION, M_BODY, M_QUERY, M_PATH, M_RESPONSE, M_SCHEMA };

enum shape {
    P_STRING,
    P_BOOL,
    P_STRINGS,
    P_ANY,  /* Any{yaml} */
    P_ANYS, /* one for each item */
    P_MESSAGE,
    P_MAP,        /* a message of named values */
    P_PARAMETERS, /* each is one of several messages */
    P_ADDITIONAL, /* a schema, or whether there may be any */
};

struct row {
    const char *key;
    uint8_t number, shape, message;
    uint8_t wrap;     /* the value lies in this field of a message of its own; 0: it does not */
    uint8_t map;      /* P_MAP: number of the named values */
    uint8_t map_wrap; /* as wrap, of each value */
};

#define EXTENSIONS_KEY "x-"

static const struct row document_rows[] = {
    {"swagger", 1, P_STRING},
    {"info", 2, P_MESSAGE, M_INFO},
    {"paths", 8, P_MAP, M_PATH_ITEM, .map = 2},
    {"definitions", 9, P_MAP, M_SCHEMA, .map = 1},
    {NULL},
};
static const struct row info_rows[] = {{"title", 1, P_STRING}, {"version", 2, P_STRING}, {NULL}};
static const struct row path_item_rows[] = {
    {"get", 2, P_MESSAGE, M_OPERATION},
    {"put", 3, P_MESSAGE, M_OPERATION},
    {"post", 4, P_MESSAGE, M_OPERATION},
    {"delete", 5, P_MESSAGE, M_OPERATION},
    {"options", 6, P_MESSAGE, M_OPERATION},
    {"head", 7, P_MESSAGE, M_OPERATION},
    {"patch", 8, P_MESSAGE, M_OPERATION},
    {"parameters", 9, P_PARAMETERS},
    {NULL},
};
static const struct row operation_rows[] = {
    {"tags", 1, P_STRINGS},
    {"description", 3, P_STRING},
    {"operationId", 5, P_STRING},
    {"produces", 6, P_STRINGS},
    {"consumes", 7, P_STRINGS},
    {"parameters", 8, P_PARAMETERS},
    {"responses", 9, P_MAP, M_RESPONSE, .map = 1, .map_wrap = 1},
    {"schemes", 10, P_STRINGS},
    {EXTENSIONS_KEY, 13, P_ANY},
    {NULL},
};
static const struct row body_rows[] = {
    {"description", 1, P_STRING},
    {"name", 2, P_STRING},
    {"in", 3, P_STRING},
    {"required", 4, P_BOOL},
    {"schema", 5, P_MESSAGE, M_SCHEMA},
    {NULL},
};
static const struct row query_rows[] = {
    {"required", 1, P_BOOL}, {"in", 2, P_STRING},     {"description", 3, P_STRING}, {"name", 4, P_STRING},
    {"type", 6, P_STRING},   {"format", 7, P_STRING}, {"uniqueItems", 20, P_BOOL},  {NULL},
};
static const struct row path_rows[] = {
    {"required", 1, P_BOOL}, {"in", 2, P_STRING},     {"description", 3, P_STRING}, {"name", 4, P_STRING},
    {"type", 5, P_STRING},   {"format", 6, P_STRING}, {"uniqueItems", 19, P_BOOL},  {NULL},
};
static const struct row response_rows[] = {
    {"description", 1, P_STRING}, {"schema", 2, P_MESSAGE, M_SCHEMA, .wrap = 1}, {NULL}};
static const struct row schema_rows[] = {
    {"$ref", 1, P_STRING},
    {"format", 2, P_STRING},
    {"title", 3, P_STRING},
    {"description", 4, P_STRING},
    {"default", 5, P_ANY},
    {"required", 19, P_STRINGS},
    {"enum", 20, P_ANYS},
    {"additionalProperties", 21, P_ADDITIONAL},
    {"type", 22, P_STRING, .wrap = 1},
    {"items", 23, P_MESSAGE, M_SCHEMA, .wrap = 1},
    {"properties", 25, P_MAP, M_SCHEMA, .map = 1},
    {EXTENSIONS_KEY, 31, P_ANY},
    {NULL},
};

static const struct row *const messages[] = {
    [M_DOCUMENT] = document_rows,   [M_INFO] = info_rows,         [M_PATH_ITEM] = path_item_rows,
    [M_OPERATION] = operation_rows, [M_BODY] = body_rows,         [M_QUERY] = query_rows,
    [M_PATH] = path_rows,           [M_RESPONSE] = response_rows, [M_SCHEMA] = schema_rows,
};

static char *put_message(struct pb_out *w, char *at, enum message m, const struct jval *v);

/* Closes a message that began at `before` bytes. */
static char *close_message(struct pb_out *w, char *at, uint32_t number, size_t before) {
    return pb_put_head(w, at, number, pb_written(w, at) - before);
}

/* Any{yaml: text} */
static char *put_any(struct pb_out *w, char *at, uint32_t number, const struct jval *v) {
    _cleanup_buf struct buf text = BUF_INIT;
    size_t before = pb_written(w, at);
    json_write(&text, v);
    at = pb_put_str(w, at, 2, buf_view(&text));
    return close_message(w, at, number, before);
}

static char *put_named_any(struct pb_out *w, char *at, uint32_t number, const struct jmember *m) {
    size_t before = pb_written(w, at);
    at = put_any(w, at, 2, &m->value);
    at = pb_put_str(w, at, 1, m->key);
    return close_message(w, at, number, before);
}

/* ParametersItem{parameter: {body: …} or {non-body: {query: …} or {path: …}}} */
static char *put_parameter(struct pb_out *w, char *at, uint32_t number, const struct jval *v) {
    struct str in = jval_get_str(v, S("in"));
    bool body = str_eq(in, S("body")), path = str_eq(in, S("path"));
    size_t before = pb_written(w, at);
    at = put_message(w, at, body ? M_BODY : path ? M_PATH : M_QUERY, v);
    if (!body)
        at = close_message(w, at, path ? 4 : 3, before);
    at = close_message(w, at, body ? 1 : 2, before);
    at = close_message(w, at, 1, before);
    return close_message(w, at, number, before);
}

static char *put_map(struct pb_out *w, char *at, const struct row *r, const struct jval *v) {
    size_t all = pb_written(w, at);
    for (uint32_t i = v->n; i-- > 0;) {
        const struct jmember *m = &v->members[i];
        size_t named = pb_written(w, at);
        at = put_message(w, at, r->message, &m->value);
        if (r->map_wrap)
            at = close_message(w, at, r->map_wrap, named);
        at = close_message(w, at, 2, named);
        at = pb_put_str(w, at, 1, m->key);
        at = close_message(w, at, r->map, named);
    }
    return close_message(w, at, r->number, all);
}

static char *put_list(struct pb_out *w, char *at, const struct row *r, const struct jval *v) {
    for (uint32_t i = v->kind == J_ARRAY ? v->n : 0; i-- > 0;) {
        const struct jval *item = &v->items[i];
        if (r->shape == P_PARAMETERS)
            at = put_parameter(w, at, r->number, item);
        else if (r->shape == P_ANYS)
            at = put_any(w, at, r->number, item);
        else if (item->kind == J_STRING)
            at = pb_put_str(w, at, r->number, jval_as_str(item));
    }
    return at;
}

static char *put_additional(struct pb_out *w, char *at, const struct row *r, const struct jval *v) {
    size_t before = pb_written(w, at);
    if (v->kind == J_BOOL)
        at = pb_put_u64(w, at, 2, v->b);
    else
        at = close_message(w, put_message(w, at, M_SCHEMA, v), 1, before);
    return close_message(w, at, r->number, before);
}

static char *put_one(struct pb_out *w, char *at, const struct row *r, uint32_t number, const struct jval *v) {
    size_t before = pb_written(w, at);
    if (r->shape == P_STRING)
        return pb_put_str(w, at, number, v->kind == J_STRING ? jval_as_str(v) : S(""));
    if (r->shape == P_BOOL)
        return pb_put_u64(w, at, number, v->b);
    at = put_message(w, at, r->message, v);
    return close_message(w, at, number, before);
}

static char *put_field(struct pb_out *w, char *at, const struct row *r, const struct jval *v) {
    size_t before = pb_written(w, at);
    switch ((enum shape)r->shape) {
    case P_STRINGS:
    case P_ANYS:
    case P_PARAMETERS: return put_list(w, at, r, v);
    case P_MAP: return put_map(w, at, r, v);
    case P_ANY: return put_any(w, at, r->number, v);
    case P_ADDITIONAL: return put_additional(w, at, r, v);
    default: break;
    }
    if (!r->wrap)
        return put_one(w, at, r, r->number, v);
    at = put_one(w, at, r, r->wrap, v);
    return close_message(w, at, r->number, before);
}

static char *put_extensions(struct pb_out *w, char *at, const struct row *r, const struct jval *v) {
    for (uint32_t i = v->n; i-- > 0;)
        if (str_has_prefix(v->members[i].key, S(EXTENSIONS_KEY)))
            at = put_named_any(w, at, r->number, &v->members[i]);
    return at;
}

static char *put_message(struct pb_out *w, char *at, enum message m, const struct jval *v) {
    size_t n = 0;
    if (v->kind != J_OBJECT)
        return at;
    while (messages[m][n].key)
        n++;
    while (n-- > 0) {
        const struct row *r = &messages[m][n];
        const struct jval *member = jval_get(v, str_from(r->key));
        if (str_eq(str_from(r->key), S(EXTENSIONS_KEY)))
            at = put_extensions(w, at, r, v);
        else if (member)
            at = put_field(w, at, r, member);
    }
    return at;
}

int openapi_v2_proto(struct buf *out, struct str json, struct arena *scratch, struct err *err) {
    struct jval document;
    int r = json_parse(scratch, json, NULL, NULL, &document, err);
    if (r < 0)
        return r;
    struct pb_out w = {.buf = NULL};
    char *at = pb_out_init(&w, out);
    at = put_message(&w, at, M_DOCUMENT, &document);
    pb_out_done(&w, at);
    return 0;
}
