/* JSON Patch. See json_patch.h.
 *
 * Trees are immutable, and copying the way down to each change would cost width × operations. So a container
 * is opened when an operation first goes through it: its items are copied once into a growable array, and the
 * node that held it becomes J_OPEN. At the end the open containers are closed in place. What no operation
 * touches stays shared with the original.
 *
 * Moving operations can nest open containers deeper than any text could, so every recursion counts its depth.
 */
#include "api/json_patch.h"

#include "base/arena.h"
#include "base/err.h"
#include "codec/json.h"

#define J_OPEN 0x40 /* jval.kind: s points at a struct open */

struct open {
    bool is_array;
    uint32_t n, cap;
    union {
        struct jval *items;
        struct jmember *members;
    };
};

struct patching {
    struct arena *arena;
    struct jval root;
    uint64_t work;
    size_t copied_bytes;
};

static const struct str verbs[] = {
    [JSON_PATCH_ADD] = STR_INIT("add"),         [JSON_PATCH_REMOVE] = STR_INIT("remove"),
    [JSON_PATCH_REPLACE] = STR_INIT("replace"), [JSON_PATCH_MOVE] = STR_INIT("move"),
    [JSON_PATCH_COPY] = STR_INIT("copy"),       [JSON_PATCH_TEST] = STR_INIT("test"),
};

/* Reading. */

static int read_pointer(const struct jval *op, struct str name, struct str *ret_pointer, struct err *err) {
    const struct jval *v = jval_get(op, name);
    if (!v || v->kind != J_STRING)
        return err_set(err, ERR_INVALID, "\"%.*s\" must be a string", STR_ARG(name));
    struct str s = jval_as_str(v);
    if (s.n && s.p[0] != '/')
        return err_set(err, ERR_INVALID, "\"%.*s\" must be empty or begin with a slash: \"%.*s\"",
                       STR_ARG(name), STR_ARG(str_cut(s, 128)));
    size_t steps = 0;
    for (size_t i = 0; i < s.n; i++)
        steps += s.p[i] == '/';
    if (steps > JSON_DEPTH_MAX)
        return err_set(err, ERR_TOO_LARGE, "\"%.*s\" has more than %u steps", STR_ARG(name), JSON_DEPTH_MAX);
    *ret_pointer = s;
    return 0;
}

/* RFC 6902, 4.4: a value cannot be moved into itself. */
static bool is_inside(struct str path, struct str from) {
    return str_has_prefix(path, from) && path.n > from.n && path.p[from.n] == '/';
}

static int read_operation(const struct jval *v, struct json_patch_operation *ret_op, struct err *err) {
    if (v->kind != J_OBJECT)
        return err_set(err, ERR_INVALID, "not an object");
    struct json_patch_operation op = {0};
    struct str verb = jval_get_str(v, S("op"));
    while (op.verb < sizeof verbs / sizeof *verbs && !str_eq(verbs[op.verb], verb))
        op.verb++;
    if (op.verb == sizeof verbs / sizeof *verbs)
        return err_set(err, ERR_INVALID, "\"op\" must be add, remove, replace, move, copy or test");
    int rc = read_pointer(v, S("path"), &op.path, err);
    if (rc)
        return rc;
    if (op.verb == JSON_PATCH_MOVE || op.verb == JSON_PATCH_COPY) {
        rc = read_pointer(v, S("from"), &op.from, err);
        if (rc)
            return rc;
    }
    if (op.verb == JSON_PATCH_MOVE && is_inside(op.path, op.from))
        return err_set(err, ERR_INVALID, "a value cannot be moved into itself");
    const struct jval *value = jval_get(v, S("value"));
    if (value)
        op.value = *value;
    *ret_op = op;
    return 0;
}

int json_patch_read(struct arena *a, const struct jval *document, struct json_patch *ret_patch,
                    struct err *err) {
    if (document->kind != J_ARRAY)
        return err_set(err, ERR_INVALID, "a JSON patch is a list of operations");
    if (document->n > JSON_PATCH_OPERATIONS_MAX)
        return err_set(err, ERR_TOO_LARGE, "a JSON patch may have at most %u operations, this one has %u",
                       JSON_PATCH_OPERATIONS_MAX, document->n);
    struct json_patch_operation *ops = arena_new_n(a, document->n, struct json_patch_operation);
    for (uint32_t i = 0; i < document->n; i++) {
        int rc = read_operation(&document->items[i], &ops[i], err);
        if (rc) {
            (void)err_wrap(err, "operation %u", i);
            return rc;
        }
    }
    *ret_patch = (struct json_patch){ops, document->n};
    return 0;
}

/* Open containers. */

static struct open *as_open(const struct jval *v) {
    return v->kind == J_OPEN ? (struct open *)(uintptr_t)v->s : NULL;
}

