/* OpenAPI documents: paths, operations, parameters. See openapi.h.
 *
 * The paths of a resource: its collection (in a namespace and, for lists, over all), one object, and one path
 * for each subresource. Subresources whose body is a set of options (exec, proxy) are connections.
 */
#include <stdio.h>
#include <string.h>

#include "api/openapi_priv.h"
#include "api/types/ids.h"
#include "base/err.h"
#include "codec/json.h"

enum place { IN_QUERY, IN_PATH };

struct parameter {
    const char *name, *type, *doc;
};

static const struct parameter pretty = {"pretty", "string", "If true, the answer is indented."};

static const struct parameter write_parameters[] = {
    {"dryRun", "string", "All: do everything but store the change."},
    {"fieldManager", "string", "Name of who makes the change, for field ownership."},
    {"fieldValidation", "string", "What to do about unknown or repeated fields: Ignore, Warn or Strict."},
};

static const struct parameter force = {"force", "boolean",
                                       "Take over fields that others own; for apply patches."};

static const struct parameter list_parameters[] = {
    {"allowWatchBookmarks", "boolean", "Send bookmarks with the current version now and then."},
    {"continue", "string", "Token of the list to go on with."},
    {"fieldSelector", "string", "Only objects whose fields match."},
    {"labelSelector", "string", "Only objects whose labels match."},
    {"limit", "integer", "At most this many objects; the answer has a continue token when there are more."},
    {"resourceVersion", "string", "The version the answer must have or reach."},
    {"resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."},
    {"sendInitialEvents", "boolean", "Begin a watch with the objects there are."},
    {"timeoutSeconds", "integer", "End the call after this many seconds."},
    {"watch", "boolean", "Send changes as they come instead of a list."},
};

