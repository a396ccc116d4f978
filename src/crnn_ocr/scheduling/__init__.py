"""Who may compute next: tickets of requests, the policy between them, and the threads that carry it out."""
