"""A federation of real devices: certificates and keys, the server's processes, and a device's own.

    operator's machine                                      device
    SuperLink (loopback) <- gate (the fleet path only)  <-  SuperNode  <-  worker  ->  client

The gate is all that others can reach. What runs on a device is this package as it is installed
there; the code that a SuperLink sends with a run is never opened.
"""
