"""Long runs that use all of the rooms before: what they try, how they are gone on with, what they have found."""
