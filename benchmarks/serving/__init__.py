"""Contains the parts of the load benchmark: services, clients, pictures and measurements of processes."""
