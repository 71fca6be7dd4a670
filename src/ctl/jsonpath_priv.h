/* ctl/jsonpath_priv: a parsed template, between the parser and what evaluates it. */
#pragma once

#include <stdint.h>

#include "ctl/jsonpath.h"

enum jp_kind {
    JP_FIELD,     /* .name */
    JP_EVERY,     /* [*], .* */
    JP_SLICE,     /* [1:2:3] */
    JP_RECURSIVE, /* .. */
    JP_FILTER,    /* [?(a == b)] */
    JP_UNION,     /* [a,b] */
    JP_LITERAL,   /* a value */
};

struct jp_list {
    struct jp_node *v;
    size_t n, cap;
};

struct jp_node {
    enum jp_kind kind;
    struct str name;       /* JP_FIELD */
    struct jval value;     /* JP_LITERAL */
    int64_t part[3];       /* JP_SLICE: start, end, step */
    bool has_end, single;  /* a single index */
    struct jp_list *parts; /* JP_UNION: n_parts; JP_FILTER: left, right */
    size_t n_parts;
    struct str op; /* JP_FILTER: "exists", "==", … */
};

/* A piece of the template. */
enum jp_action_kind { JP_TEXT, JP_PATH, JP_RANGE, JP_END };
struct jp_action {
    enum jp_action_kind kind;
    struct str text;
    struct jp_list path;
};

struct jsonpath {
    struct jp_action *v;
    size_t n, cap;
};
