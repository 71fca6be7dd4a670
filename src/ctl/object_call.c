/* Reading and writing single objects and lists. See call.h. */
#include "base/vec.h"
#include "codec/json.h"
#include "ctl/call.h"
#include "ctl/discovery.h"
#include "ctl/object.h"

static int finish(struct ctl *c, const struct request *r, struct jval *ret, struct problem *p) {
    struct answer answer;
    if (ctl_call(c, r, &answer, p))
        return CTL_PROBLEM;
    if (ret)
        *ret = answer.tree;
    return 0;
}

static struct str what_of(struct ctl *c, const char *verb, const struct resource *r, struct str name) {
    return arena_printf(&c->arena, "%s %.*s%s%.*s", verb, STR_ARG(resource_full_name(c, r)),
                        name.n ? " " : "", STR_ARG(name));
}

int object_get_as(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                  const struct get_options *o, struct jval *ret, struct problem *p) {
    _cleanup_buf struct buf path = BUF_INIT;
    buf_str(&path, resource_path(c, r, ns, name, o->subresource));
    query_add(&path, "includeObject", o->include_object ? S("Object") : S(""));
    struct request request = {
        .path = buf_to_arena(&path, &c->arena), .accept = o->accept, .what = what_of(c, "get", r, name)};
    return finish(c, &request, ret, p);
}

int object_get(struct ctl *c, const struct resource *r, struct str ns, struct str name, struct jval *ret,
               struct problem *p) {
    return object_get_as(c, r, ns, name, &(struct get_options){0}, ret, p);
}

static struct str write_path(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                             const struct write_options *o, bool apply) {
    static const struct write_options none = {0};
    _cleanup_buf struct buf path = BUF_INIT;
    o = o ? o : &none;
    buf_str(&path, resource_path(c, r, ns, name, o->subresource));
    query_add(&path, "dryRun", o->dry_run ? S("All") : S(""));
    query_add(&path, "fieldManager", o->field_manager);
    query_add(&path, "fieldValidation", o->validation);
    if (apply)
        query_add(&path, "force", o->force ? S("true") : S("false"));
    return buf_to_arena(&path, &c->arena);
}

int object_create(struct ctl *c, const struct resource *r, struct str ns, const struct jval *object,
                  const struct write_options *o, struct jval *ret, struct problem *p) {
    struct str name = o && o->subresource.n ? object_name(object) : S("");
    struct request request = {
        .method = "POST",
        .what = what_of(c, "post", r, S("")),
        .path = write_path(c, r, ns, name, o, false),
        .content_type = "application/json",
        .body = object_json(&c->arena, object),
    };
    return finish(c, &request, ret, p);
}

int object_replace(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                   const struct jval *object, const struct write_options *o, struct jval *ret,
                   struct problem *p) {
    struct request request = {
        .method = "PUT",
        .what = what_of(c, "put", r, name),
        .path = write_path(c, r, ns, name, o, false),
        .content_type = "application/json",
        .body = object_json(&c->arena, object),
    };
    return finish(c, &request, ret, p);
}

int object_patch(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                 enum patch_type type, struct str patch, const struct write_options *o, struct jval *ret,
                 struct problem *p) {
    static const char *const types[] = {
        [PATCH_JSON] = "application/json-patch+json",
        [PATCH_MERGE_DOC] = "application/merge-patch+json",
        [PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
        [PATCH_APPLY] = "application/apply-patch+yaml",
    };
    struct request request = {
        .method = "PATCH",
        .what = what_of(c, "patch", r, name),
        .path = write_path(c, r, ns, name, o, type == PATCH_APPLY),
        .content_type = types[type],
        .body = patch,
    };
    return finish(c, &request, ret, p);
}

static struct str delete_body(struct ctl *c, const struct delete_options *o) {
    struct arena *a = &c->arena;
    struct jobject body = {0};
    jobject_set(a, &body, S("apiVersion"), jval_str(S("v1")));
    jobject_set(a, &body, S("kind"), jval_str(S("DeleteOptions")));
    if (o && o->grace_seconds >= 0)
        jobject_set(a, &body, S("gracePeriodSeconds"), jval_int(o->grace_seconds));
    if (o && o->propagation.n)
        jobject_set(a, &body, S("propagationPolicy"), jval_str(o->propagation));
    if (o && o->uid.n) {
        struct jobject only = {0};
        jobject_set(a, &only, S("uid"), jval_str(o->uid));
        jobject_set(a, &body, S("preconditions"), jobject_done(&only));
    }
    if (o && o->dry_run) {
        struct jval *all = arena_new(a, struct jval);
        *all = jval_str(S("All"));
        jobject_set(a, &body, S("dryRun"), jval_array(all, 1));
    }
    struct jval tree = jobject_done(&body);
    return object_json(a, &tree);
}

int object_delete(struct ctl *c, const struct resource *r, struct str ns, struct str name,
                  const struct delete_options *o, struct jval *ret, struct problem *p) {
    struct request request = {
        .method = "DELETE",
        .what = what_of(c, "delete", r, name),
        .path = resource_path(c, r, ns, name, S("")),
        .content_type = "application/json",
        .body = delete_body(c, o),
    };
    return finish(c, &request, ret, p);
}

static struct str list_path(struct ctl *c, const struct resource *r, struct str ns,
                            const struct list_options *o, struct str next) {
    _cleanup_buf struct buf path = BUF_INIT;
    buf_str(&path, resource_path(c, r, ns, S(""), S("")));
    query_add(&path, "labelSelector", o->label_selector);
    query_add(&path, "fieldSelector", o->field_selector);
    if (!next.n)
        query_add(&path, "resourceVersion", o->resource_version);
    query_add(&path, "includeObject", o->include_object ? S("Object") : S(""));
    query_add(&path, "continue", next);
    if (o->limit > 0)
        query_add(&path, "limit", arena_printf(&c->arena, "%lld", (long long)o->limit));
    return buf_to_arena(&path, &c->arena);
}

int object_list(struct ctl *c, const struct resource *r, struct str ns, const struct list_options *o,
                int (*each)(void *arg, const struct jval *page), void *arg, struct problem *p) {
    struct str next = S("");
    do {
        struct jval page;
        struct request request = {
            .path = list_path(c, r, ns, o, next), .accept = o->accept, .what = what_of(c, "get", r, S(""))};
        if (finish(c, &request, &page, p))
            return CTL_PROBLEM;
        if (each(arg, &page))
            return 0;
        next = object_str(&page, "metadata.continue");
    } while (next.n);
    return 0;
}

struct collected {
    struct ctl *c;
    struct jlist items;
};

static int collect(void *arg, const struct jval *page) {
    struct collected *x = arg;
    const struct jval *items = object_array(page, "items");
    for (uint32_t i = 0; items && i < items->n; i++)
        jlist_add(&x->c->arena, &x->items, items->items[i]);
    return 0;
}

int object_list_all(struct ctl *c, const struct resource *r, struct str ns, const struct list_options *o,
                    struct jval *ret_items, struct problem *p) {
    struct collected x = {.c = c};
    if (object_list(c, r, ns, o, collect, &x, p))
        return CTL_PROBLEM;
    *ret_items = jlist_done(&x.items);
    return 0;
}
