/* The note of what was applied. See applied.h. */
#include "ctl/applied.h"

#include "ctl/object.h"

struct str applied_note(const struct jval *object) {
    return object_annotation(object, S(APPLIED_ANNOTATION));
}

/* CONFORMS: the annotations are there, if only empty, and a line ends the text. */
struct str applied_text(struct ctl *c, const struct jval *object) {
    const struct jval *annotations = jval_path(object, "metadata.annotations");
    static const struct jval empty = {.kind = J_OBJECT};
    bool none = !annotations || annotations->kind != J_OBJECT;
    struct jval without = jval_without(&c->arena, none ? &empty : annotations, S(APPLIED_ANNOTATION));
    struct jval plain = object_with(&c->arena, object, "metadata.annotations", without);
    return arena_printf(&c->arena, "%.*s\n", STR_ARG(object_json(&c->arena, &plain)));
}

struct jval applied_noted(struct ctl *c, const struct jval *object, struct str text) {
    return object_with_annotation(&c->arena, object, S(APPLIED_ANNOTATION),
                                  text.p ? text : applied_text(c, object));
}
