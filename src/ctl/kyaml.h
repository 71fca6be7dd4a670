/* ctl/kyaml: KYAML: YAML in flow style, with braces and quotes, so that nothing is ambiguous. Any thread. */
#pragma once

#include "codec/jval.h"

struct buf;

/* Appends a document, with a line end. */
void kyaml_write(struct buf *out, const struct jval *v);
