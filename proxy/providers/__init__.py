"""The upstreams' wire formats, one module a wire. No I/O."""
