/* Writing paragraphs, and which describer a kind has. See describe.h. */
#include "ctl/describe.h"

#include <ctype.h>

#include "base/timefmt.h"
#include "base/vec.h"
#include "codec/base64.h"
#include "ctl/call.h"
#include "ctl/discovery.h"
#include "ctl/object.h"
#include "ctl/print.h"
#include "ctl/table_print.h"

#define ANNOTATION_MAX 140
#define LAST_APPLIED "kubectl.kubernetes.io/last-applied-configuration"

/* -- writing -- */

void d_put(struct describing *d, unsigned level, const char *fmt, ...) {
    va_list ap;
    for (unsigned i = 0; i < level; i++)
        buf_lit(&d->raw, "  ");
    va_start(ap, fmt);
    buf_str(&d->raw, arena_vprintf(&d->c->arena, fmt, ap));
    va_end(ap);
}

void d_flush(struct describing *d) {
    struct str text = arena_str(&d->c->arena, buf_view(&d->raw)), line;
    struct columns t;
    columns_init(&t, &d->c->arena, 0, 2);
    while (text.n) {
        (void)str_split(text, '\n', &line, &text);
        columns_text(&t, "%.*s", STR_ARG(line));
    }
    columns_flush(&t, &d->out, false);
    buf_clear(&d->raw);
}

/* -- values -- */

struct str or_none(struct str s) {
    return s.n ? s : S("<none>");
}

struct str or_unset(struct str s) {
    return s.n ? s : S("<unset>");
}

const char *d_bool(bool b) {
    return b ? "True" : "False";
}

struct str d_time(struct describing *d, struct str time) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t sec;
    int32_t nsec;
    if (!time_parse(time, TIME_NANO, &sec, &nsec))
        return S("");
    struct civil t = time_to_civil(sec);
    return arena_printf(&d->c->arena, "%s, %02d %s %04lld %02d:%02d:%02d +0000", days[t.weekday], t.day,
                        months[t.month - 1], (long long)t.year, t.hour, t.minute, t.second);
}

struct str d_value(struct describing *d, const struct jval *v) {
    struct arena *a = &d->c->arena;
    if (!v || v->kind == J_NULL)
        return S("<nil>");
    if (v->kind == J_STRING)
        return jval_as_str(v);
    if (v->kind == J_BOOL)
        return v->b ? S("true") : S("false");
    return object_json(a, v);
}

struct str d_decode(struct describing *d, struct str base64) {
    size_t n;
    char *to = arena_alloc(&d->c->arena, base64_decoded_max(base64.n) + 1);
    return base64_decode(BASE64_STD, base64, to, &n, NULL) < 0 ? STR_NONE : str_make(to, n);
}

struct str d_number(struct describing *d, const struct jval *o, const char *dotted, const char *none) {
    const struct jval *v = jval_path(o, dotted);
    return v && v->kind != J_NULL ? d_value(d, v) : str_from(none);
}

struct str d_join(struct describing *d, const struct jval *array, const char *between) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; array && array->kind == J_ARRAY && i < array->n; i++)
        buf_printf(&b, "%s%.*s", i ? between : "", STR_ARG(d_value(d, &array->items[i])));
    return or_none(buf_to_arena(&b, &d->c->arena));
}

struct str d_map_inline(struct describing *d, const struct jval *map) {
    _cleanup_buf struct buf b = BUF_INIT;
    for (uint32_t i = 0; map && map->kind == J_OBJECT && i < map->n; i++)
        buf_printf(&b, "%s%.*s=%.*s", i ? "," : "", STR_ARG(map->members[i].key),
                   STR_ARG(d_value(d, &map->members[i].value)));
    return or_none(buf_to_arena(&b, &d->c->arena));
}

struct str d_selector(struct describing *d, const struct jval *selector, const char *none) {
    struct str s = selector_text(&d->c->arena, selector);
    return s.n ? s : str_from(none);
}

/* -- pieces -- */

void d_labels(struct describing *d, const char *indent, const char *title, const struct jval *map) {
    d_put(d, 0, "%s%s:\t", indent, title);
    if (!map || map->kind != J_OBJECT || map->n == 0) {
        d_put(d, 0, "<none>\n");
        return;
    }
    for (uint32_t i = 0; i < map->n; i++)
        d_put(d, 0, "%s%.*s=%.*s\n", i ? "\t" : "", STR_ARG(map->members[i].key),
              STR_ARG(d_value(d, &map->members[i].value)));
}

