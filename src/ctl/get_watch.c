/* get -w: what there is, and then what happens. */
#include "base/clock.h"
#include "base/timefmt.h"
#include "ctl/call.h"
#include "ctl/get.h"
#include "ctl/object.h"

struct watching {
    struct get *g;
    const struct resource *resource;
    struct str ns, name, version; /* name "": a list */
    struct table_printer printer;
    struct arena event;
};

static int print_event(struct watching *w, struct str type, const struct jval *object, struct problem *p) {
    struct get *g = w->g;
    struct ctl *c = g->c;
    if (g->table) {
        struct table_style style = g->style;
        style.event = g->events ? type : STR_NONE;
        style.namespaces = style.namespaces && w->resource->namespaced;
        table_print(&w->printer, object, w->resource, &style);
        table_flush(&w->printer);
    } else if (g->events && str_eq(opt_str(&c->opts, "output"), S("json"))) {
        ctl_say(c, "{\"type\":\"%.*s\",\"object\":%.*s}\n", STR_ARG(type),
                STR_ARG(object_json(&w->event, object)));
    } else if (g->events) {
        struct jobject o = {0};
        jobject_set(&w->event, &o, S("object"), *object);
        jobject_set(&w->event, &o, S("type"), jval_str(type));
        struct jval both = jobject_done(&o);
        if (printer_print(g->printer, w->resource, &both, "", p))
            return CTL_PROBLEM;
    } else if (printer_print(g->printer, w->resource, object, "", p)) {
        return CTL_PROBLEM;
    }
    if (fflush(c->out))
        return problem_set(c, p, "standard output is closed");
    return 0;
}

/* A table's rows as tables of one row, else the items of a list, else the object. */
static int print_now(struct watching *w, const struct targets *t, struct problem *p) {
    struct get *g = w->g;
    for (size_t i = 0; i < t->n; i++) {
        const struct jval *o = &t->v[i].object, *items = object_array(o, "items");
        if (!items || g->table) {
            if (print_event(w, S("ADDED"), o, p))
                return CTL_PROBLEM;
            continue;
        }
        for (uint32_t k = 0; k < items->n; k++) {
            struct jval item = items->items[k];
            if (!object_kind(&item).n)
                item = jval_with(&g->c->arena, &item, S("kind"), jval_str(w->resource->kind));
            if (!object_api_version(&item).n)
                item = jval_with(&g->c->arena, &item, S("apiVersion"), jval_str(w->resource->api_version));
            if (print_event(w, S("ADDED"), &item, p))
                return CTL_PROBLEM;
        }
    }
    return 0;
}

/* The version of an event's object, which in tables is in the row. */
static struct str version_of(const struct jval *object) {
    const struct jval *rows = object_array(object, "rows");
    if (rows && rows->n)
        object = jval_get(&rows->items[0], S("object"));
    return object_str(object, "metadata.resourceVersion");
}

static int follow_once(struct watching *w, struct problem *p) {
    struct get *g = w->g;
    struct ctl *c = g->c;
    struct str type;
    struct jval object;
    _cleanup_watch struct watch *watch = NULL;
    struct watch_options o = {
        .label_selector = opt_str(&c->opts, "selector"),
        .field_selector = opt_str(&c->opts, "field-selector"),
        .resource_version = w->version,
        .accept = g->table && opt_bool(&c->opts, "server-print") ? ACCEPT_TABLE : NULL,
        .bookmarks = true,
    };
    if (w->name.n)
        o.field_selector = arena_printf(&c->arena, "metadata.name=%.*s", STR_ARG(w->name));
    if (watch_open(c, w->resource, w->ns, &o, &watch, p))
        return CTL_PROBLEM;
    for (;;) {
        arena_reset(&w->event);
        if (watch_next(watch, &w->event, -1, &type, &object, p))
            return CTL_PROBLEM;
        if (!type.p)
            return 0;
        struct str version = version_of(&object);
        if (version.n && !str_eq(version, w->version))
            w->version = arena_str(&c->arena, version);
        if (!str_eq(type, S("BOOKMARK")) && print_event(w, type, &object, p))
            return CTL_PROBLEM;
    }
}

static int start(struct watching *w, struct problem *p) {
    struct get *g = w->g;
    struct ctl *c = g->c;
    struct targets t = {0};
    struct select s = {
        .args = c->opts.args,
        .n_args = c->opts.n_args,
        .fetch = true,
        .all = true,
        .no_objects = true,
        .any_namespace = true,
        .items = true,
        .one_type = true,
        .whole_lists = true,
        .limit = -1,
        .accept = g->table && opt_bool(&c->opts, "server-print") ? ACCEPT_TABLE : NULL,
    };
    if (ctl_select(c, &s, &t, p))
        return CTL_PROBLEM;
    if (t.n == 0)
        return 0;
    if (t.n > 1)
        return problem_set(c, p, "you may only watch a single resource or type of resource at a time");
    const struct target *x = &t.v[0];
    w->resource = x->resource;
    w->ns = g->style.namespaces ? S("") : x->ns.n ? x->ns : c->ns;
    w->name = x->name;
    w->version = x->name.n ? version_of(&x->object) : object_str(&x->object, "metadata.resourceVersion");
    return opt_bool(&c->opts, "watch-only") ? 0 : print_now(w, &t, p);
}

int get_watch(struct get *g) {
    struct ctl *c = g->c;
    struct problem p;
    struct watching w = {.g = g, .event = ARENA_INIT};
    if (g->sort_by.n)
        (void)fprintf(c->err,
                      "warning: --watch requested, --sort-by will be ignored for watch events received\n");
    table_printer_init(&w.printer, c);
    int rc = start(&w, &p);
    bool once = !str_eq(opt_str(&c->opts, "request-timeout"), S("0"));
    while (rc == 0 && w.resource) {
        int64_t began = clock_mono_ns(clock_system());
        rc = follow_once(&w, &p);
        if (once)
            break;
        if (rc == 0 && clock_mono_ns(clock_system()) - began < NS_PER_SEC)
            clock_sleep_ns(clock_system(), NS_PER_SEC);
    }
    table_printer_fini(&w.printer);
    arena_fini(&w.event);
    return rc ? ctl_fail(c, &p) : c->status;
}
