"""Processes that begin with assay imported: forked from one that has done so, which all tests share."""

import multiprocessing

server = multiprocessing.get_context("forkserver")
server.set_forkserver_preload(["assay.running.run", "assay.engines.reference"])  # before the first one starts