static int spend(struct patching *p, uint64_t work, struct err *err) {
    p->work += work;
    if (p->work > JSON_PATCH_WORK_MAX)
        return err_set(err, ERR_TOO_LARGE, "the patch moves too many list items");
    return 0;
}

/* Opens the list or object in a slot; *ret_open is NULL when it is neither. */
static int open_slot(struct patching *p, struct jval *slot, struct open **ret_open, struct err *err) {
    *ret_open = as_open(slot);
    if (*ret_open || (slot->kind != J_ARRAY && slot->kind != J_OBJECT))
        return 0;
    int rc = spend(p, slot->n, err);
    if (rc)
        return rc;
    struct open *o = arena_new(p->arena, struct open);
    *o = (struct open){.is_array = slot->kind == J_ARRAY, .n = slot->n, .cap = slot->n};
    size_t item_bytes = o->is_array ? sizeof *o->items : sizeof *o->members;
    o->items = arena_array(p->arena, o->n, item_bytes);
    if (o->n)
        memcpy(o->items, slot->items, o->n * item_bytes);
    *slot = (struct jval){.kind = J_OPEN, .s = (const char *)o};
    *ret_open = o;
    return 0;
}

/* Makes a gap at index `at`. */
static int make_room(struct patching *p, struct open *o, uint32_t at, struct err *err) {
    int rc = spend(p, o->n - at + 1, err);
    if (rc)
        return rc;
    size_t item_bytes = o->is_array ? sizeof *o->items : sizeof *o->members;
    if (o->n == o->cap) {
        uint32_t cap = o->cap < 4 ? 8 : o->cap * 2;
        void *bigger = arena_array(p->arena, cap, item_bytes);
        if (o->n)
            memcpy(bigger, o->items, o->n * item_bytes);
        o->items = bigger;
        o->cap = cap;
    }
    char *base = (char *)o->items;
    memmove(base + (at + 1) * item_bytes, base + at * item_bytes, (o->n - at) * item_bytes);
    o->n++;
    return 0;
}

static int close_gap(struct patching *p, struct open *o, uint32_t at, struct err *err) {
    int rc = spend(p, o->n - at, err);
    if (rc)
        return rc;
    size_t item_bytes = o->is_array ? sizeof *o->items : sizeof *o->members;
    char *base = (char *)o->items;
    memmove(base + at * item_bytes, base + (at + 1) * item_bytes, (o->n - at - 1) * item_bytes);
    o->n--;
    return 0;
}

/* Place of a key in an open object, or where it would go. */
static bool find_member(const struct open *o, struct str key, uint32_t *ret_at) {
    uint32_t low = 0, high = o->n;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int c = str_cmp(key, o->members[mid].key);
        if (c == 0) {
            *ret_at = mid;
            return true;
        }
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    *ret_at = low;
    return false;
}

/* An index below n; negative ones count from n. */
static int read_index(struct str key, uint32_t n, uint32_t *ret_at, struct err *err) {
    struct str digits = key.n > 1 && key.p[0] == '+' ? str_from_byte(key, 1) : key;
    int64_t i;
    if (!str_to_i64(digits, &i) || (digits.n < key.n && i < 0))
        return err_set(err, ERR_INVALID, "\"%.*s\" is no list index", STR_ARG(str_cut(key, 128)));
    if (i < 0)
        i += n;
    if (i < 0 || i >= n)
        return err_set(err, ERR_INVALID, "index %.*s is out of range", STR_ARG(str_cut(key, 128)));
    *ret_at = (uint32_t)i;
    return 0;
}

/* Places: the slot of a pointer, found through its parent. */

struct place {
    struct open *parent; /* NULL: the document itself */
    struct str key;
};

static struct str unescape(struct arena *a, struct str step) {
    if (str_find_byte(step, '~') < 0)
        return step;
    char *out = arena_bytes(a, step.n);
    size_t n = 0;
    for (size_t i = 0; i < step.n; i++) {
        char next = i + 1 < step.n ? step.p[i + 1] : 0;
        bool escape = step.p[i] == '~' && (next == '0' || next == '1');
        out[n++] = !escape ? step.p[i] : next == '0' ? '~' : '/';
        i += escape;
    }
    return str_make(out, n);
}

/* The slot of a key in an open container; *ret_slot is NULL when an object has no such member. */
static int get_slot(const struct open *o, struct str key, struct jval **ret_slot, struct err *err) {
    uint32_t at;
    *ret_slot = NULL;
    if (!o->is_array) {
        if (find_member(o, key, &at))
            *ret_slot = &o->members[at].value;
        return 0;
    }
    int rc = read_index(key, o->n, &at, err);
    if (rc == 0)
        *ret_slot = &o->items[at];
    return rc;
}

