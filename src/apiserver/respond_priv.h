/* What the files of respond share. */
#pragma once

#include "apiserver/respond.h"

#define RESPOND_PARTIAL_HEAD_TEXT                                                                            \
    "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\"metadata\":"
#define RESPOND_PARTIAL_HEAD S(RESPOND_PARTIAL_HEAD_TEXT)

/* Compact JSON, which becomes what is accepted: indented, or YAML. Takes the text over. */
void respond_json(struct front_call *f, int code, struct buf *text);
void respond_buf(struct front_call *f, int code, struct str type, const struct http_header *more,
                 size_t n_more, struct buf *out);

/* Whether a person reads: indent. */
bool respond_for_people(struct front_call *f);

/* A table of one object. */
void respond_table(struct front_call *f, int code, const struct kind *kind, const struct object *o);
/* A whole table. */
void respond_table_list(struct front_call *f, const struct list_result *l);

/* Appends the JSON members of a list's metadata: {"resourceVersion":…}. */
void respond_list_meta(struct buf *out, const struct list_result *l);