static void put_short(struct describing *d, struct str s, size_t max) {
    d_put(d, 0, "%.*s%s\n", STR_ARG(str_cut(s, max)), s.n > max ? "..." : "");
}

static void put_annotation(struct describing *d, struct str key, struct str value) {
    struct str line;
    if (value.n && value.p[value.n - 1] == '\n')
        value.n--;
    if (value.n + key.n + 2 <= ANNOTATION_MAX && str_find_byte(value, '\n') < 0) {
        d_put(d, 0, "%.*s: %.*s\n", STR_ARG(key), STR_ARG(value));
        return;
    }
    d_put(d, 0, "%.*s:\n", STR_ARG(key));
    bool more;
    do {
        more = str_split(value, '\n', &line, &value);
        d_put(d, 0, "\t  ");
        put_short(d, line, ANNOTATION_MAX - 2);
    } while (more);
}

void d_annotations(struct describing *d, const char *indent, const struct jval *map) {
    bool any = false;
    d_put(d, 0, "%sAnnotations:\t", indent);
    for (uint32_t i = 0; map && map->kind == J_OBJECT && i < map->n; i++) {
        const struct jmember *m = &map->members[i];
        if (str_eq(m->key, S(LAST_APPLIED)))
            continue;
        if (any)
            d_put(d, 0, "\t");
        put_annotation(d, m->key, d_value(d, &m->value));
        any = true;
    }
    if (!any)
        d_put(d, 0, "<none>\n");
}

void d_name(struct describing *d) {
    d_put(d, 0, "Name:\t%.*s\n", STR_ARG(object_name(d->o)));
    if (d->resource->namespaced)
        d_put(d, 0, "Namespace:\t%.*s\n", STR_ARG(object_namespace(d->o)));
}

void d_head(struct describing *d) {
    d_name(d);
    d_labels(d, "", "Labels", jval_path(d->o, "metadata.labels"));
    d_annotations(d, "", jval_path(d->o, "metadata.annotations"));
}

void d_controlled_by(struct describing *d) {
    const struct jval *owners = object_array(d->o, "metadata.ownerReferences");
    for (uint32_t i = 0; owners && i < owners->n; i++)
        if (object_bool(&owners->items[i], "controller")) {
            d_put(d, 0, "Controlled By:\t%.*s/%.*s\n", STR_ARG(object_str(&owners->items[i], "kind")),
                  STR_ARG(object_str(&owners->items[i], "name")));
            return;
        }
}

void d_quantities(struct describing *d, unsigned level, const char *title, const struct jval *map) {
    if (!map || map->kind != J_OBJECT || map->n == 0)
        return;
    d_put(d, level, "%s:\n", title);
    for (uint32_t i = 0; i < map->n; i++)
        d_put(d, level + 1, "%.*s:\t%.*s\n", STR_ARG(map->members[i].key),
              STR_ARG(d_value(d, &map->members[i].value)));
}

void d_conditions_short(struct describing *d) {
    const struct jval *all = object_array(d->o, "status.conditions");
    if (!all || all->n == 0)
        return;
    d_put(d, 0, "Conditions:\n  Type\tStatus\tReason\n");
    d_put(d, 1, "----\t------\t------\n");
    for (uint32_t i = 0; i < all->n; i++)
        d_put(d, 1, "%.*s \t%.*s\t%.*s\n", STR_ARG(object_str(&all->items[i], "type")),
              STR_ARG(object_str(&all->items[i], "status")), STR_ARG(object_str(&all->items[i], "reason")));
}

/* -- other objects -- */

struct jval d_list(struct describing *d, const char *group, const char *plural, struct str ns,
                   struct str labels, struct str fields) {
    struct ctl *c = d->c;
    struct jval items = {0};
    struct problem p;
    const struct resource *r = resource_get(c, str_from(group), S(""), str_from(plural));
    struct list_options o = {.label_selector = labels, .field_selector = fields, .limit = 500};
    if (!r || object_list_all(c, r, ns, &o, &items, &p))
        return jval_null();
    return items;
}

