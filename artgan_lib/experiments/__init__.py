"""Long runs that use all of the rooms before: searches and ablations."""
