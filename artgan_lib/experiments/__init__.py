"""Long runs that use all of the rooms before: campaigns, searches and ablations."""
