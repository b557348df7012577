"""Copy that sells and cannot lie: the claim ledger, the composer, generation and what reviews say."""