static int no_such(struct str key, struct err *err) {
    return err_set(err, ERR_INVALID, "there is no \"%.*s\"", STR_ARG(str_cut(key, 128)));
}

static int find_place(struct patching *p, struct str pointer, struct place *ret_place, struct err *err) {
    *ret_place = (struct place){0};
    if (!pointer.n)
        return 0;
    struct jval *slot = &p->root;
    struct str rest = str_from_byte(pointer, 1), step;
    for (;;) {
        bool last = !str_split(rest, '/', &step, &rest);
        struct str key = unescape(p->arena, step);
        struct open *o;
        int rc = open_slot(p, slot, &o, err);
        if (rc)
            return rc;
        if (!o)
            return err_set(err, ERR_INVALID, "what should hold \"%.*s\" is no list and no object",
                           STR_ARG(str_cut(key, 128)));
        if (last) {
            *ret_place = (struct place){o, key};
            return 0;
        }
        rc = get_slot(o, key, &slot, err);
        if (rc)
            return rc;
        if (!slot)
            return no_such(key, err);
    }
}

/* The existing value of a pointer. */
static int find_value(struct patching *p, struct str pointer, struct jval **ret_slot, struct err *err) {
    struct place place;
    int rc = find_place(p, pointer, &place, err);
    if (rc)
        return rc;
    *ret_slot = &p->root;
    if (!place.parent)
        return 0;
    rc = get_slot(place.parent, place.key, ret_slot, err);
    return rc || *ret_slot ? rc : no_such(place.key, err);
}

static int put(struct patching *p, struct str pointer, struct jval value, struct err *err) {
    struct place place;
    int rc = find_place(p, pointer, &place, err);
    if (rc)
        return rc;
    struct open *o = place.parent;
    uint32_t at;
    if (!o) {
        p->root = value;
    } else if (!o->is_array) {
        bool there = find_member(o, place.key, &at);
        rc = there ? 0 : make_room(p, o, at, err);
        if (rc == 0)
            o->members[at] = (struct jmember){place.key, value};
    } else {
        at = o->n;
        if (!str_eq(place.key, S("-")))
            rc = read_index(place.key, o->n + 1, &at, err);
        if (rc == 0)
            rc = make_room(p, o, at, err);
        if (rc == 0)
            o->items[at] = value;
    }
    return rc;
}

static int take(struct patching *p, struct str pointer, struct jval *ret_value, struct err *err) {
    struct place place;
    int rc = find_place(p, pointer, &place, err);
    if (rc)
        return rc;
    struct open *o = place.parent;
    uint32_t at;
    if (!o)
        return err_set(err, ERR_INVALID, "the whole document cannot be removed");
    if (o->is_array)
        rc = read_index(place.key, o->n, &at, err);
    else if (!find_member(o, place.key, &at))
        rc = no_such(place.key, err);
    if (rc)
        return rc;
    *ret_value = o->is_array ? o->items[at] : o->members[at].value;
    return close_gap(p, o, at, err);
}

/* Values with open parts. */

static const struct jval *child_at(const struct jval *v, uint32_t i) {
    const struct open *o = as_open(v);
    if (o)
        return o->is_array ? &o->items[i] : &o->members[i].value;
    return v->kind == J_ARRAY ? &v->items[i] : &v->members[i].value;
}

static struct jval plain_head(const struct jval *v) {
    const struct open *o = as_open(v);
    if (!o)
        return *v;
    return o->is_array ? jval_array(o->items, o->n) : jval_object(o->members, o->n);
}

/* v may have open parts, b has none; b's depth, which came from text, bounds the recursion. */
static bool same(const struct jval *v, const struct jval *b) {
    struct jval a = plain_head(v);
    if ((a.kind != J_ARRAY && a.kind != J_OBJECT) || a.kind != b->kind)
        return jval_equal(&a, b);
    if (a.n != b->n)
        return false;
    for (uint32_t i = 0; i < a.n; i++) {
        if (a.kind == J_OBJECT && !str_eq(a.members[i].key, b->members[i].key))
            return false;
        if (!same(child_at(&a, i), child_at(b, i)))
            return false;
    }
    return true;
}

static int too_deep(struct err *err) {
    return err_set(err, ERR_TOO_LARGE, "the result is nested deeper than %u levels", JSON_DEPTH_MAX);
}

