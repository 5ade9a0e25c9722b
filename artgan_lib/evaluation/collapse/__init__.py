"""Mode collapse: signals of variety, the rule that reads them, and what watches a run."""
