#!/usr/bin/env python3
"""What a node promises, one function a behaviour (cases_….py), all on one cluster of one machine.

    private.sh test_node.py COXSWAIN [NAME…]     only cases whose names contain one of these
"""
import copy
import functools
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
import cases_life  # pylint: disable=wrong-import-position
import cases_security  # pylint: disable=wrong-import-position
import cases_streams  # pylint: disable=wrong-import-position
import cases_volumes  # pylint: disable=wrong-import-position
from onenode import cases_of, main  # pylint: disable=wrong-import-position

OURS = os.path.join(tempfile.mkdtemp(dir=os.environ.get('E2E_DIR')), 'kubectl')


def with_our_kubectl(case):
    """The same with the command line that comes with the cluster."""
    @functools.wraps(case)
    def ours(t):
        t.node = copy.copy(t.node)
        t.node.kubectl_path = OURS
        case(t)
    ours.__name__ = case.__name__ + '_ours'
    return ours


def ours_of(*modules):
    return [with_our_kubectl(c) for c in cases_of(*modules) if 'debug' not in c.__name__]


if __name__ == '__main__':
    os.symlink(os.path.realpath(sys.argv[1]), OURS)
    sys.exit(main(cases_of(cases_life, cases_streams, cases_volumes, cases_security) + ours_of(cases_streams), []))
