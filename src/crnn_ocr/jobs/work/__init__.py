"""Works on the tasks of jobs: plans, reads, assembles, and watches over those who do."""
