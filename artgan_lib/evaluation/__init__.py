"""What a generator is worth: features, distances between them, and what each number was measured with."""
