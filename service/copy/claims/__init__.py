"""The readers of the claim ledger, one module for each kind of claim; the door is ``service.copy.ledger.check``."""