static const struct parameter delete_parameters[] = {
    {"dryRun", "string", "All: do everything but store the change."},
    {"gracePeriodSeconds", "integer", "Seconds the object has to end; 0: at once."},
    {"ignoreStoreReadErrorWithClusterBreakingPotential", "boolean",
     "Delete although the stored object cannot be read."},
    {"orphanDependents", "boolean", "Deprecated: use propagationPolicy."},
    {"propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* What one operation is: everything its text depends on. */
struct operation {
    const char *method;                 /* get, post, … */
    const char *action;                 /* x-kubernetes-action */
    const char *verb;                   /* first word of the operation id */
    const struct kind *k;               /* the resource */
    const struct kind_subresource *sub; /* or NULL */
    uint32_t body, answer;              /* types; 0: none, or text */
    bool collection, namespaced;
    bool with_rest; /* a connection with a path behind it */
};

static void write_parameter(struct oa *d, const struct parameter *p, enum place place) {
    if (d->out->p[d->out->n - 1] != '[')
        buf_byte(d->out, ',');
    buf_byte(d->out, '{');
    oa_text(d, "name", p->name);
    oa_text(d, "in", place == IN_PATH ? "path" : "query");
    oa_text(d, "description", p->doc);
    if (place == IN_PATH) {
        oa_key(d, "required");
        buf_lit(d->out, "true");
    }
    if (d->v3)
        buf_printf(d->out, ",\"schema\":{\"type\":\"%s\",\"uniqueItems\":true}", p->type);
    else
        buf_printf(d->out, ",\"type\":\"%s\",\"uniqueItems\":true", p->type);
    buf_byte(d->out, '}');
}

static void write_parameters_of(struct oa *d, const struct parameter *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        write_parameter(d, &p[i], IN_QUERY);
}

/* Options of a connection are the fields of its options type. */
static void write_option_parameters(struct oa *d, uint32_t type) {
    const struct ty_type *t = &d->set->types[type];
    const uint16_t *order = d->set->by_name + t->first;
    for (uint32_t i = 0; i < t->n && order[i] != 0xffff; i++) {
        const struct ty_field *f = &d->set->fields[t->first + order[i]];
        struct str name = ty_field_name(d->set, f);
        if (str_eq(name, S("kind")) || str_eq(name, S("apiVersion")))
            continue;
        char text[64];
        int n = snprintf(text, sizeof text, "%.*s", STR_ARG(name));
        check(n > 0 && (size_t)n < sizeof text);
        const char *type_text = f->leaf == LEAF_BOOL     ? "boolean"
                                : f->leaf == LEAF_STRING ? "string"
                                                         : "integer";
        write_parameter(d, &(struct parameter){text, type_text, ty_field_doc(d->set, f)}, IN_QUERY);
    }
}

static bool is_connection(const struct kind_subresource *sub) {
    return sub && sub->type && str_has_suffix(sub->kind, S("Options"));
}

static void write_query_parameters(struct oa *d, const struct operation *op) {
    const char *a = op->action;
    if (strcmp(a, "post") == 0 || strcmp(a, "put") == 0 || strcmp(a, "patch") == 0) {
        write_parameters_of(d, write_parameters, COUNT(write_parameters));
        if (strcmp(a, "patch") == 0)
            write_parameter(d, &force, IN_QUERY);
    } else if (strcmp(a, "list") == 0) {
        write_parameters_of(d, list_parameters, COUNT(list_parameters));
    } else if (strcmp(a, "delete") == 0) {
        write_parameters_of(d, delete_parameters, COUNT(delete_parameters));
    } else if (strcmp(a, "deletecollection") == 0) {
        write_parameters_of(d, delete_parameters, COUNT(delete_parameters));
        for (size_t i = 0; i < COUNT(list_parameters); i++)
            if (strcmp(list_parameters[i].name, "watch") != 0 &&
                strcmp(list_parameters[i].name, "allowWatchBookmarks") != 0)
                write_parameter(d, &list_parameters[i], IN_QUERY);
    } else if (strcmp(a, "connect") == 0) {
        write_option_parameters(d, op->sub->type);
    }
}

/* -- bodies and answers -- */

static const char *const patch_types[] = {"application/apply-patch+yaml", "application/json-patch+json",
                                          "application/merge-patch+json",
                                          "application/strategic-merge-patch+json"};
static const char *const answer_types[] = {"application/json", "application/vnd.kubernetes.protobuf",
                                           "application/yaml"};
static const char *const stream_types[] = {"application/json;stream=watch",
                                           "application/vnd.kubernetes.protobuf;stream=watch"};

static void write_strings(struct oa *d, const char *key, const char *const *values, size_t n) {
    oa_key(d, key);
    for (size_t i = 0; i < n; i++) {
        buf_byte(d->out, i ? ',' : '[');
        json_write_string(d->out, str_from(values[i]));
    }
    buf_byte(d->out, ']');
}

static void write_content(struct oa *d, const char *const *types, size_t n, uint32_t type) {
    for (size_t i = 0; i < n; i++) {
        oa_key(d, types[i]);
        buf_lit(d->out, "{\"schema\":");
        oa_ref_type(d, type);
        buf_byte(d->out, '}');
    }
}

static void write_body_v3(struct oa *d, const struct operation *op) {
    if (!op->body)
        return;
    oa_key(d, "requestBody");
    buf_lit(d->out, "{\"content\":{");
    if (strcmp(op->action, "patch") == 0)
        write_content(d, patch_types, COUNT(patch_types), op->body);
    else
        write_content(d, (const char *const[]){"*/*"}, 1, op->body);
    buf_byte(d->out, '}');
    if (strncmp(op->action, "delete", 6) != 0)
        buf_lit(d->out, ",\"required\":true");
    buf_byte(d->out, '}');
}

static void write_body_v2(struct oa *d, const struct operation *op) {
    if (!op->body)
        return;
    if (d->out->p[d->out->n - 1] != '[')
        buf_byte(d->out, ',');
    buf_lit(d->out, "{\"name\":\"body\",\"in\":\"body\",");
    if (strncmp(op->action, "delete", 6) != 0)
        buf_lit(d->out, "\"required\":true,");
    buf_lit(d->out, "\"schema\":");
    oa_ref_type(d, op->body);
    buf_byte(d->out, '}');
}

static void write_answer(struct oa *d, const char *code, const char *text, const struct operation *op) {
    oa_key(d, code);
    buf_byte(d->out, '{');
    oa_text(d, "description", text);
    bool connection = strcmp(op->action, "connect") == 0;
    if (!d->v3) {
        oa_key(d, "schema");
        if (op->answer && !connection)
            oa_ref_type(d, op->answer);
        else
            buf_lit(d->out, "{\"type\":\"string\"}");
    } else if (op->answer && !connection) {
        oa_key(d, "content");
        buf_byte(d->out, '{');
        write_content(d, answer_types, COUNT(answer_types), op->answer);
        if (strcmp(op->action, "list") == 0)
            write_content(d, stream_types, COUNT(stream_types), op->answer);
        buf_byte(d->out, '}');
    } else {
        oa_key(d, "content");
        buf_lit(d->out, "{\"*/*\":{\"schema\":{\"type\":\"string\"}}}");
    }
    buf_byte(d->out, '}');
}

static void write_answers(struct oa *d, const struct operation *op) {
    oa_key(d, "responses");
    buf_byte(d->out, '{');
    write_answer(d, "200", "OK", op);
    if (strcmp(op->action, "post") == 0 || strcmp(op->action, "put") == 0 || strcmp(op->action, "patch") == 0)
        write_answer(d, "201", "Created", op);
    if (strcmp(op->action, "post") == 0 || strcmp(op->action, "delete") == 0)
        write_answer(d, "202", "Accepted", op);
    oa_key(d, "401");
    buf_lit(d->out, "{\"description\":\"Unauthorized\"}}");
}

/* -- operations -- */

static void put_camel(struct buf *b, struct str s) {
    bool up = true;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '.' || c == '-' || c == '_' || c == '/') {
            up = true;
            continue;
        }
        buf_byte(b, up && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
        up = false;
    }
}

/* readCoreV1NamespacedPodStatus: verb, group, version, scope, kind, subresource. */
static void write_operation_id(struct oa *d, const struct operation *op) {
    struct buf id = BUF_INIT;
    struct str group = op->k->group, head, rest;
    str_split(group.n ? group : S("core"), '.', &head, &rest);
    buf_printf(&id, "%s", op->verb);
    put_camel(&id, head);
    put_camel(&id, op->k->version);
    if (strcmp(op->action, "deletecollection") == 0)
        buf_lit(&id, "Collection");
    if (op->namespaced)
        buf_lit(&id, "Namespaced");
    buf_str(&id, op->k->name);
    if (op->sub)
        put_camel(&id, op->sub->name);
    if (op->collection && op->k->namespaced && !op->namespaced)
        buf_lit(&id, "ForAllNamespaces");
    if (op->with_rest)
        buf_lit(&id, "WithPath");
    oa_str(d, "operationId", buf_view(&id));
    buf_fini(&id);
}

static void write_tag(struct oa *d, const struct kind *k) {
    struct str head, rest;
    struct buf tag = BUF_INIT;
    str_split(k->group.n ? k->group : S("core"), '.', &head, &rest);
    buf_printf(&tag, "%.*s_%.*s", STR_ARG(head), STR_ARG(k->version));
    oa_key(d, "tags");
    buf_byte(d->out, '[');
    json_write_string(d->out, buf_view(&tag));
    buf_byte(d->out, ']');
    buf_fini(&tag);
}

static const char *action_doc(const char *action) {
    static const struct {
        const char *action, *doc;
    } docs[] = {
        {"get", "Read one"},
        {"list", "List, or watch, objects of kind"},
        {"post", "Create a"},
        {"put", "Replace a"},
        {"patch", "Change a part of a"},
        {"delete", "Delete a"},
        {"deletecollection", "Delete all objects of kind"},
        {"connect", "Connect to a"},
    };
    for (size_t i = 0; i < COUNT(docs); i++)
        if (strcmp(docs[i].action, action) == 0)
            return docs[i].doc;
    return "";
}

static void write_operation(struct oa *d, const struct operation *op) {
    char doc[256];
    snprintf(doc, sizeof doc, "%s %.*s%s%.*s.", action_doc(op->action), STR_ARG(op->k->name),
             op->sub ? ", subresource " : "", STR_ARG(op->sub ? op->sub->name : S("")));
    oa_key(d, op->method);
    buf_byte(d->out, '{');
    oa_text(d, "description", doc);
    write_tag(d, op->k);
    write_operation_id(d, op);
    oa_key(d, "parameters");
    buf_byte(d->out, '[');
    write_query_parameters(d, op);
    if (!d->v3)
        write_body_v2(d, op);
    buf_byte(d->out, ']');
    if (d->v3)
        write_body_v3(d, op);
    write_answers(d, op);
    if (!d->v3) {
        if (strcmp(op->action, "patch") == 0)
            write_strings(d, "consumes", patch_types, COUNT(patch_types));
        else
            write_strings(d, "consumes", (const char *const[]){"*/*"}, 1);
        write_strings(d, "produces", answer_types, COUNT(answer_types));
        write_strings(d, "schemes", (const char *const[]){"https"}, 1);
    }
    oa_text(d, "x-kubernetes-action", op->action);
    oa_key(d, "x-kubernetes-group-version-kind");
    if (op->sub && op->sub->kind.n)
        oa_gvk(d, op->sub->kind_group, op->sub->kind_version, op->sub->kind);
    else
        oa_gvk(d, op->k->group, op->k->version, op->k->name);
    buf_byte(d->out, '}');
}

/* -- paths -- */

struct path {
    char text[512];
    bool in_namespace, named;
};

static struct path make_path(const struct kind *k, bool in_namespace, bool named,
                             const struct kind_subresource *sub, const char *tail) {
    struct path p = {.in_namespace = in_namespace, .named = named};
    int n = snprintf(p.text, sizeof p.text, "%s%.*s%s%.*s%s/%.*s%s%s%.*s%s", k->group.n ? "/apis/" : "/api",
                     STR_ARG(k->group), "/", STR_ARG(k->version),
                     in_namespace ? "/namespaces/{namespace}" : "", STR_ARG(k->plural),
                     named ? "/{name}" : "", sub ? "/" : "", STR_ARG(sub ? sub->name : S("")), tail);
    check(n > 0 && (size_t)n < sizeof p.text);
    return p;
}

static void begin_path(struct oa *d, const struct path *p) {
    oa_key(d, p->text);
    buf_byte(d->out, '{');
}

static void end_path(struct oa *d, const struct path *p, bool with_rest) {
    oa_key(d, "parameters");
    buf_byte(d->out, '[');
    if (p->named)
        write_parameter(d, &(struct parameter){"name", "string", "Name of the object."}, IN_PATH);
    if (p->in_namespace)
        write_parameter(d, &(struct parameter){"namespace", "string", "Namespace of the object."}, IN_PATH);
    if (with_rest)
        write_parameter(d, &(struct parameter){"path", "string", "Path behind the connection."}, IN_PATH);
    else
        write_parameter(d, &pretty, IN_QUERY);
    buf_lit(d->out, "]}");
}

static void write_collection(struct oa *d, const struct kind *k, bool in_namespace) {
    struct path p = make_path(k, in_namespace, false, NULL, "");
    struct operation op = {.k = k, .collection = true, .namespaced = in_namespace};
    begin_path(d, &p);
    bool whole = in_namespace || !k->namespaced;
    if (k->verbs & VERB_LIST) {
        op.method = "get", op.action = "list", op.verb = "list";
        op.answer = k->list_type;
        write_operation(d, &op);
    }
    if (whole && k->verbs & VERB_CREATE) {
        op.method = "post", op.action = "post", op.verb = "create";
        op.body = op.answer = k->type;
        op.collection = false;
        write_operation(d, &op);
        op.collection = true;
    }
    if (whole && k->verbs & VERB_DELETECOLLECTION) {
        op.method = "delete", op.action = "deletecollection", op.verb = "delete";
        op.body = TY_META_DELETE_OPTIONS;
        op.answer = TY_META_STATUS;
        write_operation(d, &op);
    }
    end_path(d, &p, false);
}

/* get, put, patch, delete of an object or subresource. */
static void write_object_operations(struct oa *d, struct operation *op, uint32_t type, unsigned verbs) {
    op->answer = type;
    if (verbs & VERB_GET) {
        op->method = "get", op->action = "get", op->verb = "read";
        op->body = 0;
        write_operation(d, op);
    }
    if (verbs & VERB_CREATE) {
        op->method = "post", op->action = "post", op->verb = "create";
        op->body = type;
        write_operation(d, op);
    }
    if (verbs & VERB_UPDATE) {
        op->method = "put", op->action = "put", op->verb = "replace";
        op->body = type;
        write_operation(d, op);
    }
    if (verbs & VERB_PATCH) {
        op->method = "patch", op->action = "patch", op->verb = "patch";
        op->body = TY_META_PATCH;
        write_operation(d, op);
    }
    if (verbs & VERB_DELETE) {
        op->method = "delete", op->action = "delete", op->verb = "delete";
        op->body = TY_META_DELETE_OPTIONS;
        op->answer = TY_META_STATUS;
        write_operation(d, op);
    }
}

static void write_object(struct oa *d, const struct kind *k) {
    unsigned verbs = k->verbs & (VERB_GET | VERB_UPDATE | VERB_PATCH | VERB_DELETE);
    if (!verbs)
        return;
    struct path p = make_path(k, k->namespaced, true, NULL, "");
    struct operation op = {.k = k, .namespaced = k->namespaced};
    begin_path(d, &p);
    write_object_operations(d, &op, k->type, verbs);
    end_path(d, &p, false);
}

static void write_connection(struct oa *d, const struct kind *k, const struct kind_subresource *sub,
                             bool with_rest) {
    static const struct {
        unsigned verb;
        const char *method, *name;
    } methods[] = {
        {VERB_GET, "get", "connectGet"},          {VERB_CREATE, "post", "connectPost"},
        {VERB_UPDATE, "put", "connectPut"},       {VERB_PATCH, "patch", "connectPatch"},
        {VERB_DELETE, "delete", "connectDelete"},
    };
    struct path p = make_path(k, k->namespaced, true, sub, with_rest ? "/{path}" : "");
    struct operation op = {
        .k = k, .sub = sub, .namespaced = k->namespaced, .action = "connect", .with_rest = with_rest};
    begin_path(d, &p);
    for (size_t i = 0; i < COUNT(methods); i++)
        if (sub->verbs & methods[i].verb) {
            op.method = methods[i].method;
            op.verb = methods[i].name;
            write_operation(d, &op);
        }
    end_path(d, &p, with_rest);
}

static void write_subresource(struct oa *d, const struct kind *k, const struct kind_subresource *sub) {
    if (is_connection(sub)) {
        write_connection(d, k, sub, false);
        if (str_eq(sub->name, S("proxy")))
            write_connection(d, k, sub, true);
        return;
    }
    struct path p = make_path(k, k->namespaced, true, sub, "");
    struct operation op = {.k = k, .sub = sub, .namespaced = k->namespaced};
    uint32_t type = str_eq(sub->name, S("log")) ? 0 : sub->type;
    begin_path(d, &p);
    write_object_operations(d, &op, type, sub->verbs);
    end_path(d, &p, false);
}

void oa_paths(struct oa *d, const struct kind *k) {
    write_collection(d, k, k->namespaced);
    if (k->namespaced && k->verbs & VERB_LIST)
        write_collection(d, k, false);
    write_object(d, k);
    for (uint32_t i = 0; i < k->n_subresources; i++)
        write_subresource(d, k, &k->subresources[i]);
}

void oa_read_path(struct oa *d, const char *path, const char *operation_id, uint32_t type) {
    struct operation op = {.action = "get", .answer = type};
    oa_key(d, path);
    buf_lit(d->out, "{\"get\":{");
    oa_text(d, "description", "What is served, for clients that ask first.");
    oa_text(d, "operationId", operation_id);
    write_answers(d, &op);
    if (!d->v3)
        write_strings(d, "produces", answer_types, COUNT(answer_types));
    buf_lit(d->out, "}}");
}
