#!/usr/bin/env python3
"""What a node promises, one function a behaviour (cases_….py), all on one cluster of one machine.

    private.sh test_node.py COXSWAIN [NAME…]     only cases whose names contain one of these
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
import cases_life  # pylint: disable=wrong-import-position
import cases_streams  # pylint: disable=wrong-import-position
from onenode import cases_of, main  # pylint: disable=wrong-import-position

if __name__ == '__main__':
    sys.exit(main(cases_of(cases_life, cases_streams), []))
