/* The fake's state, and informer sources that follow it. See fake_client.h. */
#include <stdlib.h>

#include "api/field_selector.h"
#include "api/json.h"
#include "api/label_selector.h"
#include "api/meta.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/rand.h"
#include "fake_priv.h"

/* -- the state -- */

struct mirror *fake_state(struct fake *f, const struct kind *k) {
    check(k->hub->index < KIND_RESOURCES);
    struct mirror **m = &f->kinds[k->hub->index];
    if (!*m)
        *m = mirror_new(k->hub, 0);
    return *m;
}

const struct object *fake_find(struct fake *f, const struct kind *k, struct str ns, struct str name) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct informer_snapshot s;
    mirror_snapshot(fake_state(f, k), &s);
    struct str key = ns.n ? arena_printf(&a, "%.*s/%.*s", STR_ARG(ns), STR_ARG(name)) : name;
    const struct object *o = cow_get(&s.tree, key);
    informer_snapshot_fini(&s);
    return o;
}

bool fake_selects(const struct kind *k, const struct object *o, struct str ns, struct str labels,
                  struct str fields) {
    if (ns.n && !str_eq(ns, o->meta->namespace))
        return false;
    _cleanup_arena struct arena a = ARENA_INIT;
    struct label_selector l;
    struct field_selector raw, s;
    check(label_selector_parse(&a, labels, &l, NULL) == 0);
    check(field_selector_parse(&a, fields, &raw, NULL) == 0);
    check(field_selector_resolve(&a, &raw, k, &s, NULL) == 0);
    return label_selector_matches(&l, o->meta->labels) &&
           field_selector_matches_ref(&s, ref_packed(k->set, k->type, o->body), NULL, NULL, &a);
}

/* -- sources -- */

struct fake_event {
    struct object *object;
    bool deleted;
    int64_t due_ns;
};

struct fake_source {
    struct informer_source source;
    struct fake *fake;
    struct arena arena;
    struct informer_options options;
    struct mirror *mirror;
    struct loop_msg pump; /* on the fake's loop */
    bool pumping, gone, relist;
    struct timer timer;
    VEC(struct fake_event) events; /* not yet heard of */
};

static void wake_pump(struct fake_source *s) {
    if (!s->pumping)
        s->pumping = loop_post(s->fake->loop, &s->pump) == 0;
}

static void tell_sources(struct fake *f, struct object *o, bool deleted) {
    vec_foreach (at, &f->sources) {
        struct fake_source *s = *at;
        if (s->options.kind != o->kind || f->stopped || s->relist)
            continue;
        int64_t due = clock_mono_ns(f->clock);
        if (f->faults.watch_delay_ns)
            due += rand_range(f->rand, 0, f->faults.watch_delay_ns);
        if (s->events.n && s->events.v[s->events.n - 1].due_ns > due)
            due = s->events.v[s->events.n - 1].due_ns;
        if (rand_chance(f->rand, f->faults.watch_cut))
            s->relist = true;
        else
            vec_push(&s->events, ((struct fake_event){object_ref(o), deleted, due}));
        wake_pump(s);
    }
}

static void clear_events(struct fake_source *s) {
    vec_foreach (e, &s->events)
        object_unref(e->object);
    s->events.n = 0;
}

static struct mirror_item copy_item(const struct kind *k, const struct object *o) {
    struct arena a = ARENA_INIT;
    return mirror_freeze(k, api_copy(&a, k->set, k->type, o->body), &a);
}

/* The present state; f->lock is held. */
static void list_again(struct fake_source *s) {
    struct fake *f = s->fake;
    const struct kind *k = s->options.kind;
    VEC(struct mirror_item) items = {0};
    struct informer_snapshot now;
    mirror_snapshot(fake_state(f, k), &now);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &now.tree))
        if (fake_selects(k, item->value, s->options.ns, s->options.label_selector, s->options.field_selector))
            vec_push(&items, copy_item(k, item->value));
    clear_events(s);
    s->relist = false;
    uint64_t revision = f->revision;
    informer_snapshot_fini(&now);
    mirror_replace(s->mirror, items.v, items.n, revision);
    vec_fini(&items);
}

static void hear(struct fake_source *s, const struct fake_event *e) {
    const struct informer_options *o = &s->options;
    struct mirror_item item = copy_item(o->kind, e->object);
    if (!e->deleted && fake_selects(o->kind, e->object, o->ns, o->label_selector, o->field_selector))
        mirror_put(s->mirror, &item);
    else
        mirror_remove(s->mirror, item.object);
}

static void pump_due(struct fake_source *s) {
    struct fake *f = s->fake;
    int64_t now = clock_mono_ns(f->clock);
    size_t n = 0;
    for (; n < s->events.n && s->events.v[n].due_ns <= now; n++) {
        hear(s, &s->events.v[n]);
        object_unref(s->events.v[n].object);
    }
    if (n) {
        memmove(s->events.v, s->events.v + n, (s->events.n - n) * sizeof *s->events.v);
        s->events.n -= n;
    }
    if (s->events.n)
        loop_timer_start(f->loop, &s->timer, s->events.v[0].due_ns - now);
}