struct jval d_get(struct describing *d, const char *group, const char *plural, struct str ns, struct str name,
                  struct str *ret_why) {
    struct jval o = {0};
    struct problem p = {.message = S("the server does not have it")};
    const struct resource *r = resource_get(d->c, str_from(group), S(""), str_from(plural));
    if (r && object_get(d->c, r, ns, name, &o, &p) == 0)
        return o;
    if (ret_why)
        *ret_why = p.message;
    return jval_null();
}

/* -- events -- */

static int64_t seconds(struct str time) {
    int64_t sec;
    int32_t nsec;
    return time_parse(time, TIME_NANO, &sec, &nsec) ? sec : INT64_MIN;
}

static struct str age_at(struct describing *d, struct str time) {
    return time.n ? age_text(d->c, time) : S("<unknown>");
}

static struct str event_age(struct describing *d, const struct jval *e) {
    struct arena *a = &d->c->arena;
    struct str first = object_str(e, "firstTimestamp"), last = object_str(e, "series.lastObservedTime");
    int64_t count = object_int(e, "series.count", 0);
    if (!first.n)
        first = object_str(e, "eventTime");
    if (!last.n) {
        last = object_str(e, "lastTimestamp");
        count = object_int(e, "count", 0);
    }
    if (count > 1)
        return arena_printf(a, "%.*s (x%lld over %.*s)", STR_ARG(age_at(d, last)), (long long)count,
                            STR_ARG(age_at(d, first)));
    return age_at(d, first);
}

static int by_last_seen(const void *a, const void *b) {
    const struct jval *x = a, *y = b;
    int64_t s = seconds(object_str(x, "lastTimestamp")), t = seconds(object_str(y, "lastTimestamp"));
    return s < t ? -1 : s > t;
}

static void put_event(struct describing *d, const struct jval *e) {
    struct str source = object_str(e, "source.component"), field = object_str(e, "involvedObject.fieldPath"),
               message = object_str(e, "message");
    source = source.n ? source : object_str(e, "reportingComponent");
    while (message.n && isspace((unsigned char)message.p[0]))
        message = str_from_byte(message, 1);
    while (message.n && isspace((unsigned char)message.p[message.n - 1]))
        message.n--;
    d_put(d, 1, "%.*s\t%.*s\t%.*s\t%.*s\t%.*s%s%.*s\n", STR_ARG(object_str(e, "type")),
          STR_ARG(object_str(e, "reason")), STR_ARG(event_age(d, e)), STR_ARG(source), STR_ARG(field),
          field.n ? ": " : "", STR_ARG(message));
}

static void add_events(struct describing *d, struct jlist *all, struct str uid) {
    struct arena *a = &d->c->arena;
    struct str fields = arena_printf(a, "involvedObject.name=%.*s", STR_ARG(object_name(d->o)));
    struct str ns = object_namespace(d->o);
    if (ns.n)
        fields = arena_printf(a, "%.*s,involvedObject.namespace=%.*s", STR_ARG(fields), STR_ARG(ns));
    if (d->resource->kind.n)
        fields =
            arena_printf(a, "%.*s,involvedObject.kind=%.*s", STR_ARG(fields), STR_ARG(d->resource->kind));
    if (uid.n)
        fields = arena_printf(a, "%.*s,involvedObject.uid=%.*s", STR_ARG(fields), STR_ARG(uid));
    struct jval items = d_list(d, "", "events", ns, S(""), fields);
    for (uint32_t i = 0; items.kind == J_ARRAY && i < items.n; i++)
        jlist_add(a, all, items.items[i]);
}

void d_events(struct describing *d) {
    struct jlist all = {0};
    if (!d->events)
        return;
    if (str_eq(d->resource->kind, S("Node"))) /* what kubelets report has the name as UID */
        add_events(d, &all, object_name(d->o));
    add_events(d, &all, object_str(d->o, "metadata.uid"));
    if (all.n == 0) {
        d_put(d, 0, "Events:\t<none>\n");
        return;
    }
    d_flush(d);
    qsort(all.v, all.n, sizeof *all.v, by_last_seen);
    d_put(d, 0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n");
    d_put(d, 1, "----\t------\t----\t----\t-------\n");
    for (size_t i = 0; i < all.n; i++)
        put_event(d, &all.v[i]);
}
