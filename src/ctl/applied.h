/* ctl/applied: the annotation in which a client-side apply notes what was applied. First thread. */
#pragma once

#include "ctl/ctl.h"

#define APPLIED_ANNOTATION "kubectl.kubernetes.io/last-applied-configuration"

/* What would be noted of an object: itself as text, without the note. */
struct str applied_text(struct ctl *c, const struct jval *object);
/* The object with this note; text absent: with its own. */
struct jval applied_noted(struct ctl *c, const struct jval *object, struct str text);
/* The note, or absent. */
struct str applied_note(const struct jval *object);
