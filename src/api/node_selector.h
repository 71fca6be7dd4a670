/* api/node_selector: filters on nodes, by label and by name: node affinity, compiled once and matched against
 * many nodes.
 *
 * A selector is a list of terms of which one must match; a term is a list of requirements that must all hold.
 * An empty term matches nothing, and so does one that is malformed, while the others still count; what is
 * wrong with the first such term is kept. Matching allocates nothing.
 *
 * Compiled selectors live in an arena and borrow the strings of what they were made from. They never change:
 * any thread may match.
 */
#pragma once

#include "api/label_selector.h"

struct core_node_selector;
struct core_node_selector_term;
struct core_preferred_scheduling_term_array;

/* Whether the name of a node is, or is not, this one: the only field there is to select by. */
struct node_name_requirement {
    struct str name;
    bool is_not;
};

struct node_selector_term {
    struct label_selector labels;
    const struct node_name_requirement *names;
    uint32_t n_names;
    int32_t weight; /* of preferred terms */
};

struct node_selector {
    const struct node_selector_term *v; /* well-formed, not empty */
    uint32_t n;
    struct str problem; /* of the first malformed term; absent when there is none */
};

/* NULL gives a selector without terms, which matches no node. CONFORMS: nodeaffinity.NewLazyErrorNodeSelector
 */
void node_selector_compile(struct arena *a, const struct core_node_selector *from, struct node_selector *ret);

/* Preferred terms; those that are empty or weigh nothing are left out. */
void node_selector_compile_preferred(struct arena *a, const struct core_preferred_scheduling_term_array *from,
                                     struct node_selector *ret);

bool node_selector_matches(const struct node_selector *s, struct str_map labels, struct str name);

/* The sum of the weights of the terms that match. */
int64_t node_selector_score(const struct node_selector *s, struct str_map labels, struct str name);
