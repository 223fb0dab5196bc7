"""Running a study: planning, estimating, driving, continuing and extending it."""
