"""Parts of the load benchmark: services in processes of their own, clients, pictures, what processes use."""
