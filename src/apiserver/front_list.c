/* Lists over HTTP: what list_run chose, in the form that was asked for. */
#include "api/status.h"
#include "apiserver/front_priv.h"
#include "apiserver/list.h"
#include "apiserver/respond.h"

void front_list(struct front_call *f) {
    struct list_result l;
    struct status *failure = NULL;
    if (list_run(&f->call, &l, &failure) < 0)
        respond_status(f, failure);
    else
        respond_list(f, &l);
}
