/* scheduler/plugins/image_locality: nodes that have the pod's images. CONFORMS: scheduler.tsv ImageLocality.
 */
#include "scheduler/plugins/plugins.h"

#define MIB INT64_C(1048576)
#define SIZE_MIN (23 * MIB)
#define SIZE_MAX_PER_CONTAINER (1000 * MIB)

static enum code image_pre_score(const struct plugin *p, struct cycle *c) {
    (void)p;
    for (uint32_t i = 0; i < c->facts->n_images; i++)
        if (nodes_image(c->nodes, c->facts->images[i]))
            return CODE_SUCCESS;
    return CODE_SKIP;
}

static bool has_image(const struct core_node *n, struct str name) {
    const struct core_container_image_array *list = &n->status.images;
    for (uint32_t i = 0; i < list->n; i++)
        for (uint32_t j = 0; j < list->v[i].names.n; j++)
            if (str_eq(list->v[i].names.v[j], name))
                return true;
    return false;
}

static int64_t scaled_size(const struct cycle *c, const struct node_image *image) {
    double spread = (double)image->n_nodes / (double)(c->nodes->order.n ? c->nodes->order.n : 1);
    return (int64_t)((double)image->size_bytes * spread);
}

static int64_t score_of(const struct cycle *c, int64_t sum) {
    int64_t max = SIZE_MAX_PER_CONTAINER * (int64_t)(c->facts->n_containers ? c->facts->n_containers : 1);
    sum = sum < SIZE_MIN ? SIZE_MIN : sum > max ? max : sum;
    return SCORE_MAX * (sum - SIZE_MIN) / (max - SIZE_MIN);
}

static void image_score(const struct plugin *p, struct cycle *c, int64_t *ret_scores) {
    (void)p;
    for (uint32_t i = 0; i < c->n_feasible; i++) {
        int64_t sum = 0;
        for (uint32_t j = 0; j < c->facts->n_images; j++) {
            const struct node_image *image = nodes_image(c->nodes, c->facts->images[j]);
            if (image && has_image(c->feasible[i]->node, c->facts->images[j]))
                sum += scaled_size(c, image);
        }
        ret_scores[i] = score_of(c, sum);
    }
}

const struct plugin_ops plugin_image_locality = {
    .name = "ImageLocality", .weight = 1, .pre_score = image_pre_score, .score = image_score};
