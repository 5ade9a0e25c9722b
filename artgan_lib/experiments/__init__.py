"""Long runs that use all of the rooms before: campaigns, searches, ablations, the enlarger of our own."""
