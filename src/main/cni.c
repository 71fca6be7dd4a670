/* coxswain-cni: the CNI plugin as a program of its own.
 *
 * The same as `coxswain cni`. A runtime starts it twice for every pod, and a small program starts in a tenth
 * of the time: it needs none of the libraries of the whole.
 */
#include "network/cni.h"

int main(int argc, char **argv) {
    return cni_main(argc, argv);
}
