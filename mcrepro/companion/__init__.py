"""The executable book: run its notebooks, build and check its site.

Notebooks use only :mod:`mcrepro.companion.page`; everything else here works for the build.
"""