/* Adds about the number of JSON bytes of a value to p->copied_bytes. */
static int count_copy(struct patching *p, const struct jval *value, uint32_t depth, struct err *err) {
    struct jval v = plain_head(value);
    p->copied_bytes += v.kind == J_STRING ? v.n + 2 : v.kind == J_INT || v.kind == J_DOUBLE ? 8 : 4;
    if (p->copied_bytes > JSON_PATCH_COPY_BYTES_MAX)
        return err_set(err, ERR_TOO_LARGE, "copies add more than %u bytes", JSON_PATCH_COPY_BYTES_MAX);
    if (v.kind != J_ARRAY && v.kind != J_OBJECT)
        return 0;
    if (depth == JSON_DEPTH_MAX)
        return too_deep(err);
    for (uint32_t i = 0; i < v.n; i++) {
        if (v.kind == J_OBJECT)
            p->copied_bytes += v.members[i].key.n + 3;
        int rc = count_copy(p, child_at(&v, i), depth + 1, err);
        if (rc)
            return rc;
    }
    return 0;
}

/* A plain value that shares nothing open with `value`; its depth has been checked by count_copy. */
static struct jval copy_closed(struct arena *a, const struct jval *value) {
    const struct open *o = as_open(value);
    if (!o)
        return *value;
    if (o->is_array) {
        struct jval *items = arena_new_n(a, o->n, struct jval);
        for (uint32_t i = 0; i < o->n; i++)
            items[i] = copy_closed(a, &o->items[i]);
        return jval_array(items, o->n);
    }
    struct jmember *members = arena_new_n(a, o->n, struct jmember);
    for (uint32_t i = 0; i < o->n; i++)
        members[i] = (struct jmember){o->members[i].key, copy_closed(a, &o->members[i].value)};
    return jval_object(members, o->n);
}

/* Closes what is open, in place, and checks the depth of everything. */
static int close_all(struct jval *slot, uint32_t depth, struct err *err) {
    bool was_open = slot->kind == J_OPEN;
    *slot = plain_head(slot);
    if (slot->kind != J_ARRAY && slot->kind != J_OBJECT)
        return 0;
    if (depth == JSON_DEPTH_MAX)
        return too_deep(err);
    for (uint32_t i = 0; i < slot->n; i++) {
        const struct jval *child = child_at(slot, i);
        struct jval closed = *child;
        int rc = close_all(&closed, depth + 1, err);
        if (rc)
            return rc;
        if (was_open) /* the array is ours */
            *(struct jval *)(uintptr_t)child = closed;
    }
    return 0;
}

/* Operations. */

static int replace(struct patching *p, const struct json_patch_operation *op, struct err *err) {
    struct jval *slot;
    int rc = find_value(p, op->path, &slot, err);
    if (rc == 0)
        *slot = op->value;
    return rc;
}

static int copy(struct patching *p, const struct json_patch_operation *op, struct err *err) {
    struct jval *slot;
    int rc = find_value(p, op->from, &slot, err);
    if (rc == 0)
        rc = count_copy(p, slot, 0, err);
    return rc ? rc : put(p, op->path, copy_closed(p->arena, slot), err);
}

static int move(struct patching *p, const struct json_patch_operation *op, struct err *err) {
    struct jval value, *slot;
    if (str_eq(op->from, op->path))
        return find_value(p, op->from, &slot, err);
    int rc = take(p, op->from, &value, err);
    return rc ? rc : put(p, op->path, value, err);
}

static int test(struct patching *p, const struct json_patch_operation *op, struct err *err) {
    struct place place;
    int rc = find_place(p, op->path, &place, err);
    if (rc)
        return rc;
    struct jval *slot = &p->root;
    if (place.parent)
        rc = get_slot(place.parent, place.key, &slot, err);
    if (rc)
        return rc;
    struct jval null = jval_null();
    if (same(slot ? slot : &null, &op->value))
        return 0;
    return err_set(err, ERR_CONFLICT, "the value differs");
}

static int run(struct patching *p, const struct json_patch_operation *op, struct err *err) {
    struct jval removed;
    switch ((enum json_patch_verb)op->verb) {
    case JSON_PATCH_ADD: return put(p, op->path, op->value, err);
    case JSON_PATCH_REMOVE: return take(p, op->path, &removed, err);
    case JSON_PATCH_REPLACE: return replace(p, op, err);
    case JSON_PATCH_MOVE: return move(p, op, err);
    case JSON_PATCH_COPY: return copy(p, op, err);
    case JSON_PATCH_TEST: return test(p, op, err);
    }
    panic("JSON patch verb %d", op->verb);
}

int json_patch_apply(struct arena *a, const struct json_patch *patch, const struct jval *target,
                     struct jval *ret_result, struct err *err) {
    struct patching p = {.arena = a, .root = *target};
    int rc;
    for (uint32_t i = 0; i < patch->n; i++) {
        const struct json_patch_operation *op = &patch->v[i];
        rc = run(&p, op, err);
        if (rc) {
            (void)err_wrap(err, "operation %u (%s \"%.*s\")", i, verbs[op->verb].p,
                           STR_ARG(str_cut(op->path, 128)));
            return rc;
        }
    }
    rc = close_all(&p.root, 0, err);
    if (rc == 0)
        *ret_result = p.root;
    return rc;
}
