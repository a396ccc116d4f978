"""Model packs: manifests, the registry, verification, preparation of graphs."""