static void pump(struct fake_source *s) {
    struct fake *f = s->fake;
    mutex_lock(&f->lock);
    if (f->stopped) {
    } else if (s->relist || !mirror_synced(s->mirror)) {
        list_again(s);
    } else {
        pump_due(s);
    }
    mutex_unlock(&f->lock);
}

static void free_source(struct fake_source *s) {
    clear_events(s);
    vec_fini(&s->events);
    mirror_free(s->mirror);
    arena_fini(&s->arena);
    free(s);
}

static void on_pump(struct loop_msg *msg) {
    struct fake_source *s = (struct fake_source *)((char *)msg - offsetof(struct fake_source, pump));
    mutex_lock(&s->fake->lock);
    s->pumping = false;
    bool gone = s->gone;
    mutex_unlock(&s->fake->lock);
    if (!gone) {
        pump(s);
        return;
    }
    loop_timer_stop(s->fake->loop, &s->timer);
    free_source(s);
}

static void on_timer(struct timer *t) {
    struct fake_source *s = (struct fake_source *)((char *)t - offsetof(struct fake_source, timer));
    pump(s);
}

static int start(struct informer_source *source, void (*wake)(void *arg), void *arg, struct err *err) {
    struct fake_source *s = (struct fake_source *)source;
    (void)err;
    mirror_set_wake(s->mirror, wake, arg);
    _cleanup_unlock struct mutex *held = mutex_hold(&s->fake->lock);
    vec_push(&s->fake->sources, s);
    wake_pump(s);
    return 0;
}

static bool synced(const struct informer_source *source) {
    return mirror_synced(((const struct fake_source *)source)->mirror);
}

static void snapshot(struct informer_source *source, struct informer_snapshot *ret) {
    mirror_snapshot(((struct fake_source *)source)->mirror, ret);
}

static int cursor_open(struct informer_source *source, struct loop *loop, void (*wake)(void *arg), void *arg,
                       struct informer_snapshot *ret_snapshot, void **ret_cursor, struct err *err) {
    (void)loop;
    (void)err;
    *ret_cursor = mirror_cursor_open(((struct fake_source *)source)->mirror, wake, arg, ret_snapshot);
    return 0;
}

static void free_(struct informer_source *source) {
    struct fake_source *s = (struct fake_source *)source;
    struct fake *f = s->fake;
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    mirror_set_wake(s->mirror, NULL, NULL);
    for (size_t i = 0; i < f->sources.n; i++)
        if (f->sources.v[i] == s) {
            vec_remove(&f->sources, i);
            break;
        }
    s->gone = true;
    wake_pump(s);
    check(s->pumping);
}

int fake_source_open(struct fake *f, const struct informer_options *o, struct informer_source **ret) {
    static const struct informer_source_ops ops = {
        start, synced, snapshot, cursor_open, mirror_cursor_next, mirror_cursor_close, free_};
    struct fake_source *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    arena_init(&s->arena);
    s->source.ops = &ops;
    s->fake = f;
    s->options = (struct informer_options){
        .kind = o->kind->hub,
        .ns = arena_str(&s->arena, o->ns),
        .label_selector = arena_str(&s->arena, o->label_selector),
        .field_selector = arena_str(&s->arena, o->field_selector),
    };
    s->mirror = mirror_new(o->kind->hub, 0);
    s->pump.run = on_pump;
    s->timer.fire = on_timer;
    *ret = &s->source;
    return 0;
}

void fake_watch_stop(struct fake *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->stopped = true;
}

void fake_watch_resume(struct fake *f) {
    _cleanup_unlock struct mutex *held = mutex_hold(&f->lock);
    f->stopped = false;
    vec_foreach (s, &f->sources) {
        (*s)->relist = true;
        wake_pump(*s);
    }
}

/* -- storing -- */

static void set_revision(struct fake *f, const struct kind *k, void *body, struct arena *a) {
    char text[RV_TEXT_MAX];
    size_t n = rv_format(++f->revision, text);
    object_meta_in(k, body)->resource_version = arena_str(a, str_make(text, n));
}

struct object *fake_store(struct fake *f, const struct kind *k, void *body, struct arena *arena) {
    set_revision(f, k->hub, body, arena);
    struct mirror_item item = mirror_freeze(k->hub, body, arena);
    struct object *o = object_ref(item.object);
    mirror_put(fake_state(f, k), &item);
    tell_sources(f, o, false);
    return o;
}

struct object *fake_drop(struct fake *f, const struct object *o) {
    const struct kind *k = o->kind;
    struct arena a = ARENA_INIT;
    void *body = api_copy(&a, k->set, k->type, o->body);
    set_revision(f, k, body, &a);
    struct mirror_item item = mirror_freeze(k, body, &a);
    mirror_remove(fake_state(f, k), object_ref(item.object));
    tell_sources(f, item.object, true);
    return item.object;
}
