"""Study definitions: settings, factors, arms and claims."""
