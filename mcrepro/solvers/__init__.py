"""One file a method; the loop, the registry and shared algebra in the files with an underscore."""
